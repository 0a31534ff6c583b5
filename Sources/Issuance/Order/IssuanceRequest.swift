package import Cryptoki
package import OpenSSLX509
package import TokencertLedger
internal import TokencertTokens

/// A request by the user. Fields that are nil or empty are filled in if there is one sensible choice.
package struct IssuanceRequest: Sendable {
    package enum KeyChoice: Sendable {
        /// A new key; nil means RSA 3072, or RSA 2048 if the token does not support 3072 bits.
        case generate(KeyKind?)
        /// A new key that is at least as strong as one of a kind: of the preferred kind if that is strong
        /// enough, otherwise a stronger default or the same kind.
        case generateAtLeast(KeyKind, preferring: KeyKind?)
        /// A key on the token. The public key, if known, selects one of several keys that match the
        /// URI.
        case existing(PKCS11URI, publicKey: PublicKey? = nil)
    }

    package var key = KeyChoice.generate(nil)
    /// `CKA_LABEL` of a new key and of the certificate, not necessarily UTF-8.
    package var labelBytes: [UInt8]?
    /// ``labelBytes`` as text.
    package var label: String? {
        get { labelBytes.map(text(ofLabel:)) }
        set { labelBytes = newValue.map { Array($0.utf8) } }
    }
    /// `CKA_ID` of a new key, or nil for any free id.
    package var id: [UInt8]?
    package var name: String?
    package var emailAddresses: [String] = []
    /// Whether the certificate must permit code signing.
    package var codeSigning = false
    /// Whether a certificate is written even if it differs from the request.
    package var acceptsChanges = false
    package var replacement: Replacement?
    /// The certificate on another token that is copied, or nil.
    package var original: OrderEvent.Original?

    /// Creates a request for a new key, with all other fields empty.
    package init() {}
}

extension IssuanceRequest {
    package init(_ order: Order) {
        self.init()
        let beginning = order.beginning
        name = beginning.issue?.name
        emailAddresses = beginning.issue?.emailAddresses ?? []
        codeSigning = beginning.issue?.codeSigning ?? false
        acceptsChanges = beginning.acceptsChanges
        labelBytes = beginning.certificateLabelBytes
        replacement = order.replacement
        original = beginning.original
    }
}

/// The kinds of keys that a CA signs.
package struct KeyAcceptance: Sendable, Hashable {
    /// RSA keys of 2048 bits or more.
    package var rsa: Bool
    /// Keys on the curves P-256, P-384 and P-521.
    package var ec: Bool
    package var ed25519: Bool
    /// Whether the public exponent of an RSA key must be at least 65537 and have at most 64 bits.
    package var limitsExponents = false

    /// CAcert: RSA only, with the usual exponents.
    package static let cacert = KeyAcceptance(
        rsa: true, ec: false, ed25519: false, limitsExponents: true)
    /// Every kind, for a request to an unknown CA.
    package static let anything = KeyAcceptance(rsa: true, ec: true, ed25519: true)

    /// The reason why the CA does not sign a key, or nil if it does.
    func objection(to key: PublicKey) -> String? {
        guard contains(key.kind) else { return "the CA does not sign \(key.kind) keys" }
        guard limitsExponents, let exponent = key.rsaNumbers?.publicExponent else { return nil }
        let least: [UInt8] = [1, 0, 1]
        let isSmall =
            exponent.count < least.count
            || (exponent.count == least.count && exponent.lexicographicallyPrecedes(least))
        return isSmall || exponent.count > 8
            ? "the CA signs an RSA key only if its public exponent is at least 65537 and has at "
                + "most 64 bits"
            : nil
    }

    func contains(_ kind: KeyKind) -> Bool {
        switch kind {
        case .rsa(let bits): rsa && bits >= 2048
        case .ec: ec
        case .ed25519: ed25519
        case .other: false
        }
    }
}
