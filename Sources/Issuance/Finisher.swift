internal import Cryptoki
package import OpenSSLX509
package import TokencertInventory
package import TokencertLedger

/// Finishes what needs no CA: an answer or a certificate is there, and has to get onto the token.
package struct Finisher: Sendable {
    private let capabilities: TokenCapabilities
    private let settings: IssuanceSettings

    private var token: Token { capabilities.token }

    /// Prepares a token.
    ///
    /// - Parameters:
    ///   - capabilities: The token of the orders, and what is known of it.
    ///   - settings: As for an ``Issuer``.
    package init(_ capabilities: TokenCapabilities, settings: IssuanceSettings) {
        self.capabilities = capabilities
        self.settings = settings
    }

    /// The PINs that finishing an order or settling its key needs.
    ///
    /// - Parameter isWriting: Whether a certificate is written, and not a key looked for only.
    /// - Throws: ``IssuanceError`` at ``Step/plan`` where one of them cannot be sent.
    package func pins(writing isWriting: Bool) throws(IssuanceError) -> PINPlan {
        try PINPlan(
            capabilities, for: isWriting ? [.read, .sign, .write] : [.read],
            allowingLastTry: settings.allowsLastTry)
    }

    /// Looks whether the certificate of an order that nobody knows the outcome of is on the token:
    /// certificates for its key that no other order came to and that were issued when it went out or
    /// later, by the clocks of the CA and of this machine. Nobody logs in for that.
    ///
    /// - Parameters:
    ///   - order: The order.
    ///   - ledger: Its ledger.
    /// - Throws: ``IssuanceError`` where the token cannot be read.
    package func certificatesOnToken(
        for order: Order, in ledger: Ledger
    ) throws(IssuanceError) -> [Certificate] {
        guard order.publicKeyHash != nil, order.sending != nil else { return [] }
        var template = Template()
        template[.class] = .certificate
        let id = bytes(hexadecimal: order.beginning.keyID) ?? []
        // Modules differ in what a search for an empty id finds.
        if !id.isEmpty { template[.id] = id }
        var certificates: [Certificate] = []
        do throws(CryptokiError) {
            var session = try token.openSession(ReadOnly.self)
            for object in try session.findObjects(template) {
                let attributes = try session.attributes(of: object, [AttributeKey.value.type])
                if let certificate = attributes[.value].flatMap({ try? Certificate(firstIn: $0) }) {
                    certificates.append(certificate)
                }
            }
        } catch {
            throw IssuanceError(error, at: .plan, while: "the token cannot be read")
        }
        let outcomes = try OrderOutcomes(besides: order, in: ledger)
        return certificates.filter {
            outcomes.isForKey($0) && $0 != order.replacement?.certificate
                && outcomes.objection(to: $0, isFromElsewhere: true) == nil
        }
    }

    /// Checks that certificates from another source may be the outcome of an order, before any PIN
    /// is sent.
    ///
    /// - Parameters:
    ///   - certificates: The certificates.
    ///   - order: The order.
    ///   - ledger: Its ledger.
    /// - Throws: ``IssuanceError`` with code ``IssuanceError/Code/notTheOutcome`` or
    ///   ``IssuanceError/Code/issuedBeforeOrder`` if none of those for its key can be the outcome,
    ///   and ``IssuanceError/Code/certificateWrong`` if there is only the certificate to be
    ///   replaced, or an older one.
    package func check(
        _ certificates: [Certificate], for order: Order, in ledger: Ledger
    ) throws(IssuanceError) {
        let outcomes = try OrderOutcomes(besides: order, in: ledger)
        do throws(IssuanceError) {
            _ = try order.replacement.leavingOut(ReceivedCertificates(certificates: certificates))
            _ = try outcomes.filter(certificates, isFromElsewhere: true)
        } catch {
            var error = error
            if error.code == .certificateWrong, let other = outcomes.order(of: certificates) {
                error.reason += ", and the outcome of order \(other)"
            }
            error.order = order.number
            error.isFromElsewhere = true
            error.adopt(order, isKeyUnsent: false)
            throw error
        }
    }

    /// Checks what is there for an order, writes it where it is not written, and has the token
    /// prove it; then removes what it replaces, where that was asked for.
    ///
    /// - Parameters:
    ///   - page: The order, one whose ``Order/remainder`` is ``Remainder/certificate``, or any
    ///     with a certificate from elsewhere.
    ///   - certificates: Certificates from elsewhere, or none for what the ledger has.
    ///   - acceptsChanges: Whether a certificate is written although it is not what was asked for.
    ///   - pins: The PINs that ``pins(writing:)`` names.
    /// - Returns: The certificate on the token.
    /// - Throws: ``IssuanceError``.
    package func finish(
        _ openOrder: OpenOrder, with certificates: [Certificate],
        acceptingChanges acceptsChanges: Bool,
        pins: TokenPINs
    ) throws(IssuanceError) -> IssuedCertificate {
        let journal = Journal(openOrder)
        let order = try journal.order(at: .plan)
        try requireWritable(capabilities)
        try requirePlaceForChain(order.beginning.writesChain, capabilities)
        let work = TokenWork(TokenLogin(capabilities, pins), try tokenURI(token), .anything)
        return try work.inSession { (session) throws(IssuanceError) in
            let leftovers = work.leftovers(&session)
            let key = try journal.recordingFailure(nil, on: token) { () throws(IssuanceError) in
                guard let key = try work.key(ofOrder: order, in: openOrder.ledger, &session) else {
                    throw IssuanceError(.keyGone, at: .generate, "no key was made for this order")
                }
                return key
            }
            settings.keyReady(openOrder.number, key)
            let issued = try journal.recordingFailure(
                key, on: token, isFromElsewhere: !certificates.isEmpty
            ) { () throws(IssuanceError) in
                let received = try self.received(order, certificates, journal)
                let place = Placement(
                    work: work, anchors: settings.anchors, time: settings.clock(),
                    progress: settings.progress,
                    acceptsAnyUse: acceptsChanges || order.beginning.acceptsChanges)
                // What was accepted once is not asked for a second time.
                let wasAccepted =
                    certificates.isEmpty && order.state != .answered
                    && order.certified?.changes.isEmpty == false
                let issued = try place(
                    received, for: key,
                    expecting: Expectation(
                        order.beginning, acceptsChanges: acceptsChanges || wasAccepted),
                    replacing: order.replacement, label: order.beginning.certificateLabelBytes,
                    writingChain: order.beginning.writesChain, isFresh: false, journal, &session)
                return try place.retire(order.replacement, keeping: issued, journal, &session)
            }
            leftovers?.remove(&session)
            return issued
        }
    }

    /// What came for an order. The certificate that is to be replaced is never what came.
    private func received(
        _ order: Order, _ certificates: [Certificate], _ journal: Journal
    ) throws(IssuanceError) -> ReceivedCertificates {
        var all =
            certificates.isEmpty
            ? try received(order, journal) : ReceivedCertificates(certificates: certificates)
        all = try order.replacement.leavingOut(all)
        // The date of a certificate that once passed every check is not checked again.
        guard !certificates.isEmpty || order.state == .answered else { return all }
        let outcomes = try OrderOutcomes(besides: order, in: journal.openOrder.ledger)
        all.certificates =
            try certificates.isEmpty
            ? outcomes.filter(all.certificates, journal)
            : outcomes.filter(all.certificates, isFromElsewhere: true)
        return all
    }

    /// What the ledger has for an order.
    private func received(
        _ order: Order, _ journal: Journal
    ) throws(IssuanceError) -> ReceivedCertificates {
        if order.state != .answered, let certified = order.certified {
            let pem = Array((certified.certificate + certified.others).utf8)
            return ReceivedCertificates(certificates: Certificate.all(inPEM: pem).certificates)
        }
        guard let answer = order.answer else {
            throw IssuanceError(
                .needsDecision, at: .plan, "the ledger has no certificate for this order")
        }
        return try AnswerStep()(answer, journal)
    }

    /// Looks what became of the key of a job that wanted no certificate of its own, and closes it.
    ///
    /// - Parameters:
    ///   - page: The order, one whose ``Order/remainder`` is ``Remainder/key``.
    ///   - pins: The PINs that ``pins(writing:)`` names.
    /// - Returns: The URI of the key that was made, or nil where there is none.
    /// - Throws: ``IssuanceError``.
    package func settleKey(
        _ openOrder: OpenOrder, pins: TokenPINs
    ) throws(IssuanceError) -> String? {
        let journal = Journal(openOrder)
        let order = try journal.order(at: .plan)
        guard case .generate(let kind, let id, let label) = try KeyPlan(order.beginning) else {
            try journal.recordIntent(.closed(reason: "nothing was written"), at: .plan)
            return nil
        }
        let work = TokenWork(TokenLogin(capabilities, pins), try tokenURI(token), .anything)
        return try work.inSession { (session) throws(IssuanceError) in
            try journal.recordingFailure(nil, on: token) { () throws(IssuanceError) in
                let key = try work.findMade(
                    for: order, in: openOrder.ledger, kind, id: id, label: label, &session)
                try journal.recordIntent(
                    .closed(reason: key.map { "its key: \($0.uri)" } ?? "no key was made"),
                    at: .generate)
                return key?.uri
            }
        }
    }
}
