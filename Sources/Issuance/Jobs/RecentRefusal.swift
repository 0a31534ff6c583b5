package import OpenSSLX509
package import TokencertLedger

/// A refused order, after which no order is placed automatically for the same key for a week. Only
/// the last order for the key counts: after a later one, or one that the user closed, the user has
/// acted. An unfinished order does not count, because the ledger permits no other beside it.
package struct RecentRefusal: Sendable, Hashable {
    /// The time without automatic orders, in seconds.
    static let pause: Int64 = 7 * 86_400

    package let order: Int64
    /// The time of the refusal, in seconds since 1970-01-01 00:00 UTC.
    package let time: Int64
    /// The CA's reason.
    package let reason: String

    /// When automatic orders are permitted again, in seconds since 1970-01-01 00:00 UTC.
    package var end: Int64 { time + Self.pause }

    /// Finds the refusal that prevents the automatic renewal of a certificate; nil if there is none.
    /// Refused credentials do not count. `now` is in seconds since 1970-01-01 00:00 UTC.
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
            // A time far in the future means that the clock was wrong; it must not stop renewals.
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
