/// What a CA says about a certificate of its own (RFC 6960, section 2.2).
public enum RevocationStatus: Sendable, Hashable {
    /// It is not revoked.
    case good
    /// It was revoked, at that time, in seconds since 1970-01-01 00:00 UTC.
    case revoked(at: Int64?)
    /// The responder does not know it.
    case unknown
}
