internal import OpenSSLX509
package import TokencertLedger

/// Fetches the certificate of an order whose outcome is unknown from the account at the CA, if the
/// user has agreed to that. It orders nothing, and it changes nothing on the token.
enum FetchLate: RepeatableStep {
    static func run(
        _ work: inout OrderWork, _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        try run(&work)
    }

    /// Runs the step without the token.
    static func run(_ work: inout OrderWork) throws(IssuanceError) -> StepOutcome {
        let doubt = work.order.doubt
        guard let authority = work.authority, authority.findsLate,
            let order = work.order.sent(to: work.settings.authority)
        else { throw IssuanceError(.orderPending, at: .order, doubt) }
        // Read the ledger first: without it, the certificate of another order could be taken.
        let outcomes = try work.outcomes()
        work.settings.observer.stepBegins(.fetch)
        switch authority.findLate(order) {
        case .notYet(let reason):
            throw IssuanceError(.orderPending, at: .fetch, "\(reason); \(doubt)")
        case .failed(let reason, let advice):
            throw IssuanceError(.orderPending, at: .fetch, "\(reason); \(doubt)", choices: advice)
        case .found(let late):
            let certificate = try choose(late, order, work.order.replacement, outcomes)
            return StepOutcome([
                .fetched(
                    .init(
                        number: certificate.number,
                        certificate: certificate.certificate.pem + certificate.others))
            ])
        }
    }

    /// The only certificate that may be the outcome of the order.
    private static func choose(
        _ late: [LateCertificate], _ order: SentOrder, _ replacement: Replacement?,
        _ outcomes: OrderOutcomes
    ) throws(IssuanceError) -> LateCertificate {
        let own = late.filter { outcomes.isForKey($0.certificate) }
        guard !own.isEmpty else {
            throw IssuanceError(
                .notTheOutcome, at: .fetch,
                "certificate \(numbers(late)) at the CA is for another key")
        }
        let isFromElsewhere = order.number == nil
        var objection: OrderOutcomes.Objection?
        let possible = own.filter { late in
            guard late.certificate != replacement?.certificate else { return false }
            let found = outcomes.objection(
                to: late.certificate, isFromElsewhere: isFromElsewhere)
            objection = objection ?? found
            return found == nil
        }
        let valid = possible.filter { !$0.isRevoked }
        guard valid.count <= 1 else {
            throw IssuanceError(
                .notTheOutcome, at: .fetch,
                "the CA has \(valid.count) certificates for this key: \(numbers(valid))",
                choices: ["get the one that you want from the CA as a file"])
        }
        if let certificate = valid.first { return certificate }
        guard possible.isEmpty else {
            throw IssuanceError(
                .certificateRevoked, at: .fetch,
                "the CA has issued certificate \(numbers(possible)) for this order and revoked it")
        }
        throw IssuanceError(
            objection?.code ?? .notTheOutcome, at: .fetch,
            objection?.reason
                ?? "certificate \(numbers(own)) at the CA is the one to be replaced")
    }

    private static func numbers(_ late: [LateCertificate]) -> String {
        let more = late.count > 3 ? " and \(late.count - 3) more" : ""
        return late.prefix(3).map(\.number).joined(separator: ", ") + more
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
