package import TokencertPlatform

/// What a server answered.
package struct HTTPAnswer: Sendable, Hashable {
    /// The status, as 200.
    package let status: Int
    /// The media type in `Content-Type`, or nil.
    package let contentType: String?
    /// What the server's clock said (`Date`), in seconds since 1970-01-01 00:00 UTC, or nil.
    package let date: Int64?
    /// The body.
    package let body: [UInt8]
}

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

/// Posts forms and gets pages over HTTPS, and nothing else: no redirects are followed, no cookies are kept, no
/// request is sent twice.
///
/// Each request has a connection of its own. A client is for one thread at a time.
package struct HTTPClient: ~Copyable {
    let handle: CurlHandle
    private let limits: HTTPLimits

    /// Makes a client. Nothing is sent yet.
    ///
    /// The C function is `curl_easy_init`.
    ///
    /// - Throws: ``HTTPError`` where libcurl cannot be used.
    package init(
        policy: TLSPolicy, userAgent: String, limits: HTTPLimits = HTTPLimits()
    ) throws(HTTPError) {
        self.limits = limits
        handle = try CurlHandle.open(policy: policy, userAgent: userAgent, limits: limits)
    }

    /// Posts a form once.
    ///
    /// The C function is `curl_easy_perform`.
    ///
    /// - Parameters:
    ///   - url: An `https:` address. It carries no secret.
    ///   - form: The body, `application/x-www-form-urlencoded`.
    /// - Returns: The answer, whatever its status, redirects included.
    /// - Throws: ``HTTPError``; it tells whether the server may have acted on the request.
    package mutating func post(
        to url: String, form: borrowing Secret
    ) throws(HTTPError) -> HTTPAnswer {
        guard url.lowercased().hasPrefix("https://") else {
            throw HTTPError(.invalidURL, "\(url) is not an https:// address")
        }
        return try handle.post(url, form, maximumAnswer: limits.maximumAnswer)
    }

    /// Gets a page.
    ///
    /// The C function is `curl_easy_perform`.
    ///
    /// - Parameter url: An `https:` address. It carries no secret.
    /// - Returns: The answer, whatever its status, redirects included.
    package mutating func get(_ url: String) throws(HTTPError) -> HTTPAnswer {
        guard url.lowercased().hasPrefix("https://") else {
            throw HTTPError(.invalidURL, "\(url) is not an https:// address")
        }
        return try handle.get(url, maximumAnswer: limits.maximumAnswer)
    }
}
