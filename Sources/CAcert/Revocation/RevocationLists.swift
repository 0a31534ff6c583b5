internal import OpenSSLX509

/// Gets revocation lists, each at most once, verifies them and looks certificates up.
struct RevocationLists {
    /// The maximum number of lists that are tried for a certificate.
    private static let mostTried = 4
    /// Clocks may differ by five minutes.
    private static let clockDifference: Int64 = 300
    /// CAs may publish the next list late. Until a day after nextUpdate, a list counts.
    private static let delay: Int64 = 86_400

    /// A list is verified with one issuer.
    private struct Source: Hashable {
        let address: String
        let issuer: Certificate
    }

    /// A verified list, which may be outdated.
    private struct Found {
        let list: CertificateRevocationList
        /// Whether it is from the cache because the server sent an older one.
        var isRollback = false
    }

    private let cache: RevocationListCache?
    private let now: Int64
    private var known: [Source: Result<Found, NoRevocationStatus>] = [:]

    init(cache: RevocationListCache?, now: Int64) {
        self.cache = cache
        self.now = now
    }

    /// Tries the lists in order until one shows whether the certificate is revoked. Each of them is
    /// complete, so no other is needed.
    mutating func answers<Carrier: RevocationTransport & ~Copyable>(
        about certificate: Certificate, issuedBy issuer: Certificate, _ carrier: inout Carrier
    ) -> RevocationAnswers {
        var answers = RevocationAnswers()
        for address in certificate.revocationListAddresses.prefix(Self.mostTried) {
            answers.asked += 1
            do throws(NoRevocationStatus) {
                let found = try list(at: address, from: issuer, &carrier)
                answers.add(try status(of: certificate, in: found, address))
                answers.listDates = RevocationAnswers.ListDates(
                    thisUpdate: found.list.thisUpdate, nextUpdate: found.list.nextUpdate)
                return answers
            } catch {
                answers.reasons.append(error.reason)
                // The same attacker could send an older list from the next address.
                if error.isRollback { return answers }
            }
        }
        return answers
    }

    private func status(
        of certificate: Certificate, in found: Found, _ address: String
    ) throws(NoRevocationStatus) -> RevocationAnswers.Status {
        let list = found.list
        let entry: ListedRevocation?
        do throws(X509Error) {
            entry = try list.revocation(of: certificate)
        } catch {
            throw NoRevocationStatus(reason: "\(address): \(error)", isRollback: found.isRollback)
        }
        let isOutdated = found.isRollback || now > list.end + Self.delay
        // A revocation is final unless it is a hold, so an old list still proves it.
        if let entry, !isOutdated || entry.reason != .certificateHold {
            let day = entry.time.map { "the CA revoked it on " + revocationDay($0) }
            let reason = entry.reason.map { " (\($0))" }
            return .revoked((day ?? "the CA has revoked it") + (reason ?? ""))
        }
        guard !found.isRollback else {
            throw NoRevocationStatus(
                reason:
                    "\(address): the CA's server sent an older list than the one of "
                    + revocationDay(list.thisUpdate), isRollback: true)
        }
        guard !isOutdated else {
            throw NoRevocationStatus(
                reason: "\(address): the revocation list expired on \(revocationDay(list.end))")
        }
        return .good
    }

    /// The verified list at an address.
    private mutating func list<Carrier: RevocationTransport & ~Copyable>(
        at address: String, from issuer: Certificate, _ carrier: inout Carrier
    ) throws(NoRevocationStatus) -> Found {
        let source = Source(address: address, issuer: issuer)
        switch known[source] {
        case .success(let found): return found
        case .failure(let error): throw error
        case nil: break
        }
        do throws(NoRevocationStatus) {
            let found = try find(address, issuer, &carrier)
            known[source] = .success(found)
            return found
        } catch {
            known[source] = .failure(error)
            throw error
        }
    }

    private func find<Carrier: RevocationTransport & ~Copyable>(
        _ address: String, _ issuer: Certificate, _ carrier: inout Carrier
    ) throws(NoRevocationStatus) -> Found {
        let kept = cache?.kept(address, at: now)
        // A damaged or foreign file counts as absent.
        let last = kept.flatMap { try? verified($0.bytes, address, issuer) }
        if let kept, let last, kept.isFresh, now <= last.end { return Found(list: last) }
        let answer: TransportAnswer
        do throws(TransportError) {
            answer = try carrier.getList(address)
        } catch {
            throw NoRevocationStatus(reason: "cannot get \(address): \(error.reason)")
        }
        guard answer.status == 200 else {
            throw NoRevocationStatus(reason: "\(address) answered with HTTP \(answer.status)")
        }
        let list = try verified(answer.body, address, issuer)
        // Lists come over plain HTTP: an attacker can send one from before a revocation, which is
        // signed and may not have expired.
        if let last, list.isOlder(than: last) { return Found(list: last, isRollback: true) }
        if now <= list.end { cache?.keep(list.der, address, at: now) }
        return Found(list: list)
    }

    private func verified(
        _ bytes: [UInt8], _ address: String, _ issuer: Certificate
    ) throws(NoRevocationStatus) -> CertificateRevocationList {
        let list: CertificateRevocationList
        do throws(X509Error) {
            list = try CertificateRevocationList(bytes)
            try list.verify(issuedBy: issuer)
        } catch {
            throw NoRevocationStatus(reason: "\(address): \(error)")
        }
        guard list.thisUpdate <= now + Self.clockDifference else {
            throw NoRevocationStatus(
                reason:
                    "\(address): the revocation list is not valid yet; this machine's clock may "
                    + "be wrong")
        }
        return list
    }
}

extension CertificateRevocationList {
    /// When the list expires. Without nextUpdate it could be replayed long after a revocation, so it
    /// counts for a day.
    fileprivate var end: Int64 { nextUpdate ?? thisUpdate + 86_400 }

    /// Whether the CA issued this list before another one of the same issuer: by their numbers, or by
    /// their dates if one has no number. Numbers of lists with different scopes do not compare.
    func isOlder(than other: CertificateRevocationList) -> Bool {
        guard let number, let last = other.number, scope == other.scope else {
            return thisUpdate < other.thisUpdate
        }
        return Self.isLower(number, than: last)
    }

    /// Compares two numbers of any length in lower-case hexadecimal.
    static func isLower(_ number: String, than other: String) -> Bool {
        let digits = number.drop { $0 == "0" }
        let others = other.drop { $0 == "0" }
        return digits.count == others.count ? digits < others : digits.count < others.count
    }
}
