/// An X.509 certificate (RFC 5280). It is read when it is made and never changes.
public struct Certificate: Sendable {
    /// OpenSSL's form of the certificate.
    package let handle: CertificateHandle

    /// The DER, as in `CKA_VALUE`: the bytes that were read, never re-encoded.
    public let der: [UInt8]
    /// The serial number, a DER INTEGER with its tag, as in `CKA_SERIAL_NUMBER`.
    public let serialNumberDER: [UInt8]
    /// Whom it is for.
    public let subject: DistinguishedName
    /// Who signed it.
    public let issuer: DistinguishedName
    /// The key that it binds to the subject.
    public let publicKey: PublicKey
    /// The first second of its validity, in seconds since 1970-01-01 00:00 UTC.
    public let notBefore: Int64
    /// The last second of its validity, in seconds since 1970-01-01 00:00 UTC.
    public let notAfter: Int64

    /// Reads a certificate.
    ///
    /// The C function is `d2i_X509`.
    ///
    /// - Parameter der: One certificate and nothing after it.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed``, or
    ///   ``X509Error/Code/textInPEM`` if the bytes are text.
    public init(der: [UInt8]) throws(X509Error) {
        let element = try Self.firstElement(der)
        guard element.count == der.count else {
            throw X509Error(code: .malformed, context: "bytes after a certificate", reasons: [])
        }
        try self.init(element: element)
    }

    /// Reads the certificate at the beginning of the bytes that a token returns: cards with files
    /// of a fixed size pad them with 00 or FF.
    ///
    /// The C function is `d2i_X509`.
    ///
    /// - Parameter bytes: A certificate and any bytes after it. ``der`` has the certificate only.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed``, or
    ///   ``X509Error/Code/textInPEM`` if the bytes are text.
    public init(firstIn bytes: [UInt8]) throws(X509Error) {
        try self.init(element: Self.firstElement(bytes))
    }

    private static func firstElement(_ bytes: [UInt8]) throws(X509Error) -> [UInt8] {
        guard let element = DER.read(bytes[...]), element.tag == 0x30 else {
            throw isPEM(bytes)
                ? X509Error(code: .textInPEM, context: "text in PEM, not DER", reasons: [])
                : X509Error(code: .malformed, context: "not a certificate", reasons: [])
        }
        return Array(element.bytes)
    }

    /// Whether bytes are PEM text: one of the first lines begins with `-----BEGIN`. Other programs
    /// write attributes before it.
    ///
    /// - Parameter bytes: The bytes, such as a token's `CKA_VALUE`.
    public static func isPEM(_ bytes: [UInt8]) -> Bool {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(3) : bytes[...]
        // A certificate is a SEQUENCE; no such text begins so.
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

    /// A name for the certificate: the last common name, otherwise the first e-mail address,
    /// otherwise the whole subject, otherwise `serial` and the serial number. Never empty.
    public var displayName: String {
        let names =
            [subject.commonNames.last, emailAddresses.first, subject.emailAddresses.first]
            .compactMap { $0 } + [subject.text]
        return names.first { !$0.allSatisfy(\.isWhitespace) } ?? "serial \(serialNumber)"
    }
}

extension Certificate: Hashable {
    /// Whether both have the same DER, byte for byte.
    public static func == (left: Certificate, right: Certificate) -> Bool {
        left.der == right.der
    }

    /// Hashes the DER.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(der)
    }
}
