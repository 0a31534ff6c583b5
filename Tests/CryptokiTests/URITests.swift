import Cryptoki
import Testing
import TokencertPlatform

@Suite struct URITests {
    @Test("Every attribute of RFC 7512 is read")
    func parsing() throws {
        let uri = try PKCS11URI(
            parsing: """
                pkcs11:token=The%20Software%20token;manufacturer=Snake%20Oil,%20Inc.;object=my-cert;\
                type=cert;id=%01%AB?pin-source=file:/etc/token_pin&module-path=/usr/lib/x.so\
                &module-name=x
                """)
        #expect(uri.tokenLabel == "The Software token")
        #expect(uri.objectAttributes[.label] == "my-cert")
        #expect(uri.objectAttributes[.id] == [1, 0xAB])
        #expect(uri.objectAttributes[.class] == .certificate)
        #expect(uri.pinSource == "file:/etc/token_pin")
        #expect(uri.modulePath == "/usr/lib/x.so")
        #expect(uri.moduleName == "x")
        #expect(uri.namesObject)
        #expect(uri.namesToken)
        #expect(try PKCS11URI(parsing: uri.description) == uri)
        for text in [
            "pkcs11:", "PKCS11:token=a", "pkcs11:library-manufacturer=a;library-description=b",
            "pkcs11:library-version=2.40", "pkcs11:library-version=3", "pkcs11:slot-id=327",
            "pkcs11:slot-description=a;slot-manufacturer=b", "pkcs11:?module-name=x",
            "pkcs11:object=Müller", "pkcs11:object=a&b", "pkcs11:object=M%FCller", "pkcs11:id=%00",
            "pkcs11:model=a?pin-value=1234", "pkcs11:model=IBM%00%00%00;token=a%00b",
        ] {
            #expect(throws: Never.self, "\(text)") { _ = try PKCS11URI(parsing: text) }
        }
        #expect(try PKCS11URI(parsing: "pkcs11:object=Müller").objectAttributes[.label] == "Müller")
        #expect(
            try PKCS11URI(parsing: "pkcs11:object=a&b").objectAttributes[.label] == "a&b")
    }

    // Otherwise the printed URI would match every token of the model.
    @Test("A blank field of a token is printed as a space")
    func blankField() throws {
        for text in ["pkcs11:token=%20", "pkcs11:model=a;serial=%20;token=%20;id=%01"] {
            let printed = try PKCS11URI(parsing: text).description
            #expect(printed.contains("token=%20"), "\(printed)")
            #expect(printed.contains("serial=%20") == text.contains("serial"), "\(printed)")
            #expect(try PKCS11URI(parsing: printed).description == printed)
        }
    }

    // Otherwise a PIN would be visible on the screen and in logs.
    @Test("A PIN in a URI is stored separately and never printed")
    func pinValue() throws {
        let uri = try PKCS11URI(parsing: "pkcs11:token=a?pin-value=12%3334")
        #expect(uri.holdsPIN)
        #expect(!uri.description.contains("12"))
        guard let pin = uri.pinValue() else {
            Issue.record("no PIN")
            return
        }
        let text = pin.withBytes { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
        #expect(text == "12334")
    }

    // p11-kit would select more for each of these, so another token or object could be used.
    @Test(
        "An invalid or ambiguous part of a URI is an error that names its position",
        arguments: [
            ("", nil), ("token=a", nil), ("http://x", nil), ("pkcs11", nil),
            ("pkcs11:object=mail?type=cert", 20), ("pkcs11:token=work?serial=0000", 19),
            ("pkcs11:?token=other", 9), ("pkcs11:token=work?model=Other", 19),
            ("pkcs11:?slot-id=1", 9), ("pkcs11:?library-version=1", 9),
            ("pkcs11:object=mail;;type=cert", 20), ("pkcs11:;object=mail", 8),
            ("pkcs11:object=mail;", 20), ("pkcs11:token=a?", 15), ("pkcs11:a?&", 8),
            ("pkcs11:token=a?module-name=x&&module-path=y", 30),
            ("pkcs11:token=a?module-name=x&", 30),
            ("pkcs11:object=my key;type=cert", 17), (" pkcs11:token=a", 1),
            ("pkcs11:token=a\n", 15), ("pkcs11:to\tken=a", 10), ("pkcs11:object=a\u{A0}b", 16),
            ("pkcs11:object=a\u{200B}b", 16), ("pkcs11:token=a;token=b", 16),
            ("pkcs11:id=%01;id=%02", 15), ("pkcs11:object=a;object=a", 17),
            ("pkcs11:token=a?module-path=/x&module-path=/y", 31),
            ("pkcs11:token=", 13), ("pkcs11:serial=;token=a", 14), ("pkcs11:slot-id=", 15),
            ("pkcs11:object=", 14), ("pkcs11:id=;object=a", 10), ("pkcs11:token=a?pin-source=", 26),
            ("pkcs11:slot-id=-1", 16), ("pkcs11:slot-id=+1", 16), ("pkcs11:slot-id=0x1", 16),
            ("pkcs11:slot-id=99999999999999999999999999", 16),
            ("pkcs11:slot-id=18446744073709551615", 16),
            ("pkcs11:library-version=1.2.3", 24), ("pkcs11:library-version=256", 24),
            ("pkcs11:library-version=1.", 24), ("pkcs11:type=certificate", 13),
            ("pkcs11:type=CERT", 13), ("pkcs11:unheard-of=b", 8), ("pkcs11:Token=a", 8),
            ("pkcs11:object-type=cert", 8), ("pkcs11:objecttype=cert", 8), ("pkcs11:pinfile=/x", 8),
            ("pkcs11:token", 8), ("pkcs11:%zz", 8), ("pkcs11:object=a%2", 16),
            ("pkcs11:object=%g1", 15), ("pkcs11:object=a%", 16), ("pkcs11:token=a#b", 15),
            ("pkcs11:token=a?pin-source=x;type=cert", 28), ("pkcs11:pin-value=1234", 8),
            ("pkcs11:module-path=/x", 8), ("pkcs11:token=a?x-vendor=1", 16),
            ("pkcs11:token=%00b", 14), ("pkcs11:?module-name=a%00b", 21),
            ("pkcs11:token=\(String(repeating: "a", count: 33))", 14),
            ("pkcs11:model=12345678901234567", 14), ("pkcs11:serial=12345678901234567", 15),
        ] as [(String, Int?)])
    func uncertain(text: String, character: Int?) {
        let error = #expect(throws: CryptokiError.self, "\(text)") {
            _ = try PKCS11URI(parsing: text)
        }
        #expect(error?.code == .invalidURI)
        if let character {
            #expect(
                error?.context.hasSuffix("(character \(character))") == true,
                "\(text): \(error?.context ?? "")")
        }
    }

    // Otherwise a PIN would appear on the screen and in logs.
    @Test(
        "An error about a URI contains none of its values",
        arguments: [
            "pkcs11:token=a?pin-value=31415926&", "pkcs11:token=a?pin-vlaue=31415926",
            "pkcs11:token=a;31415926", "pkcs11:31415926=a", "pkcs11:token=a?pin-value=31415926;x",
            "pkcs11:token=a?pin-value=31415926&pin-source=/x", "31415926",
            "pkcs11:token=a?pin-value=31415926%g1",
        ])
    func silent(text: String) {
        let error = #expect(throws: CryptokiError.self) { _ = try PKCS11URI(parsing: text) }
        #expect(error?.description.contains("31415926") == false)
    }

    @Test("Common mistakes are explained")
    func explained() {
        for (text, words) in [
            ("pkcs11:object=mail?type=cert", "must come before the \"?\""),
            ("pkcs11:object=my key", "%20"),
            ("pkcs11:module-path=/x", "must come after the \"?\""),
            ("pkcs11:token=a;token=b", "occurs twice"),
            ("pkcs11:token=", "has no value"),
            ("pkcs11:token=a?module-path=/a%AB.so", "is not UTF-8"),
            ("pkcs11:token=a?pin-source=file:/%FF", "is not UTF-8"),
        ] {
            let error = #expect(throws: CryptokiError.self) { _ = try PKCS11URI(parsing: text) }
            #expect(error?.context.contains(words) == true, "\(error?.context ?? "")")
        }
    }

    @Test("An object's URI contains its label, id and class byte for byte")
    func objects() throws {
        let token = try PKCS11URI(parsing: "pkcs11:token=work;serial=12")
        let labelKey = AttributeKey<[UInt8]>(rawValue: AttributeKey<String>.label.type.rawValue)
        for label in [Array("a;b/c?ü &#%".utf8), [0x4D, 0xFC], Array(" ".utf8), [0, 10, 0x7F]] {
            var named = Template()
            named[.class] = .privateKey
            named[.id] = [0, 255]
            named[labelKey] = label
            let text = PKCS11URI(token: token, objectWith: named).description
            let again = try PKCS11URI(parsing: text)
            #expect(again.tokenLabel == "work")
            #expect(again.objectAttributes[.id] == [0, 255])
            #expect(again.objectAttributes[labelKey] == label)
            #expect(again.objectAttributes[.class] == .privateKey)
        }
    }
}
