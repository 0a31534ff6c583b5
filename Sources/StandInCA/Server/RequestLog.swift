internal import FoundationEssentials
internal import Synchronization

/// One JSON line for each request: the method, the path, and the names of its headers and fields,
/// never their values.
final class RequestLog: Sendable {
    struct Line: Codable {
        let method: String
        let path: String
        /// The names of the headers, in lower case and in their order.
        let headers: [String]
        /// The names of the fields in the address.
        let queryFields: [String]
        /// The names of the fields in the body.
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
