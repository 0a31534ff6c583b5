import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertPlatform

/// Writing to descriptors and pipes, and locks on files.
@Suite struct DescriptorWritingTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    // Otherwise `--output /dev/stdout >> file` overwrites the file.
    @Test("A write to an open descriptor starts at its position and leaves it open")
    func descriptors() throws {
        let file = try folder.write("abc", "file")
        let handle = try FileHandle(forWritingTo: URL(filePath: file))
        defer { try? handle.close() }
        _ = try handle.seekToEnd()
        for place in ["/dev/fd/", "/proc/self/fd/"] {
            let path = place + "\(handle.fileDescriptor)"
            try requireWritableFile(path)
            try writeFileDurably(Array("de".utf8), path, permissions: 0o600)
        }
        try handle.write(contentsOf: Data("f".utf8))
        #expect(try folder.read("file") == "abcdedef")
        #expect(try names(inFolder: folder.path) == ["file"])
    }

    @Test("A descriptor that is closed or read-only is refused before anything is done")
    func refusedDescriptors() throws {
        let file = try folder.write("abc", "file")
        let handle = try FileHandle(forReadingFrom: URL(filePath: file))
        defer { try? handle.close() }
        for path in ["/dev/fd/\(handle.fileDescriptor)", "/dev/fd/7777"] {
            let error = #expect(throws: FileError.self, "\(path)") { try requireWritableFile(path) }
            #expect(error?.number == EBADF, "\(path)")
            #expect(throws: FileError.self, "\(path)") {
                try writeFileDurably([1], path, permissions: 0o600)
            }
        }
        #expect(try folder.read("file") == "abc")
    }

    @Test("A named pipe is written to, and not replaced by a file")
    func pipes() throws {
        let path = folder.file("pipe")
        try #require(unsafe mkfifo(path, 0o600) == 0)
        let reader = unsafe open(path, O_RDWR | O_NONBLOCK)
        defer { close(reader) }
        try requireWritableFile(path)
        try writeFileDurably(Array("pem".utf8), path, permissions: 0o600)
        var bytes = [UInt8](repeating: 0, count: 8)
        let count = unsafe read(reader, &bytes, bytes.count)
        #expect(count == 3 && Array(bytes.prefix(3)) == Array("pem".utf8))
        #expect(isSpecialFile(path))
        #expect(try names(inFolder: folder.path) == ["pipe"])
    }

    // Otherwise a killed run, which leaves its temporary file behind, blocks later ones.
    @Test("A leftover temporary file does not block a write, and the new file has its own mode")
    func leftover() throws {
        let temporary = ".tokencert.\(getpid()).new"
        try folder.write("left", temporary)
        let file = try folder.write("old", "file")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        try writeFileDurably(Array("new".utf8), file, permissions: 0o600)
        #expect(try folder.read("file") == "new")
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(try names(inFolder: folder.path) == ["file"])
        try writeFileDurably([], file, permissions: 0o600)
        #expect(fileSize(file) == 0)
    }

    // Otherwise the message after Ctrl-C hangs on a stopped terminal.
    @Test("Writing with a time limit ends and reports failure if nothing reads")
    func limited() throws {
        let pipe = try #require(makePipe())
        defer {
            close(pipe.read)
            close(pipe.write)
        }
        #expect(writeWithoutBlocking([UInt8](), to: pipe.write, withinMilliseconds: 0))
        let text = [UInt8](repeating: 7, count: 1300)
        #expect(writeWithoutBlocking(text, to: pipe.write, withinMilliseconds: 1000))
        var bytes = [UInt8](repeating: 0, count: 2000)
        let count = unsafe read(pipe.read, &bytes, bytes.count)
        #expect(count == 1300 && Array(bytes.prefix(1300)) == text)
        let endless = [UInt8](repeating: 0, count: 1 << 22)
        #expect(!writeWithoutBlocking(endless, to: pipe.write, withinMilliseconds: 0))
        #expect(!writeWithoutBlocking(text, to: 7777, withinMilliseconds: 0))
    }

    // Otherwise a program that a module starts keeps a pipe open or reads a secret from it.
    @Test("The ends of a new pipe are not inherited, and are not standard descriptors")
    func newPipes() throws {
        let pipe = try #require(makePipe())
        for end in [pipe.read, pipe.write] {
            #expect(end > 2 && !SecretSource.isInherited(end))
            _ = fcntl(end, F_SETFD, 0)
            #expect(SecretSource.isInherited(end))
            close(end)
        }
        #expect(!SecretSource.isInherited(7777) && !SecretSource.isInherited(-1))
    }

    // MARK: Locks

    // Otherwise the profile of a running browser is overwritten.
    @Test("A lock of any byte is seen until it is released, and a missing file is not locked")
    func seenLocks() throws {
        let path = folder.file("seen")
        #expect(try !isLocked(path))
        let lock = try FileLock(path, byte: 5, waits: false)
        #expect(try isLocked(path))
        _ = consume lock
        #expect(try !isLocked(path))
        // A look at the lock does not take it.
        #expect(throws: Never.self) { _ = try FileLock(path, byte: 5, waits: false) }
    }

    // Otherwise two processes renew the same certificate.
    @Test("A byte is locked by one owner until it is released, and other bytes are not locked")
    func locks() throws {
        let path = folder.file("locks")
        do {
            let first = try FileLock(path, byte: 5, waits: false)
            withExtendedLifetime(first) {
                let error = #expect(throws: FileError.self) {
                    _ = try FileLock(path, byte: 5, waits: false)
                }
                #expect(error?.isTaken == true)
                #expect(throws: Never.self) { _ = try FileLock(path, byte: 4, waits: false) }
                #expect(throws: Never.self) { _ = try FileLock(path, byte: 6, waits: false) }
                // Closing another descriptor of the file does not release the lock.
                #expect(throws: FileError.self) {
                    _ = try FileLock(path, byte: 5, waits: false)
                }
            }
        }
        #expect(throws: Never.self) { _ = try FileLock(path, byte: 5, waits: true) }
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(fileSize(path) == 0)
    }

    @Test("A lock in a missing folder is an error and not reported as held by another owner")
    func lockErrors() throws {
        for path in [folder.file("new/locks"), folder.path] {
            let error = #expect(throws: FileError.self, "\(path)") {
                _ = try FileLock(path, byte: 0, waits: false)
            }
            #expect(error?.isTaken == false)
        }
    }
}
