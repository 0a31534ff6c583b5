internal import FoundationEssentials
internal import Synchronization

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

    private let file: Mutex<FileHandleBox?>

    init(path: String?) throws(StandInError) {
        guard let path else {
            file = Mutex(nil)
            return
        }
        file = Mutex(try FileHandleBox(path: path))
    }

    func write(_ line: Line) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(line) else { return }
        file.withLock { $0?.append(Array(data) + [UInt8(ascii: "\n")]) }
    }
}
