internal import Cryptoki
package import OpenSSLX509
package import TokencertInventory
package import TokencertLedger

/// A signed request and the key that it is for.
package struct MadeRequest: Sendable {
    /// The request.
    package let request: CertificateRequest
    /// The key.
    package let key: TokenKey
}

/// Makes requests on a token for a web form or another CA, without an account.
package struct RequestMaker: Sendable {
    private let capabilities: TokenCapabilities
    private let allowsLastTry: Bool
    private let progress: @Sendable (Step) -> Void
    private let orderBegun: @Sendable (_ order: Int64) -> Void

    /// Prepares a token.
    ///
    /// - Parameters:
    ///   - capabilities: The token, and what is known of it.
    ///   - allowsLastTry: Whether a PIN is sent that would lock the token if it were wrong.
    ///   - progress: Is told when a step begins.
    ///   - orderBegun: Is told the number under which a new key is remembered.
    package init(
        _ capabilities: TokenCapabilities, allowsLastTry: Bool,
        progress: @escaping @Sendable (Step) -> Void,
        orderBegun: @escaping @Sendable (_ order: Int64) -> Void
    ) {
        self.capabilities = capabilities
        self.allowsLastTry = allowsLastTry
        self.progress = progress
        self.orderBegun = orderBegun
    }

    /// Finds out which key will be used, and whether it can be. Nothing is changed.
    ///
    /// - Parameter request: What a person asks for.
    /// - Throws: ``IssuanceError`` at ``Step/plan``.
    package func plan(_ request: IssuanceRequest) throws(IssuanceError) -> KeyPlan {
        progress(.plan)
        let planning = KeyPlanning(capabilities: capabilities, acceptance: .anything)
        try requireSubject(name: request.name, emailAddresses: request.emailAddresses)
        return try planning.plan(request, defaultLabel: Self.defaultLabel(request))
    }

    private static func defaultLabel(_ request: IssuanceRequest) -> String {
        request.emailAddresses.first ?? request.name ?? "tokencert"
    }

    /// The PINs that making a request needs.
    ///
    /// - Parameter plan: What ``plan(_:)`` found.
    /// - Throws: ``IssuanceError`` at ``Step/plan`` where one of them cannot be sent.
    package func pins(for plan: KeyPlan) throws(IssuanceError) -> PINPlan {
        try PINPlan(
            capabilities, for: plan.operations.subtracting([.write]), allowingLastTry: allowsLastTry
        )
    }

    /// Checks that the ledger would accept the order for a new key. Nothing is changed.
    ///
    /// - Parameters:
    ///   - plan: What ``plan(_:)`` found.
    ///   - ledger: The ledger that would record it, or nil if there is none yet.
    /// - Throws: ``IssuanceError``, as ``make(_:_:pins:in:)``.
    package func check(_ plan: KeyPlan, in ledger: Ledger?) throws(IssuanceError) {
        guard let ledger, case .generate(_, let id, let label) = plan else { return }
        var beginning = OrderEvent.Beginning(
            job: .request, token: try tokenURI(capabilities.token).description, modulePath: "",
            keyID: hexadecimal(id), keyLabel: "")
        beginning.keyLabelBytes = label
        try TokencertIssuance.check(beginning, in: ledger)
    }

    /// Makes the key, if there is to be a new one, and has the token sign the request.
    ///
    /// - Parameters:
    ///   - plan: What ``plan(_:)`` found.
    ///   - request: What the request shall say.
    ///   - pins: The PINs that ``pins(for:)`` names.
    ///   - ledger: What remembers a new key.
    /// - Throws: ``IssuanceError``; it names a key that was made and stays.
    package func make(
        _ plan: KeyPlan, _ request: IssuanceRequest, pins: TokenPINs, in ledger: Ledger
    ) throws(IssuanceError) -> MadeRequest {
        let token = capabilities.token
        let uri = try tokenURI(token)
        let work = TokenWork(TokenLogin(capabilities, pins), uri, .anything)
        return try work.inSession { (session) throws(IssuanceError) in
            progress(.generate)
            switch plan {
            case .existing(let uri, let publicKeyHash):
                let key = try work.find(uri, publicKeyHash: publicKeyHash, &session)
                do throws(IssuanceError) {
                    return try make(plan, key, nil, request, work, &session)
                } catch {
                    var error = error
                    error.key = key.named(on: token)
                    throw error
                }
            case .generate(let kind, let id, _):
                let newKeyLabel = request.labelOfNewKey(default: Self.defaultLabel(request))
                let label = try work.requireFree(id, labelling: newKeyLabel, &session)
                var beginning = OrderEvent.Beginning(
                    job: .request, token: uri.description, modulePath: token.module.path,
                    keyID: hexadecimal(id), keyLabel: "")
                beginning.keyLabelBytes = label
                beginning.setModule(token.module)
                beginning.tokenProfile = capabilities.chosenProfile
                beginning.newKeyKind = kind.name
                let journal = try Journal(beginning, in: ledger)
                orderBegun(journal.openOrder.number)
                var key = try journal.recordingFailure(nil, on: token) { () throws(IssuanceError) in
                    try work.generate(kind, id: id, label: label, journal, &session)
                }
                key.remarks += newKeyLabel.remarks(on: label)
                return try journal.recordingFailure(key, on: token) { () throws(IssuanceError) in
                    let made = try make(plan, key, journal, request, work, &session)
                    try journal.recordIntent(.requested(request: made.request.pem), at: .request)
                    return made
                }
            }
        }
    }

    private func make(
        _ plan: KeyPlan, _ key: TokenKey, _ journal: Journal?, _ request: IssuanceRequest,
        _ work: TokenWork, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> MadeRequest {
        progress(.request)
        var key = key
        let signed = try work.request(
            &key, planned: plan, journal, name: request.name,
            emailAddresses: request.emailAddresses, codeSigning: request.codeSigning, &session)
        return MadeRequest(request: signed, key: key)
    }
}
