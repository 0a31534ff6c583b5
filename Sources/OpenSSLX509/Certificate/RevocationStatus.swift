/// The status of a certificate that an OCSP responder reports (RFC 6960, section 2.2).
public enum RevocationStatus: Sendable, Hashable {
    /// The certificate is not revoked.
    case good
    /// The certificate was revoked at this time, in seconds since 1970-01-01 00:00 UTC; nil if the
    /// time cannot be read.
    case revoked(at: Int64?)
    /// The responder does not know the certificate.
    case unknown
}
