package import TokencertPlatform

/// An HTTPS client that follows no redirects and never repeats a request.
///
/// It requires TLS 1.2 or later, a chain to one of the trust anchors, and the host name in the
/// certificate. If libcurl uses OpenSSL, the chain must also have 112 bits of security: RSA keys of
/// 2048 bits or more, and no SHA-1. The system's anchors are never used.
///
/// It keeps cookies only if it is created for a session. Each request uses a new connection. Use a
/// client from one thread at a time.
package struct HTTPClient: ~Copyable {
    private let handle: CurlHandle

    /// Creates a client without sending anything. Throws if libcurl is not installed.
    ///
    /// - Parameters:
    ///   - anchorsPEM: The trust anchors, certificates in PEM.
    ///   - keepsCookies: Whether cookies are kept, in memory, until ``removeCookies()``.
    package init(
        anchorsPEM: String, userAgent: String, limits: HTTPLimits = HTTPLimits(),
        keepsCookies: Bool = false
    ) throws(HTTPError) {
        handle = try CurlHandle.open(
            anchorsPEM: anchorsPEM, userAgent: userAgent, limits: limits,
            keepsCookies: keepsCookies)
    }

    /// Removes all cookies.
    package mutating func removeCookies() { handle.removeCookies() }

    /// Loads libcurl on another thread, so that the first request does not wait for its two dozen
    /// libraries. Nothing is connected or sent.
    package static func loadLibraryInBackground() {
        startThread { CurlHandle.loadLibrary() }
    }

    /// Posts an `application/x-www-form-urlencoded` form once. Returns the answer with any status.
    package mutating func post(
        to url: String, form: borrowing Secret
    ) throws(HTTPError) -> HTTPAnswer {
        try Self.requireAddress(url)
        return try handle.post(url, form)
    }

    /// Gets a file. Returns the answer with any status.
    package mutating func get(_ url: String) throws(HTTPError) -> HTTPAnswer {
        try Self.requireAddress(url)
        return try handle.get(url)
    }

    private static func requireAddress(_ url: String) throws(HTTPError) {
        guard url.lowercased().hasPrefix("https://") else {
            throw HTTPError(.invalidURL, "\(url) is not an https:// address")
        }
    }
}
