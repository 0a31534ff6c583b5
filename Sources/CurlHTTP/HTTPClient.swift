package import TokencertPlatform

/// An HTTPS client that follows no redirects and never repeats a request.
///
/// It keeps cookies only if it is created for a session. Each request uses a new connection. Use a
/// client from one thread at a time.
package struct HTTPClient: ~Copyable {
    let handle: CurlHandle
    private let limits: HTTPLimits

    /// Creates a client without sending anything. Throws if libcurl is not installed.
    ///
    /// - Parameter keepsCookies: Whether cookies are kept, in memory, until ``removeCookies()``.
    package init(
        policy: TLSPolicy, userAgent: String, limits: HTTPLimits = HTTPLimits(),
        keepsCookies: Bool = false
    ) throws(HTTPError) {
        self.limits = limits
        handle = try CurlHandle.open(
            policy: policy, userAgent: userAgent, limits: limits, keepsCookies: keepsCookies)
    }

    /// Removes all cookies.
    package mutating func removeCookies() { handle.removeCookies() }

    /// Loads libcurl on another thread, so that the first request does not wait for its two dozen
    /// libraries. Nothing is connected or sent.
    package static func loadLibraryInBackground() {
        inBackground { CurlHandle.loadLibrary() }
    }

    /// Posts an `application/x-www-form-urlencoded` form once. Returns the answer with any status.
    package mutating func post(
        to url: String, form: borrowing Secret
    ) throws(HTTPError) -> HTTPAnswer {
        guard url.lowercased().hasPrefix("https://") else {
            throw HTTPError(.invalidURL, "\(url) is not an https:// address")
        }
        return try handle.post(url, form, maximumAnswer: limits.maximumAnswer)
    }

    /// Gets a file. Returns the answer with any status.
    package mutating func get(_ url: String) throws(HTTPError) -> HTTPAnswer {
        guard url.lowercased().hasPrefix("https://") else {
            throw HTTPError(.invalidURL, "\(url) is not an https:// address")
        }
        return try handle.get(url, maximumAnswer: limits.maximumAnswer)
    }
}
