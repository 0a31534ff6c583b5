/// The signature algorithm of a request, a certificate or a challenge.
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

    /// Chooses the algorithm for a kind of key; nil if none supports it. For elliptic curves, the
    /// hash has the strength of the curve.
    ///
    /// - Parameter kind: The kind of key.
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

    /// The hash function for the message; nil if the algorithm signs the message itself.
    public var digest: Digest? {
        switch self {
        case .sha256WithRSAEncryption, .ecdsaWithSHA256: .sha256
        case .ecdsaWithSHA384: .sha384
        case .ecdsaWithSHA512: .sha512
        case .ed25519: nil
        }
    }

    /// The DER of the AlgorithmIdentifier. The parameters are NULL for RSA (RFC 4055) and absent
    /// for ECDSA (RFC 5758) and EdDSA (RFC 8410).
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

/// Conversions between the signature formats of PKCS#11 and X.509.
public enum SignatureForm {
    /// Converts a token's ECDSA signature to the DER that X.509 requires.
    ///
    /// - Parameter concatenation: r followed by s, both of the same length (PKCS#11 v2.40, section
    ///   2.3.1).
    /// - Returns: The DER of `ECDSA-Sig-Value` (RFC 3279, section 2.2.3).
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` if the length is odd or zero.
    public static func ecdsaDER(fromConcatenation concatenation: [UInt8]) throws(X509Error)
        -> [UInt8]
    {
        guard !concatenation.isEmpty, concatenation.count.isMultiple(of: 2) else {
            throw X509Error(
                .malformed, "an ECDSA signature cannot have \(concatenation.count) bytes")
        }
        let half = concatenation.count / 2
        return DER.sequence(
            DER.integer(Array(concatenation.prefix(half))),
            DER.integer(Array(concatenation.suffix(half))))
    }

    /// Creates the DigestInfo that a token signs with `CKM_RSA_PKCS`, which pads but does not hash
    /// (RFC 8017, section 9.2).
    ///
    /// - Parameter hash: A SHA-256 hash, 32 bytes.
    /// - Returns: The DER.
    public static func digestInfo(sha256 hash: [UInt8]) -> [UInt8] {
        DER.sequence(
            DER.sequence(DER.objectIdentifier("2.16.840.1.101.3.4.2.1"), DER.null),
            DER.octetString(hash))
    }

    /// Creates the padded block that a token signs with `CKM_RSA_X_509`, which neither pads nor
    /// hashes (EMSA-PKCS1-v1_5, RFC 8017, section 9.2).
    ///
    /// - Parameters:
    ///   - hash: A SHA-256 hash, 32 bytes.
    ///   - key: The public half of the RSA key that signs.
    /// - Returns: The block, as long as the modulus.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/unsupported`` if the key is not RSA or is
    ///   too short.
    public static func paddedDigestInfo(
        sha256 hash: [UInt8], for key: PublicKey
    ) throws(X509Error) -> [UInt8] {
        let info = digestInfo(sha256: hash)
        guard let length = key.rsaNumbers?.modulus.count, length >= info.count + 11 else {
            throw X509Error(.unsupported, "the key is not RSA, or is too short")
        }
        return [0, 1] + [UInt8](repeating: 0xFF, count: length - info.count - 3) + [0] + info
    }
}
