package import TokencertPlatform

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
