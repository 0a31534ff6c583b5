/// A request for a certificate (PKCS#10, RFC 2986) that nobody has signed yet.
///
/// Its bytes are made once. Whoever holds the private key signs ``toBeSigned``, and
/// ``signed(_:)`` makes the request out of the two. A draft cannot be sent: only a
/// ``CertificateRequest`` has a PEM form.
public struct CertificateRequestDraft: Sendable {
    /// The key that the certificate shall be for.
    public let publicKey: PublicKey
    /// How ``toBeSigned`` has to be signed.
    public let signatureAlgorithm: SignatureAlgorithm
    /// DER of the CertificationRequestInfo: what the signature is made over.
    public let toBeSigned: [UInt8]
}

/// A signed request for a certificate (PKCS#10, RFC 2986) whose signature was verified with the key
/// inside.
public struct CertificateRequest: Sendable {
    let handle: RequestHandle
    /// The key that the certificate shall be for.
    public let publicKey: PublicKey
    /// Whom it shall be for.
    public let subject: DistinguishedName
    /// The DER.
    public let der: [UInt8]
}
