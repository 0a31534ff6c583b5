/// The name of a subject or an issuer (RFC 5280, section 4.1.2.4).
public struct DistinguishedName: Sendable, Hashable {
    /// The DER, as in `CKA_SUBJECT` and `CKA_ISSUER`.
    public let der: [UInt8]
    /// The name in one line, in the order of its attributes: `CN=Anna Müller, …`. Control
    /// characters are escaped.
    public let text: String
    /// The common names, in order.
    public let commonNames: [String]
    /// The values of the `emailAddress` attributes, in order.
    public let emailAddresses: [String]
    /// Whether the name has attributes other than common name and `emailAddress`.
    public let hasOtherParts: Bool
    /// A hash of the form in which names are compared (RFC 5280, section 7.1): different hashes mean
    /// different names. nil if OpenSSL cannot compute it.
    let comparisonHash: UInt?
}

extension DistinguishedName: CustomStringConvertible {
    /// ``text``.
    public var description: String { text }

    /// Whether both names have the same DER.
    public static func == (left: DistinguishedName, right: DistinguishedName) -> Bool {
        left.der == right.der
    }

    /// Hashes the DER.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(der)
    }
}

/// An attribute of the subject of a new request.
public struct NameAttribute: Sendable, Hashable {
    /// The attribute types.
    public enum Kind: Sendable, Hashable {
        /// `CN`.
        case commonName
        /// `O`.
        case organization
        /// `OU`.
        case organizationalUnit
        /// `emailAddress` (PKCS#9).
        case emailAddress
    }

    /// The attribute type.
    public let kind: Kind
    /// The value.
    public let value: String

    /// Creates an attribute.
    ///
    /// - Parameters:
    ///   - kind: The attribute type.
    ///   - value: The value. A common name has at most 64 characters, which is checked when the
    ///     request is created.
    public init(_ kind: Kind, _ value: String) {
        self.kind = kind
        self.value = value
    }
}
