package import TokencertPlatform

/// Carries the session of a member at the CA's web site: it keeps the session's cookie until
/// ``forget()``, follows no redirects, and sends each request once.
package protocol WebTransport: AnyObject {
    /// Gets a page. Returns the answer with any status.
    func get(_ url: String) throws(TransportError) -> TransportAnswer

    /// Posts an `application/x-www-form-urlencoded` form. Returns the answer with any status.
    func post(to url: String, form: borrowing Secret) throws(TransportError) -> TransportAnswer

    /// Removes the session's cookie.
    func forget()
}

/// Why something is not available in the web account.
package struct WebAccountError: Error, Sendable, Hashable {
    package enum Code: Sendable, Hashable {
        /// The user name or the password is wrong, or the account is locked; the site does not
        /// report which.
        case loginRefused
        /// The site requires the member to do something in a browser first.
        case memberRequired
        /// The session ended.
        case notLoggedIn
        /// The account has no certificate with the number.
        case noSuchCertificate
        case unreachable
        /// The answer is not one of those that this version knows.
        case unknownPage
    }

    package let code: Code
    /// The message for the user, without a full stop.
    package let reason: String
    /// What the user can do, one line each.
    package let advice: [String]

    package init(_ code: Code, _ reason: String, advice: [String] = []) {
        self.code = code
        self.reason = reason
        self.advice = advice
    }
}
