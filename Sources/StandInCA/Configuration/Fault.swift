/// What the stand-in can be told to do wrong, once a request has passed its checks.
package enum Fault: String, Sendable, Hashable, CaseIterable {
    /// The order is refused.
    case refuse
    /// The certificate comes a second after the answer that says that it did not.
    case late
    /// The certificate is for another key.
    case wrongKey = "wrong-key"
    /// The certificate is signed by somebody else in the CA's name.
    case wrongCA = "wrong-ca"
    /// The certificate is past its time.
    case expired
    /// The certificate begins tomorrow.
    case notYetValid = "not-yet-valid"
    /// The certificate is one of an authority.
    case authority = "ca-true"
    /// One address is missing.
    case fewerAddresses = "fewer-addresses"
    /// The name is somebody else's.
    case otherName = "other-name"
    /// Code signing is missing.
    case noCodeSigning = "no-code-signing"
    /// The certificate ends in the middle.
    case cut
    /// The answer is 256 MiB long.
    case huge
    /// The verdict is followed by no certificate.
    case noCertificate = "no-certificate"
    /// The certificate is issued, and the answer refuses it in words that nobody knows.
    case reworded
    /// The certificate is issued, and a warning of the server's stands before the verdict.
    case warning
    /// A page of HTML instead of an answer.
    case html
    /// Nothing at all.
    case empty
    /// Bytes without a meaning.
    case garbage
    /// HTTP 500.
    case serverError = "500"
    /// A redirect to another host.
    case redirect
    /// The database cannot be reached: every account is unknown.
    case deadDatabase = "dead-database"
    /// The list of weak keys cannot be read: HTTP 500 with an empty body for every RSA key.
    case weakKeyList = "weak-key-list"
    /// The connection breaks before the answer.
    case resetBefore = "reset-before"
    /// The connection breaks in the middle of the answer.
    case reset
    /// The connection breaks when the whole certificate has come, and a byte is still promised.
    case lateReset = "late-reset"
    /// No answer for an hour.
    case hang

    /// Whether it is one of answers, whatever is asked, and not of orders or certificates.
    package var isOfAnswers: Bool {
        switch self {
        case .cut, .huge, .html, .empty, .garbage, .serverError, .redirect, .resetBefore, .reset,
            .lateReset, .hang, .deadDatabase:
            true
        case .refuse, .late, .wrongKey, .wrongCA, .expired, .notYetValid, .authority,
            .fewerAddresses, .otherName, .noCodeSigning, .noCertificate, .reworded, .warning,
            .weakKeyList:
            false
        }
    }
}
