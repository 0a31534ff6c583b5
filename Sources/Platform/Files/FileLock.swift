#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// An exclusive lock on one byte of a file. The system releases it when the process ends for any
/// reason.
package struct FileLock: ~Copyable, Sendable {
    private let descriptor: Int32

    /// Locks a byte; it may lie beyond the end of the file. A missing file is created. If the byte
    /// is locked and `waits` is false, the error has ``FileError/isTaken``.
    package init(_ path: String, byte: Int64, waits: Bool) throws(FileError) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError("cannot open", path) }
        var range = flock()
        range.l_type = Int16(F_WRLCK)
        range.l_whence = Int16(SEEK_SET)
        range.l_start = off_t(byte)
        range.l_len = 1
        // Locks of the open file, not of the process: a process lock is lost when any descriptor of
        // the file is closed.
        let operation = waits ? Self.setLockAndWait : Self.setLock
        var returned: Int32
        repeat {
            returned = unsafe fcntl(descriptor, operation, &range)
        } while returned != 0 && errno == EINTR
        guard returned == 0 else {
            let error = FileError("cannot lock", path)
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    // F_OFD_SETLK and F_OFD_SETLKW.
    #if canImport(Darwin)
        private static let setLock: Int32 = 90
        private static let setLockAndWait: Int32 = 91
    #else
        private static let setLock: Int32 = 37
        private static let setLockAndWait: Int32 = 38
    #endif
}

/// An exclusive lock on a folder, which adds no file to it. The system releases it when the process ends for
/// any reason.
package struct FolderLock: ~Copyable, Sendable {
    private let descriptor: Int32

    /// Waits until no other process has the lock. On a file system that cannot lock folders, such as some
    /// NFS servers, nothing is locked.
    package init(_ path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("cannot open", path) }
        while flock(descriptor, LOCK_EX) != 0 && errno == EINTR {}
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }
}

extension FileError {
    /// Whether another owner holds the lock. Open file locks fail with `EAGAIN` only; `EACCES`
    /// means that the file cannot be opened.
    package var isTaken: Bool { number == EAGAIN }
}

/// Whether another process, or a ``FileLock`` of any process, has locked a part of a file. A
/// missing file is not locked. Throws if the answer is unknown.
package func isLocked(_ path: String) throws(FileError) -> Bool {
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else {
        let number = errno
        guard number == ENOENT, isAbsent(path) else {
            throw FileError("cannot open", path, number: number)
        }
        return false
    }
    defer { close(descriptor) }
    // All bytes of the file. F_GETLK reports what would prevent the lock and takes none.
    var range = flock()
    range.l_type = Int16(F_WRLCK)
    range.l_whence = Int16(SEEK_SET)
    guard unsafe fcntl(descriptor, F_GETLK, &range) == 0 else {
        throw FileError("cannot check for a lock of", path)
    }
    return range.l_type != Int16(F_UNLCK)
}
