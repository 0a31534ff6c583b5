package import OpenSSLX509
package import TokencertLedger

/// The keys of a token that received a certificate, according to the ledger.
package struct CertifiedKeys {
    /// The latest order with a proved certificate that no other order replaced and that is not revoked, by
    /// the SHA-256 of its key in hexadecimal.
    private var current: [String: Order] = [:]
    /// The same keys, including the keys whose certificates were replaced or revoked.
    private var all: Set<String> = []
    /// The unfinished orders, keyed like ``current``.
    private var unfinished: [String: Int64] = [:]

    /// Collects the keys from orders, oldest first.
    ///
    /// - Parameter token: The URI of the token.
    package init(_ orders: [Order], on token: String) {
        let replaced = Set(
            orders.compactMap { order in
                order.beginning.replaced.flatMap { order.isProved ? $0.certificate : nil }
            })
        let revocations = Revocations(orders)
        for order in orders where order.mayBeFor(token) {
            guard let hash = order.publicKeyHash else { continue }
            if !order.isFinished { unfinished[hash] = order.number }
            guard order.isProved else { continue }
            all.insert(hash)
            // A key whose certificate is revoked is kept to decrypt old mail.
            if order.provedFingerprint.map({ revocations.contains($0) }) == true { continue }
            let certificate = order.certified?.certificate
            if certificate.map({ replaced.contains($0) }) != true { current[hash] = order }
        }
    }

    /// Whether a key should have a certificate on the token.
    func needsCertificate(_ key: PublicKey) -> Bool { order(of: key) != nil }

    /// The order whose certificate a key should have on the token, or nil.
    package func order(of key: PublicKey) -> Order? { current[hash(key)] }

    /// Whether a key ever received a certificate.
    func contains(_ key: PublicKey) -> Bool { all.contains(hash(key)) }

    /// Whether every certificate of a key was replaced by one for another key, or is revoked.
    func isReplaced(_ key: PublicKey) -> Bool { contains(key) && !needsCertificate(key) }

    /// The unfinished order for a key, or nil.
    func unfinishedOrder(for key: PublicKey) -> Int64? { unfinished[hash(key)] }

    private func hash(_ key: PublicKey) -> String { hexadecimal(key.sha256Fingerprint) }
}
