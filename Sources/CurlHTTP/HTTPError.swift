/// Why no answer came back.
public struct HTTPError: Error, Sendable, Equatable {
    /// What kind of failure this is. Later versions may add to these.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The code's name. It stays the same in later versions.
        public var description: String { value }

        /// The address is not one, or not HTTPS.
        public static let invalidURL = Code(value: "invalidURL")
        /// The server's name is not known, or nobody answers there.
        public static let unreachable = Code(value: "unreachable")
        /// TLS failed before it was clear who the server is.
        public static let tlsFailed = Code(value: "tlsFailed")
        /// The server's certificate is not trusted, or is for another name.
        public static let untrustedServer = Code(value: "untrustedServer")
        /// The anchors cannot be used.
        public static let badAnchors = Code(value: "badAnchors")
        /// It took too long.
        public static let timedOut = Code(value: "timedOut")
        /// The connection broke.
        public static let interrupted = Code(value: "interrupted")
        /// The answer is larger than what was allowed.
        public static let answerTooLarge = Code(value: "answerTooLarge")
        /// libcurl could not be used at all.
        public static let failed = Code(value: "failed")
    }

    /// The kind of failure.
    public let code: Code
    /// What happened, for a person to read.
    public let reason: String
    /// Whether bytes of the request may have reached the server, so that it may have acted on it.
    public let mayHaveBeenSent: Bool
    /// What of an answer's body had come by then.
    public let partialAnswer: [UInt8]
    /// The HTTP status of that answer, or nil where none had come.
    public let partialStatus: Int?
    /// The number of libcurl, `CURLE_`, or nil.
    public let curlCode: Int?

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
