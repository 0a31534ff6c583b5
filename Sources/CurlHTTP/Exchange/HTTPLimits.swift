/// How long a request may take and how large its answer may be.
package struct HTTPLimits: Sendable, Hashable {
    /// Until the connection stands, TLS included, in seconds.
    package var connectTimeout: Int
    /// For all of it, in seconds.
    package var timeout: Int
    /// The largest body, in bytes.
    package var maximumAnswer: Int

    /// Makes limits. The defaults are 20 s, 120 s and 1 MiB.
    package init(connectTimeout: Int = 20, timeout: Int = 120, maximumAnswer: Int = 1 << 20) {
        self.connectTimeout = connectTimeout
        self.timeout = timeout
        self.maximumAnswer = maximumAnswer
    }
}
