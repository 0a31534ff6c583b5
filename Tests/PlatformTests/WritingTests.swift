import Foundation
import Testing
import TokencertPlatform
import TokencertTestSupport

@Suite struct WritingTests {
    private let folder: TemporaryFolder
    private var files: FileManager { .default }

    init() throws { folder = try TemporaryFolder() }

    private func link(_ name: String, to target: String) throws -> String {
        try files.createSymbolicLink(atPath: folder.file(name), withDestinationPath: target)
        return folder.file(name)
    }

    /// Otherwise a power failure can destroy a file behind a link, such as a managed dotfile.
    @Test("A symbolic link is kept, and its target is replaced as a whole")
    func links() throws {
        try makeFolder(folder.file("kept"))
        try folder.write("old", "kept/file")
        // A second hard link of the old file shows whether it was overwritten.
        try files.linkItem(atPath: folder.file("kept/file"), toPath: folder.file("old"))
        let path = try link("link", to: "kept/file")
        let twice = try link("twice", to: path)
        try requireWritableFile(twice)
        try writeFileDurably(Array("new".utf8), twice, permissions: 0o600)
        #expect(try folder.read("kept/file") == "new" && folder.read("old") == "old")
        #expect(try files.destinationOfSymbolicLink(atPath: path) == "kept/file")
        #expect(try names(inFolder: folder.file("kept")) == ["file"])
        // A link to a file that does not exist yet creates the file.
        let fresh = try link("fresh", to: "kept/fresh")
        try writeFileDurably([65], fresh, permissions: 0o600)
        #expect(try folder.read("kept/fresh") == "A")
    }

    /// Otherwise a file that others use, such as a shared configuration, can no longer be read by them.
    @Test("A replaced file keeps its permissions, its owner and its group")
    func access() throws {
        let path = try folder.write("old", "file")
        // A usual umask removes the permission to write.
        try files.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
        let isRoot = getuid() == 0
        if isRoot {
            try files.setAttributes(
                [.ownerAccountID: 1234, .groupOwnerAccountID: 1235], ofItemAtPath: path)
        }
        try replaceFileDurably(Array("new".utf8), path)
        let attributes = try files.attributesOfItem(atPath: path)
        #expect(try folder.read("file") == "new")
        #expect(attributes[.posixPermissions] as? Int == 0o666)
        if isRoot {
            #expect(attributes[.ownerAccountID] as? Int == 1234)
            #expect(attributes[.groupOwnerAccountID] as? Int == 1235)
        }
        let device = try link("device", to: "/dev/null")
        #expect(throws: FileError.self) { try replaceFileDurably([], device) }
        #expect(throws: FileError.self) { try replaceFileDurably([], folder.file("missing")) }
        #expect(try names(inFolder: folder.path) == ["device", "file"])
    }

    /// Otherwise the issued certificate is lost at the end, although the check before it passed.
    @Test("The check before a write fails in the same way as the write and changes nothing")
    func check() throws {
        try folder.write("x", "file")
        let loop = try link("loop", to: "loop")
        let nowhere = try link("nowhere", to: "absent/file")
        let steps: [(String) throws -> Void] = [
            { try requireWritableFile($0) }, { try writeFileDurably([1], $0, permissions: 0o600) },
        ]
        for (path, reason) in [
            (folder.file("file/x"), FileError.Reason.notInFolder),
            (folder.file("absent/x"), .notThere), (folder.path, .isFolder), (loop, .circle),
            (nowhere, .notThere), ("", .notThere),
        ] {
            for step in steps {
                let error = #expect(throws: FileError.self) { try step(path) }
                #expect(error?.reason == reason, "\(path): \(String(describing: error))")
            }
        }
        try requireWritableFile(folder.file("file"))
        try requireWritableFile(folder.file("new"))
        #expect(try folder.read("file") == "x")
        #expect(try names(inFolder: folder.path) == ["file", "loop", "nowhere"])
        try requireWritableFile("/dev/null")
        try writeFileDurably([1], "/dev/null", permissions: 0o600)
    }

    /// Otherwise "No such file" in a folder without permission misleads the user.
    @Test("A folder that cannot be created is reported with the reason")
    func reasons() throws {
        try folder.write("x", "file")
        let nowhere = try link("nowhere", to: "absent")
        let below = #expect(throws: FileError.self) { try makeFolder(folder.file("file/a/b")) }
        #expect(below?.reason == .notInFolder)
        let behind = #expect(throws: FileError.self) { try makeFolder(nowhere) }
        #expect(behind?.description.contains("is a dangling symbolic link") == true)
        let loop = try link("loop", to: "loop")
        #expect(throws: FileError.self) { try makeFolder(loop + "/a") }
    }

    /// Otherwise settings, trust anchors and refused PINs that cannot be reached are ignored.
    @Test("Only a path that certainly does not exist counts as absent")
    func absence() throws {
        try folder.write("x", "file")
        let nowhere = try link("nowhere", to: "absent")
        let loop = try link("loop", to: "loop")
        #expect(try isPresent(folder.file("file")) && isPresent(nowhere) && isPresent(loop))
        #expect(try !isPresent(folder.file("a/b/c")))
        for path in [nowhere + "/x", loop + "/x", folder.file("file/x")] {
            #expect(throws: FileError.self) { _ = try isPresent(path) }
            #expect(throws: FileError.self) { _ = try names(inFolder: path) }
        }
        #expect(throws: FileError.self) { _ = try names(inFolder: nowhere) }
        #expect(throws: FileError.self) { _ = try names(inFolder: folder.file("file")) }
        #expect(try names(inFolder: folder.file("a/b")).isEmpty)
        #expect(throws: FileError.self) { try makePrivateFile(nowhere) }
    }

    /// Otherwise the stamp of a PIN file reveals the length of the PIN.
    @Test("A file's stamp changes with each write and does not reveal its length")
    func stamps() throws {
        let path = try folder.write("1234", "file")
        let first = try #require(fileStamp(path))
        #expect(!first.split(separator: ":").contains("4"))
        usleep(20_000)
        try folder.write("5678", "file")
        #expect(fileStamp(path) != first)
        #expect(try readHead(path, count: 2) == Array("56".utf8))
        #expect(try readHead(path, count: 9).count == 4)
    }
}
