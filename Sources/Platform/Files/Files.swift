#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Reads a whole file.
///
/// - Parameters:
///   - path: The file.
///   - limit: The most bytes that it may have.
/// - Returns: Its bytes.
/// - Throws: ``FileError``, with `EFBIG` for a file that is larger.
package func readFile(_ path: String, limit: Int = 1 << 24) throws(FileError) -> [UInt8] {
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

/// Reads the beginning of a file.
///
/// - Parameters:
///   - path: The file.
///   - count: The maximum number of bytes to read.
/// - Returns: Its first bytes.
/// - Throws: ``FileError``.
package func readHead(_ path: String, count: Int) throws(FileError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { throw FileError("cannot open", path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: count)
    while bytes.count < count {
        let found = unsafe read(descriptor, &piece, count - bytes.count)
        if found == 0 { break }
        if found < 0 {
            if errno == EINTR { continue }
            throw FileError("cannot read", path)
        }
        bytes += piece.prefix(found)
    }
    return bytes
}

/// Makes an empty file that nobody else can read. One that is there stays, and nobody else can read it
/// any more where it is this user's.
///
/// - Parameter path: The file. Its folder has to be there.
/// - Throws: ``FileError``.
package func makePrivateFile(_ path: String) throws(FileError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
        guard errno == EEXIST else { throw FileError("cannot make", path) }
        // A dangling link also has this name: SQLite would create the file that it points to.
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw FileError("cannot open", path) }
        return withdrawFromOthers(path)
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
func makeNameDurable(_ path: String) {
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

/// Writes bytes to an open file, flushes them to the disk, and closes it.
func fill(
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
    guard synchronize(descriptor) || [EINVAL, EROFS, ENOTSUP].contains(errno) else {
        throw FileError("cannot write", path)
    }
}

/// Makes a folder and those above it, readable by nobody else. One that is there stays as it is.
///
/// - Parameter path: The folder.
/// - Throws: ``FileError``, also where something else has the name.
package func makeFolder(_ path: String) throws(FileError) {
    if isFolder(path) { return }
    let parent = parentFolder(path)
    if parent != path { try makeFolder(parent) }
    if unsafe mkdir(path, 0o700) != 0 {
        let number = errno
        if isFolder(path) { return }
        throw FileError(
            "cannot make the folder", path, number: number == EEXIST ? obstacle(path) : number)
    }
    makeNameDurable(path)
}

/// Why an existing path is not a folder, as an `errno`.
private func obstacle(_ path: String) -> Int32 {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? ENOTDIR : errno
}

/// The names of what is in a folder, in alphabetical order.
///
/// The C functions are `opendir` and `readdir`.
///
/// - Parameter path: The folder.
/// - Returns: The names without `.` and `..`; none if there is no such folder.
/// - Throws: ``FileError`` if the folder exists and cannot be read, or if its existence cannot be
///   determined.
package func names(inFolder path: String) throws(FileError) -> [String] {
    guard let folder = unsafe opendir(path) else {
        let number = errno
        guard number == ENOENT, try !isPresent(path) else {
            throw FileError("cannot read the folder", path, number: number)
        }
        return []
    }
    defer { unsafe closedir(folder) }
    var names: [String] = []
    while true {
        // Only `errno` distinguishes the end of the folder from a failure.
        errno = 0
        guard let entry = unsafe readdir(folder) else {
            guard errno == 0 else { throw FileError("cannot read the folder", path) }
            break
        }
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
package func isFolder(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
}

/// Whether a path exists; a dangling link counts as existing.
///
/// The C function is `lstat`.
///
/// - Parameter path: The path.
/// - Returns: false only if the path certainly does not exist.
/// - Throws: ``FileError`` if that cannot be determined: a folder without search permission, a loop
///   of links, or a link to a folder that does not exist.
package func isPresent(_ path: String) throws(FileError) -> Bool {
    var status = stat()
    if unsafe lstat(path, &status) == 0 { return true }
    let number = errno
    guard number == ENOENT, danglingLink(in: path) == nil else {
        throw FileError("cannot look for", path, number: number)
    }
    return false
}

/// Whether a path is a regular file; a link is followed.
///
/// The C function is `stat`.
///
/// - Parameter path: The path.
package func isRegularFile(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
}

/// Whether a path is a pipe, a device or a socket, which a reader may wait for without end; a link is
/// followed.
///
/// The C function is `stat`.
///
/// - Parameter path: The path.
/// - Returns: False also for a folder and if it cannot be found out.
package func isSpecialFile(_ path: String) -> Bool {
    var status = stat()
    return unsafe stat(path, &status) == 0
        && ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
}

/// Whether there is anything under a path that this process can reach. For remarks only: false also
/// if that cannot be found out, which ``isPresent(_:)`` reports.
///
/// The C function is `access`.
///
/// - Parameter path: The path.
package func exists(_ path: String) -> Bool {
    unsafe access(path, F_OK) == 0
}

/// Whether files can be made in a folder.
///
/// - Parameter path: The folder.
package func isWritableFolder(_ path: String) -> Bool {
    unsafe isFolder(path) && access(path, W_OK | X_OK) == 0
}

/// Whether something that is there can be written to.
///
/// - Parameter path: A file, a device or a pipe.
package func isWritableFile(_ path: String) -> Bool {
    unsafe access(path, W_OK) == 0
}

/// Whether something that is there can be read.
///
/// - Parameter path: A file, a device or a pipe.
package func isReadableFile(_ path: String) -> Bool {
    unsafe access(path, R_OK) == 0
}

/// Whether anybody but its owner and the system's administrator can write to a file.
///
/// The C function is `stat`.
///
/// - Parameter path: The file; a link is followed.
/// - Returns: True also where it belongs to another user than this process.
/// - Throws: ``FileError``.
package func isWritableByOthers(_ path: String) throws(FileError) -> Bool {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw FileError("cannot read", path) }
    return status.st_mode & 0o022 != 0 || (status.st_uid != 0 && status.st_uid != geteuid())
}

/// The folder that a file is in, or would be.
///
/// - Parameter path: The file.
/// - Returns: The folder's path, `.` for a name without a slash.
package func parentFolder(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// A value that changes when a file is written or replaced: its location and modification time. It
/// contains nothing of the content, nor its length.
///
/// - Parameter path: The file.
/// - Returns: nil where there is no such file.
package func fileStamp(_ path: String) -> String? {
    var information = stat()
    guard unsafe stat(path, &information) == 0 else { return nil }
    return stamp(information)
}

/// The same for an open descriptor.
///
/// The C functions are `fstat` and `lseek`.
///
/// - Parameter descriptor: The descriptor.
/// - Returns: nil unless it is a regular file that is to be read from its start: what follows later
///   in a file differs from what was read before.
package func fileStamp(ofDescriptor descriptor: Int32) -> String? {
    var information = stat()
    guard unsafe fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG,
        lseek(descriptor, 0, SEEK_CUR) == 0
    else { return nil }
    return stamp(information)
}

private func stamp(_ information: stat) -> String {
    #if canImport(Darwin)
        let written = information.st_mtimespec
    #else
        let written = information.st_mtim
    #endif
    return "\(information.st_dev):\(information.st_ino):"
        + "\(written.tv_sec).\(written.tv_nsec)"
}

/// The number of names (hard links) of a file.
///
/// The C function is `stat`.
///
/// - Parameter path: The file; a link is followed.
/// - Returns: 0 if it cannot be determined.
package func nameCount(_ path: String) -> Int {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int(status.st_nlink) : 0
}

/// A path that names the same file from every working folder.
///
/// - Parameter path: The path; where there is no such file it stays as it is.
package func absolutePath(_ path: String) -> String {
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
package func removeFile(_ path: String) throws(FileError) {
    guard unsafe unlink(path) == 0 else { throw FileError("cannot remove", path) }
    makeNameDurable(path)
}
