/// A public key, as the DER of a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
///
/// Two keys are equal where their DER is.
public struct PublicKey: Sendable, Hashable {
    /// The DER.
    public let subjectPublicKeyInfo: [UInt8]

    /// Takes a SubjectPublicKeyInfo, as `CKA_PUBLIC_KEY_INFO` has it.
    ///
    /// - Parameter subjectPublicKeyInfo: The DER.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` where it has not that form.
    ///   Whether the numbers make a usable key is found out when the key is used.
    public init(subjectPublicKeyInfo: [UInt8]) throws(X509Error) {
        self.subjectPublicKeyInfo = subjectPublicKeyInfo
        guard parts != nil else {
            throw X509Error(
                code: .malformed, context: "not a SubjectPublicKeyInfo", reasons: [])
        }
    }

    /// Makes an RSA key of what a token holds.
    ///
    /// - Parameters:
    ///   - modulus: `CKA_MODULUS`, big-endian, unsigned.
    ///   - publicExponent: `CKA_PUBLIC_EXPONENT`, big-endian, unsigned.
    public init(rsaModulus modulus: [UInt8], publicExponent: [UInt8]) {
        subjectPublicKeyInfo = DER.sequence(
            DER.sequence(DER.objectIdentifier(Self.rsaEncryption), DER.null),
            DER.bitString(DER.sequence(DER.integer(modulus), DER.integer(publicExponent))))
    }

    /// Makes a key on a curve of what a token holds.
    ///
    /// - Parameters:
    ///   - parameters: `CKA_EC_PARAMS`: DER of a curve's name or of its numbers, or the printable
    ///     name `edwards25519` that some tokens have for Ed25519.
    ///   - point: `CKA_EC_POINT`: the point in an OCTET STRING as the standard says, in a BIT
    ///     STRING, or bare. The length that the curve asks for decides which it is.
    /// - Throws: ``X509Error`` for a curve that is not known or a point that does not fit it.
    public init(ecParameters parameters: [UInt8], point: [UInt8]) throws(X509Error) {
        let algorithm: [UInt8]
        let lengths: [Int]
        if let curve = NamedCurve(ecParameters: parameters) {
            algorithm = DER.sequence(DER.objectIdentifier(Self.ecPublicKey), curve.ecParameters)
            lengths = [curve.coordinateLength * 2 + 1, curve.coordinateLength + 1]
        } else if Self.namesEd25519(parameters) {
            algorithm = DER.sequence(DER.objectIdentifier(Self.ed25519))
            lengths = [32]
        } else {
            throw X509Error(
                code: .unsupported, context: "a curve that is not known here", reasons: [])
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
            throw X509Error(
                code: .malformed, context: "a point that does not fit its curve", reasons: [])
        }
        subjectPublicKeyInfo = DER.sequence(algorithm, DER.bitString(bare))
    }

    /// What kind of key it is.
    public var kind: KeyKind {
        guard let parts else { return .other("") }
        switch parts.algorithm {
        case DER.objectIdentifier(Self.rsaEncryption):
            guard let modulus = rsaNumbers?.modulus, let first = modulus.first else {
                return .other(Self.rsaEncryption)
            }
            return .rsa(bits: modulus.count * 8 - first.leadingZeroBitCount)
        case DER.objectIdentifier(Self.ecPublicKey):
            let curve = NamedCurve.allCases.first { $0.ecParameters == parts.parameters }
            return curve.map { .ec($0) } ?? .other(Self.ecPublicKey)
        case DER.objectIdentifier(Self.ed25519):
            return .ed25519
        default:
            return .other("")
        }
    }

    /// Modulus and exponent of an RSA key, big-endian without leading zeros; nil for other keys.
    public var rsaNumbers: (modulus: [UInt8], publicExponent: [UInt8])? {
        guard let parts, parts.algorithm == DER.objectIdentifier(Self.rsaEncryption),
            let numbers = DER.readWhole(0x30, parts.key),
            let modulus = DER.read(numbers[...]), modulus.tag == 0x02,
            let exponent = DER.read(modulus.rest), exponent.tag == 0x02
        else { return nil }
        return (
            Array(modulus.content.drop { $0 == 0 }), Array(exponent.content.drop { $0 == 0 })
        )
    }

    /// The identifier that other software gives a key by itself, and that pairs best with it: the
    /// SHA-1 hash of the key's bits, 20 bytes (RFC 5280, section 4.2.1.2, method 1).
    public var keyIdentifier: [UInt8] { Digest.sha1.hash(parts?.key ?? []) }

    private var parts: (algorithm: [UInt8], parameters: [UInt8], key: [UInt8])? {
        guard let whole = DER.readWhole(0x30, subjectPublicKeyInfo),
            let identifier = DER.read(whole[...]), identifier.tag == 0x30,
            let algorithm = DER.read(identifier.content), algorithm.tag == 0x06,
            let key = DER.read(identifier.rest), key.tag == 0x03, key.content.first == 0
        else { return nil }
        let oidLength = identifier.content.count - algorithm.rest.count
        return (
            Array(identifier.content.prefix(oidLength)), Array(algorithm.rest),
            Array(key.content.dropFirst())
        )
    }

    private static let rsaEncryption = "1.2.840.113549.1.1.1"
    private static let ecPublicKey = "1.2.840.10045.2.1"
    private static let ed25519 = "1.3.101.112"

    private static func namesEd25519(_ parameters: [UInt8]) -> Bool {
        parameters == ed25519PrintableName || parameters == DER.objectIdentifier(ed25519)
            // The identifier of the curve, not of the algorithm (RFC 8410, section 9).
            || parameters == DER.objectIdentifier("1.3.6.1.4.1.11591.15.1")
    }

    /// DER of the PrintableString `edwards25519`, as `CKA_EC_PARAMS` of an Ed25519 key (PKCS#11
    /// v3.0, section 2.3.10).
    public static let ed25519PrintableName = DER.element(0x13, Array("edwards25519".utf8))
}
