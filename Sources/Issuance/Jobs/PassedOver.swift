package import Cryptoki
internal import FoundationEssentials
internal import OpenSSLX509
package import TokencertTokens

/// An expiring certificate that is not renewed, or a key whose certificate is missing.
package struct PassedOver: Sendable {
    /// What the user can do about it.
    package enum Advice: Sendable {
        /// Read the object with this URI with another program, through the module of the token.
        case readElsewhere(String, Token)
        /// Issue a certificate for a new key.
        case issue
        case resume(Int64)
        /// Write the certificate of a key again, or order a new one for it.
        case certify(key: PKCS11URI)
        /// Renew this certificate by name, to order now. The serial number is set if the key has
        /// several certificates.
        case renew(key: PKCS11URI, serialNumber: String?)
        /// The same, although the new certificate would be from another CA or would have less content.
        case renewAnyway(key: PKCS11URI, serialNumber: String)
        /// Renew the certificate with this serial number on the token that an option selects, when that
        /// token is present.
        case renewWhenPresent(serialNumber: String, selection: String)
        /// Renew it, and type the PIN of that token.
        case renewTypingPIN(serialNumber: String, selection: String)
    }

    /// The contents of the certificate, or nil without a readable certificate.
    package let content: CertificateEntry.Content?
    /// The certificate's URI, or nil if the key has none.
    package private(set) var certificate: String?
    /// The URI of a key without a certificate, or nil.
    package private(set) var key: String?
    /// How it is named for the user, or nil if its URI or its contents name it.
    package private(set) var title: String?
    /// The reason, without a full stop.
    package let reason: String
    /// What the user can do, or nil.
    package let advice: Advice?
    /// Whether it affects the exit status. A certificate without a key on the token does not, and
    /// neither does a revoked one.
    package let needsAction: Bool
    /// Whether a renewal with a new key is possible.
    package var needsNewKey = false
    /// Whether the certificate is revoked, according to the ledger.
    package private(set) var isRevoked = false
}

extension PassedOver {
    init(
        _ entry: CertificateEntry, _ reason: String, advice: Advice? = nil,
        needsAction: Bool = true
    ) {
        self.init(
            content: entry.content, certificate: entry.record.uri, reason: reason,
            advice: advice, needsAction: needsAction)
    }

    /// Passes over a revoked certificate. The user has had it revoked, so nothing is left to do.
    ///
    /// - Parameter time: When the revocation was recorded, in seconds since 1970-01-01 00:00 UTC.
    init(_ entry: CertificateEntry, revocationRecordedAt time: Int64) {
        let day = Date(timeIntervalSince1970: Double(time)).formatted(.iso8601).prefix(10)
        self.init(entry, "it is revoked (recorded on \(day))", needsAction: false)
        needsNewKey = true
        isRevoked = true
    }

    package init(_ candidate: RenewalCandidate, _ reason: String, advice: Advice? = nil) {
        self.init(
            content: CertificateEntry.Content(candidate.certificate), certificate: candidate.uri,
            reason: reason, advice: advice, needsAction: true)
    }

    /// Passes over a copy of a certificate on another token. It has the same end as the others, so it is
    /// reported again before it expires.
    package init(_ copy: CopiedCertificate, _ reason: String, title: String, advice: Advice?) {
        self.init(
            content: CertificateEntry.Content(copy.certificate), title: title, reason: reason,
            advice: advice, needsAction: false)
    }

    init(key: PKCS11URI, _ reason: String, advice: Advice) {
        self.init(
            content: nil, key: key.description, reason: reason, advice: advice,
            needsAction: true)
    }
}

/// Why a URI does not select a certificate for renewal.
package enum RenewalError: Error, Sendable {
    /// The only matching certificate cannot be renewed.
    case passedOver(PassedOver)
    /// No matching certificate can be renewed: the URI, the matches that were skipped, and the
    /// keys that have certificates.
    case noneFits(PKCS11URI, [PassedOver], keys: [String])
    case severalKeys([PKCS11URI])
    case severalCertificates([CertificateEntry], PKCS11URI)
}
