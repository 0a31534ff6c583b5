/// An unsigned certificate request (PKCS#10, RFC 2986).
///
/// Sign ``toBeSigned`` with the private key, and pass the signature to ``signed(_:)``. A draft has
/// no PEM form, so it cannot be sent by mistake.
public struct CertificateRequestDraft: Sendable {
    /// The public key for the certificate.
    public let publicKey: PublicKey
    /// The algorithm that must sign ``toBeSigned``.
    public let signatureAlgorithm: SignatureAlgorithm
    /// The DER of the CertificationRequestInfo, which is signed.
    public let toBeSigned: [UInt8]
}

/// A signed certificate request (PKCS#10, RFC 2986).
///
/// Its signature has been verified with the key in the request, unless the request was created with
/// ``init(unverifiedPEM:)``.
public struct CertificateRequest: Sendable {
    let handle: RequestHandle
    /// The public key for the certificate.
    public let publicKey: PublicKey
    /// The requested subject.
    public let subject: DistinguishedName
    /// The DER, as OpenSSL encodes it.
    public let der: [UInt8]
}
