package import OpenSSLX509

/// Extensions that an issuer decides on (RFC 5280, section 4.2.1).
extension CertificateExtension {
    package static func basicConstraints(isAuthority: Bool) -> Self {
        Self(
            known: "2.5.29.19", isCritical: true,
            value: isAuthority ? DER.sequence(DER.booleanTrue) : DER.sequence())
    }

    /// Identifies the certificate's key.
    package static func subjectKeyIdentifier(_ key: PublicKey) -> Self {
        Self(
            known: "2.5.29.14", isCritical: false, value: DER.octetString(key.keyIdentifier))
    }

    /// Identifies the issuer's key.
    package static func authorityKeyIdentifier(_ key: PublicKey) -> Self {
        Self(
            known: "2.5.29.35", isCritical: false,
            value: DER.sequence(DER.element(0x80, key.keyIdentifier)))
    }
}
