/// The name of a subject or an issuer (RFC 5280, section 4.1.2.4).
public struct DistinguishedName: Sendable, Hashable {
    /// The DER, as `CKA_SUBJECT` and `CKA_ISSUER` have it.
    public let der: [UInt8]
    /// The name in one line, UTF-8, the first part first: `CN=Anna Müller, …`. Control characters
    /// are escaped.
    public let text: String
    /// The common names, in order.
    public let commonNames: [String]
    /// The values of the parts with the type `emailAddress`, in order.
    public let emailAddresses: [String]
    /// Whether there are parts of other types than common name and `emailAddress`.
    public let hasOtherParts: Bool
}

extension DistinguishedName: CustomStringConvertible {
    /// ``text``.
    public var description: String { text }

    /// Whether both have the same DER.
    public static func == (left: DistinguishedName, right: DistinguishedName) -> Bool {
        left.der == right.der
    }

    /// Hashes the DER.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(der)
    }
}

/// One part of a name that is to be made.
public struct NameAttribute: Sendable, Hashable {
    /// What the part is.
    public enum Kind: Sendable, Hashable {
        /// `CN`.
        case commonName
        /// `O`.
        case organization
        /// `OU`.
        case organizationalUnit
        /// `emailAddress` of PKCS#9.
        case emailAddress
    }

    /// What the part is.
    public let kind: Kind
    /// The value, UTF-8.
    public let value: String

    /// Makes a part of a name.
    ///
    /// - Parameters:
    ///   - kind: What the part is.
    ///   - value: The value. A common name has 64 characters at most.
    public init(_ kind: Kind, _ value: String) {
        self.kind = kind
        self.value = value
    }
}
