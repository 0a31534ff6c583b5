internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

/// Makes the key pair of an order, or finds the one that was made for it.
enum GenerateKey: RepeatableStep {
    static func run(
        _ work: inout OrderWork, _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        let journal = work.journal
        // Nothing had the id when the order was begun, a moment ago.
        if !journal.isFresh,
            let key = try token.key(of: work.order, in: journal.openOrder.ledger)
        {
            try token.requireRoom(
                for: key, replacing: work.order.replacement, having: [], at: .generate)
            work.update(key)
            return StepOutcome([.found(publicKeyHash: key.publicKeyHash)])
        }
        guard case .generate(let new) = try KeyPlan(work.order.beginning) else {
            throw IssuanceError(.keyGone, at: .generate, "no key was made for this order")
        }
        if !journal.isFresh { try token.requireFree(new.id) }
        var key = try token.makeKey(new) { journal.hasMadeKey = true }
        key.remarks += work.labelRemarks
        work.update(key)
        // From here on no other key is taken for it.
        return StepOutcome([.made(publicKeyHash: key.publicKeyHash)])
    }
}

/// Finds the key of an order on the token.
extension Connection {
    /// Finds the key that a URI names, and checks that it may sign.
    ///
    /// - Parameters:
    ///   - publicKeyHash: SHA-256 of its public half in hexadecimal, or nil.
    ///   - acceptance: Which keys the CA signs.
    mutating func find(
        _ uri: PKCS11URI, publicKeyHash: String? = nil,
        accepting acceptance: KeyAcceptance = .anything
    ) throws(IssuanceError) -> TokenKey {
        let hashes = publicKeyHash.map { Set([$0]) }
        let key = try perform(.read, at: .generate) { connection, _ in
            try connection.reader.find(
                uri, among: hashes, accepting: acceptance, &connection.session)
        }
        try requireSigning(key, at: .generate)
        return key
    }

    /// Insists that a key may sign.
    func requireSigning(_ key: TokenKey, at step: Step) throws(IssuanceError) {
        guard !key.maySign else { return }
        throw IssuanceError(
            .keyUnusable, at: step, "the key may not sign, so it cannot sign a request: \(key.uri)",
            choices: ["tokencert import writes a certificate that was ordered otherwise"])
    }

    /// Checks that an id is free, and determines the label of the new key: see
    /// ``freeLabel(_:on:_:at:)``.
    mutating func requireFree(
        _ id: [UInt8], labelling wanted: NewKeyLabel
    ) throws(IssuanceError) -> [UInt8] {
        try perform(.read, at: .generate) { connection, _ in
            try TokencertIssuance.requireFree(id, &connection.session, at: .generate)
            return try freeLabel(
                wanted, on: connection.tokenURI, &connection.session, at: .generate)
        }
    }

    mutating func key(
        of order: Order, in ledger: Ledger
    ) throws(IssuanceError) -> TokenKey? {
        let plan = try KeyPlan(order.beginning)
        try requireToken(of: order)
        do throws(IssuanceError) {
            guard let hash = order.publicKeyHash else {
                return try madeKey(of: order, plan, in: ledger)
            }
            return try performReading { connection in
                try connection.key(of: order, plan, hash, in: ledger)
            }
        } catch {
            guard error.code == .noSuchObject, try !hasKey(of: order) else { throw error }
            throw IssuanceError(
                .keyGone, at: .generate,
                "the key of order \(order.number), with the id \(order.beginning.keyID), is not on "
                    + "this token: it was removed, or the token was reinitialised")
        }
    }

    /// The key that was made for an order that wants no certificate, found by its id and its label, or
    /// nil if none was made.
    mutating func keyToSettle(
        of order: Order, in ledger: Ledger
    ) throws(IssuanceError) -> TokenKey? {
        try requireToken(of: order)
        return try madeKey(of: order, KeyPlan(order.beginning), in: ledger)
    }

    /// The key of an order whose public half is known.
    private mutating func key(
        of order: Order, _ plan: KeyPlan, _ hash: String, in ledger: Ledger
    ) throws(IssuanceError) -> TokenKey {
        do throws(IssuanceError) {
            return try reader.find(
                id: bytes(hexadecimal: order.beginning.keyID) ?? [], publicKeyHash: hash,
                isNew: order.beginning.newKeyKind != nil, &session)
        } catch {
            // The process that made the key may have seen a different public half from the one that
            // the token shows now. Until something is ordered, its id and label identify it.
            guard error.code == .noSuchObject, order.sending == nil,
                order.isFor(tokenURI.description), case .generate(let new) = plan,
                let key = try? findMade(new, removing: false),
                (try? requireNoOtherOrder(for: key, besides: order, in: ledger)) != nil
            else { throw error }
            return key
        }
    }

    /// The key that was made for an order which could not record its public half, or nil if none
    /// was.
    private mutating func madeKey(
        of order: Order, _ plan: KeyPlan, in ledger: Ledger
    ) throws(IssuanceError) -> TokenKey? {
        guard case .generate(let new) = plan else {
            throw IssuanceError(
                .noSuchObject, at: .generate, "the ledger does not tell the key of this order")
        }
        let key = try performReading { connection in try connection.findMade(new) }
        if let key { try requireNoOtherOrder(for: key, besides: order, in: ledger) }
        return key
    }

    /// Checks that a token is the one of an order whose key is known by its id and its label alone:
    /// another token may have another key with both.
    private func requireToken(of order: Order) throws(IssuanceError) {
        guard order.publicKeyHash == nil, !order.isFor(tokenURI.description) else { return }
        throw IssuanceError(
            .keyGone, at: .generate,
            "the key of order \(order.number) is not on this token, which is not the one that "
                + "the order was begun for")
    }

    /// Checks that a key that was found by its id and its label alone is not that of another order.
    private func requireNoOtherOrder(
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

    private mutating func hasKey(of order: Order) throws(IssuanceError) -> Bool {
        let id = bytes(hexadecimal: order.beginning.keyID) ?? []
        // Without an id, only the reason of the failed search is known.
        guard !id.isEmpty else { return true }
        return try perform(.read, at: .generate) { connection, _ in
            var template = Template()
            template[.class] = .privateKey
            template[.id] = id
            return try at(.generate, "searching the token") {
                try !connection.session.findObjects(template).isEmpty
            }
        }
    }
}
