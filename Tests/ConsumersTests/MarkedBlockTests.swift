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
            for lines in [["Include x"], ["Include x", ""], ["", "Include x", "", ""]] {
                let added = block.added(lines, to: bytes(text), at: position)
                #expect(added != bytes(text))
                #expect(block.isWhole(lines, in: added, at: position))
                #expect(block.removed(from: added, [lines]) == bytes(text))
            }
        }
    }

    @Test("Empty lines at the end of a block follow the end mark")
    func emptyLines() {
        let added = block.added(["", "x", "", ""], to: [], at: .end)
        #expect(
            String(decoding: added, as: UTF8.self).hasSuffix(
                "--undo\n\nx\n# <<< tokencert use ssh\n\n\n"))
        // An older version wrote them before the end mark.
        let old = bytes("# >>> tokencert use ssh: x\nx\n\n# <<< tokencert use ssh\n")
        #expect(!block.isWhole(["x", ""], in: old, at: .end))
        #expect(block.removed(from: old, [["x", ""]]) == [])
    }

    @Test("Without its end mark, a block ends with the lines that tokencert wrote")
    func withoutEndMark() {
        let text = "old\n# >>> tokencert use ssh: x\n\na\nb\n\nlast\n"
        #expect(block.removed(from: bytes(text), [["c"], ["a", "b", ""]]) == bytes("old\nlast\n"))
        for other in [[], [""], ["a", "c"], ["b"], ["a", "b", "c"]] {
            #expect(block.removed(from: bytes(text), [other]) == nil)
        }
        #expect(!block.isWhole(["", "a", "b", ""], in: bytes(text), at: .end))
    }

    @Test("Lines in the block that tokencert did not write are found")
    func foreignLines() {
        let text =
            "Host a\n# >>> tokencert use ssh: x\n \r\nx\r\n\tHost b\n# <<< tokencert use ssh\n"
        #expect(block.foreignLines(in: bytes(text), [["x"]]) == ["\tHost b"])
        #expect(block.foreignLines(in: bytes(text), [["x"], ["\tHost b"]]).isEmpty)
        #expect(block.foreignLines(in: bytes("Host a\n"), []).isEmpty)
    }

    /// The keys of ssh would be used only for the host before them.
    @Test("A block for the beginning of a file is not whole after lines other than comments")
    func position() {
        let added = block.added(["x"], to: bytes("old\n"), at: .beginning)
        #expect(block.isWhole(["x"], in: bytes("# a\n\n") + added, at: .beginning))
        #expect(!block.isWhole(["x"], in: bytes("Host a\n") + added, at: .beginning))
        #expect(block.isWhole(["x"], in: bytes("Host a\n") + added, at: .end))
        #expect(!block.isWhole(["y"], in: added, at: .beginning))
        #expect(!block.isWhole(["x"], in: added + added, at: .beginning))
    }

    @Test("A block at the end of a file without a final line end begins on its own line")
    func withoutLineEnd() {
        let added = block.added(["x"], to: bytes("Host *"), at: .end)
        #expect(String(decoding: added, as: UTF8.self).hasPrefix("Host *\n# >>> tokencert use ssh"))
        #expect(block.removed(from: added, []) == bytes("Host *\n"))
    }

    @Test("Lines that the user adds around the block stay")
    func changedAround() {
        let added = block.added(["x"], to: bytes("old\n"), at: .end)
        let changed = bytes("first\n") + added + bytes("last\n")
        #expect(block.removed(from: changed, []) == bytes("first\nold\nlast\n"))
    }

    @Test("A block in a file to which an editor gave the line ends of Windows is removed")
    func windowsLineEnds() {
        let added = block.added(["x"], to: bytes("old\n"), at: .end)
        let text = String(decoding: added, as: UTF8.self).replacing("\n", with: "\r\n")
        #expect(block.removed(from: bytes(text), []) == bytes("old\r\n"))
    }

    @Test(
        "Marks that do not belong together are recognised and not removed",
        arguments: [
            "# >>> tokencert use ssh: x\nInclude\n", "Include\n# <<< tokencert use ssh\n",
            "# <<< tokencert use ssh\n# >>> tokencert use ssh: x\n",
            "# >>> tokencert use ssh: x\n# >>> tokencert use ssh: x\n# <<< tokencert use ssh\n",
        ])
    func broken(text: String) {
        #expect(block.removed(from: bytes(text), []) == nil)
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
