internal import Cryptoki
internal import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

/// Issuing and renewing.
extension Runner {
    // MARK: Planning

    /// Plans an order and checks that it is possible, without a PIN and without changing anything.
    /// Keys that are visible only after a login are checked later.
    package func plan(
        _ request: IssuanceRequest, on capabilities: TokenCapabilities
    ) throws(IssuanceError) -> Plan {
        settings.observer.stepBegins(.plan)
        // Check the token before the CA is asked.
        let planning = KeyPlanning(capabilities: capabilities, acceptance: settings.acceptance)
        let key = try planning.plan(request, defaultLabel: nil)
        if let replacement = request.replacement { try requireRemovable(replacement) }
        return try plan(request, key, on: capabilities)
    }

    /// Plans how to continue an order whose key may already be on the token.
    package func plan(
        _ order: Order, on capabilities: TokenCapabilities
    ) throws(IssuanceError) -> Plan {
        settings.observer.stepBegins(.plan)
        do throws(IssuanceError) {
            return try plan(
                IssuanceRequest(order), KeyPlan(order.beginning), on: capabilities)
        } catch {
            // The hints depend on the state of the order, even if nothing was done for it.
            throw error.with(order: OrderStanding(order.number, order))
        }
    }

    private func plan(
        _ request: IssuanceRequest, _ key: KeyPlan, on capabilities: TokenCapabilities
    ) throws(IssuanceError) -> Plan {
        try requireWritable(capabilities, removing: request.replacement?.isRetired ?? false)
        var key = key
        let pins = try PINPlan(
            capabilities, for: TokenJob.certify(newKey: key.makesKey).operations,
            allowingLastTry: settings.allowsLastTry)
        guard let authority else {
            throw IssuanceError(.caUnreachable, at: .plan, "no CA account is given")
        }
        let grant = try authority.grant(request)
        try requireSubject(name: grant.name, emailAddresses: grant.emailAddresses)
        let newKeyLabel = request.labelOfNewKey(
            default: grant.emailAddresses.first ?? grant.name)
        if case .generate(let new) = key, new.label.isEmpty {
            let planning = KeyPlanning(
                capabilities: capabilities, acceptance: settings.acceptance)
            key = .generate(
                NewKey(kind: new.kind, id: new.id, label: try planning.label(newKeyLabel)))
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
    package func check(
        _ plan: Plan, for key: KeyEntry?, in ledger: Ledger?
    ) throws(IssuanceError) {
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
        let isReplacing =
            capabilities.replacesCertificates && plan.replacement?.isRetired ?? false
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
            work.take(key)
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
