import Cryptoki
import Foundation
import OpenSSLX509
import Testing
import TokencertPlatform
import TokencertTestSupport
import TokencertTokens

extension RealParts {
    @Suite struct TokenInventoryTests {
        /// Otherwise the halves of a key are listed separately or with the wrong key.
        @Test("The halves of a key are shown as one key")
        func pairing() throws {
            let store = try ThrowawayToken()
            unsafe setenv("SOFTHSM2_CONF", store.folder.file("softhsm2.conf"), 1)
            // Two pairs with the same id, and one without its public half.
            for (id, label) in [("01", "a"), ("01", "b"), ("03", "c")] {
                try store.pkcs11Tool([
                    "--keypairgen", "--key-type", "EC:prime256v1", "--id", id, "--label", label,
                ])
            }
            try store.pkcs11Tool(["--delete-object", "--type", "pubkey", "--id", "03"])
            let module = try Module.load(path: softHSMModule)
            let token = try selectToken([.name("work")], in: [module])
            let pin = Secret(copying: Array(store.pin.utf8))
            let inventory = try token.withLogin(as: .user, pin: pin) {
                var session = try token.openSession(ReadOnly.self)
                return try TokenInventory(&session)
            }
            #expect(inventory.keys.map(\.label) == ["a", "b", "c"])
            #expect(inventory.keys.map { $0.publicKey != nil } == [true, true, false])
            #expect(inventory.keys.map { $0.privateKey != nil } == [true, true, true])
            #expect(inventory.keys[0].privateKey?.label == inventory.keys[0].publicKey?.label)
            #expect(inventory.otherObjects == 0)
            var session = try token.openSession(ReadOnly.self)
            let publicOnly = try TokenInventory(&session)
            #expect(publicOnly.keys.map(\.label) == ["a", "b"])
            #expect(publicOnly.keys.allSatisfy { $0.privateKey == nil })
        }

        // Many objects are decoded in parts, beside the reading.
        @Test("Every one of many objects is listed once, in the order of the labels")
        func manyObjects() throws {
            let store = try ThrowawayToken()
            unsafe setenv("SOFTHSM2_CONF", store.folder.file("softhsm2.conf"), 1)
            let module = try Module.load(path: softHSMModule)
            let token = try selectToken([.name("work")], in: [module])
            let labels = (0..<450).map { "object \(1000 + $0)" }
            try token.withLogin(as: .user, pin: Secret(copying: Array(store.pin.utf8))) {
                var session = try token.openSession(ReadWrite.self)
                for (index, label) in labels.shuffled().enumerated() {
                    var object = Template()
                    object[.class] = .certificate
                    object[.certificateType] = .x509
                    object[.token] = true
                    object[.subject] = [0x30, 0x00]
                    object[.value] = Array("not DER \(index)".utf8)
                    object[.label] = label
                    _ = try session.createObject(object)
                }
            }
            var session = try token.openSession(ReadOnly.self)
            let inventory = try TokenInventory(&session)
            #expect(inventory.certificates.map(\.record.label) == labels)
            #expect(inventory.certificates.allSatisfy { $0.obstacle == .malformed })
            #expect(inventory.keys.isEmpty && inventory.otherObjects == 0)
        }
    }
}
