internal import Cryptoki
internal import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

/// A signed request and the key that it is for.
package struct MadeRequest: Sendable {
    /// The request, in PEM.
    package let pem: String
    /// The key.
    package let key: TokenKey
}

/// Requests for a web form or another CA, without an account.
extension Runner {
    /// Finds out which key will be used for a request, and whether it can be. Nothing is changed.
    ///
    /// - Parameters:
    ///   - request: What the user asks for.
    ///   - capabilities: The token, and what is known of it.
    /// - Throws: ``IssuanceError`` at ``Step/plan``.
    package func planKey(
        _ request: IssuanceRequest, on capabilities: TokenCapabilities
    ) throws(IssuanceError) -> KeyPlan {
        settings.observer.stepBegins(.plan)
        let planning = KeyPlanning(capabilities: capabilities, acceptance: .anything)
        try requireSubject(name: request.name, emailAddresses: request.emailAddresses)
        return try planning.plan(request, defaultLabel: request.defaultLabel)
    }

    /// Why a new key will have another label than the default, as far as can be seen without a
    /// login.
    ///
    /// - Parameters:
    ///   - request: What the user asks for.
    ///   - plan: What ``planKey(_:on:)`` found.
    package func labelRemarks(_ request: IssuanceRequest, _ plan: KeyPlan) -> [String] {
        guard case .generate(let new) = plan else { return [] }
        return request.labelOfNewKey(default: request.defaultLabel).remarks(on: new.label)
    }

    /// The PINs that making a request needs.
    ///
    /// - Parameters:
    ///   - plan: What ``planKey(_:on:)`` found.
    ///   - capabilities: The token, and what is known of it.
    /// - Throws: ``IssuanceError`` at ``Step/plan`` if one of them cannot be sent.
    package func pins(
        for plan: KeyPlan, on capabilities: TokenCapabilities
    ) throws(IssuanceError) -> PINPlan {
        try PINPlan(
            capabilities, for: TokenJob.request(newKey: plan.makesKey).operations,
            allowingLastTry: settings.allowsLastTry)
    }

    /// Checks that the ledger would accept the order for a new key. Nothing is changed.
    ///
    /// - Parameters:
    ///   - plan: What ``planKey(_:on:)`` found.
    ///   - capabilities: The token, and what is known of it.
    ///   - ledger: The ledger that would record it, or nil if there is none yet.
    /// - Throws: ``IssuanceError``, as ``request(_:_:in:over:)``.
    package func check(
        _ plan: KeyPlan, on capabilities: TokenCapabilities, in ledger: Ledger?
    ) throws(IssuanceError) {
        guard let ledger, case .generate(let new) = plan else { return }
        try TokencertIssuance.check(
            Reservation(
                token: try tokenURI(capabilities.token).description, keyID: hexadecimal(new.id)),
            in: ledger)
    }

    /// Makes the key, if there is to be a new one, and has the token sign the request.
    ///
    /// - Parameters:
    ///   - request: What the request shall say.
    ///   - plan: What ``planKey(_:on:)`` found.
    ///   - ledger: What remembers a new key.
    ///   - connection: A connection with the token and the PINs of ``pins(for:on:)``.
    /// - Throws: ``IssuanceError``; it names a key that was made and stays.
    package func request(
        _ request: IssuanceRequest, _ plan: KeyPlan, in ledger: Ledger,
        over connection: inout Connection
    ) throws(IssuanceError) -> MadeRequest {
        try connection.logInAll(at: .generate)
        settings.observer.stepBegins(.generate)
        let content = RequestContent(
            name: request.name, emailAddresses: request.emailAddresses,
            codeSigning: request.codeSigning)
        switch plan {
        case .existing(let uri, let publicKeyHash):
            // Nothing is made, so that there is nothing to remember.
            var key = try connection.find(uri, publicKeyHash: publicKeyHash)
            settings.observer.stepBegins(.request)
            do throws(IssuanceError) {
                let signed = try connection.request(content, &key, nil)
                return MadeRequest(pem: signed.pem, key: key)
            } catch {
                throw error.with(key: key.named(on: connection.token))
            }
        case .generate(let new):
            let newKeyLabel = request.labelOfNewKey(default: request.defaultLabel)
            let label = try connection.requireFree(new.id, labelling: newKeyLabel)
            let beginning = OrderEvent.Beginning(
                .request(newKeyKind: new.kind.name), on: connection.capabilities,
                connection.tokenURI, id: new.id, label: label)
            var work = try begin(beginning, in: ledger)
            work.labelRemarks = newKeyLabel.remarks(on: label)
            work.requested = content
            try run(&work, from: work.order.nextStep, over: &connection)
            return MadeRequest(
                pem: work.order.requestedPEM ?? "", key: try work.key(&connection))
        }
    }
}

extension IssuanceRequest {
    /// The label of a new key for a request if none was given.
    fileprivate var defaultLabel: String { emailAddresses.first ?? name ?? "tokencert" }
}
