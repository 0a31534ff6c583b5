#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

package struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The failed operation, the file and the system's reason, as text for the user.
    package let description: String
    /// The value of `errno`.
    package let number: Int32
    /// The path of the file.
    package let path: String

    init(_ doing: String, _ path: String, number: Int32 = errno) {
        self.number = number
        self.path = path
        let reason = unsafe String(cString: strerror(number))
        // The system reports a missing file and a dangling link in the same way.
        let link = number == ENOENT ? danglingLink(in: path) : nil
        let explanation = link.map { " (\($0) is a dangling symbolic link)" } ?? ""
        description = "\(doing) \(path): \(reason)\(explanation)"
    }

    /// Reasons that the user can act on.
    package enum Reason: Sendable {
        /// `ENOENT`: the file or its folder does not exist.
        case notThere
        /// `ENOTDIR`: a part of the path is not a folder.
        case notInFolder
        /// `EISDIR`: the path is a folder.
        case isFolder
        /// `ELOOP`: the symbolic links form a loop.
        case circle
        /// `EACCES`, `EPERM`: the user does not have permission.
        case forbidden
        /// `ENOSPC`, `EDQUOT`: the file system is full or the quota is used up.
        case noRoom
        /// `EROFS`: the file system is read-only.
        case readOnly
        case other
    }

    package var reason: Reason {
        switch number {
        case ENOENT: .notThere
        case ENOTDIR: .notInFolder
        case EISDIR: .isFolder
        case ELOOP: .circle
        case EACCES, EPERM: .forbidden
        case ENOSPC, EDQUOT: .noRoom
        case EROFS: .readOnly
        default: .other
        }
    }
}

/// The last dangling symbolic link in a path that does not exist; nil if no link is the reason.
func danglingLink(in path: String) -> String? {
    var part = path
    while true {
        var status = stat()
        if unsafe lstat(part, &status) == 0 {
            return status.kind == S_IFLNK && fileStatus(part) == nil ? part : nil
        }
        let parent = parentFolder(part)
        if parent == part { return nil }
        part = parent
    }
}
