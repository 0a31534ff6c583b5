package import Cryptoki
package import OpenSSLX509
package import TokencertLedger
internal import TokencertTokens

/// What a person asks for. What is nil or empty is chosen where there is one sensible choice.
package struct IssuanceRequest: Sendable {
    /// Which key the certificate is for.
    package enum KeyChoice: Sendable {
        /// A new one; nil takes RSA with 3072 bits, or 2048 where the token has no more.
        case generate(KeyKind?)
        /// One that is on the token, with its public half if that is known: it decides if several
        /// keys fit the URI.
        case existing(PKCS11URI, publicKey: PublicKey? = nil)
    }

    /// Which key.
    package var key: KeyChoice
    /// `CKA_LABEL` of a new key and of the certificate, any bytes, or nil.
    package var labelBytes: [UInt8]?
    /// ``labelBytes`` as text.
    package var label: String? {
        get { labelBytes.map(text(ofLabel:)) }
        set { labelBytes = newValue.map { Array($0.utf8) } }
    }
    /// `CKA_ID` of a new key, or nil for one that is free.
    package var id: [UInt8]?
    /// The name in the certificate, or nil.
    package var name: String?
    /// The addresses in the certificate.
    package var emailAddresses: [String]
    /// Whether it shall be good for signing code.
    package var codeSigning: Bool
    /// Whether a certificate is written although the CA changed what was asked for.
    package var acceptsChanges: Bool
    /// What the certificate replaces, or nil.
    package var replacement: Replacement?

    /// Makes a request for a new key and everything else by choice.
    package init() {
        key = .generate(nil)
        emailAddresses = []
        codeSigning = false
        acceptsChanges = false
    }
}

extension IssuanceRequest {
    /// What an order asked for.
    package init(_ order: Order) {
        self.init()
        let beginning = order.beginning
        name = beginning.issue?.name
        emailAddresses = beginning.issue?.emailAddresses ?? []
        codeSigning = beginning.issue?.codeSigning ?? false
        acceptsChanges = beginning.acceptsChanges
        labelBytes = beginning.certificateLabelBytes
        replacement = order.replacement
    }
}

/// Which keys a CA signs.
package struct KeyAcceptance: Sendable, Hashable {
    /// Whether RSA keys of 2048 bits and more are signed.
    package var rsa: Bool
    /// Whether keys on the curves P-256, P-384 and P-521 are.
    package var ec: Bool
    /// Whether Ed25519 keys are.
    package var ed25519: Bool
    /// Whether RSA keys are signed only if their public exponent is at least 65537 and has at most
    /// 64 bits.
    package var limitsExponents: Bool

    /// Makes an acceptance.
    package init(rsa: Bool, ec: Bool, ed25519: Bool, limitsExponents: Bool = false) {
        self.rsa = rsa
        self.ec = ec
        self.ed25519 = ed25519
        self.limitsExponents = limitsExponents
    }

    /// What CAcert signs: RSA only, with the usual exponents.
    package static let cacert = KeyAcceptance(
        rsa: true, ec: false, ed25519: false, limitsExponents: true)
    /// Everything: for a request that goes to a CA that is not known here.
    package static let anything = KeyAcceptance(rsa: true, ec: true, ed25519: true)

    /// Why a key is not signed, or nil if it is.
    func objection(to key: PublicKey) -> String? {
        guard contains(key.kind) else { return "the CA signs no keys of kind \(key.kind)" }
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

    /// Whether keys of a kind are signed.
    func contains(_ kind: KeyKind) -> Bool {
        switch kind {
        case .rsa(let bits): rsa && bits >= 2048
        case .ec: ec
        case .ed25519: ed25519
        case .other: false
        }
    }
}
