internal import Hummingbird

extension Response {
    /// Creates the response with a reply's headers, content and faults of the connection.
    init(_ reply: Reply) {
        var headers: HTTPFields = [.contentType: reply.contentType]
        if let cookie = reply.cookie {
            headers[.setCookie] = "cacert=\(cookie); path=/; secure; HttpOnly"
        }
        switch reply.answer {
        case .body(let bytes):
            // Without a length, the body is sent in chunks, like PHP's.
            self.init(
                status: .ok, headers: headers,
                body: .init { writer in
                    try await writer.write(ByteBuffer(bytes: bytes))
                    try await writer.finish(nil)
                })
        case .status(let status, let bytes, let location):
            if let location { headers[.location] = location }
            self.init(
                status: .init(code: status), headers: headers,
                body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
        case .broken:
            if let mark = ResettingHandler.mark { headers[mark] = "1" }
            self.init(status: .ok, headers: headers)
        case .cutOff(let bytes, let length):
            self.init(
                status: .ok, headers: headers,
                body: .init(contentLength: length) { writer in
                    try await writer.write(ByteBuffer(bytes: bytes))
                    throw StandInError("closing the connection on purpose")
                })
        case .huge:
            self.init(
                status: .ok, headers: headers,
                body: .init { writer in
                    let piece = ByteBuffer(repeating: UInt8(ascii: "A"), count: 1 << 20)
                    try await writer.write(ByteBuffer(string: "200,Authentication Ok\n"))
                    for _ in 0..<256 { try await writer.write(piece) }
                    try await writer.finish(nil)
                })
        case .never:
            self.init(
                status: .ok, headers: headers,
                body: .init { writer in
                    try await Task.sleep(for: .seconds(3600))
                    try await writer.finish(nil)
                })
        }
    }
}
