/// How a request, a certificate or a challenge is signed.
public enum SignatureAlgorithm: Sendable, Hashable {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    case sha256WithRSAEncryption
    /// ECDSA with SHA-256.
    case ecdsaWithSHA256
    /// ECDSA with SHA-384.
    case ecdsaWithSHA384
    /// ECDSA with SHA-512.
    case ecdsaWithSHA512
    /// Ed25519.
    case ed25519

    /// The algorithm that fits a kind of key: with a curve goes the hash of its strength.
    ///
    /// - Parameter kind: The kind of key.
    /// - Returns: nil for a kind that nothing here signs with.
    public init?(for kind: KeyKind) {
        switch kind {
        case .rsa: self = .sha256WithRSAEncryption
        case .ec(.p256): self = .ecdsaWithSHA256
        case .ec(.p384): self = .ecdsaWithSHA384
        case .ec(.p521): self = .ecdsaWithSHA512
        case .ed25519: self = .ed25519
        case .other: return nil
        }
    }

    /// The hash that the signature is made over, or nil where the message itself is signed.
    public var digest: Digest? {
        switch self {
        case .sha256WithRSAEncryption, .ecdsaWithSHA256: .sha256
        case .ecdsaWithSHA384: .sha384
        case .ecdsaWithSHA512: .sha512
        case .ed25519: nil
        }
    }

    /// The AlgorithmIdentifier, DER. RSA has NULL as its parameters (RFC 4055), ECDSA (RFC 5758)
    /// and EdDSA (RFC 8410) have none at all.
    var algorithmIdentifier: [UInt8] {
        switch self {
        case .sha256WithRSAEncryption:
            DER.sequence(DER.objectIdentifier("1.2.840.113549.1.1.11"), DER.null)
        case .ecdsaWithSHA256: DER.sequence(DER.objectIdentifier("1.2.840.10045.4.3.2"))
        case .ecdsaWithSHA384: DER.sequence(DER.objectIdentifier("1.2.840.10045.4.3.3"))
        case .ecdsaWithSHA512: DER.sequence(DER.objectIdentifier("1.2.840.10045.4.3.4"))
        case .ed25519: DER.sequence(DER.objectIdentifier("1.3.101.112"))
        }
    }
}

/// Signatures in the forms of Cryptoki and of X.509.
public enum SignatureForm {
    /// Makes the DER that X.509 wants of an ECDSA signature as a token gives it.
    ///
    /// - Parameter concatenation: r and s, both of the same length, one after the other
    ///   (PKCS#11 v2.40, section 2.3.1).
    /// - Returns: DER of `ECDSA-Sig-Value` (RFC 3279, section 2.2.3).
    /// - Throws: ``X509Error`` where the length is odd or zero.
    public static func ecdsaDER(fromConcatenation concatenation: [UInt8]) throws(X509Error)
        -> [UInt8]
    {
        guard !concatenation.isEmpty, concatenation.count.isMultiple(of: 2) else {
            throw X509Error(
                code: .malformed, context: "an ECDSA signature of \(concatenation.count) bytes",
                reasons: [])
        }
        let half = concatenation.count / 2
        return DER.sequence(
            DER.integer(Array(concatenation.prefix(half))),
            DER.integer(Array(concatenation.suffix(half))))
    }

    /// The DigestInfo that a token signs with bare PKCS#1 padding (RFC 8017, section 9.2).
    ///
    /// - Parameter hash: The 32 bytes of a SHA-256 hash.
    /// - Returns: The DER.
    public static func digestInfo(sha256 hash: [UInt8]) -> [UInt8] {
        DER.sequence(
            DER.sequence(DER.objectIdentifier("2.16.840.1.101.3.4.2.1"), DER.null),
            DER.octetString(hash))
    }

    /// The block that a token signs without any padding of its own: PKCS#1 padding for as many
    /// bytes as the modulus has, made here (EMSA-PKCS1-v1_5, RFC 8017, section 9.2).
    ///
    /// - Parameters:
    ///   - hash: The 32 bytes of a SHA-256 hash.
    ///   - key: The RSA key that signs.
    /// - Throws: ``X509Error`` for a key that is not RSA or is too short.
    public static func paddedDigestInfo(
        sha256 hash: [UInt8], for key: PublicKey
    ) throws(X509Error) -> [UInt8] {
        let info = digestInfo(sha256: hash)
        guard let length = key.rsaNumbers?.modulus.count, length >= info.count + 11 else {
            throw X509Error(
                code: .unsupported, context: "no RSA key of a usable length", reasons: [])
        }
        return [0, 1] + [UInt8](repeating: 0xFF, count: length - info.count - 3) + [0] + info
    }
}
