/// Gets what proves itself, from any server: a certificate whose fingerprint is known, or an answer
/// that its author has signed.
///
/// Who the server is is not checked, with `https:` neither, so that nothing of what comes may be
/// trusted before it is proved. Nothing secret is ever sent. No redirects are followed.
package struct UnverifiedHTTPClient: ~Copyable {
    private let handle: CurlHandle
    private let limits: HTTPLimits

    /// Makes a client. Nothing is sent yet.
    ///
    /// The C function is `curl_easy_init`.
    ///
    /// - Throws: ``HTTPError`` where libcurl cannot be used.
    package init(userAgent: String, limits: HTTPLimits = HTTPLimits()) throws(HTTPError) {
        self.limits = limits
        handle = try CurlHandle.openUnverified(userAgent: userAgent, limits: limits)
    }

    /// Gets a file.
    ///
    /// The C function is `curl_easy_perform`.
    ///
    /// - Parameter url: An `http:` or `https:` address.
    /// - Returns: The answer, whatever its status.
    package mutating func get(_ url: String) throws(HTTPError) -> HTTPAnswer {
        try requireAddress(url)
        return try handle.get(url, maximumAnswer: limits.maximumAnswer)
    }

    /// Posts a question that holds nothing secret.
    ///
    /// The C function is `curl_easy_perform`.
    ///
    /// - Parameters:
    ///   - url: An `http:` or `https:` address.
    ///   - body: The question.
    ///   - contentType: The media type of the question.
    /// - Returns: The answer, whatever its status.
    package mutating func post(
        to url: String, _ body: [UInt8], contentType: String
    ) throws(HTTPError) -> HTTPAnswer {
        try requireAddress(url)
        return try handle.post(
            url, body, contentType: contentType, maximumAnswer: limits.maximumAnswer)
    }

    private func requireAddress(_ url: String) throws(HTTPError) {
        let start = url.lowercased()
        guard start.hasPrefix("https://") || start.hasPrefix("http://") else {
            throw HTTPError(.invalidURL, "\(url) is no address of a web server")
        }
    }
}
