import Foundation
import Testing
import TokencertPlatform
import TokencertTestSupport

@testable import TokencertCommands

/// The files that `--out` may replace.
@Suite struct OutputFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func refusal(_ file: String?, keeping inUse: [FileInUse] = []) -> Failure? {
        do {
            try requireWritable(file, keeping: inUse)
            return nil
        } catch {
            return error as? Failure ?? Failure(error)
        }
    }

    private static func block(_ label: String) -> String {
        "-----BEGIN \(label)-----\nAAAA\n-----END \(label)-----\n"
    }

    // Otherwise a private key, a list or a mail could be lost.
    @Test("Only a new file, an empty file, or certificates and requests in PEM may be replaced")
    func replaceable() throws {
        #expect(refusal(nil) == nil && refusal(folder.file("new.pem")) == nil)
        #expect(!FileManager.default.fileExists(atPath: folder.file("new.pem")))
        let block = Self.block("CERTIFICATE")
        for text in [
            "", "-----BEGIN CERTIFICATE-----\n", block, block + block,
            block + Self.block("CERTIFICATE REQUEST"),
            "\n \t" + block + "\n", "\u{FEFF}" + block,
            block.replacingOccurrences(of: "\n", with: "\r\n"),
        ] {
            let file = try folder.write(text, "old.pem")
            #expect(refusal(file) == nil, "\(text.debugDescription)")
            #expect(try folder.read("old.pem") == text)
        }
        for text in [
            "text", "# -----BEGIN CERTIFICATE-----", "----BEGIN CERTIFICATE", "\0",
            Self.block("PRIVATE KEY"), Self.block("OPENSSH PRIVATE KEY"), block + "text",
            block + Self.block("EC PRIVATE KEY"), Self.block("ENCRYPTED PRIVATE KEY") + block,
            Self.block("PGP PRIVATE KEY BLOCK"), "-----BEGIN CERTIFICATE-----\nA list:",
            "-----BEGIN CERTIFICATE-----\n" + Self.block("PRIVATE KEY"),
            block + String(repeating: "\n", count: 1 << 20) + Self.block("PRIVATE KEY"),
            "a\n-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", " ", "\u{30}\u{82}",
        ] {
            let file = try folder.write(text, "it's.txt")
            let failure = try #require(refusal(file), "\(text.debugDescription)")
            #expect(failure.status == .cannotCreate && failure.code == "fileIsThere")
            #expect(
                failure.hints.contains("or move this one away: mv \(quoted(file)) NEWNAME"),
                "\(failure.hints)")
            #expect(try folder.read("it's.txt") == text)
        }
    }

    @Test("A dash is refused as a file name, with the alternatives as hints")
    func dash() {
        let failure = refusal("-")
        #expect(failure?.status == .usage)
        #expect(failure?.hints.contains { $0.hasSuffix("--out ./-") } == true)
        #expect(failure?.hints.contains { $0.hasSuffix("--out /dev/stdout") } == true)
    }

    // Otherwise a certificate could replace the ledger or the PIN file.
    @Test(
        "A file in use is never replaced, under any name, even if it is empty or does not exist"
    )
    func inUse() throws {
        let ledger = try folder.write("", "ledger.sqlite")
        let manager = FileManager.default
        try manager.createSymbolicLink(
            atPath: folder.file("link.pem"), withDestinationPath: ledger)
        try manager.createSymbolicLink(
            atPath: folder.file("second.pem"), withDestinationPath: "link.pem")
        try manager.linkItem(atPath: ledger, toPath: folder.file("hard.pem"))
        let inUse = [
            FileInUse(name: "the ledger", path: ledger),
            FileInUse(name: "the lock", path: folder.file("ledger.lock")),
        ]
        for name in ["ledger.sqlite", "link.pem", "second.pem", "hard.pem", "./ledger.sqlite"] {
            let failure = try #require(
                refusal(folder.file(name), keeping: inUse), "\(name)")
            #expect(failure.status == .usage && failure.code == "fileInUse", "\(name)")
            #expect(failure.message == "--out would overwrite the ledger \(ledger)")
        }
        let absent = refusal(folder.file("./ledger.lock"), keeping: inUse)
        #expect(absent?.message == "--out would overwrite the lock \(folder.file("ledger.lock"))")
        #expect(refusal(folder.file("ledger.sqlite.pem"), keeping: inUse) == nil)
        #expect(refusal(folder.file("hard.pem")) == nil)
    }

    @Test("A folder, or a path in a folder that does not exist, is refused in advance")
    func places() throws {
        for path in [folder.path, folder.file("none/new.pem"), ""] {
            let failure = try #require(refusal(path), "\(path)")
            #expect(failure.status == .configuration && failure.code == "fileNotWritten")
            #expect(failure.hints.last?.hasPrefix("name a file in a folder") == true)
        }
    }

    // The certificate was issued, and the CA may not send it again.
    @Test("Text that cannot be written to a file is part of the error, line by line")
    func attachment() throws {
        let text = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
        let failure = try #require(throws: Failure.self) {
            try writeFile(text, folder.file("none/new.pem"), hints: ["a hint"])
        }
        #expect(failure.status == .configuration && failure.code == "fileNotWritten")
        #expect(failure.attachment.joined(separator: "\n") + "\n" == text)
        #expect(failure.hints.first == "a hint")
        try writeFile(text, folder.file("new.pem"), hints: ["a hint"])
        #expect(try folder.read("new.pem") == text)
    }
}
