/// An extension of a request or a certificate (RFC 5280, section 4.2).
public struct CertificateExtension: Sendable, Hashable {
    /// The object identifier, in dots.
    public let identifier: String
    /// Whether software that does not know it must refuse the certificate.
    public let isCritical: Bool
    /// The DER inside.
    public let value: [UInt8]

    /// Makes an extension of any type.
    ///
    /// - Parameters:
    ///   - identifier: The object identifier in dotted form.
    ///   - isCritical: Whether software that does not know it must refuse the certificate.
    ///   - value: The value, one element of DER.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` if the identifier is not
    ///   valid, or the value is not one whole element.
    public init(identifier: String, isCritical: Bool, value: [UInt8]) throws(X509Error) {
        guard DER.objectIdentifier(parsing: identifier) != nil else {
            throw X509Error(
                code: .malformed, context: "“\(identifier)” is not an object identifier",
                reasons: [])
        }
        guard Self.isUsable(value, identifier) else {
            throw X509Error(
                code: .malformed, context: "a value that the extension \(identifier) cannot have",
                reasons: [])
        }
        self.init(known: identifier, isCritical: isCritical, value: value)
    }

    /// Makes an extension of a type and with a value that are known to be valid.
    package init(known identifier: String, isCritical: Bool, value: [UInt8]) {
        self.identifier = identifier
        self.isCritical = isCritical
        self.value = value
    }

    private static let keyUsageIdentifier = "2.5.29.15"
    private static let extendedKeyUsageIdentifier = "2.5.29.37"
    private static let subjectAlternativeNameIdentifier = "2.5.29.17"

    /// Checks what OpenSSL's decoder accepts wrongly: the value must be one element with no bytes
    /// after it, and a list of uses or names must not be empty (RFC 5280).
    static func isUsable(_ value: [UInt8], _ identifier: String) -> Bool {
        guard let element = DER.read(value[...]), element.rest.isEmpty else { return false }
        switch identifier {
        case keyUsageIdentifier:
            return element.content.dropFirst().contains { $0 != 0 }
        case extendedKeyUsageIdentifier, subjectAlternativeNameIdentifier:
            return !element.content.isEmpty
        default:
            return true
        }
    }

    /// The addresses of a person, as rfc822Name in a subjectAltName.
    ///
    /// - Parameter addresses: The addresses, ASCII.
    /// - Throws: ``X509Error`` for an address that is not ASCII, which rfc822Name cannot hold.
    public static func subjectAlternativeName(
        emailAddresses addresses: [String]
    ) throws(X509Error) -> Self {
        for address in addresses where !address.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            throw X509Error(
                code: .malformed,
                context: "“\(address)” is not an address of printable ASCII characters",
                reasons: [])
        }
        return Self(
            known: subjectAlternativeNameIdentifier, isCritical: false,
            value: DER.element(
                0x30, addresses.flatMap { DER.element(0x81, Array($0.utf8)) }))
    }

    /// The DNS names and IPv4 addresses of a server in a subjectAltName.
    ///
    /// - Parameters:
    ///   - names: DNS names, ASCII.
    ///   - addresses: IPv4 addresses of four bytes, IPv6 addresses of sixteen.
    public static func subjectAlternativeName(
        serverNames names: [String], addresses: [[UInt8]]
    ) -> Self {
        Self(
            known: subjectAlternativeNameIdentifier, isCritical: false,
            value: DER.element(
                0x30,
                names.flatMap { DER.element(0x82, Array($0.utf8)) }
                    + addresses.flatMap { DER.element(0x87, $0) }))
    }

    /// What the key is for.
    ///
    /// - Parameter usages: The uses. If there is none, neither a request nor a certificate can be
    ///   made with the extension (RFC 5280, section 4.2.1.3).
    public static func keyUsage(_ usages: Set<KeyUsage>) -> Self {
        let bits = usages.reduce(UInt8(0)) { $0 | 0x80 >> $1.rawValue }
        return Self(
            known: keyUsageIdentifier, isCritical: true,
            value: DER.element(0x03, bits == 0 ? [0] : [UInt8(bits.trailingZeroBitCount), bits]))
    }

    /// What the certificate is for.
    ///
    /// - Parameter usages: The uses, in order. If there is none, neither a request nor a
    ///   certificate can be made with the extension (RFC 5280, section 4.2.1.12).
    public static func extendedKeyUsage(_ usages: [ExtendedKeyUsage]) -> Self {
        Self(
            known: extendedKeyUsageIdentifier, isCritical: false,
            value: DER.element(0x30, usages.flatMap(\.der)))
    }
}

/// What a key is for, by the number of its bit (RFC 5280, section 4.2.1.3).
public enum KeyUsage: UInt8, Sendable, Hashable {
    /// Signatures but those on certificates.
    case digitalSignature = 0
    /// Signatures that somebody is held to.
    case contentCommitment = 1
    /// Keys are encrypted with it.
    case keyEncipherment = 2
    /// Keys are agreed on with it.
    case keyAgreement = 4
    /// Certificates are signed with it.
    case keyCertSign = 5
    /// Revocation lists are signed with it.
    case cRLSign = 6
}

/// What a certificate is for (RFC 5280, section 4.2.1.12).
public struct ExtendedKeyUsage: Sendable, Hashable {
    /// The object identifier, in dots.
    public let objectIdentifier: String
    /// The identifier as an OBJECT IDENTIFIER.
    let der: [UInt8]

    /// Makes a use of any identifier.
    ///
    /// - Parameter objectIdentifier: The identifier in dotted form, at most 1024 characters.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` if the text is not an object
    ///   identifier.
    public init(objectIdentifier: String) throws(X509Error) {
        guard let der = DER.objectIdentifier(parsing: objectIdentifier) else {
            throw X509Error(
                code: .malformed, context: "“\(objectIdentifier)” is not an object identifier",
                reasons: [])
        }
        self.init(objectIdentifier: objectIdentifier, der: der)
    }

    init(objectIdentifier: String, der: [UInt8]) {
        self.objectIdentifier = objectIdentifier
        self.der = der
    }

    private init(known objectIdentifier: String) {
        self.init(
            objectIdentifier: objectIdentifier, der: DER.objectIdentifier(objectIdentifier))
    }

    /// A client of TLS.
    public static let clientAuth = Self(known: "1.3.6.1.5.5.7.3.2")
    /// A server of TLS.
    public static let serverAuth = Self(known: "1.3.6.1.5.5.7.3.1")
    /// Signing code.
    public static let codeSigning = Self(known: "1.3.6.1.5.5.7.3.3")
    /// Signing and encrypting mail.
    public static let emailProtection = Self(known: "1.3.6.1.5.5.7.3.4")
    /// Any use.
    public static let any = Self(known: "2.5.29.37.0")
    /// Microsoft's Server Gated Cryptography, obsolete.
    public static let microsoftSGC = Self(known: "1.3.6.1.4.1.311.10.3.3")
    /// Microsoft's Encrypting File System.
    public static let microsoftEFS = Self(known: "1.3.6.1.4.1.311.10.3.4")
    /// Microsoft's mark of code that a single person signs.
    public static let microsoftIndividualCodeSigning = Self(
        known: "1.3.6.1.4.1.311.2.1.21")
    /// Microsoft's mark of code that a company signs.
    public static let microsoftCommercialCodeSigning = Self(
        known: "1.3.6.1.4.1.311.2.1.22")
    /// Netscape's Server Gated Cryptography, obsolete.
    public static let netscapeSGC = Self(known: "2.16.840.1.113730.4.1")
}

extension ExtendedKeyUsage: CustomStringConvertible {
    /// The standard's name of the use, or its identifier.
    public var description: String {
        switch self {
        case .clientAuth: "clientAuth"
        case .serverAuth: "serverAuth"
        case .codeSigning: "codeSigning"
        case .emailProtection: "emailProtection"
        case .any: "anyExtendedKeyUsage"
        case .microsoftSGC: "msSGC"
        case .microsoftEFS: "msEFS"
        case .microsoftIndividualCodeSigning: "msCodeInd"
        case .microsoftCommercialCodeSigning: "msCodeCom"
        case .netscapeSGC: "nsSGC"
        default: objectIdentifier
        }
    }
}
