internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

/// Generates the key pair of an order, or finds the one that was generated for it.
enum GenerateKey: RepeatableStep {
    static func run(
        _ work: inout OrderWork, _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        let journal = work.journal
        // In a new order, the id was free a moment ago, so there is no key to look for.
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
        // Once this is recorded, no other key is accepted for the order.
        return StepOutcome([.made(publicKeyHash: key.publicKeyHash)])
    }
}

extension Connection {
    /// Finds the key that a URI names, and checks that it may sign. `publicKeyHash` is the SHA-256
    /// of its public half in hexadecimal.
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

    /// Throws if a key may not sign.
    func requireSigning(_ key: TokenKey, at step: Step) throws(IssuanceError) {
        guard !key.maySign else { return }
        throw IssuanceError(
            .keyUnusable, at: step, "the key may not sign (CKA_SIGN is false): \(key.uri)",
            choices: [
                "to write a certificate that was ordered elsewhere, run: tokencert import --cert FILE"
            ])
    }

    /// Checks that an id is free, and chooses the label of the new key: see
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
                "the key of order \(order.number) (CKA_ID \(order.beginning.keyID)) is not on this "
                    + "token: it was deleted, or the token was reinitialised")
        }
    }

    /// The key of an order without a certificate, found by its id and label; nil if none was made.
    mutating func keyToSettle(
        of order: Order, in ledger: Ledger
    ) throws(IssuanceError) -> TokenKey? {
        try requireToken(of: order)
        return try madeKey(of: order, KeyPlan(order.beginning), in: ledger)
    }

    /// The key of an order that has recorded its public half.
    private mutating func key(
        of order: Order, _ plan: KeyPlan, _ hash: String, in ledger: Ledger
    ) throws(IssuanceError) -> TokenKey {
        do throws(IssuanceError) {
            return try reader.find(
                id: bytes(hexadecimal: order.beginning.keyID) ?? [], publicKeyHash: hash,
                isNew: order.beginning.newKeyKind != nil, &session)
        } catch {
            // The token may have shown a different public half when the key was generated. Until
            // the order is sent, the id and label identify the key.
            guard error.code == .noSuchObject, order.sending == nil,
                order.isFor(tokenURI.description), case .generate(let new) = plan,
                let key = try? findMade(new, removing: false),
                (try? requireNoOtherOrder(for: key, besides: order, in: ledger)) != nil
            else { throw error }
            return key
        }
    }

    /// The key of an order that could not record its public half; nil if none was made.
    private mutating func madeKey(
        of order: Order, _ plan: KeyPlan, in ledger: Ledger
    ) throws(IssuanceError) -> TokenKey? {
        guard case .generate(let new) = plan else {
            throw IssuanceError(
                .noSuchObject, at: .generate, "the ledger does not record the key of this order")
        }
        let key = try performReading { connection in try connection.findMade(new) }
        if let key { try requireNoOtherOrder(for: key, besides: order, in: ledger) }
        return key
    }

    /// If only the id and label of an order's key are known, checks that this is the order's token:
    /// another token may have a different key with both.
    private func requireToken(of order: Order) throws(IssuanceError) {
        guard order.publicKeyHash == nil, !order.isFor(tokenURI.description) else { return }
        throw IssuanceError(
            .keyGone, at: .generate,
            "the key of order \(order.number) is not on this token: the order was started for "
                + "another token")
    }

    /// Checks that a key found only by its id and label does not belong to another order.
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
            "the key with CKA_ID \(hexadecimal(key.id)) belongs to order \(other)")
    }

    private mutating func hasKey(of order: Order) throws(IssuanceError) -> Bool {
        let id = bytes(hexadecimal: order.beginning.keyID) ?? []
        // Without an id there is nothing to search for, so the original error stands.
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
