import Testing

@testable import TokencertCommands

/// How hints name a token. A wrong name would select another token.
@Suite struct NamedTokenTests {
    private func token(
        _ label: String, _ serialNumber: String, module: String = "--module 'a'",
        isSetUp: Bool = true
    ) -> NamedToken {
        NamedToken(
            label: Array(label.utf8), serialNumber: serialNumber,
            uri: "pkcs11:serial=\(serialNumber);token=\(label)", module: module, isSetUp: isSetUp)
    }

    @Test("A token is named by its label if no other token has it as a label or a serial number")
    func labels() {
        #expect(
            NamedToken.titles([token("work", "1a"), token("my home", "2b")]) == [
                "--token work (serial 1a)", "--token 'my home' (serial 2b)",
            ])
        #expect(
            NamedToken.titles([token("2b", "1a"), token("home", "2b")]) == [
                "--token 1a (label 2b)", "--token home (serial 2b)",
            ])
        #expect(NamedToken.titles([token("work", " ")]) == ["--token work"])
    }

    @Test("Tokens with one label are named by their serial numbers, and without one by their URIs")
    func twins() {
        #expect(
            NamedToken.titles([token("work", "1a"), token("work", "0000"), token("work", "0000")])
                == [
                    "--token 1a (label work)", "--token 'pkcs11:serial=0000;token=work'",
                    "--token 'pkcs11:serial=0000;token=work'",
                ])
    }

    // Otherwise the hint could not be pasted, or the shell or tokencert would read something else.
    @Test("A label that cannot be typed is not used")
    func untypable() {
        for label in ["", "  ", "-x", "pkcs11:a", "a\u{1B}b", "a\u{200B}b"] {
            let title = NamedToken.titles([token(label, "1a")])[0]
            #expect(title.hasPrefix("--token 1a"), "\(title)")
            #expect(printable(title) == title)
        }
        let bytes = NamedToken(
            label: [0x6D, 0xE4], serialNumber: "1a", uri: "pkcs11:serial=1a", module: "",
            isSetUp: true)
        #expect(NamedToken.titles([bytes]) == [#"--token 1a (label m\xE4)"#])
        #expect(bytes.option(among: nil) == "--token 1a")
    }

    @Test("The module is named if the tokens are on several modules, or one has only a slot")
    func modules() {
        let two = [token("work", "1a"), token("work", "1a", module: "--module 'b'")]
        #expect(
            NamedToken.titles(two) == [
                "--module 'a' --token work (serial 1a)", "--module 'b' --token work (serial 1a)",
            ])
        #expect(
            NamedToken.titles([token("", "", isSetUp: false)]) == [
                "--module 'a' --token 'pkcs11:serial=;token=' (never set up)"
            ])
    }

    // Other tokens may have the same label.
    @Test("If the other tokens are unknown, a serial number is used and not a label")
    func unknownOthers() {
        #expect(token("work", "1a").option(among: nil) == "--token 1a")
        let zeros = NamedToken(uri: "pkcs11:token=work;serial=0000;object=mail;type=private")
        let option = zeros.option(among: nil)
        #expect(option.hasPrefix("--token 'pkcs11:"), "\(option)")
        #expect(!option.contains("object") && !option.contains("type"), "\(option)")
        #expect(NamedToken.option(ofObject: "pkcs11:object=mail") == "")
        #expect(NamedToken.option(ofObject: "pkcs11:serial=1a;object=mail") == " --token 1a")
    }

    @Test("A title has the label and the serial number")
    func titles() {
        #expect(NamedToken(uri: "pkcs11:token=work;serial=1a").title == "work (serial 1a)")
        #expect(NamedToken(uri: "pkcs11:token=work").title == "work")
        #expect(NamedToken(uri: "pkcs11:serial=1a").title == "serial 1a")
        #expect(NamedToken(uri: "pkcs11:model=m").title == "'pkcs11:model=m'")
    }

    @Test("At most three candidates are listed, then the command that shows all")
    func count() {
        #expect(
            several(["a", "b", "c", "d", "e"], as: "available", all: "tokencert tokens") == [
                "available: a", "available: b", "available: c", "and 2 more: tokencert tokens",
            ])
        #expect(several(["a", "b", "c"]).count == 3)
    }

    @Test("A key is named by its label and id, or by its URI if it has neither")
    func objects() {
        #expect(objectTitle(ofURI: "pkcs11:object=mail;id=%01%ab") == "mail, id 01ab")
        #expect(objectTitle(ofURI: "pkcs11:id=%01") == "id 01")
        #expect(objectTitle(ofURI: "pkcs11:type=cert") == "'pkcs11:type=cert'")
    }
}
