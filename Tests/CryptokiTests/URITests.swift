import Cryptoki
import Secrets
import Testing

@Suite struct URITests {
    @Test("A URI that RFC 7512 allows is not understood")
    func parsing() throws {
        let uri = try PKCS11URI(
            parsing: """
                pkcs11:token=The%20Software%20token;manufacturer=Snake%20Oil;serial=;object=my-cert;\
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
        #expect(!uri.hasUnrecognizedParts)
        #expect(try PKCS11URI(parsing: uri.description) == uri)
    }

    @Test("A PIN in a URI is printed with it")
    func pinValue() throws {
        let uri = try PKCS11URI(parsing: "pkcs11:token=a?pin-value=12%3334")
        #expect(uri.holdsPIN)
        #expect(!uri.description.contains("12"))
        let mistyped = try PKCS11URI(
            parsing: "pkcs11:token=a?pin-vlaue=1234&pin-source=/pin&x-pin=1234")
        #expect(mistyped.description == "pkcs11:token=a?pin-source=%2Fpin")
        guard let pin = uri.pinValue() else {
            Issue.record("no PIN")
            return
        }
        let text = pin.withBytes { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
        #expect(text == "12334")
    }

    @Test(
        "A broken URI is taken for one that fits everything, or the error repeats its PIN",
        arguments: [
            "", "token=a", "http://x", "pkcs11:%zz", "pkcs11:token", "pkcs11:a=b?pin-value=%g1",
        ])
    func broken(text: String) {
        let error = #expect(throws: CryptokiError.self) { _ = try PKCS11URI(parsing: text) }
        #expect(error?.code == .invalidURI)
    }

    @Test("A part that is not known is passed over, and a wrong object fits")
    func unrecognized() throws {
        let uri = try PKCS11URI(parsing: "pkcs11:token=a;unheard-of=b")
        #expect(uri.hasUnrecognizedParts)
    }

    @Test("An object's URI does not lead back to it")
    func objects() throws {
        let token = try PKCS11URI(parsing: "pkcs11:token=work;serial=12")
        var named = Template()
        named[.class] = .privateKey
        named[.id] = [0, 255]
        named[.label] = "a;b/c?ü"
        let text = PKCS11URI(token: token, objectWith: named).description
        let again = try PKCS11URI(parsing: text)
        #expect(again.tokenLabel == "work")
        #expect(again.objectAttributes[.id] == [0, 255])
        #expect(again.objectAttributes[.label] == "a;b/c?ü")
        #expect(again.objectAttributes[.class] == .privateKey)
    }
}
