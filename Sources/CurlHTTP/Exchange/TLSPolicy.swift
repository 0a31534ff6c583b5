/// The rules for trusting a server.
///
/// Every policy requires TLS 1.2 or later, a chain to one of the anchors, and the host name in the
/// certificate. If libcurl uses OpenSSL, the chain must also have 112 bits of security: RSA keys of
/// 2048 bits or more, and no SHA-1. The system's anchors are never used.
package struct TLSPolicy: Sendable, Hashable {
    /// The trust anchors, certificates in PEM.
    package let anchorsPEM: String

    package init(anchorsPEM: String) {
        self.anchorsPEM = anchorsPEM
    }
}
