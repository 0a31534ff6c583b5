#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Whether a path certainly does not exist. False if that cannot be determined, for example in a
/// folder that this user may not search.
///
/// The C function is `lstat`.
///
/// - Parameter path: The file; a link is not followed, so a dangling link is present.
package func isAbsent(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR)
}

/// The size of a file.
///
/// The C function is `stat`.
///
/// - Parameter path: The file; a link is followed.
/// - Returns: Its size in bytes, or nil if it cannot be determined.
package func fileSize(_ path: String) -> Int64? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    return Int64(status.st_size)
}
