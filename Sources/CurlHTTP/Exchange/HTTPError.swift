/// An error that prevented a complete answer.
package struct HTTPError: Error, Sendable, Equatable {
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The name of the code, which never changes.
        package var description: String { value }

        /// The address is malformed or has the wrong scheme.
        package static let invalidURL = Code(value: "invalidURL")
        /// The host name cannot be resolved, or the connection fails.
        package static let unreachable = Code(value: "unreachable")
        /// The TLS handshake failed before the server's certificate was verified.
        package static let tlsFailed = Code(value: "tlsFailed")
        /// The server's certificate is not trusted, or is for a different host name.
        package static let untrustedServer = Code(value: "untrustedServer")
        /// The trust anchors cannot be read.
        package static let badAnchors = Code(value: "badAnchors")
        package static let timedOut = Code(value: "timedOut")
        /// The connection broke.
        package static let interrupted = Code(value: "interrupted")
        package static let answerTooLarge = Code(value: "answerTooLarge")
        /// libcurl is missing, does not start or rejects an option.
        package static let failed = Code(value: "failed")
    }

    package let code: Code
    /// The error message.
    package let reason: String
    /// Whether the server may have received a part of the request's body, and may have acted on it.
    package let mayHaveBeenSent: Bool
    /// The part of the answer's body that was received.
    package let partialAnswer: [UInt8]
    /// The HTTP status of the partial answer, if it was received.
    package let partialStatus: Int?
    /// The `CURLcode`, if libcurl reported the error.
    package let curlCode: Int?

    init(
        _ code: Code, _ reason: String, mayHaveBeenSent: Bool = false,
        partialAnswer: [UInt8] = [], partialStatus: Int? = nil, curlCode: Int? = nil
    ) {
        self.code = code
        self.reason = reason
        self.mayHaveBeenSent = mayHaveBeenSent
        self.partialAnswer = partialAnswer
        self.partialStatus = partialStatus
        self.curlCode = curlCode
    }
}
