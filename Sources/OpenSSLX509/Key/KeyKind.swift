/// A named elliptic curve (RFC 5480, section 2.1.1.1).
public enum NamedCurve: String, Sendable, Hashable, CaseIterable {
    /// secp256r1.
    case p256 = "P-256"
    /// secp384r1.
    case p384 = "P-384"
    /// secp521r1.
    case p521 = "P-521"

    /// The object identifier, in dotted form.
    public var objectIdentifier: String {
        switch self {
        case .p256: "1.2.840.10045.3.1.7"
        case .p384: "1.3.132.0.34"
        case .p521: "1.3.132.0.35"
        }
    }

    /// The DER of ECParameters with the name of the curve, as in `CKA_EC_PARAMS`.
    public var ecParameters: [UInt8] { Self.ecParameters[self] ?? [] }

    private static let ecParameters: [NamedCurve: [UInt8]] = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0, DER.objectIdentifier($0.objectIdentifier)) })

    /// The length in bytes of a coordinate, and of each half of a signature.
    public var coordinateLength: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }
}

/// The type and size of a public key.
public enum KeyKind: Sendable, Hashable {
    /// RSA, with the size of the modulus in bits.
    case rsa(bits: Int)
    /// An elliptic-curve key on a named curve.
    case ec(NamedCurve)
    /// Ed25519 (RFC 8032).
    case ed25519
    /// Any other kind, by the object identifier of its algorithm or curve, in dotted form.
    case other(String)
}

extension KeyKind: CustomStringConvertible {
    /// The kind for users: `RSA 3072`, `EC P-256`, `Ed25519`, or the object identifier.
    public var description: String {
        switch self {
        case .rsa(let bits): "RSA \(bits)"
        case .ec(let curve): "EC \(curve.rawValue)"
        case .ed25519: "Ed25519"
        case .other(let identifier): identifier
        }
    }
}

extension KeyKind {
    /// The kind in options and files: `rsa:3072`, `ec:p256`, `ed25519`, or the object identifier.
    public var name: String {
        switch self {
        case .rsa(let bits): "rsa:\(bits)"
        case .ec(.p256): "ec:p256"
        case .ec(.p384): "ec:p384"
        case .ec(.p521): "ec:p521"
        case .ed25519: "ed25519"
        case .other(let identifier): identifier
        }
    }

    /// The kinds of key for which new key pairs can be generated.
    public static let generated: [KeyKind] = [
        .rsa(bits: 2048), .rsa(bits: 3072), .rsa(bits: 4096), .ec(.p256), .ec(.p384), .ec(.p521),
        .ed25519,
    ]

    /// Creates a kind from its ``name``; nil if the name is not known.
    ///
    /// - Parameter name: The name, such as `rsa:3072`, in upper or lower case. RSA may have any
    ///   size.
    public init?(name: String) {
        let name = name.lowercased()
        let digits = name.dropFirst("rsa:".count)
        // Int accepts a sign.
        if name.hasPrefix("rsa:"), digits.allSatisfy(\.isNumber), let bits = Int(digits), bits > 0 {
            self = .rsa(bits: bits)
            return
        }
        guard let kind = Self.generated.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}
