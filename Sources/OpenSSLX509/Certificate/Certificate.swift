/// An X.509 certificate (RFC 5280). It is read when it is made and never changes.
public struct Certificate: Sendable {
    let handle: CertificateHandle

    /// The DER, as `CKA_VALUE` has it.
    public let der: [UInt8]
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
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed``.
    public init(der: [UInt8]) throws(X509Error) {
        try self.init(handle: Self.parse(der))
    }
}

extension Certificate: Hashable {
    /// Whether both have the same DER.
    public static func == (left: Certificate, right: Certificate) -> Bool {
        left.der == right.der
    }

    /// Hashes the DER.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(der)
    }
}
