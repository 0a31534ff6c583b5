/// An X.509 certificate (RFC 5280).
public struct Certificate: Sendable {
    /// The OpenSSL object.
    package let handle: LazyCertificateHandle

    /// The DER, unchanged, as in `CKA_VALUE`.
    public let der: [UInt8]
    /// The serial number as a DER INTEGER, including its tag, as in `CKA_SERIAL_NUMBER`.
    public let serialNumberDER: [UInt8]
    /// The serial number in lower-case hexadecimal, two digits for each byte, after `-` if it is
    /// negative: RFC 5280 forbids negative numbers, but such certificates exist.
    public let serialNumber: String
    /// The subject.
    public let subject: DistinguishedName
    /// The issuer.
    public let issuer: DistinguishedName
    /// The subject's public key.
    public let publicKey: PublicKey
    /// The first second of the validity, in seconds since 1970-01-01 00:00 UTC.
    public let notBefore: Int64
    /// The last second of the validity, in seconds since 1970-01-01 00:00 UTC.
    public let notAfter: Int64
    /// Whether the certificate's basic constraints allow it to sign other certificates.
    public let isAuthority: Bool
    /// OpenSSL's number of the hash function in the signature algorithm; nil if only its parameters name
    /// one, or if it has none.
    let signatureHash: Int32?
    /// The names in the subjectAltName; nil for each name that is not an rfc822Name.
    let alternativeNames: [String?]

    /// Reads a certificate.
    ///
    /// The C function is `ASN1_item_d2i`.
    ///
    /// - Parameter der: The DER of one certificate, with no bytes after it.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/textInPEM`` if the bytes are PEM text, or
    ///   ``X509Error/Code/malformed`` if they are not a certificate.
    public init(der: [UInt8]) throws(X509Error) {
        let element = try Self.firstElement(der)
        guard element.count == der.count else {
            throw X509Error(.malformed, "unexpected bytes after the certificate")
        }
        try self.init(element: element)
    }

    /// Reads the certificate at the beginning of a token's `CKA_VALUE` and ignores the bytes after
    /// it: cards with files of a fixed size pad the value with 00 or FF.
    ///
    /// The C function is `ASN1_item_d2i`.
    ///
    /// - Parameter bytes: The DER of a certificate, followed by any bytes, which ``der`` omits.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/textInPEM`` if the bytes are PEM text, or
    ///   ``X509Error/Code/malformed`` if they do not begin with a certificate.
    public init(firstIn bytes: [UInt8]) throws(X509Error) {
        try self.init(element: Self.firstElement(bytes))
    }

    private static func firstElement(_ bytes: [UInt8]) throws(X509Error) -> [UInt8] {
        guard let element = DER.read(bytes[...]), element.tag == 0x30 else {
            throw isPEM(bytes)
                ? X509Error(.textInPEM, "PEM text instead of DER")
                : X509Error(.malformed, "not a certificate")
        }
        return Array(element.bytes)
    }

    /// Whether the bytes are PEM text: a line in the first 4096 bytes begins with `-----BEGIN`.
    /// Some programs write other lines before it.
    ///
    /// - Parameter bytes: The bytes, such as a token's `CKA_VALUE`.
    public static func isPEM(_ bytes: [UInt8]) -> Bool {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(3) : bytes[...]
        // A certificate in DER may contain such a line.
        if let element = DER.read(bytes[...]), element.tag == 0x30 { return false }
        return text.prefix(4096).split { $0 == 0x0A || $0 == 0x0D }.contains { line in
            line.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
                .starts(with: "-----BEGIN".utf8)
        }
    }

    /// Whether a time is within the validity, including its first and last second (RFC 5280,
    /// section 4.1.2.5).
    ///
    /// - Parameter time: Seconds since 1970-01-01 00:00 UTC.
    public func isValid(at time: Int64) -> Bool { notBefore <= time && time <= notAfter }

    /// A name for the certificate, never empty: the last common name, otherwise the first e-mail
    /// address, otherwise the whole subject, otherwise `serial` and the serial number.
    public var displayName: String {
        let names =
            [subject.commonNames.last, emailAddresses.first, subject.emailAddresses.first]
            .compactMap { $0 } + [subject.text]
        return names.first { !$0.allSatisfy(\.isWhitespace) } ?? "serial \(serialNumber)"
    }
}

extension Certificate: Hashable {
    /// Whether both certificates have the same DER.
    public static func == (left: Certificate, right: Certificate) -> Bool {
        left.der == right.der
    }

    /// Hashes the DER.
    public func hash(into hasher: inout Hasher) {
        // An array would be combined byte by byte, which takes ten times as long.
        unsafe der.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}
