import Foundation
import Testing
import TokencertPlatform
import TokencertTestSupport

@Suite struct FilesTests {
    /// Otherwise the issued certificate, or the previous file, is lost.
    @Test("A file is written completely, replaced as a whole and accessible only to its owner")
    func durableFiles() throws {
        let folder = try TemporaryFolder()
        let file = folder.file("a/b/c.pem")
        #expect(throws: FileError.self) { try writeFileDurably([1], file, permissions: 0o600) }
        try makeFolder(folder.file("a/b"))
        try makeFolder(folder.file("a/b"))
        let large = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
        try writeFileDurably(large, file, permissions: 0o600)
        #expect(try readFile(file) == large)
        try writeFileDurably([7], file, permissions: 0o600)
        #expect(try readFile(file) == [7])
        #expect(try names(inFolder: folder.file("a/b")) == ["c.pem"])
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(throws: FileError.self) { _ = try readFile(file, limit: 0) }
        #expect(throws: FileError.self) { try makeFolder(file) }
        #expect(throws: FileError.self) { _ = try readFile(folder.path) }
        #expect(parentFolder("x") == ".")
        #expect(parentFolder("/x") == "/")
        #expect(parentFolder("a/b") == "a")
    }
}
