internal import OpenSSLX509
package import TokencertLedger

extension OrderWork {
    /// Fetches the certificate of an order whose outcome is unknown from the account at the CA, if the
    /// user has agreed to that. It orders nothing and needs no token.
    mutating func fetchLate() throws(IssuanceError) -> StepOutcome {
        let doubt = order.doubt
        guard let authority, authority.findsLate,
            let sent = order.sent(to: settings.authority)
        else { throw IssuanceError(.orderPending, at: .order, doubt) }
        // Read the ledger first: without it, the certificate of another order could be taken.
        let outcomes = try self.outcomes()
        settings.observer.stepBegins(.fetch)
        switch authority.findLate(sent) {
        case .notYet(let reason):
            throw IssuanceError(.orderPending, at: .fetch, "\(reason); \(doubt)")
        case .failed(let reason, let advice):
            throw IssuanceError(.orderPending, at: .fetch, "\(reason); \(doubt)", choices: advice)
        case .found(let late):
            let certificate = try late.outcome(of: sent, replacing: order.replacement, outcomes)
            return StepOutcome([
                .fetched(
                    .init(
                        number: certificate.number,
                        certificate: certificate.certificate.pem + certificate.others))
            ])
        }
    }
}

extension [LateCertificate] {
    /// The only certificate that may be the outcome of an order.
    fileprivate func outcome(
        of order: SentOrder, replacing replacement: Replacement?, _ outcomes: OrderOutcomes
    ) throws(IssuanceError) -> LateCertificate {
        let own = filter { outcomes.isForKey($0.certificate) }
        guard !own.isEmpty else {
            throw IssuanceError(
                .notTheOutcome, at: .fetch,
                "certificate \(numbers) at the CA is for another key")
        }
        let isFromElsewhere = order.number == nil
        var objection: OrderOutcomes.Objection?
        let possible = own.filter { late in
            guard late.certificate != replacement?.certificate else { return false }
            let found = outcomes.objection(to: late.certificate, isFromElsewhere: isFromElsewhere)
            objection = objection ?? found
            return found == nil
        }
        let usable = possible.filter { !$0.isRevoked }
        let recent = usable.filter { outcomes.isRecent($0.certificate) }
        let valid = recent.isEmpty ? usable : recent
        guard valid.count <= 1 else {
            throw IssuanceError(
                .notTheOutcome, at: .fetch,
                "the CA has \(valid.count) certificates for this key: \(valid.numbers)",
                choices: ["get the one that you want from the CA as a file"])
        }
        if let certificate = valid.first { return certificate }
        guard possible.isEmpty else {
            throw IssuanceError(
                .certificateRevoked, at: .fetch,
                "the CA has issued certificate \(possible.numbers) for this order and revoked it")
        }
        throw IssuanceError(
            objection?.code ?? .notTheOutcome, at: .fetch,
            objection?.reason
                ?? "certificate \(own.numbers) at the CA is the one to be replaced")
    }

    private var numbers: String {
        let more = count > 3 ? " and \(count - 3) more" : ""
        return prefix(3).map(\.number).joined(separator: ", ") + more
    }
}

extension Order {
    /// The CA's number of the order, from its answer to the last sending, or nil.
    package func number(at authority: any CertificateAuthority.Type) -> String? {
        for event in events.reversed().compactMap(\.event) {
            switch event {
            case .answered(let answer):
                guard case .pending(let number) = authority.meaning(of: answer) else { return nil }
                return number
            // An earlier answer has the number of an earlier request.
            case .sending: return nil
            default: break
            }
        }
        return nil
    }

    /// The address at which the member finds the certificate of an order whose outcome is unknown, or
    /// nil.
    package func address(at authority: any CertificateAuthority.Type) -> String? {
        guard nextAction.isDecision, let asked = beginning.issue,
            let number = number(at: authority)
        else { return nil }
        return authority.address(ofCertificate: number, at: asked.ca)
    }

    /// What the CA has of the order, or nil if it was never sent.
    func sent(to authority: any CertificateAuthority.Type) -> SentOrder? {
        guard let sending, let timeOfSending, let asked = beginning.issue else { return nil }
        return SentOrder(
            // After a second sending, either request may lead to a certificate.
            number: sending.isRepeated ? nil : number(at: authority),
            publicKeyHash: sending.publicKeyHash,
            time: timeOfSending,
            order: CertificateOrder(grant: CertificateGrant(asked), request: sending.request))
    }
}
