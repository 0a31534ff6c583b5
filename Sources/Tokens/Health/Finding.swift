/// Something about a key or a certificate that the user should know.
package struct Finding: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
        /// The certificate expires soon.
        case expiring
        /// The certificate has expired.
        case expired
        /// Another certificate has replaced one that expires soon or has expired.
        case replaced
        /// The certificate is not valid yet.
        case notYetValid
        /// A certificate object cannot be read as an X.509 certificate in DER.
        case unreadable
        /// A certificate object has an unsupported form: another type, or a value that is not on
        /// the token.
        case unsupported
        /// A key has no certificate.
        case keyWithoutCertificate
        /// A certificate has no private key on the token.
        case certificateWithoutKey
        /// The `CKA_ID` of a certificate belongs to a different key.
        case mismatch
        /// Two keys have the same `CKA_ID`, so programs may confuse them.
        case duplicateID
        /// The private key can leave the token, or could in the past.
        case exportable
        /// The private key was not generated on the token, so a copy may exist elsewhere.
        case imported
        /// An RSA key has fewer than 2048 bits.
        case shortKey
        /// An RSA public exponent is below 65537.
        case smallExponent
        /// An RSA modulus has the form of CVE-2017-15361 (ROCA): the private key can be computed.
        case roca
        /// The certificate, or a CA certificate in its chain, is signed with a broken hash function.
        case weakSignature
        /// The certificate does not chain to a trust anchor, or a CA certificate in its chain is not
        /// valid now.
        case unknownIssuer
        /// The CA reports that the certificate is revoked.
        case revoked
        /// It could not be determined whether the certificate is revoked.
        case revocationUnknown
        /// Revocation was not checked.
        case revocationUnchecked
    }

    package enum Severity: String, Sendable, Hashable, Comparable, Codable {
        /// For information.
        case notice
        /// Act soon.
        case warning
        /// Do not rely on it.
        case problem

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

    package let kind: Kind
    /// The URI (RFC 7512) of the object concerned.
    package let uri: String
    /// A short description for the user.
    package let text: String
    /// The hexadecimal serial number of a certificate that may share its URI with others; otherwise
    /// nil.
    package let serialNumber: String?
    /// Whether the object is no longer needed: a valid certificate for the same key, whose issuer
    /// has the same name and which chains to a trust anchor, has replaced it.
    package let isDisposable: Bool
    /// Whether the token has no private key for the certificate, so that it cannot be renewed
    /// there.
    package let isKeyMissing: Bool
    /// Whether the certificate does not chain to a trust anchor, so that it cannot be renewed.
    package var isUntrusted = false
    /// Whether its chain leads to a trust anchor, and is rejected for another reason than the dates.
    package var isChainRejected = false

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

    package var severity: Severity {
        switch kind {
        case .keyWithoutCertificate, .certificateWithoutKey, .notYetValid, .replaced,
            .revocationUnchecked, .unsupported:
            .notice
        case .expiring, .duplicateID, .smallExponent, .unknownIssuer, .unreadable, .mismatch,
            .revocationUnknown, .weakSignature:
            .warning
        case .expired, .exportable, .imported, .shortKey, .roca, .revoked: .problem
        }
    }
}
