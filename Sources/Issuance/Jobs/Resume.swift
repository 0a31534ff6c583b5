internal import Cryptoki
package import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

/// Orders that another process started.
extension Runner {
    /// The PINs for writing a certificate or, if not `isWriting`, only for finding a key. Throws if
    /// one of them must not be tried.
    package func pins(
        writing isWriting: Bool, on capabilities: TokenCapabilities
    ) throws(IssuanceError) -> PINPlan {
        try PINPlan(
            capabilities, for: isWriting ? .certify(newKey: false) : .look,
            allowingLastTry: settings.allowsLastTry)
    }

    /// Continues an order from its state in the ledger, or with the user's input. The connection
    /// needs the PINs of the order.
    package func resume(
        _ openOrder: OpenOrder, bringing brought: BroughtByUser, over connection: inout Connection
    ) throws(IssuanceError) -> IssuedCertificate {
        var work = OrderWork(try Journal(openOrder), settings, authority)
        work.brought = brought
        guard let first = work.firstStep, first != .fetch else {
            throw IssuanceError(
                .needsDecision, at: .plan, "you have to decide how the order continues")
        }
        if first == .verify {
            try requireCertificatesWritable(connection.capabilities)
            try requirePlaceForChain(
                work.order.beginning.imported?.writesChain ?? false, connection.capabilities)
        }
        try connection.logInAll(at: .generate)
        if first != .verify, first != .generate { settings.observer.stepBegins(.generate) }
        let leftovers = connection.leftovers()
        try run(&work, from: first, over: &connection)
        let issued = try issued(&work, over: &connection)
        leftovers?.remove(&connection.session)
        return issued
    }

    /// Fetches the certificate of an order whose outcome is unknown from the account at the CA. The
    /// token is not needed.
    package func fetch(_ openOrder: OpenOrder) throws(IssuanceError) {
        var work = OrderWork(try Journal(openOrder), settings, authority)
        guard work.firstStep == .fetch else { return }
        do throws(IssuanceError) {
            try record(try work.fetchLate(), of: .fetch, work)
        } catch {
            throw failure(error, of: work, key: nil)
        }
    }

    /// Searches the token, without a login, for the certificate of an order whose outcome is unknown:
    /// certificates for its key that are not the outcome of another order and that were not issued
    /// before it was sent, by the clocks of the CA and of this machine.
    package func certificates(
        for order: Order, in ledger: Ledger, on token: TokenCapabilities
    ) throws(IssuanceError) -> [Certificate] {
        guard order.publicKeyHash != nil, order.sending != nil else { return [] }
        let id = bytes(hexadecimal: order.beginning.keyID) ?? []
        // Modules differ in what a search for an empty id finds.
        let template = Template(.certificate, id: id.isEmpty ? nil : id)
        let certificates = try at(.plan, "the token cannot be read") {
            var session = try token.token.openSession(ReadOnly.self)
            return try storedCertificates(template, token, &session).certificates
        }
        let outcomes = try OrderOutcomes(besides: order, in: ledger)
        return certificates.filter {
            outcomes.isForKey($0) && $0 != order.replacement?.certificate
                && outcomes.isRecent($0)
                && outcomes.objection(to: $0, isFromElsewhere: true) == nil
        }
    }

    /// Checks that certificates from another source may be the outcome of an order. Throws
    /// ``IssuanceError/Code/notTheOutcome``, ``IssuanceError/Code/issuedBeforeOrder``, or
    /// ``IssuanceError/Code/certificateWrong`` for the certificate to be replaced or an older one.
    package func check(
        _ certificates: [Certificate], for order: Order, in ledger: Ledger
    ) throws(IssuanceError) {
        let outcomes = try OrderOutcomes(besides: order, about: certificates, in: ledger)
        do throws(IssuanceError) {
            _ = try order.replacement.leavingOut(certificates)
            _ = try outcomes.filter(certificates, isFromElsewhere: true)
            try outcomes.requireOwnKey(certificates)
        } catch {
            var standing = OrderStanding(order.number, order)
            standing.isFromElsewhere = true
            let other = error.code == .certificateWrong ? outcomes.order(of: certificates) : nil
            throw error.with(
                reason: other.map { "\(error.reason), which order \($0) produced" },
                order: standing)
        }
    }

    /// Finds the key of an order whose ``Order/nextAction`` is ``NextAction/key``, and closes the
    /// order. Returns the URI of the key, or nil if none was made.
    package func settleKey(
        _ openOrder: OpenOrder, over connection: inout Connection
    ) throws(IssuanceError) -> String? {
        let journal = try Journal(openOrder)
        guard journal.order.beginning.newKeyKind != nil else {
            try journal.recordIntent(.closed(reason: "nothing was written"), at: .plan)
            return nil
        }
        let work = OrderWork(journal, settings)
        try connection.logInAll(at: .generate)
        do throws(IssuanceError) {
            let key = try connection.keyToSettle(of: journal.order, in: openOrder.ledger)
            try journal.recordIntent(
                .closed(reason: key.map { "its key: \($0.uri)" } ?? "no key was made"),
                at: .generate)
            return key?.uri
        } catch {
            throw failure(error, of: work, key: nil)
        }
    }
}
