/// A private key in this process' memory: what a CA for tests signs with, never what stands for a
/// key on a token.
public struct HostPrivateKey: Sendable {
    let handle: KeyHandle
    /// The public half.
    public let publicKey: PublicKey
    /// How it signs.
    public let signatureAlgorithm: SignatureAlgorithm
}

/// What a certificate shall say that a ``HostPrivateKey`` signs.
public struct CertificateContent: Sendable {
    /// Whom it is for.
    public var subject: [NameAttribute]
    /// The key that it binds to the subject.
    public var publicKey: PublicKey
    /// The serial number, big-endian, unsigned, 20 bytes at most.
    public var serialNumber: [UInt8]
    /// The first second of its validity, in seconds since 1970-01-01 00:00 UTC.
    public var notBefore: Int64
    /// The last second of its validity, in seconds since 1970-01-01 00:00 UTC.
    public var notAfter: Int64
    /// The extensions, in order.
    public var extensions: [CertificateExtension]

    /// Makes the content of a certificate.
    ///
    /// - Parameters:
    ///   - subject: Whom it is for.
    ///   - publicKey: The key that it binds to the subject.
    ///   - serialNumber: Big-endian, unsigned, 20 bytes at most.
    ///   - notBefore: Seconds since 1970-01-01 00:00 UTC.
    ///   - notAfter: Seconds since 1970-01-01 00:00 UTC.
    ///   - extensions: The extensions, in order.
    public init(
        subject: [NameAttribute], publicKey: PublicKey, serialNumber: [UInt8], notBefore: Int64,
        notAfter: Int64, extensions: [CertificateExtension]
    ) {
        self.subject = subject
        self.publicKey = publicKey
        self.serialNumber = serialNumber
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.extensions = extensions
    }
}
