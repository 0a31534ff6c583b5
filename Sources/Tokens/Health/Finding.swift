/// Something about a key or a certificate that a person should know.
package struct Finding: Sendable, Hashable {
    /// What it is.
    package enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
        /// The certificate expires soon.
        case expiring
        /// The certificate has expired.
        case expired
        /// Another certificate has taken the place of one that expires, or has expired.
        case replaced
        /// The certificate is not valid yet.
        case notYetValid
        /// A certificate object cannot be read as an X.509 certificate in DER.
        case unreadable
        /// A certificate object has a form that this library does not support: another type, or a
        /// value that is not on the token.
        case unsupported
        /// A key has no certificate.
        case keyWithoutCertificate
        /// A certificate has no private key on the token.
        case certificateWithoutKey
        /// The `CKA_ID` of a certificate belongs to a different key.
        case mismatch
        /// Two keys have the same `CKA_ID`, so that programs take one for the other.
        case duplicateID
        /// The private key may leave the token, or could at some time.
        case exportable
        /// The private key was not made on the token: somebody else may have it.
        case imported
        /// An RSA key below 2048 bits.
        case shortKey
        /// An RSA public exponent below 65537.
        case smallExponent
        /// The modulus has the form that CVE-2017-15361 (ROCA) makes: the key can be computed.
        case roca
        /// The certificate leads to no anchor, or an issuer in its chain is outside its validity.
        case unknownIssuer
        /// The CA says that the certificate is revoked.
        case revoked
        /// Whether the certificate is revoked could not be found out.
        case revocationUnknown
        /// Nobody was asked whether the certificate is revoked.
        case revocationUnchecked
    }

    /// How bad it is.
    package enum Severity: String, Sendable, Hashable, Comparable, Codable {
        /// Worth to know.
        case notice
        /// Something has to be done before long.
        case warning
        /// Do not rely on it.
        case problem

        /// Whether one is less bad than the other.
        package static func < (left: Severity, right: Severity) -> Bool {
            left.rank < right.rank
        }

        private var rank: Int {
            switch self {
            case .notice: 0
            case .warning: 1
            case .problem: 2
            }
        }
    }

    /// What it is.
    package let kind: Kind
    /// What it is about, as a URI (RFC 7512).
    package let uri: String
    /// What a person reads, in a few words.
    package let text: String
    /// The serial number, hexadecimal, of a certificate that may share its URI with others; else nil.
    package let serialNumber: String?
    /// Whether its object can be removed and nothing is lost: a certificate with the same key and
    /// from an issuer of the same name has taken its place, is valid and leads to a trust anchor.
    package let isDisposable: Bool
    /// Whether no private key on the token was found for the certificate, so that it cannot be
    /// renewed there.
    package let isKeyMissing: Bool

    /// Makes a finding.
    package init(
        _ kind: Kind, _ uri: String, _ text: String, serialNumber: String? = nil,
        isDisposable: Bool = false, isKeyMissing: Bool = false
    ) {
        self.kind = kind
        self.uri = uri
        self.text = text
        self.serialNumber = serialNumber
        self.isDisposable = isDisposable
        self.isKeyMissing = isKeyMissing
    }

    /// How bad it is.
    package var severity: Severity {
        switch kind {
        case .keyWithoutCertificate, .certificateWithoutKey, .notYetValid, .replaced,
            .revocationUnchecked, .unsupported:
            .notice
        case .expiring, .duplicateID, .smallExponent, .unknownIssuer, .unreadable, .mismatch,
            .revocationUnknown:
            .warning
        case .expired, .exportable, .imported, .shortKey, .roca, .revoked: .problem
        }
    }
}
