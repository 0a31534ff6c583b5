#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

private enum Destination {
    /// A regular file, which may not exist yet. It is replaced as a whole.
    case file(String)
    /// A device or a pipe.
    case stream(String)
    /// An open descriptor of this process, such as `/dev/stdout`.
    case descriptor(Int32)

    init(_ path: String) throws(FileError) {
        guard !path.isEmpty else {
            throw FileError("cannot write to an empty path", path, number: ENOENT)
        }
        var path = path
        // The limit of the Linux kernel.
        for _ in 0..<40 {
            if let number = Self.descriptor(path) {
                self = .descriptor(number)
                return
            }
            var status = stat()
            guard unsafe lstat(path, &status) == 0 else {
                guard errno == ENOENT else { throw FileError("cannot write", path) }
                self = .file(path)
                return
            }
            switch status.kind {
            case S_IFREG:
                self = .file(path)
                return
            case S_IFDIR:
                throw FileError("cannot write", path, number: EISDIR)
            case S_IFLNK:
                let target = try linkTarget(path)
                path = target.hasPrefix("/") ? target : parentFolder(path) + "/" + target
            default:
                self = .stream(path)
                return
            }
        }
        throw FileError("cannot write", path, number: ELOOP)
    }

    private static func descriptor(_ path: String) -> Int32? {
        for folder in ["/proc/self/fd/", "/dev/fd/"] where path.hasPrefix(folder) {
            return Int32(path.dropFirst(folder.count)).map { $0 == 1 ? standardOutput : $0 }
        }
        return nil
    }
}

func linkTarget(_ path: String) throws(FileError) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = unsafe readlink(path, &buffer, 4096)
    guard count >= 0 else { throw FileError("cannot read the link", path) }
    return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Replaces a file so that the change survives power loss: on return the new file is complete;
/// until then, and after an error, the old file is unchanged. The folder must exist.
///
/// A symbolic link is followed and its target replaced. A device, a pipe or an open descriptor such
/// as `/dev/stdout` is written to directly.
package func writeFileDurably(
    _ bytes: [UInt8], _ path: String, permissions: UInt32
) throws(FileError) {
    switch try Destination(path) {
    case .file(let file):
        try replace(file, with: writeTemporaryFile(beside: file, bytes, permissions))
    case .stream(let stream):
        let descriptor = unsafe open(stream, O_WRONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw FileError("cannot open", path) }
        try fill(descriptor, bytes, path)
    case .descriptor(let number):
        // Opening the file again would write from its start.
        let descriptor = dup(number)
        guard descriptor >= 0 else { throw FileError("cannot write", path) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        try fill(descriptor, bytes, path)
    }
}

/// Replaces the content of an existing regular file like ``writeFileDurably(_:_:permissions:)``.
/// The file keeps its permissions, whatever the umask is, its owner and its group. Throws an error
/// with `EPERM` if this user cannot keep the owner or the group.
package func replaceFileDurably(_ bytes: [UInt8], _ path: String) throws(FileError) {
    guard let status = fileStatus(path) else { throw FileError("cannot write", path) }
    guard case .file(let file) = try Destination(path) else {
        throw FileError("cannot replace", path, number: EINVAL)
    }
    try replace(file, with: writeTemporaryFile(beside: file, bytes, 0o600, like: status))
}

/// Gives a temporary file the name of a file; removes it on failure.
private func replace(_ file: String, with temporary: String) throws(FileError) {
    guard unsafe rename(temporary, file) == 0 else {
        let error = FileError("cannot write", file)
        unsafe unlink(temporary)
        throw error
    }
    makeNameDurable(file)
}

/// Gives an open file the owner, the group and the permissions of another one.
private func copyAccess(_ status: stat, to descriptor: Int32) -> Bool {
    var own = stat()
    guard unsafe fstat(descriptor, &own) == 0 else { return false }
    let isSame = own.st_uid == status.st_uid && own.st_gid == status.st_gid
    if !isSame, fchown(descriptor, status.st_uid, status.st_gid) != 0 {
        // The group does not matter if its members have no more rights than others.
        let mode = status.st_mode
        guard own.st_uid == status.st_uid, (mode >> 3) & 7 == mode & 7 || mode & 0o070 == 0 else {
            errno = EPERM
            return false
        }
    }
    return fchmod(descriptor, status.st_mode & 0o777) == 0
}

/// The regular file that ``writeFileDurably(_:_:permissions:)`` creates or replaces, after all
/// symbolic links; nil for a device, a pipe or an open descriptor.
package func replacedFile(_ path: String) throws(FileError) -> String? {
    guard case .file(let file) = try Destination(path) else { return nil }
    return file
}

/// A text that is the same for all names of one file: hard links, symbolic links and relative
/// paths. A file that does not exist is identified by its folder and its name.
package func fileIdentity(_ path: String) -> String {
    if let status = fileStatus(path) { return "\(status.st_dev):\(status.st_ino)" }
    let file = (try? replacedFile(path)) ?? path
    return absolutePath(parentFolder(file)) + "/" + String(file.split(separator: "/").last ?? "")
}

/// Checks that ``writeFileDurably(_:_:permissions:)`` can write a file, by doing everything except
/// the final rename.
package func requireWritableFile(_ path: String) throws(FileError) {
    switch try Destination(path) {
    case .file(let file):
        try requireReplaceable(file)
        // About the size of a certificate with its chain.
        let some = [UInt8](repeating: 0, count: 1 << 14)
        let temporary = try writeTemporaryFile(beside: file, some, 0o600)
        guard unsafe unlink(temporary) == 0 else { throw FileError("cannot remove", temporary) }
    case .stream(let stream):
        guard unsafe access(stream, W_OK) == 0 else { throw FileError("cannot write", path) }
    case .descriptor(let number):
        let flags = fcntl(number, F_GETFL)
        guard flags >= 0 else { throw FileError("cannot write", path) }
        guard flags & O_ACCMODE != O_RDONLY else {
            throw FileError("cannot write", path, number: EBADF)
        }
    }
}

/// In a folder such as `/tmp`, files of other users cannot be replaced although new ones can be
/// created.
private func requireReplaceable(_ file: String) throws(FileError) {
    var status = stat()
    guard geteuid() != 0, unsafe lstat(file, &status) == 0,
        let folder = fileStatus(parentFolder(file)), folder.st_mode & S_ISVTX != 0
    else { return }
    guard status.st_uid == geteuid() || folder.st_uid == geteuid() else {
        throw FileError("cannot replace", file, number: EPERM)
    }
}

/// Writes a temporary file in the same folder and returns its path; removes it on failure.
private func writeTemporaryFile(
    beside file: String, _ bytes: [UInt8], _ permissions: UInt32, like status: stat? = nil
) throws(FileError) -> String {
    let folder = parentFolder(file)
    // A short name, which is valid even if the file's own name has the maximum length.
    let temporary = "\(folder)/.tokencert.\(getpid()).new"
    unsafe unlink(temporary)
    let descriptor = unsafe open(
        temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(permissions))
    guard descriptor >= 0 else { throw FileError("cannot create a file in the folder", folder) }
    do throws(FileError) {
        if let status, !copyAccess(status, to: descriptor) {
            let error = FileError("cannot keep the owner and the permissions of", file)
            close(descriptor)
            throw error
        }
        try fill(descriptor, bytes, file)
        return temporary
    } catch {
        unsafe unlink(temporary)
        throw error
    }
}
