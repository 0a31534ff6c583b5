package import OpenSSLX509
package import TokencertLedger

/// The refusal of an order, after which nothing is ordered automatically for its key for a week.
///
/// Only the last order for the key counts. A later order means that the user has acted, or that the
/// week has passed; the same holds for an order that was closed, since only the user closes one
/// after it was sent. An order that may still bring a certificate, or that has left a new key
/// behind, is unfinished: the ledger permits no other order until the user has decided.
package struct RecentRefusal: Sendable, Hashable {
    /// How long nothing is ordered automatically, in seconds.
    static let pause: Int64 = 7 * 86_400

    /// The number of the refused order.
    package let order: Int64
    /// When it was refused, in seconds since 1970-01-01 00:00 UTC.
    package let time: Int64
    /// What the CA said.
    package let reason: String

    /// From when on an order is placed automatically, in seconds since 1970-01-01 00:00 UTC.
    package var end: Int64 { time + Self.pause }

    /// Looks for a refusal after which a certificate is not renewed automatically yet. nil if the
    /// certificate may be renewed.
    ///
    /// - Parameters:
    ///   - certificate: The certificate that has to be renewed.
    ///   - orders: The orders in the ledger.
    ///   - authority: The CA, which knows what its answers mean: an order that it refused because of
    ///     user name or password may be placed again.
    ///   - now: The time, in seconds since 1970-01-01 00:00 UTC.
    package init?(
        of certificate: Certificate, in orders: [Order],
        from authority: any CertificateAuthority.Type, at now: Int64
    ) {
        let publicKeyHash = hexadecimal(certificate.publicKey.sha256Fingerprint)
        let pem = certificate.pem
        let ofKey = orders.filter {
            $0.publicKeyHash == publicKeyHash || $0.beginning.replaced?.certificate == pem
        }
        guard let last = ofKey.max(by: { $0.number < $1.number }), last.state == .refused,
            last.unknownEvent == nil, last.isFinished, let reason = last.reason,
            let refusal = last.events.last(where: {
                if case .refused = $0.event { true } else { false }
            }),
            // A time far ahead shows that the clock was wrong, and must not stop renewals for long.
            refusal.time > now - Self.pause, refusal.time < now + Self.pause
        else { return nil }
        if let answer = last.answer,
            case .refused(_, concernsCredentials: true) = authority.meaning(of: answer)
        {
            return nil
        }
        order = last.number
        time = refusal.time
        self.reason = reason
    }
}
