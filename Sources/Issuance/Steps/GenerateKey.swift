internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

extension OrderWork {
    /// Generates the key pair of the order, or finds the one that was generated for it.
    mutating func generateKey(
        on token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        let journal = journal
        // In a new order, the id was free a moment ago, so there is no key to look for.
        if !journal.isFresh,
            let key = try token.key(of: order, in: journal.openOrder.ledger)
        {
            try token.requireRoom(for: key, replacing: order.replacement, having: [], at: .generate)
            foundKey = key
            return StepOutcome([.found(publicKeyHash: key.publicKeyHash)])
        }
        guard case .generate(let new) = try KeyPlan(order.beginning) else {
            throw IssuanceError(.keyGone, at: .generate, "no key was made for this order")
        }
        if !journal.isFresh { try token.requireFree(new.id) }
        var key = try token.makeKey(new) { journal.hasMadeKey = true }
        key.remarks += labelRemarks
        foundKey = key
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
            try connection.findKey(uri, among: hashes, accepting: acceptance)
        }
        try requireSigning(key, at: .generate)
        return key
    }

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

    mutating func key(of order: Order, in ledger: Ledger) throws(IssuanceError) -> TokenKey? {
        let plan = try KeyPlan(order.beginning)
        try requireToken(of: order)
        do throws(IssuanceError) {
            guard let hash = order.publicKeyHash else {
                return try madeKey(of: order, plan, in: ledger)
            }
            return try performReading { connection, _ in
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
            return try findKey(
                id: bytes(hexadecimal: order.beginning.keyID) ?? [], publicKeyHash: hash,
                isNew: order.beginning.newKeyKind != nil)
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
        let key = try performReading { connection, _ in try connection.findMade(new) }
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
            let orders = try ledger.orders(forKeys: [key.publicKeyHash])
            other = orders.first { $0.number != order.number }?.number
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
            try at(.generate, "searching the token") {
                try !connection.session.findObjects(Template(.privateKey, id: id)).isEmpty
            }
        }
    }
}

/// Generates keys and checks their attributes.
extension Connection {
    mutating func makeKey(_ new: NewKey, made: () -> Void = {}) throws(IssuanceError) -> TokenKey {
        let pair = try makePair(new)
        made()
        return try readNewKey(new, pair)
    }

    /// Generates a key pair. No object on the token may have its id yet.
    private mutating func makePair(_ new: NewKey) throws(IssuanceError) -> KeyPair {
        do throws(IssuanceError) {
            return try perform(.generate, at: .generate) { connection, refusal in
                // The security officer cannot see objects that the failed call may have created.
                if let refusal, connection.capabilities.changesRoles { throw refusal }
                return try connection.makePairOnce(new, isAgain: refusal != nil)
            }
        } catch {
            // The security officer does not see all objects: search again as the user.
            guard error.circumstances.contains(.orderIsOver), capabilities.changesRoles,
                (try? requireFree(new.id)) == nil
            else { throw error }
            throw error.with(circumstances: [])
        }
    }

    /// Reads a key pair immediately after it was generated, and checks it.
    private mutating func readNewKey(_ new: NewKey, _ pair: KeyPair) throws(IssuanceError)
        -> TokenKey
    {
        // A change of the role has invalidated the handles.
        let handles = capabilities.changesRoles ? nil : pair
        return try performReading { connection, isAgain in
            do throws(IssuanceError) {
                return try connection.read(new, isAgain ? nil : handles)
            } catch {
                // Some modules show a new key correctly only after reinitialisation.
                guard error.circumstances.contains(.attributesAreWrong),
                    (try? connection.reinitializeModule(at: .generate)) == true
                else { throw error }
                return try connection.read(new, nil)
            }
        }
    }

    /// Reads keys, in a new session if the module shows them correctly only there. `isAgain` means that a
    /// new login has invalidated the handles of private objects.
    mutating func performReading<Result>(
        _ body: (inout Connection, _ isAgain: Bool) throws -> Result
    ) throws(IssuanceError) -> Result {
        try perform(.read, at: .generate) { connection, refusal in
            if connection.capabilities.profile?.tellsKeysInNewSessions ?? false {
                try connection.openNewSession(at: .generate)
            }
            return try body(&connection, refusal != nil)
        }
    }

    /// Reads a key that this process generated again, in a new session. Returns nil if the user would
    /// have to enter the PIN again.
    mutating func readAgain(
        _ new: NewKey, reinitializing isReinitializing: Bool
    ) throws(IssuanceError) -> TokenKey? {
        try perform(.read, at: .request) { connection, _ in
            if isReinitializing {
                guard try connection.reinitializeModule(at: .request) else { return nil }
            }
            try connection.openNewSession(at: .request)
            return try connection.read(new, nil)
        }
    }

    /// Checks, with the user logged in so all objects are visible, that no object has the id.
    mutating func requireFree(_ id: [UInt8]) throws(IssuanceError) {
        try perform(.read, at: .generate) { connection, _ in
            try TokencertIssuance.requireFree(id, &connection.session, at: .generate)
        }
    }

    /// `isAgain` means that a call just failed because the login was lost. A half of a key pair that it
    /// created is removed first.
    private mutating func makePairOnce(
        _ new: NewKey, isAgain: Bool
    ) throws(IssuanceError) -> KeyPair {
        guard let mechanism = new.kind.generationMechanism else {
            throw IssuanceError(.tokenUnsuitable, at: .generate, "cannot generate \(new.kind) keys")
        }
        if isAgain { try removePublicHalf(new) }
        var refusal: CryptokiError?
        let before = LeftoverObjects.everything(&session)
        for request in keyPairTemplates(new, capabilities) {
            do throws(CryptokiError) {
                let pair = try session.generateKeyPair(request, Mechanism(mechanism))
                // Attributes left out of the template must still have the required values. If the
                // roles change, they are checked when the user reads the key.
                if request.demandsProtection || capabilities.changesRoles { return pair }
                if try isProtected(pair.privateKey, new.id) { return pair }
            } catch {
                // Without a login, the id only seems to be free.
                if error.returnValue == .userNotLoggedIn {
                    throw IssuanceError(
                        error, at: .generate, while: "the token did not generate a key pair")
                }
                // Some modules leave one key of the pair behind. The id was free before the call, so
                // any key that has it now comes from this call.
                let isClean = (try? removeKeys(new.id, [.privateKey, .publicKey])) != nil
                guard error.concernsTemplate, isClean else {
                    throw IssuanceError(
                        error.concernsTemplate ? refusal ?? error : error, at: .generate,
                        while: "the token did not generate a key pair"
                    ).with(circumstances: isClean ? [.orderIsOver] : [])
                }
                refusal = refusal ?? error
                LeftoverObjects(&session).removeWhatCame(after: before, &session)
                continue
            }
            try removeKeys(new.id, [.privateKey, .publicKey])
            throw IssuanceError(
                .tokenUnsuitable, at: .generate,
                "the token cannot generate a non-extractable key; the key that it generated was "
                    + "removed",
                tokenError: refusal
            ).with(circumstances: [.orderIsOver])
        }
        throw IssuanceError(
            .tokenUnsuitable, at: .generate, "the token rejected all key templates",
            tokenError: refusal
        ).with(circumstances: [.orderIsOver])
    }

    /// Removes the public key that a call left when the login was lost. Throws
    /// ``IssuanceError/Code/tokenFailed`` if another object has the id: it may have been there before, since
    /// private objects were not visible without the login.
    private mutating func removePublicHalf(_ new: NewKey) throws(IssuanceError) {
        let types = [
            AttributeKey<ObjectClass>.class.type, AttributeKey.private.type,
            AttributeKey.labelBytes.type,
        ]
        for object in try objects(withID: new.id, &session, at: .generate) {
            let attributes = try at(.generate, "cannot read an object") {
                try session.attributes(of: object, types)
            }
            guard attributes[.class] == ObjectClass.publicKey, attributes[.private] == false,
                attributes[.labelBytes] == new.label || !capabilities.keepsLabels
            else {
                throw IssuanceError(
                    .tokenFailed, at: .generate,
                    "the token lost the login, and an object with the id \(hexadecimal(new.id)) that "
                        + "is now visible may be the new key or may have been there before; it was not "
                        + "changed")
            }
        }
        try removeKeys(new.id, [.publicKey])
    }

    /// Reads and checks a generated key. `pair` is nil if its handles are no longer valid.
    private mutating func read(_ new: NewKey, _ pair: KeyPair?) throws(IssuanceError) -> TokenKey {
        do throws(IssuanceError) {
            return try readAsMade(new, pair?.privateKey, pair?.publicKey)
        } catch {
            guard error.circumstances.contains(.attributesAreWrong), pair != nil else {
                throw error
            }
            // In the session that generated a key, some modules return wrong attributes for it.
            try openNewSession(at: .generate)
            return try read(new, nil)
        }
    }

    /// Whether the key is reported as non-extractable, in this session or in a new one.
    private mutating func isProtected(
        _ key: ObjectHandle, _ id: [UInt8]
    ) throws(CryptokiError) -> Bool {
        if Self.reportsProtection(try session.attributes(of: key, Self.protection)) { return true }
        var later = try token.openSession(ReadWrite.self)
        let found = try later.findObjects(Template(.privateKey, id: id))
        guard found.count == 1 else { return false }
        return Self.reportsProtection(try later.attributes(of: found[0], Self.protection))
    }
}
