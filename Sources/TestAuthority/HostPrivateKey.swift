package import OpenSSLX509

/// A private key in memory, which replaces the key of a token or a CA in tests.
package struct HostPrivateKey: Sendable {
    let handle: KeyHandle
    package let publicKey: PublicKey
    package let signatureAlgorithm: SignatureAlgorithm
}

/// The content of a certificate that a ``HostPrivateKey`` signs.
package struct CertificateContent: Sendable {
    let subject: [NameAttribute]
    let publicKey: PublicKey
    let serialNumber: [UInt8]
    let notBefore: Int64
    let notAfter: Int64
    let extensions: [CertificateExtension]

    /// Creates the content. The serial number is big-endian and unsigned, with at most 20 bytes;
    /// times are seconds since 1970-01-01 00:00 UTC.
    package init(
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
