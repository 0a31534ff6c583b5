internal import FoundationEssentials

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Writes a file that only its owner can read.
func writePrivately(_ text: String, to path: String) throws(StandInError) {
    guard
        FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
    else {
        throw StandInError("cannot write \(path)")
    }
}

/// Creates or replaces a file at once, without waiting for the disk as Foundation does: that would take
/// most of the time of an order.
func replaceFile(
    _ path: String, with bytes: some Collection<UInt8>
) throws(StandInError) {
    let temporary = path + ".new"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw StandInError("cannot write \(temporary)") }
    let bytes = Array(bytes)
    let written = unsafe write(descriptor, bytes, bytes.count)
    close(descriptor)
    guard written == bytes.count, unsafe rename(temporary, path) == 0 else {
        _ = unsafe unlink(temporary)
        throw StandInError("cannot write \(path)")
    }
}
