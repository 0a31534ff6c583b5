internal import FoundationEssentials

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Writes a JSON line for each request, with the method, the path and the names of headers and
/// fields, but never their values.
final class RequestLog: Sendable {
    struct Line: Codable {
        let method: String
        let path: String
        /// The names of the headers, in lower case and in order.
        let headers: [String]
        let queryFields: [String]
        let bodyFields: [String]
    }

    /// The file, which is opened for appending; nil if nothing is logged.
    private let descriptor: Int32?

    init(path: String?) throws(StandInError) {
        guard let path else {
            descriptor = nil
            return
        }
        let opened = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard opened >= 0 else {
            throw StandInError("cannot write \(path): \(unsafe String(cString: strerror(errno)))")
        }
        descriptor = opened
    }

    deinit {
        if let descriptor { close(descriptor) }
    }

    func append(_ line: Line) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let descriptor, let data = try? encoder.encode(line) else { return }
        // One call, so that the lines of several tasks do not mix.
        let bytes = Array(data) + [UInt8(ascii: "\n")]
        _ = unsafe write(descriptor, bytes, bytes.count)
    }
}
