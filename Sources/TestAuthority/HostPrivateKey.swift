package import OpenSSLX509

/// A private key in memory, with which tests sign what a token or a CA signs otherwise.
package struct HostPrivateKey: Sendable {
    let handle: KeyHandle
    /// The public half.
    package let publicKey: PublicKey
    /// How it signs.
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

    /// Makes the content of a certificate.
    ///
    /// - Parameters:
    ///   - serialNumber: Big-endian, unsigned, at most 20 bytes.
    ///   - notBefore: Seconds since 1970-01-01 00:00 UTC.
    ///   - notAfter: Seconds since 1970-01-01 00:00 UTC.
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
