internal import FoundationEssentials
internal import OpenSSLX509
package import TokencertIssuance
package import TokencertLedger
internal import TokencertTokens

/// A certificate or a pending request of the account, with what the ledger knows about it.
package struct AccountCertificate: Sendable {
    /// The state at the CA.
    package enum State: String, Sendable, Hashable, CaseIterable {
        case valid, pending, revoked, expired
    }

    package let listed: ListedCertificate
    package let state: State
    /// The certificate in the ledger; nil if there is none, or more than one can be meant.
    package let known: LedgerCertificate?
    /// The certificates in the ledger that can be meant. Only a download decides between them.
    package let candidates: [LedgerCertificate]
    /// The number of an unfinished order that leads to it, or nil.
    package let unfinishedOrder: Int64?
    /// Whether the unfinished order lacks the certificate, which the CA has signed.
    package let isToBeFetched: Bool

    /// Whether an order of the ledger led to it or may lead to it.
    package var isInLedger: Bool { known != nil || unfinishedOrder != nil }

    /// Joins the list of the account at a CA, which is kept in its sequence, with all orders,
    /// oldest first. `authority` reads the CA's answers; `now` is in seconds since 1970-01-01 00:00
    /// UTC.
    package static func join(
        _ list: [ListedCertificate], _ orders: [Order], at site: String,
        _ authority: any CertificateAuthority.Type, now: Int64
    ) -> [AccountCertificate] {
        let known = LedgerCertificates(orders).certificates.filter {
            $0.otherCA(than: site) == nil
        }
        var byNumber: [String: Int64] = [:]
        for order in orders where !order.isFinished && order.beginning.issue?.ca == site {
            if let number = order.number(at: authority) { byNumber[number] = order.number }
        }
        return list.map { listed in
            let matches = known.filter { listed.fits($0.certificate) }
            // Serial numbers are unique for one issuer only.
            let match = matches.count == 1 ? matches[0] : nil
            let unfinished = match?.orders.last { !$0.isFinished }?.number
            let waiting = match == nil ? byNumber[listed.number] : nil
            let state = listed.state(at: now)
            return AccountCertificate(
                listed: listed, state: state, known: match, candidates: matches,
                unfinishedOrder: unfinished ?? waiting,
                isToBeFetched: waiting != nil && state == .valid)
        }
    }
}

extension ListedCertificate {
    /// The serial number in the form of `Certificate.serialNumber`; nil until the CA has signed.
    package var plainSerialNumber: String? {
        serialNumber.flatMap { TokencertTokens.serialNumber($0) }
    }

    /// The expiry in seconds since 1970-01-01 00:00 UTC; nil if it is not known.
    package var expiryTime: Int64? {
        guard let expiry else { return nil }
        let style = Date.ISO8601FormatStyle().year().month().day()
            .dateTimeSeparator(.space).time(includingFractionalSeconds: false)
        return (try? Date(expiry, strategy: style)).map { Int64($0.timeIntervalSince1970) }
    }

    /// The state at a time in seconds since 1970-01-01 00:00 UTC.
    package func state(at now: Int64) -> AccountCertificate.State {
        guard serialNumber != nil else { return .pending }
        if isRevoked { return .revoked }
        return (expiryTime ?? now) < now ? .expired : .valid
    }

    /// Whether it can be a certificate: the serial number is the same and, up to a day because of
    /// time zones, the expiry. Certificates of different issuers can have one serial number.
    func fits(_ certificate: Certificate) -> Bool {
        guard plainSerialNumber == certificate.serialNumber else { return false }
        guard let expiryTime else { return true }
        return abs(expiryTime - certificate.notAfter) <= 86_400
    }
}
