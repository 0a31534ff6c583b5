package import Cryptoki
internal import OpenSSLX509
package import TokencertTokens

/// A certificate that is not renewed although it expires, or a key that has lost its certificate.
package struct PassedOver: Sendable {
    /// What the user can do about it.
    package enum Advice: Sendable {
        /// Read the object with this URI by another program, through the module of the token.
        case readElsewhere(String, Token)
        /// Have a new key with a certificate made.
        case issue
        /// Resume the order with this number.
        case resume(Int64)
        /// Write the certificate of a key once more, or order a new one for it.
        case certify(key: PKCS11URI)
        /// Name the certificate, so that an order is placed now: its key, and its serial number if
        /// the key has several certificates.
        case renew(key: PKCS11URI, serialNumber: String?)
    }

    /// The subject in one line, or nil if there is no certificate or it cannot be read.
    package let subject: String?
    /// The serial number in hexadecimal, or nil as for ``subject``.
    package let serialNumber: String?
    /// The certificate's URI, or nil if the key has none.
    package let certificate: String?
    /// The URI of a key without a certificate, else nil.
    package let key: String?
    /// Why it is passed over, without a full stop.
    package let reason: String
    /// What can be done, if that is known.
    package let advice: Advice?
    /// Whether the exit status counts it. A certificate that is for no key of the token is only named.
    package let needsAction: Bool
    /// Whether a new key could be certified in its place.
    package var needsNewKey = false

    init(
        _ entry: CertificateEntry, _ reason: String, advice: Advice? = nil,
        needsAction: Bool = true
    ) {
        subject = entry.content?.subject
        serialNumber = entry.content?.serialNumber
        certificate = entry.record.uri
        key = nil
        self.reason = reason
        self.advice = advice
        self.needsAction = needsAction
    }

    /// A candidate that cannot be renewed after all.
    package init(_ candidate: RenewalCandidate, _ reason: String, advice: Advice? = nil) {
        subject = candidate.certificate.subject.text
        serialNumber = candidate.certificate.serialNumber
        certificate = candidate.uri
        key = nil
        self.reason = reason
        self.advice = advice
        needsAction = true
    }

    init(key: PKCS11URI, _ reason: String, advice: Advice) {
        subject = nil
        serialNumber = nil
        certificate = nil
        self.key = key.description
        self.reason = reason
        self.advice = advice
        needsAction = true
    }
}

/// Why a URI names no certificate that can be renewed.
package enum RenewalError: Error, Sendable {
    /// The only certificate that it names cannot be renewed.
    case passedOver(PassedOver)
    /// No certificate fits that can be renewed: the URI, what fits and was passed over, and the keys
    /// that have certificates.
    case noneFits(PKCS11URI, [PassedOver], keys: [String])
    /// Several keys fit.
    case severalKeys([PKCS11URI])
    /// Several certificates fit.
    case severalCertificates([CertificateEntry], PKCS11URI)
}
