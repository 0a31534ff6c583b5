import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertPlatform

/// The target of a path, and its permissions.
@Suite struct PathTests {
    private let folder: TemporaryFolder
    private var files: FileManager { .default }

    init() throws { folder = try TemporaryFolder() }

    private func link(_ name: String, to target: String) throws -> String {
        try files.createSymbolicLink(atPath: folder.file(name), withDestinationPath: target)
        return folder.file(name)
    }

    private func pipeFile(_ name: String) throws -> String {
        try #require(unsafe mkfifo(folder.file(name), 0o600) == 0)
        return folder.file(name)
    }

    private func mode(_ path: String) throws -> Int? {
        try files.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    private func setMode(_ path: String, _ mode: Int) throws {
        try files.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test("The folder of a path is what precedes its last slash")
    func parents() {
        for (path, parent) in [
            ("", "."), ("a", "."), ("/", "/"), ("/a", "/"), ("a/b", "a"), ("/a/b", "/a"),
            ("./a", "."), ("../a", ".."), ("a/", "a"), ("/ü/b c", "/ü"),
        ] {
            #expect(parentFolder(path) == parent, "\(path)")
        }
    }

    // Otherwise the program warns about a file other than the one that it replaces.
    @Test("A write replaces the file behind all links, but no device, pipe or descriptor")
    func replaced() throws {
        let file = try folder.write("x", "file")
        try makeFolder(folder.file("sub"))
        let one = try link("sub/one", to: "../file")
        let two = try link("two", to: one)
        let absent = try link("absent", to: "sub/new")
        #expect(try replacedFile(file) == file)
        #expect(try replacedFile(one) == folder.file("sub") + "/../file")
        #expect(try replacedFile(two) == folder.file("sub") + "/../file")
        #expect(try replacedFile(absent) == folder.file("sub/new"))
        #expect(try replacedFile(folder.file("new")) == folder.file("new"))
        let pipe = try pipeFile("pipe")
        for path in ["/dev/null", "/dev/fd/1", "/proc/self/fd/2", pipe, try link("p", to: "pipe")] {
            #expect(try replacedFile(path) == nil, "\(path)")
        }
        for (path, reason) in [
            ("", FileError.Reason.notThere), (folder.path, .isFolder),
            (try link("folder", to: "sub"), .isFolder), (try link("loop", to: "loop"), .circle),
            (file + "/x", .notInFolder),
        ] {
            let error = #expect(throws: FileError.self, "\(path)") { _ = try replacedFile(path) }
            #expect(error?.reason == reason, "\(path)")
        }
    }

    // Otherwise the certificate is written over the file with the PIN.
    @Test("All names of a file have the same identity, even before it exists")
    func identities() throws {
        let file = try folder.write("x", "file")
        let other = try folder.write("x", "other")
        try makeFolder(folder.file("sub"))
        try files.linkItem(atPath: file, toPath: folder.file("hard"))
        let names = [
            file, folder.file("hard"), try link("soft", to: "file"), folder.file("sub/../file"),
            folder.path + "//file",
        ]
        for name in names { #expect(fileIdentity(name) == fileIdentity(file), "\(name)") }
        #expect(fileIdentity(other) != fileIdentity(file))
        let absent = fileIdentity(folder.file("sub/new"))
        for name in [
            folder.file("sub/../sub/new"), folder.path + "//sub//new",
            try link("later", to: "sub/new"), try link("through", to: "sub") + "/new",
        ] {
            #expect(fileIdentity(name) == absent, "\(name)")
        }
        #expect(fileIdentity(folder.file("sub/new2")) != absent)
        #expect(fileIdentity(folder.file("new")) != absent)
        #expect(absent != fileIdentity(file))
    }

    @Test("A path with links and dots is resolved, and a dangling one is kept")
    func absolute() throws {
        let file = absolutePath(try folder.write("x", "file"))
        try makeFolder(folder.file("sub"))
        #expect(file.hasSuffix("/file"))
        #expect(absolutePath(folder.file("sub/../file")) == file)
        #expect(absolutePath(try link("soft", to: "sub/../file")) == file)
        for path in [folder.file("sub/../new"), "", try link("nowhere", to: "new")] {
            #expect(absolutePath(path) == path)
        }
    }

    // Otherwise another user can choose the module that is loaded, or read the PIN.
    @Test("A file is writable by others if its group or all users may write it")
    func others() throws {
        let file = try folder.write("x", "file")
        let soft = try link("soft", to: "file")
        for (permissions, isWritable) in [
            (0o600, false), (0o644, false), (0o755, false), (0o400, false), (0o620, true),
            (0o602, true), (0o666, true), (0o660, true),
        ] {
            try setMode(file, permissions)
            #expect(try isWritableByOthers(file) == isWritable, "\(permissions)")
            #expect(try isWritableByOthers(soft) == isWritable, "\(permissions)")
        }
        let error = #expect(throws: FileError.self) {
            _ = try isWritableByOthers(folder.file("new"))
        }
        #expect(error?.reason == .notThere)
    }

    @Test("Files, folders, pipes, links and missing paths are distinguished")
    func kinds() throws {
        let file = try folder.write("four", "file")
        let pipe = try pipeFile("pipe")
        let nowhere = try link("nowhere", to: "new")
        struct Kind: Equatable {
            var isFile = false
            var isFolder = false
            var isSpecial = false
            var isThere = false
            var isAbsent = false
            var size: Int64?
            var names = 0
        }
        let cases: [(String, Kind)] = [
            (file, Kind(isFile: true, isThere: true, size: 4, names: 1)),
            (try link("soft", to: "file"), Kind(isFile: true, isThere: true, size: 4, names: 1)),
            (pipe, Kind(isSpecial: true, isThere: true, size: 0, names: 1)),
            (
                try link("softpipe", to: "pipe"),
                Kind(isSpecial: true, isThere: true, size: 0, names: 1)
            ),
            (nowhere, Kind()), (nowhere + "/x", Kind()), (folder.file("new"), Kind(isAbsent: true)),
            (file + "/x", Kind(isAbsent: true)), ("", Kind(isAbsent: true)),
        ]
        for (path, expected) in cases {
            let found = Kind(
                isFile: isRegularFile(path), isFolder: isFolder(path),
                isSpecial: isSpecialFile(path), isThere: exists(path), isAbsent: isAbsent(path),
                size: fileSize(path), names: nameCount(path))
            #expect(found == expected, "\(path)")
        }
        #expect(isFolder(folder.path) && !isSpecialFile(folder.path))
        #expect(!isRegularFile(folder.path) && !isAbsent(folder.path))
        #expect(isSpecialFile("/dev/null") && isWritableFolder(folder.path))
        #expect(!isWritableFolder(file) && !isWritableFolder(folder.file("new")))
        try files.linkItem(atPath: file, toPath: folder.file("hard"))
        #expect(nameCount(file) == 2 && nameCount(folder.file("hard")) == 2)
    }

    // Otherwise every user of the machine can read the ledger.
    @Test("A private file is accessible only to its owner and keeps its contents")
    func privateFiles() throws {
        let fresh = folder.file("fresh")
        try makePrivateFile(fresh)
        #expect(try mode(fresh) == 0o600 && readFile(fresh).isEmpty)
        let file = try folder.write("content", "file")
        for (before, after) in [(0o644, 0o600), (0o660, 0o600), (0o600, 0o600), (0o400, 0o400)] {
            try setMode(file, before)
            try makePrivateFile(file)
            #expect(try mode(file) == after)
        }
        #expect(try folder.read("file") == "content")
        let error = #expect(throws: FileError.self) {
            try makePrivateFile(folder.file("sub/file"))
        }
        #expect(error?.reason == .notThere)
    }

    @Test("A new folder is accessible only to its owner, and an existing one is not changed")
    func privateFolders() throws {
        try makeFolder(folder.file("a/b"))
        #expect(try mode(folder.file("a")) == 0o700 && mode(folder.file("a/b")) == 0o700)
        try setMode(folder.file("a"), 0o755)
        try makeFolder(folder.file("a/c"))
        try makeFolder(folder.file("a"))
        #expect(try mode(folder.file("a")) == 0o755)
        let link = try link("link", to: "a")
        try makeFolder(link + "/d")
        #expect(isFolder(folder.file("a/d")))
    }

    @Test("A file may be as large as the limit, and its head is not longer than the file")
    func limits() throws {
        let file = try folder.write("12345", "file")
        #expect(try readFile(file, limit: 5).count == 5 && readFile(file, limit: 6).count == 5)
        let error = #expect(throws: FileError.self) { _ = try readFile(file, limit: 4) }
        #expect(error?.number == EFBIG && error?.reason == .other)
        for count in [0, 1, 5, 6] {
            #expect(try readHead(file, count: count) == Array("12345".utf8.prefix(count)))
        }
        let absent = #expect(throws: FileError.self) {
            _ = try readHead(folder.file("new"), count: 1)
        }
        #expect(absent?.reason == .notThere)
    }

    // Otherwise a refused PIN is remembered for the wrong secret.
    @Test("A descriptor has a stamp only if it is a regular file at its start")
    func stamps() throws {
        let file = try folder.write("1234\n5678\n", "file")
        let handle = try FileHandle(forReadingFrom: URL(filePath: file))
        defer { try? handle.close() }
        let stamp = try #require(fileStamp(ofDescriptor: handle.fileDescriptor))
        #expect(stamp == fileStamp(file))
        _ = try handle.read(upToCount: 5)
        #expect(fileStamp(ofDescriptor: handle.fileDescriptor) == nil)
        try handle.seek(toOffset: 0)
        #expect(fileStamp(ofDescriptor: handle.fileDescriptor) == stamp)
        let pipe = Pipe()
        #expect(fileStamp(ofDescriptor: pipe.fileHandleForReading.fileDescriptor) == nil)
        #expect(fileStamp(ofDescriptor: 7777) == nil && fileStamp(folder.file("new")) == nil)
        let other = try folder.write("1234\n5678\n", "other")
        #expect(fileStamp(other) != stamp)
    }

    // MARK: Errors

    @Test("Each reason that the user can act on has its own category")
    func reasons() {
        let cases: [(Int32, FileError.Reason)] = [
            (ENOENT, .notThere), (ENOTDIR, .notInFolder), (EISDIR, .isFolder), (ELOOP, .circle),
            (EACCES, .forbidden), (EPERM, .forbidden), (ENOSPC, .noRoom), (EDQUOT, .noRoom),
            (EROFS, .readOnly), (EIO, .other), (EAGAIN, .other), (EEXIST, .other), (0, .other),
        ]
        for (number, reason) in cases {
            let error = FileError("cannot read", folder.file("new"), number: number)
            #expect(error.reason == reason, "\(number)")
            #expect(error.description.hasPrefix("cannot read \(folder.file("new")): "))
            #expect(error.isTaken == (number == EAGAIN))
        }
    }

    // Otherwise "No such file" confuses a user who can see the link.
    @Test("An error about a missing file names the last dangling link, if there is one")
    func danglingLinks() throws {
        let nowhere = try link("nowhere", to: "new")
        try makeFolder(folder.file("sub"))
        let sound = try link("sound", to: "sub")
        for path in [nowhere, nowhere + "/x", nowhere + "/x/y"] {
            let text = FileError("cannot open", path, number: ENOENT).description
            #expect(text.hasSuffix("(\(nowhere) is a dangling symbolic link)"), "\(text)")
            let other = FileError("cannot open", path, number: EACCES).description
            #expect(!other.contains("dangling"), "\(other)")
        }
        for path in [folder.file("new"), sound + "/x", folder.file("sub/x"), "new", "", "/"] {
            let text = FileError("cannot open", path, number: ENOENT).description
            #expect(!text.contains("dangling"), "\(text)")
            #expect(danglingLink(in: path) == nil)
        }
    }
}
