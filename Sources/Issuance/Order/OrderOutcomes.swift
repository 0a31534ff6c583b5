internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

/// The time in seconds by which CAs set the beginning of validity back: some to the midnight before.
private let longestBackdating: Int64 = 2 * 86_400

/// The certificates of other orders for the same keys. No certificate may be the outcome of two orders.
struct OrderOutcomes {
    private let order: Order
    /// The other orders with a proved certificate, by its SHA-256 in hexadecimal.
    private let others: [String: Order]
    /// The last of the other orders for each key, by the SHA-256 of the public key in hexadecimal.
    private let ordersOfKeys: [String: Int64]

    /// Reads the other orders for the key of an order, and for the keys of the certificates.
    init(
        besides order: Order, about certificates: [Certificate] = [], in ledger: Ledger
    ) throws(IssuanceError) {
        self.order = order
        let keys = certificates.map { hexadecimal($0.publicKey.sha256Fingerprint) }
        do throws(LedgerError) {
            var others: [String: Order] = [:]
            var ordersOfKeys: [String: Int64] = [:]
            let ofKeys = try ledger.orders(
                forKeys: Set(keys + [order.publicKeyHash].compactMap(\.self)))
            for other in ofKeys where other.number != order.number {
                if let fingerprint = other.provedFingerprint { others[fingerprint] = other }
                if let key = other.publicKeyHash { ordersOfKeys[key] = other.number }
            }
            self.others = others
            self.ordersOfKeys = ordersOfKeys
        } catch {
            throw IssuanceError(ledger: error, at: .plan)
        }
    }

    /// The number of another order whose outcome is one of the certificates, or nil.
    func order(of certificates: [Certificate]) -> Int64? {
        certificates.compactMap { others[hexadecimal($0.sha256Fingerprint)]?.number }.first
    }

    func isForKey(_ certificate: Certificate) -> Bool {
        hexadecimal(certificate.publicKey.sha256Fingerprint) == order.publicKeyHash
    }

    /// The reason why a certificate cannot be the outcome of the order, or nil. If the certificate is
    /// not the CA's answer to this order, its date decides whether it belongs to the order.
    func objection(to certificate: Certificate, isFromElsewhere: Bool) -> Objection? {
        // An import accepts a certificate that was issued earlier, for any order.
        guard order.beginning.imported == nil else { return nil }
        if let other = others[hexadecimal(certificate.sha256Fingerprint)] {
            return Objection(
                code: .notTheOutcome, reason: "this certificate belongs to order \(other.number)")
        }
        if isFromElsewhere {
            guard !isSince(certificate, longestBackdating) else { return nil }
            return Objection(
                code: .issuedBeforeOrder,
                reason: "this certificate was issued before order \(order.number) was sent")
        }
        // Compare only times of the CA, because this machine's clock may be wrong.
        let newer = others.values.first { other in
            guard other.number < order.number, other.publicKeyHash == order.publicKeyHash,
                let proved = other.checkedCertificate
            else { return false }
            return certificate.notBefore < proved.notBefore
        }
        return newer.map {
            Objection(
                code: .notTheOutcome,
                reason: "this certificate is older than the certificate of order \($0.number)")
        }
    }

    /// Whether a certificate is certainly not older than the order, unless the CA backdates.
    func isRecent(_ certificate: Certificate) -> Bool { isSince(certificate, clockTolerance) }

    private func isSince(_ certificate: Certificate, _ tolerance: Int64) -> Bool {
        // There is no earlier certificate for a key that the order has made.
        order.hasMadeKey
            || certificate.notBefore >= (order.timeOfSending ?? order.events[0].time) - tolerance
    }

    /// Checks that the certificates are not for the key of another order.
    func requireOwnKey(_ certificates: [Certificate]) throws(IssuanceError) {
        guard order.beginning.imported == nil, !certificates.contains(where: isForKey) else {
            return
        }
        if let other = self.order(of: certificates) {
            throw IssuanceError(
                .notTheOutcome, at: .verify, "this certificate belongs to order \(other)")
        }
        let keys = certificates.map { hexadecimal($0.publicKey.sha256Fingerprint) }
        guard let other = keys.compactMap({ ordersOfKeys[$0] }).first else { return }
        throw IssuanceError(
            .notTheOutcome, at: .verify,
            "this certificate is for the key of order \(other), not of order \(order.number)")
    }

    /// The reason why a certificate cannot be the outcome of an order.
    struct Objection {
        let code: IssuanceError.Code
        let reason: String
    }

    /// Removes the certificates that cannot be the outcome of the order, but keeps certificates for
    /// other keys, such as those of a chain. Throws if no certificate for the order's key is left.
    func filter(
        _ certificates: [Certificate], isFromElsewhere: Bool
    ) throws(IssuanceError) -> [Certificate] {
        var first: Objection?
        let left = certificates.filter { certificate in
            guard isForKey(certificate),
                let objection = objection(to: certificate, isFromElsewhere: isFromElsewhere)
            else { return true }
            first = first ?? objection
            return false
        }
        guard let first, !left.contains(where: isForKey) else { return left }
        throw IssuanceError(first.code, at: .verify, first.reason)
    }
}

extension Order {
    /// The last certificate that passed every check, or nil.
    var checkedCertificate: Certificate? {
        certified.flatMap { Certificate.first(inPEM: $0.certificate) }
    }
}

extension Certificate {
    /// The first intact certificate in a text, or nil.
    static func first(inPEM text: String) -> Certificate? {
        all(inPEM: Array(text.utf8)).certificates.first
    }
}
