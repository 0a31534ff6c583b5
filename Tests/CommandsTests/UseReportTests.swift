import Testing
import TokencertConsumers

@testable import TokencertCommands

/// The files that `use` shows before it writes them.
@Suite struct UseReportTests {
    // Otherwise the key cannot be copied, or a command is pasted in two lines.
    @Test("A text to copy at the end of a note stays in one line, and sentences are broken")
    func notes() {
        #expect(
            UseReport.folded("Add this line to ~/a: ssh-rsa AAAA anna", width: 20) == [
                "- Add this line to", "  ~/a:", "  ssh-rsa AAAA anna",
            ])
        #expect(
            UseReport.folded("No trust: sites are refused.", width: 20) == [
                "- No trust: sites", "  are refused.",
            ])
        #expect(UseReport.folded("Note: tokencert use", width: nil) == ["- Note: tokencert use"])
    }

    @Test("A tab in a file is shown as blanks")
    func tabs() {
        #expect(UseReport.shortened("[user]\n\tname = a\n") == ["[user]", "    name = a"])
    }

    @Test("Of a certificate only the first and the last line are shown, and everything around it")
    func shortened() {
        let text = """
            first
            -----BEGIN CERTIFICATE-----
            MIIE
            YDCC
            -----END CERTIFICATE-----
            last

            """
        #expect(
            UseReport.shortened(text) == [
                "first", "-----BEGIN CERTIFICATE-----", "...", "-----END CERTIFICATE-----", "last",
            ])
    }

    // Otherwise the user does not learn that a file of an earlier set-up stays.
    @Test("Only a file that was left as it is counts as left, and its line names the kept backup")
    func left() {
        let files = UndoReport(
            "git", [.removed(path: "/a"), .left(path: "/b", backup: "/c"), .asBefore(path: "/d")]
        ).files
        #expect(files.map(\.isLeft) == [false, true, false])
        #expect(
            files[1].line
                == "left as it is, since it was changed after tokencert wrote it: /b "
                + "(before the set-up: /c)")
        let needed = UndoReport("nginx", [.needed(path: "/c-ca.pem", by: "/c.conf")]).files[0]
        #expect(needed.isLeft && needed.line == "left, since /c.conf names it: /c-ca.pem")
    }
}
