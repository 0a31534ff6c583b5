#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Why a file could not be read or written.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was done to which file, and the system's reason, for a person to read.
    public let description: String
    /// The system's number, `errno`.
    public let number: Int32

    init(_ doing: String, _ path: String) {
        number = errno
        description = "\(doing) \(path): \(unsafe String(cString: strerror(number)))"
    }
}

/// Reads a whole file.
///
/// - Parameters:
///   - path: The file.
///   - limit: The most bytes that it may have.
/// - Returns: Its bytes.
/// - Throws: ``FileError``, with `EFBIG` for a file that is larger.
public func readFile(_ path: String, limit: Int = 1 << 24) throws(FileError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { throw FileError("cannot open", path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = unsafe read(descriptor, &piece, piece.count)
        if count == 0 { return bytes }
        if count < 0 {
            if errno == EINTR { continue }
            throw FileError("cannot read", path)
        }
        bytes += piece.prefix(count)
        if bytes.count > limit {
            errno = EFBIG
            throw FileError("cannot read", path)
        }
    }
}

/// Writes a file so that it survives a loss of power: after this it is there whole, and before it,
/// or where it fails, whatever was there under the name is untouched. A link is followed; a device
/// or a pipe is written to as it is.
///
/// - Parameters:
///   - bytes: What the file shall hold.
///   - path: The file. Its folder has to be there.
///   - permissions: The new file's mode, as 0o600.
/// - Throws: ``FileError``.
public func writeFileDurably(
    _ bytes: [UInt8], _ path: String, permissions: UInt32
) throws(FileError) {
    var status = stat()
    if unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
        let descriptor = unsafe open(
            path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t(permissions))
        guard descriptor >= 0 else { throw FileError("cannot open", path) }
        return try fill(descriptor, bytes, path)
    }
    let temporary = "\(path).\(getpid()).new"
    unsafe unlink(temporary)
    let descriptor = unsafe open(
        temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(permissions))
    guard descriptor >= 0 else { throw FileError("cannot create", temporary) }
    do throws(FileError) {
        try fill(descriptor, bytes, temporary)
        guard unsafe rename(temporary, path) == 0 else { throw FileError("cannot write", path) }
    } catch {
        unsafe unlink(temporary)
        throw error
    }
    makeNameDurable(path)
}

/// Makes an empty file that nobody else can read. One that is there stays, and nobody else can read it
/// any more where it is this user's.
///
/// - Parameter path: The file. Its folder has to be there.
/// - Throws: ``FileError``.
public func makePrivateFile(_ path: String) throws(FileError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
        if errno == EEXIST { return withdrawFromOthers(path) }
        throw FileError("cannot make", path)
    }
    close(descriptor)
    makeNameDurable(path)
}

private func withdrawFromOthers(_ path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
        status.st_mode & 0o077 != 0
    else { return }
    unsafe chmod(path, 0o600)
}

/// A name is durable when its folder is.
private func makeNameDurable(_ path: String) {
    let folder = unsafe open(parentFolder(path), O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
}

/// Has what was written to a file reach the disk itself.
private func synchronize(_ descriptor: Int32) -> Bool {
    #if canImport(Darwin)
        // There fsync leaves it in the drive's own memory.
        if fcntl(descriptor, F_FULLFSYNC) == 0 { return true }
    #endif
    return fsync(descriptor) == 0
}

private func fill(
    _ descriptor: Int32, _ bytes: [UInt8], _ path: String
) throws(FileError) {
    defer { close(descriptor) }
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes {
            unsafe write(descriptor, $0.baseAddress, $0.count)
        }
        if count < 0 {
            if errno == EINTR { continue }
            throw FileError("cannot write", path)
        }
        rest = rest.dropFirst(count)
    }
    // A pipe or a terminal has nothing to make durable.
    guard synchronize(descriptor) || errno == EINVAL || errno == EROFS else {
        throw FileError("cannot write", path)
    }
}

/// Makes a folder and those above it, readable by nobody else. One that is there stays as it is.
///
/// - Parameter path: The folder.
/// - Throws: ``FileError``, also where something else has the name.
public func makeFolder(_ path: String) throws(FileError) {
    if isFolder(path) { return }
    let parent = parentFolder(path)
    if parent != path { try makeFolder(parent) }
    guard unsafe mkdir(path, 0o700) == 0 || isFolder(path) else {
        throw FileError("cannot make the folder", path)
    }
    makeNameDurable(path)
}

/// The names of what is in a folder, in alphabetical order.
///
/// - Parameter path: The folder.
/// - Returns: The names without `.` and `..`; none where the folder cannot be read.
public func names(inFolder path: String) -> [String] {
    guard let folder = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while let entry = unsafe readdir(folder) {
        let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// Whether a path is a folder.
///
/// - Parameter path: The path.
public func isFolder(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// Whether there is anything under a path, whatever it is and whoever may read it.
///
/// The C function is `access`.
///
/// - Parameter path: The path.
public func isThere(_ path: String) -> Bool {
    unsafe access(path, F_OK) == 0
}

/// Whether files can be made in a folder.
///
/// - Parameter path: The folder.
public func isWritableFolder(_ path: String) -> Bool {
    unsafe isFolder(path) && access(path, W_OK | X_OK) == 0
}

/// Whether something that is there can be written to.
///
/// - Parameter path: A file, a device or a pipe.
public func isWritableFile(_ path: String) -> Bool {
    unsafe access(path, W_OK) == 0
}

/// Whether something that is there can be read.
///
/// - Parameter path: A file, a device or a pipe.
public func isReadableFile(_ path: String) -> Bool {
    unsafe access(path, R_OK) == 0
}

/// Whether anybody but its owner and the system's administrator can write to a file.
///
/// The C function is `stat`.
///
/// - Parameter path: The file; a link is followed.
/// - Returns: True also where it belongs to another user than this process.
/// - Throws: ``FileError``.
public func isWritableByOthers(_ path: String) throws(FileError) -> Bool {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw FileError("cannot read", path) }
    return status.st_mode & 0o022 != 0 || (status.st_uid != 0 && status.st_uid != geteuid())
}

/// The folder that a file is in, or would be.
///
/// - Parameter path: The file.
/// - Returns: The folder's path, `.` for a name without a slash.
public func parentFolder(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Something that changes when a file is written or replaced: where it is, how long it is and when
/// it was written. Nothing of its content.
///
/// - Parameter path: The file.
/// - Returns: nil where there is no such file.
public func fileStamp(_ path: String) -> String? {
    var information = stat()
    guard unsafe stat(path, &information) == 0 else { return nil }
    #if canImport(Darwin)
        let written = information.st_mtimespec
    #else
        let written = information.st_mtim
    #endif
    return "\(information.st_dev):\(information.st_ino):\(information.st_size):"
        + "\(written.tv_sec).\(written.tv_nsec)"
}

/// A path that names the same file from every working folder.
///
/// - Parameter path: The path; where there is no such file it stays as it is.
public func absolutePath(_ path: String) -> String {
    guard let resolved = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
}

/// Removes a file for good.
///
/// The C function is `unlink`.
///
/// - Parameter path: The file.
/// - Throws: ``FileError``.
public func removeFile(_ path: String) throws(FileError) {
    guard unsafe unlink(path) == 0 else { throw FileError("cannot remove", path) }
    makeNameDurable(path)
}
