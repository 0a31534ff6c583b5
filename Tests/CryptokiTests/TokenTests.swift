import Cryptoki
import Foundation
import Testing
import TokencertPlatform
import TokencertTestSupport

/// SoftHSM2 reads its configuration when it is initialised, so these tests, which use it in this
/// process, share one token store at a time.
extension RealParts {
    @Suite struct TokenTests {
        private let store: ThrowawayToken

        init() throws {
            store = try ThrowawayToken()
            unsafe setenv("SOFTHSM2_CONF", store.folder.file("softhsm2.conf"), 1)
        }

        private func withToken<Result>(_ body: (Token) throws -> Result) throws -> Result {
            let module = try Module.load(path: softHSMModule)
            let token = try #require(
                try module.slots(tokenPresent: true).map { try $0.token() }
                    .first { $0.info.label == "work" })
            return try body(token)
        }

        private func pair(_ id: [UInt8], label: String = "pair") -> KeyPairRequest {
            var publicKey = Template()
            publicKey[.token] = true
            publicKey[.ecParams] = [6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]
            publicKey[.id] = id
            publicKey[.label] = label
            var privateKey = Template()
            privateKey[.token] = true
            privateKey[.private] = true
            privateKey[.sensitive] = true
            privateKey[.sign] = true
            privateKey[.id] = id
            privateKey[.label] = label
            return KeyPairRequest(publicKey: publicKey, privateKey: privateKey)
        }

        @Test("A module is initialised once and can be loaded again after its release")
        func moduleLife() throws {
            for _ in 0..<3 {
                let first = try Module.load(path: softHSMModule)
                let second = try Module.load(path: softHSMModule)
                #expect(first === second)
                #expect(first.info.manufacturer == "SoftHSM")
                #expect(try first.slots(tokenPresent: true).count == 2)
            }
            #expect(throws: CryptokiError.self) { _ = try Module.load(path: "/nonexistent.so") }
        }

        @Test("Token and mechanism information is read correctly")
        func tokenInfo() throws {
            try withToken { token in
                #expect(token.info.model == "SoftHSM v2")
                #expect(
                    token.info.flags.contains([
                        .tokenInitialized, .userPINInitialized, .loginRequired,
                    ]))
                #expect(!token.info.flags.contains(.userPINCountLow))
                #expect(token.info.pinLengths == 4...255)
                let mechanisms = try token.mechanisms()
                #expect(mechanisms.contains(.rsaPKCSKeyPairGen))
                let sizes = try token.mechanismInfo(.rsaPKCSKeyPairGen)
                #expect(sizes.keySizes?.contains(3072) == true)
                #expect(sizes.generatesKeyPairs)
            }
        }

        @Test("A wrong PIN is recognised, and a login ends with its closure")
        func login() throws {
            try withToken { token in
                #expect(throws: CryptokiError.self) {
                    try token.withLogin(as: .user, pin: Secret(copying: Array("wrong".utf8))) {}
                }
                do {
                    try token.withLogin(as: .user, pin: Secret(copying: Array("wrong".utf8))) {}
                } catch ReturnValue.pinIncorrect {
                    // The return value matches the error.
                }
                #expect(try token.refreshed().info.flags.contains(.userPINCountLow))
                let pin = Secret(copying: Array(store.pin.utf8))
                let nested = try token.withLogin(as: .user, pin: pin) {
                    // The user is already logged in: no second login and no logout.
                    try token.withLogin(as: .user, pin: pin) {}
                    var session = try token.openSession(ReadWrite.self)
                    return try session.generateKeyPair(pair([1]), Mechanism(.ecKeyPairGen))
                }
                #expect(nested.privateKey != nested.publicKey)
                var session = try token.openSession(ReadOnly.self)
                var template = Template()
                template[.class] = .privateKey
                #expect(try session.findObjects(template).isEmpty)
                try session.close()
            }
        }

        @Test("Long values are read whole, and missing ones are absent")
        func attributes() throws {
            try withToken { token in
                let pin = Secret(copying: Array(store.pin.utf8))
                try token.withLogin(as: .user, pin: pin) {
                    var session = try token.openSession(ReadWrite.self)
                    let label = String(repeating: "ü漢", count: 2000)
                    let keys = try session.generateKeyPair(
                        pair([2, 0, 2], label: label), Mechanism(.ecKeyPairGen))
                    let read = try session.attributes(
                        of: keys.privateKey,
                        [
                            AttributeKey.label.type, AttributeKey.id.type,
                            AttributeKey.modulus.type,
                            AttributeKey.sensitive.type, AttributeKey.value.type,
                            AttributeKey.keyType.type, AttributeKey.subject.type,
                        ])
                    #expect(read[.label] == label)
                    #expect(read[.id] == [2, 0, 2])
                    #expect(read[.modulus] == nil)
                    #expect(read[.value] == nil)
                    #expect(read[.sensitive] == true)
                    #expect(read[.keyType] == .ec)
                    var change = Template()
                    change[.label] = "new"
                    try session.setAttributes(of: keys.publicKey, to: change)
                    let changed = try session.attributes(
                        of: keys.publicKey, [AttributeKey.label.type])
                    #expect(changed[.label] == "new")
                    try session.destroyObject(keys.privateKey)
                    try session.destroyObject(keys.publicKey)
                    #expect(try session.findObjects().isEmpty)
                }
            }
        }

        @Test("A search returns more objects than one call can hold")
        func manyObjects() throws {
            try withToken { token in
                let pin = Secret(copying: Array(store.pin.utf8))
                try token.withLogin(as: .user, pin: pin) {
                    var session = try token.openSession(ReadWrite.self)
                    for index in 0..<600 {
                        var data = Template()
                        data[.class] = .data
                        data[.token] = false
                        data[.label] = "object \(index)"
                        _ = try session.createObject(data)
                    }
                    var wanted = Template()
                    wanted[.class] = .data
                    #expect(try session.findObjects(wanted).count == 600)
                    wanted[.label] = "object 599"
                    #expect(try session.findObjects(wanted).count == 1)
                }
            }
        }

        @Test("A failed call throws an error that names the function and the return value")
        func errors() throws {
            try withToken { token in
                var session = try token.openSession(ReadWrite.self)
                let error = #expect(throws: CryptokiError.self) {
                    _ = try session.generateKeyPair(pair([1]), Mechanism(.ecKeyPairGen))
                }
                #expect(error?.returnValue == .userNotLoggedIn)
                #expect(error?.function == "C_GenerateKeyPair")
                #expect(error?.description.contains("CKR_USER_NOT_LOGGED_IN") == true)
                #expect(throws: CryptokiError.self) {
                    try session.setAttributes(of: ObjectHandle(rawValue: 99), to: Template())
                }
            }
            #expect("\(AttributeKey.label.type)" == "CKA_LABEL")
            #expect("\(MechanismType.ecdsa)" == "CKM_ECDSA")
            #expect("\(ReturnValue(rawValue: 0x8000_0042))" == "CKR_VENDOR_DEFINED 0x80000042")
            #expect("\(ReturnValue(rawValue: 0x7777))" == "CKR 0x7777")
        }
    }
}
