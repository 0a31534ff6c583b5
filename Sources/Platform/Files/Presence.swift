#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Whether a path certainly does not exist; a dangling link exists. False if the answer is unknown:
/// in a folder without search permission, or if the path leads through a dangling link.
package func isAbsent(_ path: String) -> Bool {
    var status = stat()
    guard unsafe lstat(path, &status) != 0 else { return false }
    let number = errno
    return number == ENOTDIR || number == ENOENT && danglingLink(in: path) == nil
}

/// The size of a file in bytes; nil if it cannot be determined. Links are followed.
package func fileSize(_ path: String) -> Int64? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return Int64(status.st_size)
}
