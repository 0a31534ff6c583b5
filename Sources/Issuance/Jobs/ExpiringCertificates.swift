package import OpenSSLX509
package import TokencertLedger
internal import TokencertTokens

/// A certificate that expires soon or has expired, according to the ledger.
package struct ExpiringCertificate: Sendable {
    package let certificate: Certificate
    /// The last order with which a token proved the certificate.
    package let order: Order
    /// An unfinished order that replaces the certificate or is for its key, or nil.
    package let unfinishedOrder: Order?
    /// Whether the label of its key names only this certificate on its token, as far as the ledger
    /// shows.
    package let isNamedByLabel: Bool
}

/// The certificates of the ledger that expire soon or have expired, that no other one replaces and
/// that are not revoked. The ledger shows neither what was deleted from a token nor what other
/// programs wrote.
package struct ExpiringCertificates: Sendable {
    /// The time in seconds after which an expired certificate is no longer listed: a year. The user may
    /// have deleted it, or lost its token, which the ledger does not show.
    private static let longestMemory: Int64 = 365 * 86_400

    /// The certificates; the one that expires first comes first.
    package let certificates: [ExpiringCertificate]

    /// Selects certificates of a ledger, as ``init(_:at:within:)``. Only the orders that matter for
    /// the result are decoded, so that a ledger of any size can be searched every day.
    package init(in ledger: Ledger, at now: Int64, within days: Int) throws(LedgerError) {
        let due = try ledger.orders(
            try ledger.numbers(ofOrdersWithCertificateEndingIn: Self.period(now, days)) {
                Certificate.first(inPEM: $0)?.notAfter
            })
        guard !due.isEmpty else {
            self.init([], at: now, within: days)
            return
        }
        // As bytes, because strings with other bytes can be equal.
        let labels = Set(due.map(\.beginning.keyLabelBytes))
        let namesakes = try ledger.orders(
            withLabels: labels.map { String(decoding: $0, as: UTF8.self) })
        let tokens = Set(namesakes.map(\.token)).filter { token in
            due.contains { $0.mayBeFor(token) }
        }
        let named = try ledger.orders(
            Set(due.map(\.number) + namesakes.filter { tokens.contains($0.token) }.map(\.number)))
        // Whether these certificates are replaced, revoked or covered.
        let related = try ledger.orders(
            forKeys: Set(named.compactMap(\.publicKeyHash)),
            replacing: Set(named.compactMap { $0.certified?.certificate }))
        var orders: [Int64: Order] = [:]
        for order in try named + related + ledger.orders(unfinishedOnly: true) {
            orders[order.number] = order
        }
        self.init(orders.values.sorted { $0.number < $1.number }, at: now, within: days)
    }

    /// The last seconds of the validity of certificates that are listed.
    private static func period(_ now: Int64, _ days: Int) -> ClosedRange<Int64> {
        now - longestMemory...now + Int64(days) * 86_400
    }

    /// Selects certificates of orders, given oldest first, that are valid for at most this number
    /// of days from `now`, in seconds since 1970-01-01 00:00 UTC. Only those that a token has
    /// proved count, even if the user gave up the removal of an older one afterwards.
    package init(_ orders: [Order], at now: Int64, within days: Int) {
        var proved: [Certificate: Order] = [:]
        for order in orders {
            // Only certificates for keys on tokens are proved. An import does not hide the order that led to
            // the certificate.
            guard let certificate = order.provedCertificate,
                order.beginning.imported == nil
                    || proved[certificate].map({ $0.beginning.imported != nil }) ?? true
            else { continue }
            proved[certificate] = order
        }
        let replacements = Replacements(orders)
        let revocations = Revocations(orders)
        let ofKeys = Dictionary(grouping: proved.keys, by: \.publicKey)
        let authorities = orders.authorities
        let current = proved.filter { certificate, order in
            replacements.outcomes(for: certificate).isEmpty
                && revocations.time(of: certificate) == nil
                && !(ofKeys[certificate.publicKey] ?? []).contains { new in
                    revocations.time(of: new) == nil && certificate.isCovered(by: new)
                        && !(proved[new]?.isOfOtherCA(than: order) ?? false)
                        && !certificate.isFromOtherCA(than: new, among: authorities)
                }
        }
        let labels = Dictionary(grouping: proved.keys) { certificate in
            proved[certificate]?.beginning.keyLabelBytes ?? []
        }
        let unfinished = orders.filter { !$0.isFinished }
        let period = Self.period(now, days)
        let due = current.filter { certificate, _ in period.contains(certificate.notAfter) }
        certificates = due.map { certificate, order in
            let namesakes = labels[order.beginning.keyLabelBytes] ?? []
            return ExpiringCertificate(
                certificate: certificate, order: order,
                unfinishedOrder: unfinished.last { $0.concerns(certificate) },
                isNamedByLabel: namesakes.allSatisfy { namesake in
                    guard namesake != certificate, let other = proved[namesake],
                        other.mayBeFor(order.beginning.token)
                    else { return true }
                    // The replaced certificates of a key are not renewed by its label.
                    return other.beginning.keyID == order.beginning.keyID
                        && current[namesake] == nil
                })
        }.sorted {
            ($0.certificate.notAfter, $0.order.number) < ($1.certificate.notAfter, $1.order.number)
        }
    }
}

extension Order {
    /// The certificate that the token has proved, or nil.
    fileprivate var provedCertificate: Certificate? { isProved ? checkedCertificate : nil }

    /// Whether two orders were certainly sent to different CAs.
    fileprivate func isOfOtherCA(than other: Order) -> Bool {
        guard let one = beginning.issue?.ca, let two = other.beginning.issue?.ca else {
            return false
        }
        return isOtherCA(one, than: two)
    }

    /// Whether the order replaces a certificate or is for its key.
    fileprivate func concerns(_ certificate: Certificate) -> Bool {
        publicKeyHash == hexadecimal(certificate.publicKey.sha256Fingerprint)
            || beginning.replaced?.certificate == certificate.pem
    }
}
