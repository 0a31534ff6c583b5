#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Reads a whole file. Throws an error with `EFBIG` if it has more than `limit` bytes.
package func readFile(_ path: String, limit: Int = 1 << 24) throws(FileError) -> [UInt8] {
    let bytes = try readHead(path, count: limit + 1)
    guard bytes.count <= limit else { throw FileError("cannot read", path, number: EFBIG) }
    return bytes
}

/// Reads at most `count` bytes from the start of a file.
package func readHead(_ path: String, count: Int) throws(FileError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { throw FileError("cannot open", path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: min(count, 1 << 16))
    while bytes.count < count {
        let found = unsafe read(descriptor, &piece, min(piece.count, count - bytes.count))
        if found == 0 { break }
        if found < 0 {
            if errno == EINTR { continue }
            throw FileError("cannot read", path)
        }
        bytes += piece.prefix(found)
    }
    return bytes
}

/// What the system knows of a file; links are followed. nil if that cannot be determined, with the
/// reason in `errno`.
func fileStatus(_ path: String) -> stat? {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? status : nil
}

extension stat {
    /// The kind of the file, such as `S_IFREG`.
    var kind: mode_t { st_mode & S_IFMT }
}

/// Creates an empty file that only its owner can read; its folder must exist. If the file exists
/// and belongs to this user, access by others is removed.
package func makePrivateFile(_ path: String) throws(FileError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
        guard errno == EEXIST else { throw FileError("cannot create", path) }
        // A dangling link also has this name: SQLite would create the file that it points to.
        guard let status = fileStatus(path) else { throw FileError("cannot open", path) }
        if status.kind == S_IFREG, status.st_mode & 0o077 != 0 { unsafe chmod(path, 0o600) }
        return
    }
    close(descriptor)
    makeNameDurable(path)
}

/// Flushes a file's folder to the disk: a new name is durable when its folder is.
func makeNameDurable(_ path: String) {
    let folder = unsafe open(parentFolder(path), O_RDONLY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
}

/// Flushes a file to the disk.
private func synchronize(_ descriptor: Int32) -> Bool {
    #if canImport(Darwin)
        // On Darwin, fsync leaves data in the drive's cache.
        if fcntl(descriptor, F_FULLFSYNC) == 0 { return true }
    #endif
    return fsync(descriptor) == 0
}

/// Writes bytes to a descriptor. Returns whether that succeeded; if not, the reason is in `errno`.
@discardableResult
func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes {
            unsafe write(descriptor, $0.baseAddress, $0.count)
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
    }
    return true
}

/// Writes bytes to an open file, flushes them to the disk, and closes the file.
func fill(_ descriptor: Int32, _ bytes: [UInt8], _ path: String) throws(FileError) {
    defer { close(descriptor) }
    guard writeAll(descriptor, bytes) else { throw FileError("cannot write", path) }
    // A pipe or a terminal cannot be flushed.
    guard synchronize(descriptor) || [EINVAL, EROFS, ENOTSUP].contains(errno) else {
        throw FileError("cannot write", path)
    }
}

/// Creates a folder and its parents, accessible only to the owner. An existing folder is not
/// changed. The home folder is not created: a wrong `HOME` would hide what is written there.
package func makeFolder(_ path: String) throws(FileError) {
    if isFolder(path) { return }
    guard path != homeFolder() else {
        throw FileError("cannot use the home folder", path, number: ENOENT)
    }
    let parent = parentFolder(path)
    if parent != path { try makeFolder(parent) }
    if unsafe mkdir(path, 0o700) != 0 {
        let number = errno
        if isFolder(path) { return }
        throw FileError(
            "cannot create the folder", path, number: number == EEXIST ? obstacle(path) : number)
    }
    makeNameDurable(path)
}

/// Why an existing path is not a folder, as an `errno` value.
private func obstacle(_ path: String) -> Int32 { fileStatus(path) == nil ? errno : ENOTDIR }

/// The sorted names of the entries of a folder; none if the folder does not exist. Throws if it
/// cannot be read, or if it is unknown whether it exists.
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

package func isFolder(_ path: String) -> Bool { fileStatus(path)?.kind == S_IFDIR }

/// Whether a path exists; a dangling link counts as existing. Throws if the answer is unknown: a
/// folder without search permission, a loop of links, or a link to a missing folder.
package func isPresent(_ path: String) throws(FileError) -> Bool {
    var status = stat()
    if unsafe lstat(path, &status) == 0 { return true }
    let number = errno
    guard number == ENOENT, danglingLink(in: path) == nil else {
        throw FileError("cannot check for", path, number: number)
    }
    return false
}

/// Whether a path certainly does not exist; a dangling link exists. False if the answer is unknown:
/// in a folder without search permission, or if the path leads through a dangling link.
package func isAbsent(_ path: String) -> Bool {
    var status = stat()
    guard unsafe lstat(path, &status) != 0 else { return false }
    let number = errno
    return number == ENOTDIR || number == ENOENT && danglingLink(in: path) == nil
}

/// The size of a file in bytes; nil if it cannot be determined. Links are followed.
package func fileSize(_ path: String) -> Int64? { fileStatus(path).map { Int64($0.st_size) } }

/// Whether a path is a regular file; links are followed.
package func isRegularFile(_ path: String) -> Bool { fileStatus(path)?.kind == S_IFREG }

/// The number of bytes that the file system of a folder has room for; nil if that is unknown.
package func freeSpace(_ folder: String) -> UInt64? {
    var status = statvfs()
    guard unsafe statvfs(folder, &status) == 0 else { return nil }
    return UInt64(status.f_bavail) * UInt64(status.f_frsize)
}

/// Whether a path is a pipe, a device or a socket, which may block a reader forever; links are
/// followed. False if that cannot be determined.
package func isSpecialFile(_ path: String) -> Bool {
    guard let kind = fileStatus(path)?.kind else { return false }
    return kind != S_IFREG && kind != S_IFDIR
}

/// Whether this process can reach a path. For remarks only: false also if the answer is unknown,
/// which ``isPresent(_:)`` reports.
package func exists(_ path: String) -> Bool {
    unsafe access(path, F_OK) == 0
}

/// Whether files can be created in a folder.
package func isWritableFolder(_ path: String) -> Bool {
    unsafe isFolder(path) && access(path, W_OK | X_OK) == 0
}

/// Whether an existing file, device or pipe can be written to.
package func isWritableFile(_ path: String) -> Bool {
    unsafe access(path, W_OK) == 0
}

/// Checks that this process has the permission to write to an existing file.
package func requireWriteAccess(to path: String) throws(FileError) {
    guard unsafe access(path, W_OK) == 0 else { throw FileError("cannot write", path) }
}

/// Checks that files can be created in a folder, or in the nearest folder above it that exists.
package func requireWritableFolder(_ path: String) throws(FileError) {
    var folder = path
    while isAbsent(folder), parentFolder(folder) != folder { folder = parentFolder(folder) }
    let isInTheWay = exists(folder) && !isFolder(folder)
    guard !isInTheWay, unsafe access(folder, W_OK | X_OK) == 0 else {
        throw FileError(
            "cannot create a file in the folder", folder, number: isInTheWay ? ENOTDIR : errno)
    }
}

/// Whether an existing file, device or pipe can be read.
package func isReadableFile(_ path: String) -> Bool {
    unsafe access(path, R_OK) == 0
}

/// Whether a user other than this one and root owns a file, or its group or others may write to it;
/// links are followed.
package func isWritableByOthers(_ path: String) throws(FileError) -> Bool {
    guard let status = fileStatus(path) else { throw FileError("cannot read", path) }
    return status.st_mode & 0o022 != 0 || isOfOtherUser(status)
}

/// Whether a user other than this one and root owns a file; links are followed. False if that is
/// unknown.
package func belongsToOtherUser(_ path: String) -> Bool {
    fileStatus(path).map(isOfOtherUser) ?? false
}

private func isOfOtherUser(_ status: stat) -> Bool {
    status.st_uid != 0 && status.st_uid != geteuid()
}

/// The folder of a file, `.` for a name without a slash.
package func parentFolder(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// A value that changes when a file is written or replaced: its location and modification time,
/// without its contents or length; nil if the file does not exist.
package func fileStamp(_ path: String) -> String? { fileStatus(path).map(stamp) }

/// The same for an open descriptor; nil unless it is a regular file at its start, because reading
/// from a later position returns other bytes.
package func fileStamp(ofDescriptor descriptor: Int32) -> String? {
    var information = stat()
    guard unsafe fstat(descriptor, &information) == 0, information.kind == S_IFREG,
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

/// The number of hard links of a file; 0 if it cannot be determined. Symbolic links are followed.
package func nameCount(_ path: String) -> Int { Int(fileStatus(path)?.st_nlink ?? 0) }

/// The absolute path without symbolic links; the path itself if the file does not exist.
package func absolutePath(_ path: String) -> String {
    guard let resolved = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
}

/// Removes a file durably.
package func removeFile(_ path: String) throws(FileError) {
    guard unsafe unlink(path) == 0 else { throw FileError("cannot remove", path) }
    makeNameDurable(path)
}

/// Removes a folder if nothing is in it.
package func removeFolderIfEmpty(_ path: String) {
    if unsafe rmdir(path) == 0 { makeNameDurable(path) }
}
