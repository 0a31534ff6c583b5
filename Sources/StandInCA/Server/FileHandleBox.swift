#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Owns the descriptor of a file that is opened for appending.
final class FileHandleBox: Sendable {
    private let descriptor: Int32

    init(path: String) throws(StandInError) {
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StandInError("cannot write \(path): \(unsafe String(cString: strerror(errno)))")
        }
    }

    deinit {
        close(descriptor)
    }

    /// Appends bytes in one call, so the lines of several tasks do not mix.
    func append(_ bytes: [UInt8]) {
        _ = unsafe write(descriptor, bytes, bytes.count)
    }
}
