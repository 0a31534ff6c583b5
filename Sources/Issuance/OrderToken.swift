internal import Cryptoki
internal import OpenSSLX509
internal import TokencertInventory
internal import TokencertLedger

extension TokenWork {
    /// The key of an order that was begun, or nil if none was made.
    ///
    /// - Throws: ``IssuanceError`` with code ``IssuanceError/Code/keyGone`` if there was one but no
    ///   key on the token has its id any more.
    func key(
        ofOrder order: Order, in ledger: Ledger, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey? {
        do throws(IssuanceError) {
            return try key(of: order, in: ledger, &session)
        } catch {
            guard error.code == .noSuchObject, try !hasKey(of: order, &session) else { throw error }
            throw IssuanceError(
                .keyGone, at: .generate,
                "the key of order \(order.number), with the id \(order.beginning.keyID), is not on "
                    + "this token: it was removed, or the token was reinitialised")
        }
    }

    /// The same, with a new key if none was made.
    ///
    /// - Parameter plan: The key to make.
    func key(
        ofOrder order: Order, orMaking plan: KeyPlan, _ journal: Journal,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        if let key = try key(ofOrder: order, in: journal.openOrder.ledger, &session) { return key }
        guard case .generate(let kind, let id, let label) = plan else {
            throw IssuanceError(.keyGone, at: .generate, "no key was made for this order")
        }
        try requireFree(id, &session)
        return try generate(kind, id: id, label: label, journal, &session)
    }

    /// Checks that a token is the one of an order whose key is known by its id and its label alone:
    /// another token may have another key with both.
    func requireToken(of order: Order) throws(IssuanceError) {
        guard order.publicKeyHash == nil, !order.isFor(tokenURI.description) else { return }
        throw IssuanceError(
            .keyGone, at: .generate,
            "the key of order \(order.number) is not on this token, which is not the one that "
                + "the order was begun for")
    }

    /// Checks that a key that was found by its id and its label alone is not that of another order.
    func requireNoOtherOrder(
        for key: TokenKey, besides order: Order, in ledger: Ledger
    ) throws(IssuanceError) {
        let other: Int64?
        do throws(LedgerError) {
            other = try ledger.order(forKey: key.publicKeyHash, besides: order.number)
        } catch {
            throw IssuanceError(ledger: error, at: .generate)
        }
        guard let other else { return }
        throw IssuanceError(
            .idTaken, at: .generate,
            "the key with the id \(hexadecimal(key.id)) is the key of order \(other)")
    }

    private func hasKey(
        of order: Order, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> Bool {
        let id = bytes(hexadecimal: order.beginning.keyID) ?? []
        // Without an id, only the reason of the failed search is known.
        guard !id.isEmpty else { return true }
        return try login.performing(.read, at: .generate) { () throws(IssuanceError) in
            var template = Template()
            template[.class] = .privateKey
            template[.id] = id
            return try at(.generate, "searching the token") { () throws(CryptokiError) in
                try !session.findObjects(template).isEmpty
            }
        }
    }
}

extension IssuanceError {
    /// The failure if a key already has the maximum number of certificates.
    ///
    /// - Parameters:
    ///   - most: That number.
    ///   - subject: The subject of one of them, or nil if it cannot be read.
    ///   - capabilities: The capabilities of the token.
    ///   - step: The step.
    init(
        noRoomFor most: Int, _ subject: String?, _ capabilities: TokenCapabilities, at step: Step
    ) {
        self.init(
            .noRoom, at: step,
            "the token has room for \(most) certificate a key, and the key has one: "
                + (subject ?? "it cannot be read"),
            choices: capabilities.replacesCertificates
                ? [
                    "tokencert renew KEY --retire replaces the old certificate with the new one"
                ]
                : [])
    }
}
