/// Which servers are trusted.
///
/// There is no policy without checks: TLS 1.2 or newer, a certificate that leads to one of the
/// anchors, and the server's name in it are always required. If libcurl uses OpenSSL, the whole
/// chain must have a security level of 112 bits: RSA with 2048 bits or more, and no SHA-1. The
/// system's own anchors are never used.
package struct TLSPolicy: Sendable, Hashable {
    /// The anchors, certificates in PEM.
    package let anchorsPEM: String

    /// Makes a policy.
    package init(anchorsPEM: String) {
        self.anchorsPEM = anchorsPEM
    }
}
