/// The answer of a page, or a fault of the connection.
enum PageAnswer: Sendable {
    case body([UInt8])
    case status(Int, body: [UInt8], location: String? = nil)
    /// The connection breaks before anything is sent.
    case broken
    case cutOff(after: [UInt8], of: Int)
    case huge
    case never

    /// Creates an answer with a fault, if the fault concerns answers.
    init(_ bytes: [UInt8], fault: Fault?) {
        switch fault {
        case .cut: self = .body(Array(bytes.prefix(bytes.count / 2)))
        case .huge: self = .huge
        case .noCertificate: self = .text("200,Authentication Ok\n")
        case .reworded:
            self = .text("404,Your certificate could not be made in time, try again later")
        case .warning:
            self = .body(Array("\nWarning: mysql_connect() in common.php\n".utf8) + bytes)
        case .html: self = .text("<html><head><title>Maintenance</title></head></html>")
        case .empty: self = .body([])
        case .garbage: self = .body((0..<500).map { UInt8(truncatingIfNeeded: $0 &* 131) })
        case .serverError:
            self = .status(500, body: Array("<h1>Internal Server Error</h1>".utf8))
        case .redirect:
            self = .status(302, body: [], location: "https://localhost:1/api/ccsr.php")
        case .resetBefore: self = .broken
        case .reset:
            self = .cutOff(after: Array(bytes.prefix(bytes.count / 2)), of: bytes.count)
        case .lateReset: self = .cutOff(after: bytes, of: bytes.count + 1)
        case .hang: self = .never
        default: self = .body(bytes)
        }
    }

    static func text(_ text: String) -> PageAnswer { .body(Array(text.utf8)) }
}

/// An answer with its headers.
struct Reply: Sendable {
    static let html = "text/html; charset=UTF-8"

    var answer: PageAnswer
    var contentType = Reply.html
    /// The new session cookie, if the server sends one.
    var cookie: String?

    /// The reply with a fault. The content type stays if the fault is in the content only.
    func with(_ fault: Fault) -> Reply {
        var bytes: [UInt8]
        switch answer {
        case .body(let content), .status(_, let content, _): bytes = content
        default: bytes = []
        }
        // A redirect has no content that could break off.
        if bytes.isEmpty { bytes = Array("<html><body></body></html>".utf8) }
        let keepsType = [.cut, .garbage, .reset, .huge].contains(fault)
        return Reply(
            answer: PageAnswer(bytes, fault: fault),
            contentType: keepsType ? contentType : Self.html, cookie: cookie)
    }
}
