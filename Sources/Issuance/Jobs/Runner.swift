internal import Cryptoki
package import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

/// Runs the steps of an order, in one loop for all jobs. The state of the order in the ledger
/// determines the next step. Jobs differ only in the first step and in the user's input.
package struct Runner {
    let settings: IssuanceSettings
    /// The account that orders are sent to, or nil if nothing is sent.
    let authority: (any CertificateAuthority)?

    package init(_ settings: IssuanceSettings, _ authority: (any CertificateAuthority)? = nil) {
        self.settings = settings
        self.authority = authority
    }

    /// Records a new order. If this fails, nothing may be done for it.
    func begin(
        _ beginning: OrderEvent.Beginning, in ledger: Ledger, replacingAgain: Bool = true
    ) throws(IssuanceError) -> OrderWork {
        let journal = try Journal(beginning, in: ledger, replacingAgain: replacingAgain)
        settings.observer.orderBegan(journal.openOrder.number)
        return OrderWork(journal, settings, authority)
    }

    /// Runs the steps until the order is complete. A failure is recorded in the ledger; the error
    /// names the order and what it leaves on the token.
    func run(
        _ work: inout OrderWork, from first: Step?, over token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) {
        if first != .generate, work.foundKey == nil {
            try findKey(&work, from: first, over: &token)
        }
        do throws(IssuanceError) {
            var step = first
            while let next = step {
                try take(next, &work, &token)
                step = work.order.nextStep
            }
        } catch {
            throw failure(error, of: work, key: work.foundKey.map { token.named($0) })
        }
    }

    /// Finds the key of an order that another process started, and reports it to the user.
    private func findKey(
        _ work: inout OrderWork, from first: Step?, over token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) {
        do throws(IssuanceError) {
            let key = try work.key(&token)
            if first != .verify {
                try token.requireRoom(
                    for: key, replacing: work.order.replacement, having: [], at: .generate)
            }
        } catch {
            throw failure(error, of: work, key: nil)
        }
        work.tellKey()
    }

    /// Runs one step and records its facts.
    func take(
        _ step: Step, _ work: inout OrderWork, _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) {
        switch step {
        // Reported before the search for a free id.
        case .generate where work.journal.isFresh: break
        // These steps report their start once they know that they are needed.
        case .order, .fetch, .verify, .retire: break
        default: settings.observer.stepBegins(step)
        }
        var outcome: StepOutcome
        switch step {
        case .generate: outcome = try work.generateKey(on: &token)
        case .request: outcome = try work.signRequest(on: &token)
        case .order:
            outcome = try work.prepareToPlaceOrder(on: &token)
            if let intent = try recordIntent(outcome, at: step, work) {
                outcome = work.placeOrder(intent)
            }
        case .fetch: outcome = try work.fetchLate()
        case .verify: outcome = try work.verifyCertificate(on: &token)
        case .write: outcome = try work.writeCertificate(on: &token)
        case .readBack: outcome = try work.readBack(on: &token)
        case .retire:
            outcome = try work.prepareToRetireOld()
            if let intent = try recordIntent(outcome, at: step, work) {
                outcome = try work.retireOld(intent, on: &token)
            }
        case .plan, .evidence, .remove, .setUp: outcome = StepOutcome([])
        }
        try record(outcome, of: step, work)
        if step == .generate { work.tellKey() }
    }

    /// Records the intent of an irrevocable step, which may be taken only then. Returns nil if the step
    /// is not needed.
    private func recordIntent(
        _ prepared: StepOutcome, at step: Step, _ work: OrderWork
    ) throws(IssuanceError) -> RecordedIntent? {
        guard let event = prepared.intent else { return nil }
        settings.observer.stepBegins(step)
        return try work.journal.recordIntent(event, at: step)
    }

    /// Records the facts of a step. Throws its failure.
    func record(_ outcome: StepOutcome, of step: Step, _ work: OrderWork) throws(IssuanceError) {
        for fact in outcome.facts {
            if outcome.mustBeRecorded {
                try work.journal.recordIntent(fact, at: step)
            } else {
                work.journal.recordFact(fact)
            }
        }
        if let failure = outcome.failure { throw failure }
    }

    /// Records a failure, and adds the state of the order and what it leaves on the token.
    func failure(
        _ error: IssuanceError, of work: OrderWork, key onToken: IssuanceError.KeyOnToken?
    ) -> IssuanceError {
        let journal = work.journal
        let number = journal.openOrder.number
        let unrecordedAnswer = journal.unwrittenAnswer
        let isOver = error.circumstances.contains(.orderIsOver)
        journal.recordFact(
            isOver
                ? .closed(reason: error.reason)
                : .stopped(.init(step: error.step.rawValue, reason: error.text)))
        let order = try? journal.openOrder.order()
        var standing = OrderStanding(number, order, isOver: isOver)
        // If another order is the cause, report its state, unless the ledger cannot be read.
        if let other = error.order, other.number != number, error.code != .ledgerFailed {
            standing = other
        }
        standing.unrecordedAnswer = unrecordedAnswer
        standing.isFromElsewhere = work.brought.isForOrder && !work.brought.certificates.isEmpty
        standing.writtenCertificate = work.notes.written
        standing.writtenChain = work.notes.chain
        standing.addressAtCA = order.flatMap { $0.address(at: work.settings.authority) }
        let failure = error.with(key: error.key ?? onToken, order: standing)
        guard standing.number == number else { return failure }
        let key = work.foundKey
        let wasSent = failure.key.flatMap {
            try? journal.openOrder.ledger.wasSent(
                forKey: key?.publicKeyHash, id: hexadecimal($0.id))
        }
        let isOwn =
            journal.hasMadeKey
            || (order?.hasMadeKey ?? false && order?.publicKeyHash == key?.publicKeyHash)
        standing.isKeyUnsent = wasSent == false && isOwn && !standing.mayHaveOrdered
        return failure.with(order: standing)
    }

    /// The result of a completed order.
    func issued(
        _ work: inout OrderWork, over token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> IssuedCertificate {
        let (certificate, _) = try work.order.certificates()
        let notes = work.notes
        return IssuedCertificate(
            certificate: certificate, key: try work.key(&token),
            uri: work.order.writtenURI ?? "", wasThere: notes.wasThere, chain: notes.chain,
            proof: notes.possession, differences: notes.differences,
            order: work.journal.openOrder.number, unrecorded: work.journal.failure?.reason,
            retired: notes.retired, remarks: notes.remarks)
    }
}

/// Issuing and renewing.
extension Runner {
    // MARK: Planning

    /// Plans an order and checks that it is possible, without a PIN and without changing anything.
    /// Keys that are visible only after a login are checked later.
    ///
    /// - Parameter choosesLabel: Whether the default label gets its number, as far as visible without a
    ///   login. It is chosen after the login in any case.
    package func plan(
        _ request: IssuanceRequest, on capabilities: TokenCapabilities,
        choosingLabel choosesLabel: Bool = true
    ) throws(IssuanceError) -> Plan {
        settings.observer.stepBegins(.plan)
        // Check the token before the CA is asked.
        let key = try capabilities.planKey(
            request, accepting: settings.acceptance, defaultLabel: nil)
        if let replacement = request.replacement { try requireRemovable(replacement) }
        return try plan(request, key, on: capabilities, choosingLabel: choosesLabel)
    }

    /// Plans how to continue an order whose key may already be on the token.
    package func plan(
        _ order: Order, on capabilities: TokenCapabilities
    ) throws(IssuanceError) -> Plan {
        settings.observer.stepBegins(.plan)
        do throws(IssuanceError) {
            return try plan(IssuanceRequest(order), KeyPlan(order.beginning), on: capabilities)
        } catch {
            // The hints depend on the state of the order, even if nothing was done for it.
            throw error.with(order: OrderStanding(order.number, order))
        }
    }

    private func plan(
        _ request: IssuanceRequest, _ key: KeyPlan, on capabilities: TokenCapabilities,
        choosingLabel choosesLabel: Bool = true
    ) throws(IssuanceError) -> Plan {
        try requireCertificatesWritable(
            capabilities, removing: request.replacement?.isRetired ?? false)
        var key = key
        let pins = try PINPlan(
            capabilities, for: .certify(newKey: key.makesKey),
            allowingLastTry: settings.allowsLastTry)
        guard let authority else {
            throw IssuanceError(.caUnreachable, at: .plan, "no CA account is given")
        }
        let grant = try authority.grant(request)
        try requireSubject(name: grant.name, emailAddresses: grant.emailAddresses)
        let newKeyLabel = request.labelOfNewKey(default: grant.emailAddresses.first ?? grant.name)
        if case .generate(let new) = key, new.label.isEmpty {
            let label = try choosesLabel ? capabilities.freeLabel(newKeyLabel) : newKeyLabel.wanted
            key = .generate(NewKey(kind: new.kind, id: new.id, label: label))
        }
        return Plan(
            capabilities: capabilities, tokenURI: try tokenURI(capabilities.token), key: key,
            ca: authority.url, account: authority.account, grant: grant,
            acceptsChanges: request.acceptsChanges,
            certificateLabel: request.original == nil ? request.labelBytes : nil,
            newKeyLabel: newKeyLabel, replacement: request.replacement,
            original: request.original, pins: pins)
    }

    /// Checks, without a login and without changing anything, that a plan can be carried out. `key`
    /// is nil if the existing key is not known; `ledger` is nil if none exists yet.
    package func check(_ plan: Plan, for key: KeyEntry?, in ledger: Ledger?) throws(IssuanceError) {
        if let value = key?.value, let objection = settings.acceptance.objection(to: value) {
            throw IssuanceError(.keyNotAccepted, at: .plan, objection)
        }
        if let key { try requireRoom(for: key, plan) }
        guard let ledger else { return }
        let id =
            switch plan.key {
            case .generate(let new): new.id
            case .existing: key?.id ?? []
            }
        try TokencertIssuance.check(
            Reservation(
                token: plan.tokenURI.description, keyID: hexadecimal(id),
                publicKeyHash: key?.value.map { hexadecimal($0.sha256Fingerprint) },
                replacing: plan.replacement?.certificate.pem), in: ledger,
            replacingAgain: plan.replacement?.isForced ?? true)
    }

    private func requireRoom(for key: KeyEntry, _ plan: Plan) throws(IssuanceError) {
        let capabilities = plan.capabilities
        guard let most = capabilities.certificatesPerKey else { return }
        let isReplacing = capabilities.replacesCertificates && plan.replacement?.isRetired ?? false
        let kept = key.certificates.filter {
            !isReplacing || $0.certificate != plan.replacement?.certificate
        }
        guard kept.count >= most else { return }
        throw IssuanceError(noRoomFor: most, kept.first?.content?.subject, capabilities, at: .plan)
    }

    // MARK: Issuing

    /// Carries out a plan, over a connection to its token that has the PINs of ``Plan/pins``. An
    /// error names the order and any new key that stays on the token.
    package func issue(
        _ plan: Plan, in ledger: Ledger, over connection: inout Connection
    ) throws(IssuanceError) -> IssuedCertificate {
        try connection.logInAll(at: .generate)
        settings.observer.stepBegins(.generate)
        let replacesAgain = plan.replacement?.isForced ?? true
        var work: OrderWork
        switch plan.key {
        case .existing(let uri, let publicKeyHash):
            let key = try connection.find(
                uri, publicKeyHash: publicKeyHash, accepting: settings.acceptance)
            try connection.requireRoom(
                for: key, replacing: plan.replacement, having: [], at: .generate)
            let beginning = OrderEvent.Beginning(
                plan.job(.existing(publicKeyHash: key.publicKeyHash)), on: plan.capabilities,
                plan.tokenURI, id: key.id, label: key.labelBytes)
            work = try begin(beginning, in: ledger, replacingAgain: replacesAgain)
            work.foundKey = key
            work.tellKey()
        case .generate(let new):
            // Private objects are visible only after the login.
            let label = try connection.requireFree(new.id, labelling: plan.newKeyLabel)
            let beginning = OrderEvent.Beginning(
                plan.job(.new(kind: new.kind.name)), on: plan.capabilities, plan.tokenURI,
                id: new.id, label: label)
            work = try begin(beginning, in: ledger, replacingAgain: replacesAgain)
            work.labelRemarks = plan.newKeyLabel.remarks(on: label)
        }
        try run(&work, from: work.order.nextStep, over: &connection)
        return try issued(&work, over: &connection)
    }
}

/// A certificate that was read back from a token.
package struct IssuedCertificate: Sendable {
    package let certificate: Certificate
    package let key: TokenKey
    /// The URI of the certificate object.
    package let uri: String
    /// Whether it was on the token before, so nothing had to be written.
    package let wasThere: Bool
    /// The subjects of the CA certificates that were written.
    package let chain: [String]
    /// How the token proved possession of the key.
    package let proof: Possession
    /// Accepted differences from the request.
    package let differences: [Difference]
    /// The number of the order in the ledger.
    package let order: Int64
    /// Why the ledger does not have all events of the order, or nil if it does.
    package let unrecorded: String?
    /// The certificate that was removed from the token in one line, or nil.
    package let retired: String?
    /// Remarks for the user about what was written or removed, one per line.
    package let remarks: [String]
}
