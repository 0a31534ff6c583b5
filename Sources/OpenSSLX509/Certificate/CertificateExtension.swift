/// An extension of a request or a certificate (RFC 5280, section 4.2).
public struct CertificateExtension: Sendable, Hashable {
    /// The object identifier, in dotted form.
    public let identifier: String
    /// Whether software that does not recognize the extension must reject the certificate.
    public let isCritical: Bool
    /// The DER of the value.
    public let value: [UInt8]

    /// Creates an extension of any type.
    ///
    /// - Parameters:
    ///   - identifier: The object identifier, in dotted form.
    ///   - isCritical: Whether software that does not recognize the extension must reject the
    ///     certificate.
    ///   - value: The DER of the value, exactly one element.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` if the identifier is not
    ///   valid, or the value is not exactly one element or is an empty list.
    public init(identifier: String, isCritical: Bool, value: [UInt8]) throws(X509Error) {
        guard DER.objectIdentifier(parsing: identifier) != nil else {
            throw X509Error(.malformed, "\"\(identifier)\" is not an object identifier")
        }
        guard Self.isUsable(value, identifier) else {
            throw X509Error(.malformed, "invalid value for the extension \(identifier)")
        }
        self.init(known: identifier, isCritical: isCritical, value: value)
    }

    /// Creates an extension without checking the identifier or the value.
    package init(known identifier: String, isCritical: Bool, value: [UInt8]) {
        self.identifier = identifier
        self.isCritical = isCritical
        self.value = value
    }

    private static let keyUsageIdentifier = "2.5.29.15"
    private static let extendedKeyUsageIdentifier = "2.5.29.37"
    private static let subjectAlternativeNameIdentifier = "2.5.29.17"

    /// Rejects values that OpenSSL's decoder accepts although RFC 5280 does not: bytes after the
    /// element, and empty lists of usages or names.
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

    /// Creates a subjectAltName with e-mail addresses (rfc822Name).
    ///
    /// - Parameter addresses: The addresses, in printable ASCII without blanks.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` if an address has other
    ///   characters, which rfc822Name cannot hold.
    public static func subjectAlternativeName(
        emailAddresses addresses: [String]
    ) throws(X509Error) -> Self {
        for address in addresses where !address.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            throw X509Error(
                .malformed, "the address \"\(address)\" has characters other than printable ASCII")
        }
        return Self(
            known: subjectAlternativeNameIdentifier, isCritical: false,
            value: DER.element(
                0x30, addresses.flatMap { DER.element(0x81, Array($0.utf8)) }))
    }

    /// Creates a subjectAltName with the DNS names and IP addresses of a server.
    ///
    /// - Parameters:
    ///   - names: The DNS names, in ASCII.
    ///   - addresses: The IP addresses: four bytes for IPv4, sixteen for IPv6.
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

    /// Creates a critical keyUsage extension.
    ///
    /// - Parameter usages: The usages. If the set is empty, requests and certificates with the
    ///   extension cannot be created (RFC 5280, section 4.2.1.3).
    public static func keyUsage(_ usages: Set<KeyUsage>) -> Self {
        let bits = usages.reduce(UInt8(0)) { $0 | 0x80 >> $1.rawValue }
        return Self(
            known: keyUsageIdentifier, isCritical: true,
            value: DER.element(0x03, bits == 0 ? [0] : [UInt8(bits.trailingZeroBitCount), bits]))
    }

    /// Creates an extKeyUsage extension.
    ///
    /// - Parameter usages: The usages, in order. If the list is empty, requests and certificates
    ///   with the extension cannot be created (RFC 5280, section 4.2.1.12).
    public static func extendedKeyUsage(_ usages: [ExtendedKeyUsage]) -> Self {
        Self(
            known: extendedKeyUsageIdentifier, isCritical: false,
            value: DER.element(0x30, usages.flatMap(\.der)))
    }
}

/// A usage of a key. The raw value is the number of its bit (RFC 5280, section 4.2.1.3).
public enum KeyUsage: UInt8, Sendable, Hashable {
    /// Signatures other than those on certificates and revocation lists.
    case digitalSignature = 0
    /// Signatures that the signer cannot deny (non-repudiation).
    case contentCommitment = 1
    /// Encryption of keys.
    case keyEncipherment = 2
    /// Encryption of data without another key.
    case dataEncipherment = 3
    /// Key agreement.
    case keyAgreement = 4
    /// Signatures on certificates.
    case keyCertSign = 5
    /// Signatures on revocation lists.
    case cRLSign = 6
}

/// An extended key usage (RFC 5280, section 4.2.1.12).
public struct ExtendedKeyUsage: Sendable, Hashable {
    /// The object identifier, in dotted form.
    public let objectIdentifier: String
    /// The DER of the OBJECT IDENTIFIER.
    let der: [UInt8]

    /// Creates a usage with any object identifier.
    ///
    /// - Parameter objectIdentifier: The object identifier in dotted form, at most 1024 characters.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` if the text is not an object
    ///   identifier.
    public init(objectIdentifier: String) throws(X509Error) {
        guard let der = DER.objectIdentifier(parsing: objectIdentifier) else {
            throw X509Error(.malformed, "\"\(objectIdentifier)\" is not an object identifier")
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

    /// TLS client authentication.
    public static let clientAuth = Self(known: "1.3.6.1.5.5.7.3.2")
    /// TLS server authentication.
    public static let serverAuth = Self(known: "1.3.6.1.5.5.7.3.1")
    /// Code signing.
    public static let codeSigning = Self(known: "1.3.6.1.5.5.7.3.3")
    /// E-mail protection (S/MIME).
    public static let emailProtection = Self(known: "1.3.6.1.5.5.7.3.4")
    /// Any usage.
    public static let any = Self(known: "2.5.29.37.0")
    /// Microsoft Server Gated Cryptography, obsolete.
    public static let microsoftSGC = Self(known: "1.3.6.1.4.1.311.10.3.3")
    /// Microsoft Encrypting File System.
    public static let microsoftEFS = Self(known: "1.3.6.1.4.1.311.10.3.4")
    /// Microsoft code signing by an individual.
    public static let microsoftIndividualCodeSigning = Self(
        known: "1.3.6.1.4.1.311.2.1.21")
    /// Microsoft code signing by a company.
    public static let microsoftCommercialCodeSigning = Self(
        known: "1.3.6.1.4.1.311.2.1.22")
    /// Netscape Server Gated Cryptography, obsolete.
    public static let netscapeSGC = Self(known: "2.16.840.1.113730.4.1")
}

extension ExtendedKeyUsage: CustomStringConvertible {
    /// The name of the usage, such as `clientAuth`, or its object identifier.
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
