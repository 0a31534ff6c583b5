import Testing

@testable import TokencertConsumers

/// The lines of a consumer in a file of the user. Otherwise taking a set-up back would change or lose
/// lines of the user.
@Suite struct MarkedBlockTests {
    private let block = MarkedBlock(consumer: "ssh")

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test(
        "A block that is added and removed leaves the file byte for byte as it was",
        arguments: ["", "Host *\n", "\n\nHost a\r\n\tPort 1\n", "# >>> tokencert use git: x\n"])
    func addedAndRemoved(text: String) {
        for position in [SetUpFile.Position.beginning, .end] {
            let added = block.added(["Include x", ""], to: bytes(text), at: position)
            #expect(added != bytes(text))
            #expect(block.removed(from: added) == bytes(text))
        }
    }

    @Test("A block at the end of a file without a final line end begins on its own line")
    func withoutLineEnd() {
        let added = block.added(["x"], to: bytes("Host *"), at: .end)
        #expect(String(decoding: added, as: UTF8.self).hasPrefix("Host *\n# >>> tokencert use ssh"))
        #expect(block.removed(from: added) == bytes("Host *\n"))
    }

    @Test("Lines that the user adds around the block stay")
    func changedAround() {
        let added = block.added(["x"], to: bytes("old\n"), at: .end)
        let changed = bytes("first\n") + added + bytes("last\n")
        #expect(block.removed(from: changed) == bytes("first\nold\nlast\n"))
    }

    @Test("A block in a file to which an editor gave the line ends of Windows is removed")
    func windowsLineEnds() {
        let added = block.added(["x"], to: bytes("old\n"), at: .end)
        let text = String(decoding: added, as: UTF8.self).replacing("\n", with: "\r\n")
        #expect(block.removed(from: bytes(text)) == bytes("old\r\n"))
    }

    @Test(
        "Marks that do not belong together are recognised and not removed",
        arguments: [
            "# >>> tokencert use ssh: x\nInclude\n", "Include\n# <<< tokencert use ssh\n",
            "# <<< tokencert use ssh\n# >>> tokencert use ssh: x\n",
            "# >>> tokencert use ssh: x\n# >>> tokencert use ssh: x\n# <<< tokencert use ssh\n",
        ])
    func broken(text: String) {
        #expect(block.removed(from: bytes(text)) == nil)
        #expect(block.isMarked(bytes(text)))
    }
}

/// The versions of the programs. Otherwise a program that cannot work would be set up.
@Suite struct RequiredProgramTests {
    @Test(
        "The version is found in what programs print",
        arguments: [
            ("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19", "OpenSSH_", "9.2"),
            ("curl 7.88.1 (x86_64-pc-linux-gnu)", "", "7.88.1"),
            ("nginx version: nginx/1.22.1\n", "nginx/", "1.22.1"),
            ("git version 2.39.5.", "git version ", "2.39.5"), ("none", "", ""),
            ("other 1.2", "curl ", ""),
        ])
    func version(text: String, prefix: String, expected: String) {
        #expect(RequiredProgram.version(in: text, after: prefix) == expected)
    }

    @Test(
        "A version is compared number by number",
        arguments: [
            ("9.2", [8, 4], true), ("8.4", [8, 4], true), ("8.3", [8, 4], false),
            ("10.0", [9, 9], true), ("7", [7, 1], false), ("", [8], true), ("8.40", [8, 5], true),
        ])
    func minimum(version: String, least: [Int], isEnough: Bool) {
        #expect(RequiredProgram.isEnough(version, least) == isEnough)
    }
}
