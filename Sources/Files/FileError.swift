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

    init(_ doing: String, _ path: String, number: Int32 = errno) {
        self.number = number
        let reason = unsafe String(cString: strerror(number))
        // The system says the same of a file that is not there and of a link that leads nowhere.
        let link = number == ENOENT ? danglingLink(in: path) : nil
        let explanation = link.map { " (\($0) is a symbolic link that leads nowhere)" } ?? ""
        description = "\(doing) \(path): \(reason)\(explanation)"
    }

    /// What the user can do something about.
    public enum Reason: Sendable {
        /// There is no such file, or its folder is not there: `ENOENT`.
        case notThere
        /// A part of the path is no folder: `ENOTDIR`.
        case notInFolder
        /// It is a folder: `EISDIR`.
        case isFolder
        /// Links that lead in a circle: `ELOOP`.
        case circle
        /// This user may not: `EACCES`, `EPERM`.
        case forbidden
        /// The file system is full, or this user's part of it: `ENOSPC`, `EDQUOT`.
        case noRoom
        /// The file system can be read only: `EROFS`.
        case readOnly
        /// Anything else.
        case other
    }

    /// The reason, as far as it decides what to do.
    public var reason: Reason {
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

/// The first symbolic link in a path, from its end, that leads nowhere.
///
/// - Parameter path: The path of something that is not there.
/// - Returns: nil if the path is simply not there.
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
