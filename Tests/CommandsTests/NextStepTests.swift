import Testing

@testable import TokencertCommands

/// What a user is told after success.
@Suite struct NextStepTests {
    // A line that wraps is hard to read, and the command in it is hard to copy.
    @Test("Each next step begins alike and fits into 80 columns")
    func lines() {
        for step in [
            .setUpToken, .seeAccount(hasUsername: true), .seeAccount(hasUsername: false),
            .issue(options: " --username anna@example.org"), .submitRequest(file: nil),
            .submitRequest(file: "mail.csr"), .list, .deleteOld("2dd50d"),
            .use(["ssh"]), .use(["firefox", "thunderbird", "openssl", "git"]),
        ] as [NextStep] {
            #expect(step.line.hasPrefix("Next: "))
            let lines = foldedMessage(step.line, at: 0, width: 80)
            #expect(lines.allSatisfy { displayWidth($0) <= 80 }, "\(step.line)")
            #expect(step.line.contains("tokencert "), "\(step.line)")
        }
        #expect(NextStep.deleteOld("2dd50d").line.hasSuffix("tokencert delete 2dd50d --cert"))
        #expect(NextStep.submitRequest(file: "a.csr").line.contains("send a.csr to the CA, "))
    }

    @Test("At most three consumers are named")
    func consumers() {
        #expect(NextStep.use(["ssh"]).line == "Next: tokencert use ssh")
        let three = "Next: tokencert use, for ssh, git, nginx"
        #expect(NextStep.use(["ssh", "git", "nginx"]).line == three)
        #expect(NextStep.use(["ssh", "git", "nginx", "mail"]).line == three + " and others")
    }

    @Test("A text is broken at blanks, and a long word is not cut")
    func wrapping() {
        #expect(wrapped("one two three", width: 7) == ["one two", "three"])
        #expect(wrapped("one two", width: 6) == ["one", "two"])
        #expect(wrapped("a pkcs11:token=work b", width: 5) == ["a", "pkcs11:token=work", "b"])
        #expect(wrapped("", width: 5).isEmpty)
    }

    // Otherwise a user who copies the command copies a line break, too.
    @Test("A message that is too wide is broken, but not the command at its end")
    func messages() {
        let text = "to give it up: tokencert resume 7 --abandon"
        #expect(foldedMessage(text, at: 6, width: nil) == [text])
        #expect(foldedMessage(text, at: 6, width: 49) == [text])
        #expect(
            foldedMessage(text, at: 6, width: 48) == [
                "to give it up:", "      tokencert resume 7 --abandon",
            ])
        #expect(
            foldedMessage("one two three", at: 2, width: 9) == ["one two", "  three"])
        #expect(foldedMessage("", at: 6, width: 1) == [""])
    }

    // Otherwise reports are hard to read at 80 columns, or a URI is cut when a user copies it.
    @Test("A line that is too wide continues below its value, and a long word gets its own line")
    func folding() {
        let line = "  issuer  O=One; CN=Two"
        #expect(folded(line, at: 10, width: nil) == [line])
        #expect(folded(line, at: 10, width: 23) == [line])
        #expect(folded(line, at: 10, width: 20) == ["  issuer  O=One;", "          CN=Two"])
        #expect(
            folded("  URI     'pkcs11:id=%01'", at: 10, width: 20) == [
                "  URI", "    'pkcs11:id=%01'",
            ])
        #expect(folded("one two three", at: 0, width: 9) == ["one two", "three"])
        #expect(folded("  key pair mail", at: 4, width: 10) == ["  key pair", "    mail"])
    }

    // MARK: The configuration file

    private func adding(_ text: String, _ url: String = "https://ca.example") -> String? {
        ConfigurationFile.adding(.caURL, .text(url), toJSON: Array(text.utf8)).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    // Users keep their own layout in the file.
    @Test("A setting is added to the configuration file, and the other bytes stay")
    func addedSetting() {
        let member = #""ca-url": "https://ca.example""#
        for (before, after) in [
            ("{}\n", "{\n  \(member)\n}\n"), ("{ \n }", "{\n  \(member)\n}"),
            (#"{"username":"a"}"#, #"{\#(member),"username":"a"}"#),
            (
                "{\n    \"username\" : \"ä\\u00e4\",\n\t\"profiles\": {\"p\": {\"ca-url\": \"x\"}} }\n\n",
                "{\n    \(member),\n    \"username\" : \"ä\\u00e4\",\n\t\"profiles\": "
                    + "{\"p\": {\"ca-url\": \"x\"}} }\n\n"
            ),
        ] {
            #expect(adding(before) == after, "\(before)")
        }
    }

    // Otherwise the file could mean something else afterwards, or not be read at all.
    @Test("A file that sets the value, or is not plain JSON, is not changed")
    func refusedFile() {
        for text in [
            #"{"ca-url": "https://other.example"}"#, #"{"ca-url": null}"#, "", "[]", "{",
            #"{"a": 1, "a": 2}"#, "{} {}", "// note\n{}",
        ] {
            #expect(adding(text) == nil, "\(text)")
        }
        let latin = [UInt8](#"{"name": ""#.utf8) + [0xE4] + Array(#""}"#.utf8)
        #expect(ConfigurationFile.adding(.caURL, .text("https://ca.example"), toJSON: latin) == nil)
        let wide = Array("{}".utf16).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        #expect(ConfigurationFile.adding(.caURL, .text("https://ca.example"), toJSON: wide) == nil)
    }
}
