/// A deliberate fault of the stand-in, after a request has passed its checks.
package enum Fault: String, Sendable, Hashable, CaseIterable {
    /// The order is refused.
    case refuse
    /// The certificate is issued a second after the answer that reports a failure.
    case late
    /// The certificate is for a different key.
    case wrongKey = "wrong-key"
    /// The certificate is signed by a different key with the CA's name.
    case wrongCA = "wrong-ca"
    /// The certificate has expired.
    case expired
    /// The certificate is valid from tomorrow.
    case notYetValid = "not-yet-valid"
    /// The certificate is a CA certificate.
    case authority = "ca-true"
    /// One of the addresses is missing.
    case fewerAddresses = "fewer-addresses"
    /// The certificate has a different name.
    case otherName = "other-name"
    /// Code signing is missing.
    case noCodeSigning = "no-code-signing"
    /// The answer ends in the middle.
    case cut
    /// The answer has 256 MiB.
    case huge
    /// The answer reports success but contains no certificate.
    case noCertificate = "no-certificate"
    /// The certificate is issued, but the answer is an unknown refusal.
    case reworded
    /// The certificate is issued, but the answer begins with a warning of PHP.
    case warning
    /// The answer is an HTML page.
    case html
    /// The answer is empty.
    case empty
    /// The answer is random bytes.
    case garbage
    /// The answer is HTTP 500.
    case serverError = "500"
    /// The answer is a redirect to a different host.
    case redirect
    /// The database is down, so every account is unknown.
    case deadDatabase = "dead-database"
    /// The list of weak keys cannot be read: HTTP 500 with an empty body for every RSA key.
    case weakKeyList = "weak-key-list"
    /// The connection breaks before the answer.
    case resetBefore = "reset-before"
    /// The connection breaks in the middle of the answer.
    case reset
    /// The connection breaks after the certificate but before the end of the answer.
    case lateReset = "late-reset"
    /// There is no answer for an hour.
    case hang
    /// The order is queued, the answer reports a failure at once, and the certificate is never issued.
    case never
    /// The web site breaks every connection after the login.
    case loginOnly = "login-only"
    /// The list in the web account has no table.
    case changedPage = "changed-page"
    /// The web account sends a certificate for a different key of the account.
    case otherCertificate = "other-certificate"
    /// Each certificate is revoked as soon as it is signed, as the web account shows.
    case revoked
    /// Each order leads to two certificates for the same key, which the web account lists.
    case doubled

    /// Whether the fault applies to the answers of both pages, not to orders or certificates.
    package var isOfAnswers: Bool {
        let faults: [Fault] = [
            .cut, .huge, .html, .empty, .garbage, .serverError, .redirect, .resetBefore, .reset,
            .lateReset, .hang, .deadDatabase,
        ]
        return faults.contains(self)
    }

    /// Whether the fault applies to orders and to the answers to them.
    package var isOfOrders: Bool { !Self.onlyOfWebAccount.contains(self) }

    /// Whether the fault applies to the web account.
    package var isOfWebAccount: Bool {
        let isOfPages = isOfAnswers && self != .lateReset && self != .deadDatabase
        return isOfPages || Self.onlyOfWebAccount.contains(self)
    }

    private static let onlyOfWebAccount: [Fault] = [
        .loginOnly, .changedPage, .otherCertificate, .revoked, .doubled,
    ]
}
