/// An elliptic curve with a name, as RFC 5480 and RFC 8410 list them.
public enum NamedCurve: String, Sendable, Hashable, CaseIterable {
    /// secp256r1.
    case p256 = "P-256"
    /// secp384r1.
    case p384 = "P-384"
    /// secp521r1.
    case p521 = "P-521"

    /// The object identifier, in dots.
    public var objectIdentifier: String {
        switch self {
        case .p256: "1.2.840.10045.3.1.7"
        case .p384: "1.3.132.0.34"
        case .p521: "1.3.132.0.35"
        }
    }

    /// The DER of ECParameters with the curve's name, as `CKA_EC_PARAMS` has it.
    public var ecParameters: [UInt8] { DER.objectIdentifier(objectIdentifier) }

    /// The length of a coordinate, and of each half of a signature, in bytes.
    public var coordinateLength: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }
}

/// What kind of public key it is, and how large.
public enum KeyKind: Sendable, Hashable {
    /// RSA with a modulus of so many bits.
    case rsa(bits: Int)
    /// A key on a curve in Weierstrass form.
    case ec(NamedCurve)
    /// Ed25519, RFC 8032.
    case ed25519
    /// Anything else, by the object identifier of its algorithm or curve, in dots.
    case other(String)
}

extension KeyKind: CustomStringConvertible {
    /// As people write it: `RSA 3072`, `EC P-256`, `Ed25519`.
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
    /// The kind as options and files name it: `rsa:3072`, `ec:p256`, `ed25519`; for any other the
    /// object identifier.
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

    /// The kinds that keys are made of.
    public static let generated: [KeyKind] = [
        .rsa(bits: 2048), .rsa(bits: 3072), .rsa(bits: 4096), .ec(.p256), .ec(.p384), .ec(.p521),
        .ed25519,
    ]

    /// Reads the name of a kind, in whatever case.
    ///
    /// - Parameter name: As `rsa:3072`.
    public init?(name: String) {
        let name = name.lowercased()
        let digits = name.dropFirst("rsa:".count)
        // A sign is none.
        if name.hasPrefix("rsa:"), digits.allSatisfy(\.isNumber), let bits = Int(digits), bits > 0 {
            self = .rsa(bits: bits)
            return
        }
        guard let kind = Self.generated.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}
