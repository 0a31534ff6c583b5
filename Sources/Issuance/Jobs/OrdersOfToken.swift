package import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

extension Ledger {
    /// The orders that concern the content of a token, oldest first: those for its keys, those that
    /// replace one of its certificates or a certificate that was issued for one of its keys, and those that
    /// replace the certificates of such replacements.
    package func orders(concerning inventory: TokenInventory) throws(LedgerError) -> [Order] {
        let certificates = inventory.entries.compactMap(\.certificate)
        let keys = inventory.keys.compactMap(\.value) + certificates.map(\.publicKey)
        let ofKeys = try orders(forKeys: Set(keys.map(hash)))
        var found = Dictionary(ofKeys.map { ($0.number, $0) }) { one, _ in one }
        let issued = ofKeys.compactMap { $0.certified?.certificate }
        var replaced = Set(certificates.map(\.pem) + issued)
        var next = replaced
        while !next.isEmpty {
            let new = try orders(forKeys: [], replacing: next).filter { found[$0.number] == nil }
            for order in new { found[order.number] = order }
            next = Set(new.compactMap { $0.certified?.certificate }).subtracting(replaced)
            replaced.formUnion(next)
        }
        return found.values.sorted { $0.number < $1.number }
    }

    /// Adds the CA certificates that came with the certificates on a token, and returns which of these have
    /// replaced others, as for `Health.replacements`.
    package func complete(
        _ inventory: inout TokenInventory
    ) throws(LedgerError) -> [String: Set<String>] {
        let orders = try orders(concerning: inventory)
        inventory.issuersElsewhere = orders.authorities
        return Replacements(orders).all
    }

    /// The orders for the keys of certificates, oldest first.
    package func orders(forKeysOf certificates: [Certificate]) throws(LedgerError) -> [Order] {
        try orders(forKeys: Set(certificates.map { hash($0.publicKey) }))
    }

    /// The orders for the key of a certificate, and those that replace it, oldest first.
    package func orders(concerning certificate: Certificate) throws(LedgerError) -> [Order] {
        try orders(forKeys: [hash(certificate.publicKey)], replacing: [certificate.pem])
    }
}

private func hash(_ key: PublicKey) -> String { hexadecimal(key.sha256Fingerprint) }
