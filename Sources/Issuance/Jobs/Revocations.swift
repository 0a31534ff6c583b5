package import OpenSSLX509
package import TokencertLedger

/// The certificates that the CA has revoked, according to the ledger. It has only what `revoke` has
/// confirmed, so a certificate that was revoked elsewhere is not among them.
package struct Revocations: Sendable {
    /// When each revocation was first recorded, in seconds since 1970-01-01 00:00 UTC, by the SHA-256 of
    /// the certificate in hexadecimal.
    package private(set) var times: [String: Int64] = [:]

    package init(_ orders: [Order]) {
        self.init(events: orders.flatMap(\.events))
    }

    package init(in ledger: Ledger) throws(LedgerError) {
        self.init(events: try ledger.revocations())
    }

    private init(events: [RecordedEvent]) {
        for recorded in events {
            guard case .revoked(let revocation)? = recorded.event else { continue }
            let earlier = times[revocation.sha256Fingerprint] ?? recorded.time
            times[revocation.sha256Fingerprint] = min(earlier, recorded.time)
        }
    }

    /// When the revocation of a certificate was recorded, in seconds since 1970-01-01 00:00 UTC; nil if
    /// it was not.
    package func time(of certificate: Certificate) -> Int64? {
        times[hexadecimal(certificate.sha256Fingerprint)]
    }

    /// Whether the certificate with this SHA-256, in hexadecimal, is revoked.
    func contains(_ sha256Fingerprint: String) -> Bool { times[sha256Fingerprint] != nil }

    /// Of all orders for the key of a certificate, oldest first, the one in which its revocation is
    /// to be recorded: the last one in which it passed every check. nil if it is recorded already,
    /// or if no order has the certificate.
    package static func orderToRecord(_ certificate: Certificate, among orders: [Order]) -> Order? {
        guard Revocations(orders).time(of: certificate) == nil else { return nil }
        return orders.last { $0.checkedCertificate == certificate }
    }
}

extension Ledger {
    /// Records that the CA with this address has revoked a certificate, once. Nothing is recorded
    /// if no order has the certificate. Throws ``LedgerError/Code/inUse`` if another process works
    /// on the order.
    package func recordRevocation(of certificate: Certificate, by ca: String) throws(LedgerError) {
        let ofKey = try orders(forKeysOf: [certificate])
        guard let found = Revocations.orderToRecord(certificate, among: ofKey) else { return }
        let fingerprint = hexadecimal(certificate.sha256Fingerprint)
        let order = try open(found.number)
        // Another process may have recorded it before the order was locked.
        guard try order.order().timeOfRevocation(of: fingerprint) == nil else { return }
        try order.record(
            .revoked(
                .init(
                    sha256Fingerprint: fingerprint, serialNumber: certificate.serialNumber,
                    ca: ca)))
    }
}
