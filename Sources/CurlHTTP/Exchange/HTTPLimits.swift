/// Limits for the duration of a request and the size of its answer.
package struct HTTPLimits: Sendable, Hashable {
    /// The limit in seconds for connecting, including the TLS handshake.
    package var connectTimeout: Int
    /// The limit in seconds for the whole exchange.
    package var timeout: Int
    /// The limit in bytes for the answer's body.
    package var maximumAnswer: Int

    package init(connectTimeout: Int = 20, timeout: Int = 120, maximumAnswer: Int = 1 << 20) {
        self.connectTimeout = connectTimeout
        self.timeout = timeout
        self.maximumAnswer = maximumAnswer
    }
}
