internal import Cryptoki
package import OpenSSLX509
package import TokencertCAcert
package import TokencertInventory
package import TokencertLedger

/// What an issue needs besides the token and the account.
package struct IssuanceSettings: Sendable {
    /// Where every certificate must lead to.
    package var anchors: TrustAnchors
    /// Which keys the CA signs.
    package var acceptance: KeyAcceptance
    /// Whether a PIN is sent that would lock the token if it were wrong.
    package var allowsLastTry: Bool
    /// The time, in seconds since 1970-01-01 00:00 UTC.
    package var clock: @Sendable () -> Int64
    /// Is told when a step begins.
    package var progress: @Sendable (Step) -> Void
    /// Is told the number of an order when it is begun, before anything is done for it.
    package var orderBegun: @Sendable (_ order: Int64) -> Void
    /// Is told the number of an order and its key, before anything is ordered for it.
    package var keyReady: @Sendable (_ order: Int64, TokenKey) -> Void
    /// Called with the number of an order after it is recorded as sent and immediately before it is
    /// sent. If it does not return, nothing is sent.
    package var orderSending: @Sendable (_ order: Int64) -> Void

    /// Makes settings.
    ///
    /// - Parameters:
    ///   - anchors: Where every certificate must lead to.
    ///   - acceptance: Which keys the CA signs.
    ///   - allowsLastTry: Whether a PIN is sent that would lock the token if it were wrong.
    ///   - clock: The time, in seconds since 1970-01-01 00:00 UTC.
    ///   - progress: Is told when a step begins.
    ///   - orderBegun: Is told the number of an order when it is begun.
    ///   - keyReady: Is told the number of an order and its key.
    ///   - orderSending: Called with the number of an order immediately before it is sent.
    package init(
        anchors: TrustAnchors, acceptance: KeyAcceptance, allowsLastTry: Bool,
        clock: @escaping @Sendable () -> Int64,
        progress: @escaping @Sendable (Step) -> Void,
        orderBegun: @escaping @Sendable (_ order: Int64) -> Void,
        keyReady: @escaping @Sendable (_ order: Int64, TokenKey) -> Void,
        orderSending: @escaping @Sendable (_ order: Int64) -> Void = { _ in }
    ) {
        self.anchors = anchors
        self.acceptance = acceptance
        self.allowsLastTry = allowsLastTry
        self.clock = clock
        self.progress = progress
        self.orderBegun = orderBegun
        self.keyReady = keyReady
        self.orderSending = orderSending
    }
}

/// Puts certificates of one account onto one token.
///
/// Each step stands in the ledger before it is done, and what came of it after: whatever ends the
/// process, ``resume(_:_:pins:orderingAgain:)`` or ``Finisher`` goes on from there.
package struct Issuer<Carrier: Transport & ~Copyable>: ~Copyable {
    private let capabilities: TokenCapabilities
    private let settings: IssuanceSettings
    private var api: API<Carrier>

    private var token: Token { capabilities.token }

    /// Makes an issuer. Nothing is sent yet.
    ///
    /// - Parameters:
    ///   - capabilities: The token, and what is known of it.
    ///   - api: The account.
    ///   - settings: Everything else.
    package init(
        _ capabilities: TokenCapabilities, api: consuming API<Carrier>, settings: IssuanceSettings
    ) {
        self.capabilities = capabilities
        self.api = api
        self.settings = settings
    }

    // MARK: Planning

    /// Finds out what will be done, and whether it can be. Nothing is changed anywhere and no PIN
    /// is needed: keys that are seen only after a login are looked at later.
    ///
    /// - Parameter request: What a person asks for.
    /// - Throws: ``IssuanceError`` at ``Step/plan``.
    package mutating func plan(_ request: IssuanceRequest) throws(IssuanceError) -> Plan {
        settings.progress(.plan)
        // The token first: what it says costs nothing.
        let planning = KeyPlanning(capabilities: capabilities, acceptance: settings.acceptance)
        let key = try planning.plan(request, defaultLabel: nil)
        if let replacement = request.replacement { try requireRemovable(replacement) }
        try requireWritable(capabilities, removing: request.replacement?.isRetired ?? false)
        return try plan(request, key)
    }

    /// The same for an order that was begun: its key may be on the token.
    ///
    /// - Parameters:
    ///   - order: The order.
    ///   - request: What it asked for, and what is asked otherwise now.
    /// - Throws: ``IssuanceError`` at ``Step/plan``.
    package mutating func plan(
        _ order: Order, _ request: IssuanceRequest
    ) throws(IssuanceError) -> Plan {
        settings.progress(.plan)
        do throws(IssuanceError) {
            try requireWritable(capabilities, removing: request.replacement?.isRetired ?? false)
            return try plan(request, KeyPlan(order.beginning))
        } catch {
            // The hints depend on the state of the order, even if nothing was done for it.
            var error = error
            error.order = order.number
            error.adopt(order, isKeyUnsent: false)
            throw error
        }
    }

    private mutating func plan(
        _ request: IssuanceRequest, _ key: KeyPlan
    ) throws(IssuanceError) -> Plan {
        var key = key
        let pins = try PINPlan(
            capabilities, for: key.operations, allowingLastTry: settings.allowsLastTry)
        let account = AccountChoices(account: try accountStatus())
        let name = try account.name(request.name)
        let addresses = try account.emailAddresses(request.emailAddresses)
        try account.requireCodeSigning(request.codeSigning)
        try requireSubject(name: name.text, emailAddresses: addresses)
        let newKeyLabel = request.labelOfNewKey(default: addresses.first ?? name.text)
        if case .generate(let kind, let id, let label) = key, label.isEmpty {
            let planning = KeyPlanning(
                capabilities: capabilities, acceptance: settings.acceptance)
            key = .generate(kind, id: id, label: try planning.label(newKeyLabel))
        }
        return Plan(
            token: token, tokenURI: try tokenURI(token), key: key, name: name,
            emailAddresses: addresses, codeSigning: request.codeSigning,
            acceptsChanges: request.acceptsChanges, certificateLabel: request.labelBytes,
            newKeyLabel: newKeyLabel, replacement: request.replacement, pins: pins)
    }

    private mutating func accountStatus() throws(IssuanceError) -> AccountStatus {
        do throws(CAcertError) {
            return try api.accountStatus()
        } catch {
            throw IssuanceError(account: error)
        }
    }

    /// Checks that the ledger would accept the order of a plan, as far as that can be determined
    /// without a login. Nothing is changed.
    ///
    /// - Parameters:
    ///   - plan: What ``plan(_:)`` found.
    ///   - key: The existing key, or nil if it is not known which one is meant.
    ///   - ledger: The ledger that would record it, or nil if there is none yet.
    /// - Throws: ``IssuanceError``, as ``issue(_:pins:in:)``.
    package func check(
        _ plan: Plan, for key: KeyEntry?, in ledger: Ledger?
    ) throws(IssuanceError) {
        if let value = key?.value, let objection = settings.acceptance.objection(to: value) {
            throw IssuanceError(.keyNotAccepted, at: .plan, objection)
        }
        if let key { try requireRoom(for: key, replacing: plan.replacement) }
        guard let ledger else { return }
        var order =
            switch plan.key {
            case .generate(_, let id, let label): beginning(plan, id: id, label: label)
            case .existing: beginning(plan, id: key?.id ?? [], label: [])
            }
        order.publicKeyHash = key?.value.map { hexadecimal($0.sha256Fingerprint) }
        try TokencertIssuance.check(
            order, in: ledger, replacingAgain: plan.replacement?.isForced ?? true)
    }

    private func requireRoom(
        for key: KeyEntry, replacing replacement: Replacement?
    ) throws(IssuanceError) {
        guard let most = capabilities.certificatesPerKey else { return }
        let isReplacing = capabilities.replacesCertificates && replacement?.isRetired ?? false
        let kept = key.certificates.filter {
            !isReplacing || $0.certificate != replacement?.certificate
        }
        guard kept.count >= most else { return }
        throw IssuanceError(noRoomFor: most, kept.first?.content?.subject, capabilities, at: .plan)
    }

    // MARK: Issuing

    /// Does what was planned: makes the key, has the token sign, orders once, checks, writes and
    /// reads back.
    ///
    /// - Parameters:
    ///   - plan: What ``plan(_:)`` found.
    ///   - pins: The PINs that ``Plan/pins`` names.
    ///   - ledger: What remembers it.
    /// - Returns: The certificate on the token.
    /// - Throws: ``IssuanceError``; it names the order and a key that was made and stays.
    package mutating func issue(
        _ plan: Plan, pins: TokenPINs, in ledger: Ledger
    ) throws(IssuanceError) -> IssuedCertificate {
        let work = TokenWork(TokenLogin(capabilities, pins), plan.tokenURI, settings.acceptance)
        return try work.inSession { (session) throws(IssuanceError) in
            settings.progress(.generate)
            switch plan.key {
            case .existing(let uri, let publicKeyHash):
                let key = try work.find(uri, publicKeyHash: publicKeyHash, &session)
                try work.requireRoom(for: key, replacing: plan.replacement, &session)
                let journal = try begin(plan, key, in: ledger)
                return try journal.recordingFailure(key, on: token) { () throws(IssuanceError) in
                    try order(plan, key, journal, work, &session)
                }
            case .generate(let kind, let id, _):
                // Private objects are visible only after the login.
                let label = try work.requireFree(id, labelling: plan.newKeyLabel, &session)
                let journal = try begin(plan, kind, id, label, in: ledger)
                var key = try journal.recordingFailure(nil, on: token) { () throws(IssuanceError) in
                    try work.generate(kind, id: id, label: label, journal, &session)
                }
                key.remarks += plan.newKeyLabel.remarks(on: label)
                return try journal.recordingFailure(key, on: token) { () throws(IssuanceError) in
                    try order(plan, key, journal, work, &session)
                }
            }
        }
    }

    /// Goes on with an order that the CA never got, or that a person wants to place once more.
    ///
    /// - Parameters:
    ///   - page: The order, one whose ``Order/remainder`` is ``Remainder/order`` or, where it is
    ///     ordered again, ``Remainder/decision(_:)``.
    ///   - plan: What ``plan(_:_:)`` found for it.
    ///   - pins: The PINs that ``Plan/pins`` names.
    ///   - isRepeated: Whether a person has asked for a second order, knowing that the first may
    ///     have been taken.
    /// - Returns: The certificate on the token.
    /// - Throws: ``IssuanceError``.
    package mutating func resume(
        _ openOrder: OpenOrder, _ plan: Plan, pins: TokenPINs, orderingAgain isRepeated: Bool
    ) throws(IssuanceError) -> IssuedCertificate {
        let journal = Journal(openOrder)
        let record = try journal.order(at: .plan)
        let work = TokenWork(TokenLogin(capabilities, pins), plan.tokenURI, settings.acceptance)
        return try work.inSession { (session) throws(IssuanceError) in
            settings.progress(.generate)
            let leftovers = work.leftovers(&session)
            let key = try journal.recordingFailure(nil, on: token) { () throws(IssuanceError) in
                let key = try work.key(
                    ofOrder: record, orMaking: plan.key, journal, &session)
                try work.requireRoom(for: key, replacing: plan.replacement, &session)
                return key
            }
            let issued = try journal.recordingFailure(key, on: token) { () throws(IssuanceError) in
                try order(plan, key, journal, work, &session, isRepeated: isRepeated)
            }
            leftovers?.remove(&session)
            return issued
        }
    }

    private func begin(
        _ plan: Plan, _ key: TokenKey, in ledger: Ledger
    ) throws(IssuanceError) -> Journal {
        var beginning = beginning(plan, id: key.id, label: key.labelBytes)
        beginning.publicKeyHash = key.publicKeyHash
        let journal = try Journal(
            beginning, in: ledger, replacingAgain: plan.replacement?.isForced ?? true)
        settings.orderBegun(journal.openOrder.number)
        return journal
    }

    private func begin(
        _ plan: Plan, _ kind: KeyKind, _ id: [UInt8], _ label: [UInt8], in ledger: Ledger
    ) throws(IssuanceError) -> Journal {
        var beginning = beginning(plan, id: id, label: label)
        beginning.newKeyKind = kind.name
        let journal = try Journal(
            beginning, in: ledger, replacingAgain: plan.replacement?.isForced ?? true)
        settings.orderBegun(journal.openOrder.number)
        return journal
    }

    private func beginning(_ plan: Plan, id: [UInt8], label: [UInt8]) -> OrderEvent.Beginning {
        var beginning = OrderEvent.Beginning(
            job: plan.replacement == nil ? .issue : .renew, token: plan.tokenURI.description,
            modulePath: token.module.path, keyID: hexadecimal(id), keyLabel: "")
        beginning.keyLabelBytes = label
        beginning.setModule(token.module)
        beginning.tokenProfile = capabilities.chosenProfile
        beginning.ca = api.baseURL
        beginning.account = api.username
        beginning.name = plan.name.text
        beginning.emailAddresses = plan.emailAddresses
        beginning.codeSigning = plan.codeSigning
        beginning.acceptsChanges = plan.acceptsChanges
        beginning.certificateLabelBytes = plan.certificateLabel
        beginning.replacedCertificate = plan.replacement?.certificate.pem
        beginning.retiresReplaced = plan.replacement?.isRetired ?? false
        return beginning
    }

    // MARK: From the key to the certificate

    private mutating func order(
        _ plan: Plan, _ key: TokenKey, _ journal: Journal, _ work: TokenWork,
        _ session: inout Session<ReadWrite>, isRepeated: Bool = false
    ) throws(IssuanceError) -> IssuedCertificate {
        var key = key
        settings.keyReady(journal.openOrder.number, key)
        settings.progress(.request)
        let request = try work.request(
            &key, planned: plan.key, journal, name: plan.name.text,
            emailAddresses: plan.emailAddresses, codeSigning: plan.codeSigning, &session)
        // Read before the order is sent, so that no answer is lost if the ledger fails afterwards.
        let outcomes = try OrderOutcomes(
            besides: journal.order(at: .request), in: journal.openOrder.ledger)
        // Before it is noted as sent: whoever is interrupted here has ordered nothing.
        settings.progress(.order)
        try journal.recordIntent(
            .sending(
                .init(
                    keyURI: key.uri, publicKeyHash: key.publicKeyHash, request: request.pem,
                    isRepeated: isRepeated)), at: .order)
        settings.orderSending(journal.openOrder.number)
        let answer = try send(request, plan, journal, isRepeated: isRepeated)
        var received = try plan.replacement.leavingOut(AnswerStep()(answer, journal))
        received.certificates = try outcomes.filter(received.certificates, journal)
        let place = Placement(
            work: work, anchors: settings.anchors, time: settings.clock(),
            progress: settings.progress)
        let issued = try place(
            received, for: key, expecting: Expectation(plan),
            replacing: plan.replacement, label: plan.certificateLabel, writingChain: false,
            isFresh: key.isNew && journal.isFresh, journal, &session)
        return try place.retire(plan.replacement, keeping: issued, journal, &session)
    }

    /// Places the order, once. An answer that broke off comes with what broke it.
    private mutating func send(
        _ request: CertificateRequest, _ plan: Plan, _ journal: Journal, isRepeated: Bool
    ) throws(IssuanceError) -> OrderEvent.Answer {
        let order = CertificateOrder(
            emailAddresses: plan.emailAddresses, name: plan.name, codeSigning: plan.codeSigning,
            requestPEM: request.pem)
        let answer: OrderEvent.Answer
        do throws(TransportError) {
            let came = try api.place(order)
            answer = .init(status: came.status, body: came.body, interruption: nil)
        } catch {
            guard error.mayHaveBeenSent else {
                journal.recordFact(.notSent(reason: error.reason))
                throw IssuanceError(
                    .caUnreachable, at: .order,
                    isRepeated
                        ? "the CA cannot be reached, so the second order was not sent: "
                            + error.reason
                        : "the CA cannot be reached, nothing was ordered: \(error.reason)")
            }
            guard !error.partialAnswer.isEmpty else {
                let reason = "the order went out and no answer came back: \(error.reason)"
                journal.recordFact(.unclear(reason: reason))
                throw IssuanceError(.orderPending, at: .order, reason)
            }
            answer = .init(
                status: error.partialStatus ?? 0, body: error.partialAnswer,
                interruption: error.reason)
        }
        journal.recordFact(.answered(answer))
        return answer
    }
}

extension IssuanceError {
    /// What a failure of the account page means for a job that begins with it.
    ///
    /// - Parameter error: The failure.
    package init(account error: CAcertError) {
        let code: Code =
            switch error.code {
            case .credentials: .credentialsRefused
            case .refused: .orderRefused
            default: .caUnreachable
            }
        let reason =
            switch error.code {
            case .credentials: "the CA does not know this user name with this password"
            case .refused: "the CA refuses: \(error.reason)"
            case .notTheAPI: "what answers is not the CA's API: \(error.reason)"
            default: "the CA cannot be reached: \(error.reason)"
            }
        self.init(code, at: .plan, reason)
    }
}
