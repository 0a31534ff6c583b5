/// A public key, as the DER of a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
///
/// Two keys are equal if their values are equal: modulus and exponent, curve and point, or the 32
/// bytes of Ed25519. The encoding of the SubjectPublicKeyInfo does not matter: RSA keys may be
/// marked as rsaEncryption, with or without NULL, or as id-RSASSA-PSS with any parameters; a curve
/// may be named or explicit; a point may be compressed. Keys of other kinds are equal if their DER
/// is equal.
public struct PublicKey: Sendable {
    /// The DER of the SubjectPublicKeyInfo, unchanged.
    public let subjectPublicKeyInfo: [UInt8]
    /// The DER that all equal keys share: rsaEncryption with NULL, the name of the curve, the
    /// uncompressed point.
    let canonical: [UInt8]

    /// Creates a key from a SubjectPublicKeyInfo, such as `CKA_PUBLIC_KEY_INFO`.
    ///
    /// The numbers in it are not checked until the key is used.
    ///
    /// - Parameter subjectPublicKeyInfo: The DER.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` if the bytes are not a
    ///   SubjectPublicKeyInfo.
    public init(subjectPublicKeyInfo: [UInt8]) throws(X509Error) {
        self.subjectPublicKeyInfo = subjectPublicKeyInfo
        guard let parts = Parts(subjectPublicKeyInfo) else {
            throw X509Error(.malformed, "not a SubjectPublicKeyInfo")
        }
        canonical = Self.sharing(subjectPublicKeyInfo, parts.canonical)
    }

    /// Creates an RSA key from a token's attributes.
    ///
    /// - Parameters:
    ///   - modulus: `CKA_MODULUS`, big-endian, unsigned.
    ///   - publicExponent: `CKA_PUBLIC_EXPONENT`, big-endian, unsigned.
    public init(rsaModulus modulus: [UInt8], publicExponent: [UInt8]) {
        subjectPublicKeyInfo = Self.rsa(modulus, publicExponent)
        canonical = subjectPublicKeyInfo
    }

    /// Creates an elliptic-curve or Ed25519 key from a token's attributes.
    ///
    /// - Parameters:
    ///   - parameters: `CKA_EC_PARAMS`: DER with the name or the explicit parameters of the curve,
    ///     or with the printable name `edwards25519` for Ed25519.
    ///   - point: `CKA_EC_POINT`: the point in an OCTET STRING as the standard requires, in a BIT
    ///     STRING, or without a wrapper. The length shows which of them it is.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/unsupported`` if the curve is not
    ///   supported, or ``X509Error/Code/malformed`` if the point does not match the curve.
    public init(ecParameters parameters: [UInt8], point: [UInt8]) throws(X509Error) {
        let algorithm: [UInt8]
        let lengths: [Int]
        if let curve = NamedCurve(ecParameters: parameters) {
            algorithm = DER.sequence(Algorithm.ecPublicKey, curve.ecParameters)
            lengths = [curve.coordinateLength * 2 + 1, curve.coordinateLength + 1]
        } else if Self.namesEd25519(parameters) {
            algorithm = DER.sequence(Algorithm.ed25519)
            lengths = [32]
        } else {
            throw X509Error(.unsupported, "the elliptic curve is not supported")
        }
        let bare: [UInt8]
        if lengths.contains(point.count) {
            bare = point
        } else if let content = DER.readWhole(0x04, point), lengths.contains(content.count) {
            bare = content
        } else if let content = DER.readWhole(0x03, point), content.first == 0,
            lengths.contains(content.count - 1)
        {
            bare = Array(content.dropFirst())
        } else {
            throw X509Error(.malformed, "the point does not match the elliptic curve")
        }
        let info = DER.sequence(algorithm, DER.bitString(bare))
        subjectPublicKeyInfo = info
        canonical = Self.sharing(info, Parts(info)?.canonical)
    }

    /// The canonical form, in the memory of the other one if they are equal, as they usually are.
    private static func sharing(_ info: [UInt8], _ canonical: [UInt8]?) -> [UInt8] {
        canonical == info ? info : canonical ?? info
    }

    /// The type and size of the key.
    public var kind: KeyKind {
        guard let parts = Parts(canonical) else { return .other("") }
        switch parts.algorithm {
        case Algorithm.rsaEncryption:
            if let modulus = parts.rsaNumbers?.modulus, let first = modulus.first {
                return .rsa(bits: modulus.count * 8 - first.leadingZeroBitCount)
            }
        case Algorithm.ecPublicKey:
            if let curve = NamedCurve(ecParameters: parts.parameters) { return .ec(curve) }
            if let name = dottedIdentifier(parts.parameters) { return .other(name) }
        case Algorithm.ed25519:
            if parts.key.count == 32 { return .ed25519 }
        default:
            break
        }
        return .other(dottedIdentifier(parts.algorithm) ?? hexadecimal(parts.algorithm))
    }

    /// The modulus and public exponent of an RSA key, big-endian without leading zeros; nil for
    /// other keys.
    public var rsaNumbers: (modulus: [UInt8], publicExponent: [UInt8])? {
        Parts(canonical)?.rsaNumbers
    }

    /// The uncompressed point of a key on a named curve, which begins with 04; nil for other keys.
    package var uncompressedPoint: [UInt8]? {
        guard case .ec = kind else { return nil }
        return Parts(canonical)?.key
    }

    /// The key identifier that most software computes: the SHA-1 hash of the key's BIT STRING
    /// content, 20 bytes (RFC 5280, section 4.2.1.2, method 1). Equal keys have the same
    /// identifier.
    public var keyIdentifier: [UInt8] { Digest.sha1.hash(Parts(canonical)?.key ?? []) }

    /// The SHA-256 hash of the SubjectPublicKeyInfo in its most common form (rsaEncryption with
    /// NULL, the name of the curve, the uncompressed point), 32 bytes. Equal keys have the same
    /// fingerprint.
    public var sha256Fingerprint: [UInt8] { Digest.sha256.hash(canonical) }

    fileprivate static func rsa(_ modulus: [UInt8], _ publicExponent: [UInt8]) -> [UInt8] {
        DER.sequence(
            DER.sequence(Algorithm.rsaEncryption, DER.null),
            DER.bitString(DER.sequence(DER.integer(modulus), DER.integer(publicExponent))))
    }

    private static func namesEd25519(_ parameters: [UInt8]) -> Bool {
        parameters == ed25519PrintableName || parameters == Algorithm.ed25519
            // The identifier of the curve, not of the algorithm (RFC 8410, section 9).
            || parameters == DER.objectIdentifier("1.3.6.1.4.1.11591.15.1")
    }

    /// The DER of the PrintableString `edwards25519`, the `CKA_EC_PARAMS` of an Ed25519 key
    /// (PKCS#11 v3.0, section 2.3.10).
    public static let ed25519PrintableName = DER.element(0x13, Array("edwards25519".utf8))
}

extension PublicKey: Hashable {
    /// Whether both keys have the same value.
    public static func == (left: PublicKey, right: PublicKey) -> Bool {
        left.canonical == right.canonical
    }

    /// Hashes the value.
    public func hash(into hasher: inout Hasher) {
        // An array would be combined byte by byte, which takes ten times as long.
        unsafe canonical.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}

/// Algorithm identifiers in DER.
private enum Algorithm {
    static let rsaEncryption = DER.objectIdentifier("1.2.840.113549.1.1.1")
    static let ecPublicKey = DER.objectIdentifier("1.2.840.10045.2.1")
    static let ed25519 = DER.objectIdentifier("1.3.101.112")

    /// Algorithms whose key is a modulus and an exponent: `rsa` of X.509, rsaEncryption,
    /// id-RSAES-OAEP and id-RSASSA-PSS (RFC 4055).
    static let rsa: Set = [
        DER.objectIdentifier("2.5.8.1.1"), rsaEncryption,
        DER.objectIdentifier("1.2.840.113549.1.1.7"), DER.objectIdentifier("1.2.840.113549.1.1.10"),
    ]
    /// Algorithms whose key is a point: id-ecPublicKey, id-ecDH and id-ecMQV (RFC 5480).
    static let ec: Set = [
        ecPublicKey, DER.objectIdentifier("1.3.132.1.12"), DER.objectIdentifier("1.3.132.1.13"),
    ]
}

/// The parts of a SubjectPublicKeyInfo.
private struct Parts {
    /// The algorithm's OBJECT IDENTIFIER, including its tag.
    let algorithm: [UInt8]
    let parameters: [UInt8]
    /// The content of the BIT STRING.
    let key: [UInt8]

    init?(_ info: [UInt8]) {
        guard let whole = DER.readWhole(0x30, info),
            let identifier = DER.read(whole[...]), identifier.tag == 0x30,
            let algorithm = DER.read(identifier.content), algorithm.tag == 0x06,
            let key = DER.read(identifier.rest), key.tag == 0x03, key.content.first == 0,
            key.rest.isEmpty
        else { return nil }
        self.algorithm = DER.element(0x06, Array(algorithm.content))
        parameters = Array(algorithm.rest)
        self.key = Array(key.content.dropFirst())
    }

    var rsaNumbers: (modulus: [UInt8], publicExponent: [UInt8])? {
        guard Algorithm.rsa.contains(algorithm), let numbers = DER.readWhole(0x30, key),
            let modulus = DER.read(numbers[...]), modulus.tag == 0x02,
            let exponent = DER.read(modulus.rest), exponent.tag == 0x02, exponent.rest.isEmpty
        else { return nil }
        return (
            Array(modulus.content.drop { $0 == 0 }), Array(exponent.content.drop { $0 == 0 })
        )
    }

    /// The DER that all equal keys share; nil for a key that is compared by its own DER.
    var canonical: [UInt8]? {
        if let rsaNumbers {
            return PublicKey.rsa(rsaNumbers.modulus, rsaNumbers.publicExponent)
        }
        if Algorithm.ec.contains(algorithm), let curve = NamedCurve(ecParameters: parameters),
            let point = curve.uncompressed(key)
        {
            return DER.sequence(
                DER.sequence(Algorithm.ecPublicKey, curve.ecParameters), DER.bitString(point))
        }
        if algorithm == Algorithm.ed25519, key.count == 32 {
            return DER.sequence(DER.sequence(Algorithm.ed25519), DER.bitString(key))
        }
        return nil
    }
}
