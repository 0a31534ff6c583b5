/// Why no answer came back.
package struct HTTPError: Error, Sendable, Equatable {
    /// What kind of failure this is. Later versions may add to these.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The code's name. It stays the same in later versions.
        package var description: String { value }

        /// The address is not one, or not HTTPS.
        package static let invalidURL = Code(value: "invalidURL")
        /// The server's name is not known, or nobody answers there.
        package static let unreachable = Code(value: "unreachable")
        /// TLS failed before it was clear who the server is.
        package static let tlsFailed = Code(value: "tlsFailed")
        /// The server's certificate is not trusted, or is for another name.
        package static let untrustedServer = Code(value: "untrustedServer")
        /// The anchors cannot be used.
        package static let badAnchors = Code(value: "badAnchors")
        /// It took too long.
        package static let timedOut = Code(value: "timedOut")
        /// The connection broke.
        package static let interrupted = Code(value: "interrupted")
        /// The answer is larger than what was allowed.
        package static let answerTooLarge = Code(value: "answerTooLarge")
        /// libcurl could not be used at all.
        package static let failed = Code(value: "failed")
    }

    /// The kind of failure.
    package let code: Code
    /// What happened, for a person to read.
    package let reason: String
    /// Whether bytes of the request may have reached the server, so that it may have acted on it.
    package let mayHaveBeenSent: Bool
    /// What of an answer's body had come by then.
    package let partialAnswer: [UInt8]
    /// The HTTP status of that answer, or nil where none had come.
    package let partialStatus: Int?
    /// The number of libcurl, `CURLE_`, or nil.
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
