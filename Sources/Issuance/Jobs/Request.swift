internal import Cryptoki
internal import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

package struct MadeRequest: Sendable {
    package let pem: String
    package let key: TokenKey
}

/// Requests for a web form or another CA, without an account.
extension Runner {
    /// Plans the key of a request and checks that it is possible, without changing anything.
    package func planKey(
        _ request: IssuanceRequest, on capabilities: TokenCapabilities
    ) throws(IssuanceError) -> KeyPlan {
        settings.observer.stepBegins(.plan)
        try requireSubject(name: request.name, emailAddresses: request.emailAddresses)
        return try capabilities.planKey(
            request, accepting: .anything, defaultLabel: request.defaultLabel)
    }

    /// Remarks if a new key will not have the default label, as far as visible without a login.
    package func labelRemarks(_ request: IssuanceRequest, _ plan: KeyPlan) -> [String] {
        guard case .generate(let new) = plan else { return [] }
        return request.labelOfNewKey(default: request.defaultLabel).remarks(on: new.label)
    }

    /// The PINs that a request requires. Throws if one of them must not be tried.
    package func pins(
        for plan: KeyPlan, on capabilities: TokenCapabilities
    ) throws(IssuanceError) -> PINPlan {
        try PINPlan(
            capabilities, for: .request(newKey: plan.makesKey),
            allowingLastTry: settings.allowsLastTry)
    }

    /// Checks, without changing anything, that the ledger would accept the order for a new key.
    /// `ledger` is nil if none exists yet.
    package func check(
        _ plan: KeyPlan, on capabilities: TokenCapabilities, in ledger: Ledger?
    ) throws(IssuanceError) {
        guard let ledger, case .generate(let new) = plan else { return }
        try TokencertIssuance.check(
            Reservation(
                token: try tokenURI(capabilities.token).description, keyID: hexadecimal(new.id)),
            in: ledger)
    }

    /// Generates a new key if planned, and has the token sign the request. The connection needs the
    /// PINs of ``pins(for:on:)``. An error names any new key that stays on the token.
    package func request(
        _ request: IssuanceRequest, _ plan: KeyPlan, in ledger: Ledger,
        over connection: inout Connection
    ) throws(IssuanceError) -> MadeRequest {
        try connection.logInAll(at: .generate)
        settings.observer.stepBegins(.generate)
        switch plan {
        case .existing(let uri, let publicKeyHash):
            // No new key, so nothing needs to be recorded.
            var key = try connection.find(uri, publicKeyHash: publicKeyHash)
            settings.observer.stepBegins(.request)
            do throws(IssuanceError) {
                let signed = try connection.request(request, &key, nil)
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
            work.requested = request
            try run(&work, from: work.order.nextStep, over: &connection)
            return MadeRequest(pem: work.order.requestedPEM ?? "", key: try work.key(&connection))
        }
    }
}

extension IssuanceRequest {
    /// The label of a new key if the user gives none.
    fileprivate var defaultLabel: String { emailAddresses.first ?? name ?? "tokencert" }
}
