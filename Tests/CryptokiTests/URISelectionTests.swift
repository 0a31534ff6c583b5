import Testing
import TokencertPlatform

@testable import Cryptoki

/// Selecting by a URI, and printing it.
@Suite struct URISelectionTests {
    private func uri(_ text: String) throws -> PKCS11URI { try PKCS11URI(parsing: text) }

    private func text(_ secret: borrowing Secret) -> String {
        secret.withBytes { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
    }

    @Test(
        "A module is known by its name, its file name or its path, before it is initialised",
        arguments: [
            ("pkcs11:token=a", true), ("pkcs11:?module-name=soft", true),
            ("pkcs11:?module-name=softhsm2", true), ("pkcs11:?module-name=libsofthsm2", true),
            ("pkcs11:?module-name=libsofthsm2.so", false), ("pkcs11:?module-name=SoftHSM2", false),
            ("pkcs11:?module-name=hsm2", false),
            ("pkcs11:?module-path=/lib/libsofthsm2.so.2", true),
            ("pkcs11:?module-path=/lib/libsofthsm2.so", false),
            ("pkcs11:?module-path=/lib/libsofthsm2.so.2&module-name=other", false),
        ])
    func modules(text: String, matches: Bool) throws {
        #expect(try uri(text).matches(modulePath: "/lib/libsofthsm2.so.2", name: "soft") == matches)
        // A module that p11-kit runs in another program has a name only.
        #expect(try uri("pkcs11:?module-name=far").matches(modulePath: "far", name: "far"))
    }

    // Otherwise the program would ask for a token that was named, or use any token of a model.
    @Test("Each attribute is recognised as part of a token, a place or an object")
    func meaning() throws {
        let cases: [(String, token: Bool, place: Bool, object: Bool)] = [
            ("pkcs11:", false, false, false), ("pkcs11:token=a", true, true, false),
            ("pkcs11:serial=1", true, true, false), ("pkcs11:model=a", true, false, false),
            ("pkcs11:manufacturer=a", true, false, false),
            ("pkcs11:model=a;manufacturer=b", true, false, false),
            ("pkcs11:slot-id=0", false, true, false),
            ("pkcs11:slot-description=a", false, true, false),
            ("pkcs11:?module-path=/x.so", false, true, false),
            ("pkcs11:?module-name=x", false, true, false),
            ("pkcs11:?pin-source=/x", false, false, false),
            ("pkcs11:?pin-value=1234", false, false, false),
            ("pkcs11:object=a", false, false, true), ("pkcs11:id=%01", false, false, true),
            ("pkcs11:type=private", false, false, true),
        ]
        for one in cases {
            let uri = try uri(one.0)
            #expect(uri.namesToken == one.token, "\(one.0)")
            #expect(uri.namesPlace == one.place, "\(one.0)")
            #expect(uri.namesObject == one.object, "\(one.0)")
        }
    }

    @Test("Values are decoded byte for byte, with digits in either case")
    func decoding() throws {
        let id = try uri("pkcs11:id=%00%0a%0A%fF%7E~a").objectAttributes[.id]
        #expect(id == [0, 10, 10, 255, 0x7E, 0x7E, 0x61])
        #expect(try uri("pkcs11:object=%C3%BC").objectAttributes[.label] == "ü")
        // An escaped separator is part of the value, and an escaped percent sign is decoded once.
        #expect(try uri("pkcs11:token=a%3Bb%3D%2541").tokenLabel == "a;b=%41")
        #expect(try uri("pkcs11:?module-path=/a%26b%3Fc").modulePath == "/a&b?c")
        #expect(try uri("pkcs11:object=a=b").objectAttributes[.label] == "a=b")
        #expect(try uri("pkcs11:?pin-source=|cat%20/x").pinSource == "|cat /x")
        #expect(try uri("pkcs11:token=a?pin-source=a?b").pinSource == "a?b")
    }

    @Test("The types of RFC 7512 map to the object classes of PKCS#11")
    func types() throws {
        let types: [(String, ObjectClass)] = [
            ("cert", .certificate), ("public", .publicKey), ("private", .privateKey),
            ("secret-key", .secretKey), ("data", .data),
        ]
        for (name, objectClass) in types {
            let uri = try uri("pkcs11:type=\(name)")
            #expect(uri.objectAttributes[.class] == objectClass)
            #expect(uri.description == "pkcs11:type=\(name)")
        }
    }

    // The sizes are those of CK_INFO, CK_SLOT_INFO and CK_TOKEN_INFO.
    @Test("A value may have as many bytes as its field, and no more")
    func sizes() throws {
        let fields: [(String, Int)] = [
            ("token", 32), ("manufacturer", 32), ("model", 16), ("serial", 16),
            ("library-manufacturer", 32), ("library-description", 32), ("slot-description", 64),
            ("slot-manufacturer", 32),
        ]
        for (name, size) in fields {
            for (unit, length) in [("a", 1), ("%41", 1), ("ü", 2), ("%C3%BC", 2)] {
                let full = String(repeating: unit, count: size / length)
                #expect(throws: Never.self, "\(name)") { _ = try uri("pkcs11:\(name)=\(full)") }
                let error = #expect(throws: CryptokiError.self, "\(name)") {
                    _ = try uri("pkcs11:\(name)=\(full)a")
                }
                #expect(error?.context.contains("more than \(size) bytes") == true, "\(name)")
            }
        }
        // Neither a label nor an id of an object has a limit.
        let long = String(repeating: "a", count: 5000)
        #expect(try uri("pkcs11:object=\(long)").objectAttributes[.label] == long)
        #expect(try uri("pkcs11:id=\(long)").objectAttributes[.id]?.count == 5000)
    }

    @Test("Slot and version numbers are limited to the range of their type")
    func numbers() throws {
        for text in [
            "pkcs11:slot-id=0", "pkcs11:slot-id=9223372036854775807", "pkcs11:slot-id=007",
            "pkcs11:library-version=0", "pkcs11:library-version=0.0",
            "pkcs11:library-version=254.254",
        ] {
            #expect(throws: Never.self, "\(text)") { _ = try uri(text) }
        }
        for text in [
            "pkcs11:slot-id=9223372036854775808", "pkcs11:slot-id=1%00", "pkcs11:slot-id=%20",
            "pkcs11:slot-id=1a", "pkcs11:slot-id=1.0", "pkcs11:slot-id=\u{0661}",
            "pkcs11:library-version=256.0", "pkcs11:library-version=1.256",
            "pkcs11:library-version=.", "pkcs11:library-version=.1", "pkcs11:library-version=1..2",
            "pkcs11:library-version=-1", "pkcs11:library-version=a.b",
        ] {
            let error = #expect(throws: CryptokiError.self, "\(text)") { _ = try uri(text) }
            #expect(error?.code == .invalidURI)
        }
        #expect(try uri("pkcs11:slot-id=0").namesSlotID)
        #expect(try !uri("pkcs11:token=a").namesSlotID)
    }

    // Otherwise a program that reads the output would get another token or object.
    @Test("A printed URI is read back as the same URI")
    func printing() throws {
        let label = AttributeKey<String>.label.type
        for text in [
            "pkcs11:", "pkcs11:token=work", "pkcs11:token=a%3Bb;serial=%20;id=%00%FF",
            "pkcs11:object=%25%3B%3D%3F%26%23;type=private", "pkcs11:token=a?module-path=/a%26b",
            "pkcs11:slot-id=42;token=x", "pkcs11:library-version=2.40;library-description=x",
            "pkcs11:slot-description=a%20b;slot-manufacturer=c", "pkcs11:model=IBM%00%00",
            "pkcs11:token=a?pin-source=%7Ccat&module-name=x", "PKCS11:token=work",
            "pkcs11:object=%4D%FC",
        ] {
            let one = try uri(text)
            let two = try uri(one.description)
            #expect(two == one && two.description == one.description, "\(text)")
            for type in [
                label, AttributeKey<[UInt8]>.id.type, AttributeKey<ObjectClass>.class.type,
            ] {
                let bytes = one.objectAttributes.bytes(of: type)
                #expect(two.objectAttributes.bytes(of: type) == bytes, "\(text), \(type)")
            }
            #expect(two.tokenLabel == one.tokenLabel && two.serialNumber == one.serialNumber)
            #expect(two.pinSource == one.pinSource && two.modulePath == one.modulePath)
            #expect(two.namesSlotID == one.namesSlotID && two.moduleName == one.moduleName)
        }
        #expect(try uri("pkcs11:token=a") != uri("pkcs11:token=b"))
        #expect(try uri("pkcs11:token=a") != uri("pkcs11:"))
    }

    @Test("URIs are equal regardless of the order of their attributes")
    func order() throws {
        #expect(try uri("pkcs11:token=a;serial=1") == uri("pkcs11:serial=1;token=a"))
        let one = try uri("pkcs11:token=a?module-name=x&pin-source=/y")
        #expect(try one == uri("pkcs11:token=a?pin-source=/y&module-name=x"))
    }

    // MARK: PINs

    @Test("A PIN is decoded and can be read repeatedly from each copy of the URI")
    func pins() throws {
        let uri = try uri("pkcs11:token=a?pin-value=%31%26%3D%C3%BC")
        let copy = uri
        for one in [uri, copy, uri] {
            guard let pin = one.pinValue() else {
                Issue.record("no PIN")
                return
            }
            #expect(text(pin) == "1&=ü")
        }
        #expect(uri.holdsPIN && copy.holdsPIN)
        let none = try self.uri("pkcs11:token=a?pin-source=/x")
        #expect(!none.holdsPIN && none.pinSource == "/x")
    }

    // Otherwise a PIN would be shown on the screen and stored in the ledger.
    @Test("A PIN is not compared, printed or copied to the URI of an object")
    func hiddenPINs() throws {
        let withPIN = try uri("pkcs11:token=a?pin-value=31415926")
        #expect(try withPIN == uri("pkcs11:token=a"))
        #expect(withPIN.description == "pkcs11:token=a")
        #expect(!"\(withPIN)".contains("31415926"))
        let object = PKCS11URI(token: withPIN, objectWith: Template())
        #expect(!object.holdsPIN && object == withPIN)
    }

    // MARK: Objects

    private func attributes(
        label: String? = nil, id: [UInt8]? = nil, class: ObjectClass? = nil
    ) -> Attributes {
        var values: [AttributeType: [UInt8]] = [:]
        values[AttributeKey<String>.label.type] = label.map { Array($0.utf8) }
        values[AttributeKey<[UInt8]>.id.type] = id
        values[AttributeKey<ObjectClass>.class.type] = `class`?.attributeBytes
        return Attributes(values: values)
    }

    // Otherwise another object could be deleted.
    @Test("An object matches if its attributes equal those in the URI byte for byte")
    func matching() throws {
        let object = attributes(label: "mail", id: [1], class: .certificate)
        for text in [
            "pkcs11:", "pkcs11:object=mail", "pkcs11:id=%01", "pkcs11:type=cert",
            "pkcs11:object=mail;id=%01;type=cert", "pkcs11:token=other;object=mail",
        ] {
            #expect(try uri(text).matches(objectWith: object), "\(text)")
        }
        for text in [
            "pkcs11:object=Mail", "pkcs11:object=mai", "pkcs11:object=mail%20",
            "pkcs11:object=mail%00", "pkcs11:id=%01%00", "pkcs11:id=1", "pkcs11:type=public",
            "pkcs11:object=mail;id=%02", "pkcs11:id=%01;type=data",
        ] {
            #expect(try !uri(text).matches(objectWith: object), "\(text)")
        }
        // An absent attribute matches no value.
        #expect(try !uri("pkcs11:object=mail").matches(objectWith: attributes(id: [1])))
        #expect(try !uri("pkcs11:id=%01").matches(objectWith: attributes(label: "mail", id: [])))
        #expect(try uri("pkcs11:").matches(objectWith: Attributes()))
    }

    @Test("The URI of an object replaces the object attributes of the token's URI")
    func replacing() throws {
        let token = try uri("pkcs11:token=work;object=old;id=%09;type=data")
        var named = Template()
        named[.label] = "new"
        let object = PKCS11URI(token: token, objectWith: named)
        #expect(object.objectAttributes == named && object.tokenLabel == "work")
        // The token's URI is unchanged.
        #expect(token.objectAttributes[.label] == "old")
        // An empty id is left out: it would match nothing, or everything.
        named[.id] = []
        #expect(PKCS11URI(token: token, objectWith: named).description == object.description)
    }
}
