internal import Cryptoki
package import OpenSSLX509
package import TokencertLedger
internal import TokencertTokens

/// A certificate of the ledger, with the orders that led to it.
package struct LedgerCertificate: Sendable {
    package let certificate: Certificate
    /// The orders in which it passed every check, oldest first.
    package let orders: [Order]
    /// The last order for each token that has proved it, unless an order has removed it from there.
    package let places: [Order]

    /// Whether a token has proved it, whether or not it is still there.
    package var isProved: Bool { orders.contains(where: \.isProved) }

    /// The CA that issued it, if that is certainly not the one at this address; otherwise nil. The CA
    /// of an imported certificate is not known.
    package func otherCA(than site: String) -> String? {
        let addresses = orders.compactMap { $0.beginning.issue?.ca }.map(withoutSlash)
        return addresses.contains(withoutSlash(site)) ? nil : addresses.last
    }
}

/// An address without slashes at its end.
package func withoutSlash(_ address: String) -> String {
    var address = Substring(address)
    while address.hasSuffix("/") { address = address.dropLast() }
    return String(address)
}

/// A token of the ledger.
package struct LedgerToken: Sendable {
    /// The orders for it, oldest first; never empty.
    package fileprivate(set) var orders: [Order]

    /// Its URI, as the last order found it.
    package var uri: String { orders[orders.count - 1].beginning.tokenURI }

    /// Whether a certificate is for the key of an order for the token.
    package func hasKey(of certificate: Certificate) -> Bool {
        let hash = hexadecimal(certificate.publicKey.sha256Fingerprint)
        return orders.contains { $0.publicKeyHash == hash }
    }

    /// The orders that may still lead to a certificate, besides those that have led to one of these
    /// or to one that was `found` in the account for a key of the token. A request that was
    /// exported is not among them, because only the user knows where it went.
    package func ordersThatMayBringCertificates(
        besides certificates: [LedgerCertificate], found: [Certificate] = []
    ) -> [Order] {
        let arrived = Set(certificates.flatMap(\.orders).map(\.number))
        let pending = orders.filter { order in
            let isExported = order.unknownEvent == nil && order.beginning.issue == nil
            let isAnswered = arrived.contains(order.number) && order.bringsOneCertificate
            return order.mayBringCertificate && !isExported && !isAnswered
        }
        return pending.filter { order in
            let rivals = pending.filter { $0.publicKeyHash == order.publicKeyHash }
            guard let key = order.publicKeyHash, rivals.allSatisfy(\.bringsOneCertificate),
                let last = rivals.compactMap(\.timeOfSending).max()
            else { return true }
            // The certificate for a request that was exported may have the same key.
            let isExported = orders.contains { other in
                other.publicKeyHash == key && other.beginning.issue == nil
                    && other.mayBringCertificate
            }
            guard !isExported else { return true }
            // Which of the certificates for a key belongs to which order cannot be seen.
            let outcomes = Set(found).filter { certificate in
                hexadecimal(certificate.publicKey.sha256Fingerprint) == key
                    && certificate.notBefore >= last - clockTolerance
            }
            return outcomes.count < rivals.count
        }
    }

    /// Whether a name is its complete label, as the last order found it, or its complete serial
    /// number.
    fileprivate func isNamed(_ name: String) -> Bool {
        guard let uri = try? PKCS11URI(parsing: uri) else { return false }
        return isTokenName(
            name, label: Array((uri.tokenLabel ?? "").utf8), serialNumber: uri.serialNumber ?? "")
    }
}

/// The certificates and the tokens of the ledger. The ledger shows neither what was deleted from a
/// token nor what other programs wrote to it.
package struct LedgerCertificates: Sendable {
    /// The certificates; those of older orders come first.
    package let certificates: [LedgerCertificate]
    private let orders: [Order]
    private let tokens: [LedgerToken]

    /// Collects the certificates of orders, given oldest first.
    package init(_ orders: [Order]) {
        self.orders = orders
        var sequence: [Certificate] = []
        var byCertificate: [Certificate: [Order]] = [:]
        var tokens: [LedgerToken] = []
        for order in orders {
            let place = tokens.firstIndex { order.isFor($0.orders[0].beginning.token) }
            if let place {
                tokens[place].orders.append(order)
            } else {
                tokens.append(LedgerToken(orders: [order]))
            }
            guard let certificate = order.checkedCertificate, !certificate.isAuthority else {
                continue
            }
            if byCertificate[certificate] == nil { sequence.append(certificate) }
            byCertificate[certificate, default: []].append(order)
        }
        self.tokens = tokens
        certificates = sequence.map { certificate in
            let own = byCertificate[certificate] ?? []
            return LedgerCertificate(
                certificate: certificate, orders: own,
                places: Self.places(certificate, own, tokens))
        }
    }

    private static func places(
        _ certificate: Certificate, _ orders: [Order], _ tokens: [LedgerToken]
    ) -> [Order] {
        let proved = Set(orders.filter(\.isProved).map(\.number))
        return tokens.compactMap { token in
            guard let last = token.orders.last(where: { proved.contains($0.number) }) else {
                return nil
            }
            let isRemoved = token.orders.contains {
                $0.number > last.number && $0.hasRemoved(certificate)
            }
            return isRemoved ? nil : last
        }
    }

    /// The CA certificates of the orders.
    package var authorities: [Certificate] { orders.authorities }

    /// The other certificates for the key of a certificate that have not expired at a time, in
    /// seconds since 1970-01-01 00:00 UTC. Those whose revocation is recorded are left out.
    package func others(forKeyOf certificate: Certificate, at now: Int64) -> [Certificate] {
        let revocations = Revocations(orders)
        return certificates.map(\.certificate).filter { other in
            other != certificate && other.publicKey == certificate.publicKey
                && other.notAfter > now && revocations.time(of: other) == nil
        }
    }

    // MARK: Names

    /// The certificates that a name can mean: the one with this complete serial number, and the newest
    /// proved one of each key that has this label or this complete id.
    package func named(_ name: String) -> [LedgerCertificate] {
        let number = serialNumber(name)
        let digits = name.lowercased().filter { $0 != ":" }
        var newest: [PublicKey: LedgerCertificate] = [:]
        var found: [LedgerCertificate] = []
        for certificate in certificates {
            let hasSerial = number.map { $0 == certificate.certificate.serialNumber } ?? false
            if hasSerial { found.append(certificate) }
            let hasName = certificate.orders.contains {
                $0.isProved
                    && ($0.beginning.keyLabelBytes == Array(name.utf8)
                        || !$0.beginning.keyID.isEmpty && $0.beginning.keyID == digits)
            }
            guard hasName else { continue }
            let key = certificate.certificate.publicKey
            // Certificates are in the sequence of their orders, so the later of two equals wins.
            if let other = newest[key],
                other.certificate.notBefore > certificate.certificate.notBefore
            {
                continue
            }
            newest[key] = certificate
        }
        let own = Set(found.map(\.certificate))
        let byKey = certificates.filter {
            !own.contains($0.certificate)
                && newest[$0.certificate.publicKey]?.certificate == $0.certificate
        }
        return found + byKey
    }

    /// The number of an unfinished order for a key with this label that has no proved certificate, or
    /// nil.
    package func unfinishedOrder(named name: String) -> Int64? {
        orders.last {
            !$0.isFinished && !$0.isProved && $0.beginning.keyLabelBytes == Array(name.utf8)
        }?.number
    }

    // MARK: Tokens

    /// The tokens with this complete label or complete serial number.
    package func tokens(named name: String) -> [LedgerToken] {
        name.isEmpty ? [] : tokens.filter { $0.isNamed(name) }
    }

    /// The certificates for the keys of a token. Those that an order has removed from it are among
    /// them, because their keys are still there, and those that were not written yet.
    package func certificates(on token: LedgerToken) -> [LedgerCertificate] {
        let proved = Set(token.orders.filter(\.isProved).map(\.number))
        return certificates.filter { known in
            known.orders.contains { proved.contains($0.number) }
                || token.hasKey(of: known.certificate)
        }
    }
}

extension Order {
    /// Whether the order has finally removed a certificate from its token.
    fileprivate func hasRemoved(_ certificate: Certificate) -> Bool {
        replacement?.certificate == certificate
            && events.contains { if case .retired = $0.event { true } else { false } }
    }
}

extension Order {
    /// Whether it leads to one certificate at most. After a second sending, each of the two requests may
    /// lead to one.
    fileprivate var bringsOneCertificate: Bool {
        unknownEvent == nil && sending?.isRepeated != true
    }
}
