internal import FoundationEssentials
package import OpenSSLX509
package import TokencertTokens

/// Communicates with OCSP responders and the servers of revocation lists. The servers are not
/// verified, because OCSP responses and revocation lists are signed.
package protocol RevocationTransport: ~Copyable {
    /// Posts a question, the DER of an OCSP request, once. Returns the answer with any HTTP status.
    mutating func ask(
        _ address: String, _ question: [UInt8]
    ) throws(TransportError) -> TransportAnswer

    /// Gets a revocation list of at most ``RevocationListCache/maximumSize`` bytes. Returns the
    /// answer with any HTTP status.
    mutating func getList(_ address: String) throws(TransportError) -> TransportAnswer
}

/// Asks CAs whether they have revoked certificates on a token.
package struct Revocation {
    private let anchors: TrustAnchors?
    private let cache: RevocationListCache?
    private let now: Int64
    private let remark: (String) -> Void

    /// Creates a check without sending anything. Without a cache, lists are received each time.
    /// `remark` gets the reason why a source did not report a status if another one did; `now` is
    /// in seconds since 1970-01-01 00:00 UTC.
    package init(
        anchors: TrustAnchors?, cache: RevocationListCache? = nil, now: Int64,
        remark: @escaping (String) -> Void
    ) {
        self.anchors = anchors
        self.cache = cache
        self.now = now
        self.remark = remark
    }

    /// The findings about the revocation of certificates that chain to an anchor; others could make
    /// this machine connect to any address. `serialNumber` returns the serial number of a
    /// certificate that shares its URI with others, otherwise nil.
    package func findings<Carrier: RevocationTransport & ~Copyable>(
        _ entries: [CertificateEntry], among inventory: TokenInventory,
        through carrier: inout Carrier,
        serialNumber: (CertificateEntry) -> String? = { _ in nil }
    ) -> [Finding] {
        let known = (anchors?.certificates ?? []) + inventory.authorities
        var findings: [Finding] = []
        var responders = OCSPResponders()
        var lists = RevocationLists(cache: cache, now: now)
        for entry in entries {
            guard let certificate = entry.certificate, certificate.notAfter >= now else {
                continue
            }
            func add(_ kind: Finding.Kind, _ text: String) {
                findings.append(
                    Finding(
                        kind, entry.record.uri, text,
                        serialNumber: serialNumber(entry)))
            }
            guard
                !certificate.ocspAddresses.isEmpty
                    || !certificate.revocationListAddresses.isEmpty
            else {
                // CA certificates often name neither.
                if !certificate.isAuthority {
                    add(
                        .revocationUnchecked,
                        "it names neither an OCSP responder nor a revocation list, so its "
                            + "revocation was not checked")
                }
                continue
            }
            guard leadsToAnchor(certificate, known) else {
                add(
                    .revocationUnchecked,
                    "its revocation was not checked, because it does not chain to a trust anchor")
                continue
            }
            guard let issuer = known.first(where: { $0.hasIssued(certificate) }) else {
                add(
                    .revocationUnknown,
                    "its issuer is unknown, so no statement about its revocation can be verified")
                continue
            }
            var answers = responders.answers(about: certificate, issuedBy: issuer, &carrier)
            // A list is much larger than a response.
            if !answers.isDecided {
                answers.add(lists.answers(about: certificate, issuedBy: issuer, &carrier))
            }
            if let said = finding(answers, certificate) { add(said.kind, said.text) }
        }
        return findings
    }

    private func finding(
        _ answers: RevocationAnswers, _ certificate: Certificate
    ) -> (kind: Finding.Kind, text: String)? {
        let start: String
        switch answers.status {
        case .revoked(let text): return (.revoked, text)
        case .good:
            for reason in answers.reasons { remark(reason) }
            return nil
        case .unknown: start = "the CA's OCSP responder does not know it"
        case nil:
            let source =
                switch (
                    certificate.ocspAddresses.isEmpty, certificate.revocationListAddresses.isEmpty
                ) {
                case (_, true): "no responder answered"
                case (true, false): "no revocation list can be used"
                case (false, false): "no responder answered and no revocation list can be used"
                }
            start = source + ", so its revocation status is unknown"
        }
        return (
            answers.asked > 0 ? .revocationUnknown : .revocationUnchecked,
            "\(start): \(answers.reasons.joined(separator: "; "))"
        )
    }

    private func leadsToAnchor(_ certificate: Certificate, _ known: [Certificate]) -> Bool {
        guard let anchors else { return false }
        return (try? anchors.verify(certificate, intermediates: known, at: now)) != nil
    }
}

/// The day in UTC, such as `2026-11-23`.
func revocationDay(_ seconds: Int64) -> String {
    String(Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601).prefix(10))
}
