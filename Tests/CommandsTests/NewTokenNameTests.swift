import Testing

@testable import TokencertCommands

/// The labels that tokencert accepts for a token.
@Suite struct NewTokenNameTests {
    private func problem(_ text: String) -> String? {
        do {
            let name = try NewTokenName(text, after: "--label")
            // The token gets it as typed.
            #expect(name.text == text)
            return nil
        } catch {
            guard let failure = error as? Failure else { return "\(error)" }
            #expect(failure.status == .usage && failure.message.hasSuffix("; nothing was changed"))
            #expect(failure.hints == ["choose another label, such as: --label work"])
            return failure.message
        }
    }

    // CK_TOKEN_INFO has 32 bytes for the label; a longer one would be cut, possibly within a
    // character.
    @Test("A name has 1 to 32 bytes, counted in UTF-8")
    func lengths() {
        for text in [
            "a", String(repeating: "a", count: 32), String(repeating: "ä", count: 16),
            String(repeating: "漢", count: 10) + "ab", "🦊🦊🦊🦊🦊🦊🦊🦊",
        ] {
            #expect(problem(text) == nil, "\(text)")
        }
        for (text, count) in [
            ("", 0), (String(repeating: "a", count: 33), 33),
            (String(repeating: "ä", count: 16) + "a", 33),
            (String(repeating: "漢", count: 11), 33), ("🦊🦊🦊🦊🦊🦊🦊🦊a", 33),
        ] {
            #expect(
                problem(text)?.contains("1 to 32 bytes, not \(count)") == true, "\(text)")
        }
    }

    // Blanks at the end are the padding of the field, so the token would have another name.
    @Test("A name neither begins nor ends with a blank and does not consist of blanks")
    func blanks() {
        for text in [" ", "   ", "\u{3000}"] {
            #expect(
                problem(text)?.contains("must not be blank") == true, "\(text.debugDescription)")
        }
        for text in ["work ", " work", "\u{A0}work", "work\u{2003}"] {
            #expect(
                problem(text)?.contains("must not begin or end with a space") == true,
                "\(text.debugDescription)")
        }
        #expect(problem("my work token") == nil)
    }

    @Test("A name may contain all characters except control characters")
    func characters() {
        for text in ["a\nb", "a\tb", "\u{0}", "a\u{1B}[2J", "a\u{7F}", "a\u{9B}b", "work\n"] {
            #expect(
                problem(text)?.contains("not contain control characters") == true,
                "\(text.debugDescription)")
        }
        for text in ["Müller's \"token\"", "a;b=c&d%20", "$(id)", "-work", "pkcs11", "\\"] {
            #expect(problem(text) == nil, "\(text)")
        }
    }
}
