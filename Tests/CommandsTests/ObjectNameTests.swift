import Cryptoki
import Testing
import TokencertPlatform
import TokencertTokens

@testable import TokencertCommands

/// Names of objects on the command line, before a token is read.
@Suite struct ObjectNameTests {
    @Test("A name is a URI if it contains a scheme, otherwise a short name")
    func kinds() throws {
        #expect(try ObjectName("mail").uri == nil)
        #expect(try ObjectName("0a:0b").uri == nil)
        #expect(try ObjectName("pkcs11:object=mail").uri?.namesObject == true)
        #expect(try ObjectName(orToken: "pkcs11:token=work").uri?.namesToken == true)
    }

    // What a shell variable that is not set leaves behind would select everything.
    @Test("An empty name, a URI of a token and a URI with a PIN are refused")
    func refused() {
        for text in ["", "pkcs11:token=work", "pkcs11:object=a?pin-value=1234", " pkcs11:object=a"]
        {
            let failure = #expect(throws: (any Error).self, "\(text)") {
                _ = try ObjectName(text)
            }
            #expect(!"\(String(describing: failure))".contains("1234"))
        }
    }

    @Test("At most three candidates are listed, and the others are counted")
    func candidates() {
        #expect(several(["a", "b"]) == ["one of them: a", "one of them: b"])
        #expect(several((1...19).map { "\($0)" }).last == "and 16 more: tokencert list")
        #expect(several((1...19).map { "\($0)" }).count == 4)
    }

    @Test("A name is quoted for the shell only if it must be")
    func words() {
        for plain in ["mail", "anna@example.org", "29d94c", "a_b-c.d"] {
            #expect(shellWord(plain) == plain)
        }
        for (text, word) in [
            ("two words", "'two words'"), ("", "''"), ("-x", "'-x'"), ("a;b", "'a;b'"),
            ("a'b", #"'a'\''b'"#), ("ä", "'ä'"), ("~", "'~'"), ("a*", "'a*'"),
        ] {
            #expect(shellWord(text) == word)
        }
    }
}
