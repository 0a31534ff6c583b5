internal import TokencertLedger

/// Sends the order to the CA, once.
enum PlaceOrder: IrrevocableStep {
    static func prepare(
        _ work: inout OrderWork, _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        guard work.authority != nil else {
            throw IssuanceError(.caUnreachable, at: .order, "no account is known for this order")
        }
        let key = try work.key(&token)
        // The key may have been replaced since its request was signed.
        guard key.publicKeyHash == work.order.publicKeyHash else {
            return StepOutcome([.found(publicKeyHash: key.publicKeyHash)])
        }
        // An earlier process had the request signed; the key may have become unusable since.
        if !work.journal.isFresh { try token.requireProof(of: key) }
        guard let request = work.order.signedRequest else {
            throw IssuanceError(
                .ledgerFailed, at: .order, "the ledger has no request for the key of this order")
        }
        // Read the ledger before sending: a failure afterwards would lose the answer.
        _ = try work.outcomes()
        return .intent(
            .sending(
                .init(
                    keyURI: key.uri, publicKeyHash: key.publicKeyHash, request: request,
                    isRepeated: work.brought.ordersAgain)))
    }

    static func run(
        _ intent: consuming RecordedIntent, _ work: inout OrderWork,
        _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        guard let authority = work.authority, let asked = work.order.beginning.issue,
            let request = work.order.sending?.request
        else {
            let reason = "no CA is known for this order"
            return StepOutcome(
                [.notSent(reason: reason)],
                failure: IssuanceError(.caUnreachable, at: .order, reason))
        }
        work.hasSent = true
        work.settings.observer.orderIsSent(work.journal.openOrder.number)
        let order = CertificateOrder(
            grant: CertificateGrant(
                name: asked.name, emailAddresses: asked.emailAddresses,
                codeSigning: asked.codeSigning), request: request)
        switch authority.place(order) {
        case .answered(let answer):
            return StepOutcome([.answered(answer)])
        case .notSent(let reason):
            return StepOutcome(
                [.notSent(reason: reason)],
                failure: IssuanceError(
                    .caUnreachable, at: .order,
                    work.brought.ordersAgain
                        ? "the CA cannot be reached, so the second order was not sent: \(reason)"
                        : "the CA cannot be reached, so nothing was ordered: \(reason)"))
        case .unanswered(let reason):
            return .unclear("the order was sent, but no answer came back: \(reason)")
        }
    }
}
