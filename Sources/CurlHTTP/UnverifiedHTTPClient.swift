/// An HTTP client that does not verify the server, not even for `https:` addresses.
///
/// Use it only for data that can be verified by other means, such as a certificate whose
/// fingerprint is known, and never send a secret. It follows no redirects.
package struct UnverifiedHTTPClient: ~Copyable {
    private let handle: CurlHandle

    /// Creates a client without sending anything. Throws if libcurl is not installed.
    package init(userAgent: String, limits: HTTPLimits = HTTPLimits()) throws(HTTPError) {
        handle = try CurlHandle.openUnverified(userAgent: userAgent, limits: limits)
    }

    /// Gets a file. Returns the answer with any status.
    package mutating func get(_ url: String) throws(HTTPError) -> HTTPAnswer {
        try requireAddress(url)
        return try handle.get(url)
    }

    /// Posts a body that is not secret. Returns the answer with any status.
    package mutating func post(
        to url: String, _ body: [UInt8], contentType: String
    ) throws(HTTPError) -> HTTPAnswer {
        try requireAddress(url)
        return try handle.post(url, body, contentType: contentType)
    }

    private func requireAddress(_ url: String) throws(HTTPError) {
        let start = url.lowercased()
        guard start.hasPrefix("https://") || start.hasPrefix("http://") else {
            throw HTTPError(.invalidURL, "\(url) is not an http:// or https:// address")
        }
    }
}
