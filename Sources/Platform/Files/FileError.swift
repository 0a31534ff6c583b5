#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Why a file could not be read or written.
package struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The failed operation, the file and the system's reason, as text for the user.
    package let description: String
    /// The system's number, `errno`.
    package let number: Int32

    init(_ doing: String, _ path: String, number: Int32 = errno) {
        self.number = number
        let reason = unsafe String(cString: strerror(number))
        // The system reports a missing file and a dangling link in the same way.
        let link = number == ENOENT ? danglingLink(in: path) : nil
        let explanation = link.map { " (\($0) is a dangling symbolic link)" } ?? ""
        description = "\(doing) \(path): \(reason)\(explanation)"
    }

    /// Reasons that the user can act on.
    package enum Reason: Sendable {
        /// The file or its folder does not exist: `ENOENT`.
        case notThere
        /// A part of the path is not a folder: `ENOTDIR`.
        case notInFolder
        /// It is a folder: `EISDIR`.
        case isFolder
        /// The symbolic links form a loop: `ELOOP`.
        case circle
        /// This user does not have the permission: `EACCES`, `EPERM`.
        case forbidden
        /// The file system is full, or this user's quota is used up: `ENOSPC`, `EDQUOT`.
        case noRoom
        /// The file system is read-only: `EROFS`.
        case readOnly
        /// Anything else.
        case other
    }

    /// The category of the reason, which decides the hint.
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

/// The dangling symbolic link in a path that is nearest to its end.
///
/// - Parameter path: A path that does not exist.
/// - Returns: nil if no link is the reason.
func danglingLink(in path: String) -> String? {
    var part = path
    while true {
        var status = stat()
        if unsafe lstat(part, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFLNK else { return nil }
            return unsafe stat(part, &status) == 0 ? nil : part
        }
        let parent = parentFolder(part)
        if parent == part { return nil }
        part = parent
    }
}
