internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// Generates keys and checks their attributes.
extension Connection {
    mutating func makeKey(
        _ new: NewKey, made: () -> Void = {}
    ) throws(IssuanceError) -> TokenKey {
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
        return try performReading { connection in
            do throws(IssuanceError) {
                return try connection.read(new, handles)
            } catch {
                // Some modules show a new key correctly only after reinitialisation.
                guard error.circumstances.contains(.attributesAreWrong),
                    (try? connection.reinitializeModule(at: .generate)) == true
                else { throw error }
                return try connection.read(new, nil)
            }
        }
    }

    /// Reads keys, in a new session if the module shows them correctly only there.
    mutating func performReading<Result>(
        _ body: (inout Connection) throws -> Result
    ) throws(IssuanceError) -> Result {
        try perform(.read, at: .generate) { connection, _ in
            if connection.capabilities.profile?.tellsKeysInNewSessions ?? false {
                try connection.openNewSession(at: .generate)
            }
            return try body(&connection)
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

    /// `isAgain` means that a call just failed because the login was lost. Objects that it created
    /// are visible only now and are removed first.
    private mutating func makePairOnce(
        _ new: NewKey, isAgain: Bool
    ) throws(IssuanceError) -> KeyPair {
        guard let mechanism = new.kind.generationMechanism else {
            throw IssuanceError(
                .tokenUnsuitable, at: .generate, "cannot generate \(new.kind) keys")
        }
        if isAgain { try removeKeys(new.id, [.privateKey, .publicKey]) }
        var refusal: CryptokiError?
        let before = LeftoverObjects.everything(&session)
        for request in KeyPairTemplates(new, capabilities).alternatives {
            do throws(CryptokiError) {
                let pair = try session.generateKeyPair(request, Mechanism(mechanism))
                // Attributes left out of the template must still have the required values. If the
                // roles change, they are checked when the user reads the key.
                if request.demandsProtection || capabilities.changesRoles { return pair }
                if try isProtected(pair.privateKey, new.id) { return pair }
            } catch {
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
                if let before { LeftoverObjects(&session).removeWhatCame(after: before, &session) }
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

    /// Reads and checks a generated key. `pair` is nil if its handles are no longer valid.
    private mutating func read(
        _ new: NewKey, _ pair: KeyPair?
    ) throws(IssuanceError) -> TokenKey {
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
        var template = Template()
        template[.class] = .privateKey
        template[.id] = id
        let found = try later.findObjects(template)
        guard found.count == 1 else { return false }
        return Self.reportsProtection(try later.attributes(of: found[0], Self.protection))
    }

    private static let protection = [
        AttributeKey.sensitive.type, AttributeKey.extractable.type,
        AttributeKey.neverExtractable.type, AttributeKey.local.type,
    ]

    private static func reportsProtection(_ attributes: Attributes) -> Bool {
        attributes[.sensitive] == true && attributes[.extractable] != true
            && attributes[.neverExtractable] ?? (attributes[.extractable] == false)
    }

    /// Finds the key that an interrupted job generated under an id that was free then. Returns nil if
    /// there is none. Removes an incomplete key pair if `isRemoving` is true.
    mutating func findMade(
        _ new: NewKey, removing isRemoving: Bool = true
    ) throws(IssuanceError) -> TokenKey? {
        var template = Template()
        template[.class] = .privateKey
        template[.id] = new.id
        let found = try at(.generate, "cannot search the token") {
            try session.findObjects(template)
        }
        guard let handle = found.first else {
            if isRemoving, !capabilities.changesRoles {
                try removeUnfinished(new, [.publicKey])
            }
            return nil
        }
        guard found.count == 1 else {
            throw IssuanceError(
                .severalObjects, at: .generate,
                "\(found.count) private keys on the token have the id \(hexadecimal(new.id))")
        }
        try requireOwn(handle, new)
        do throws(IssuanceError) {
            return try readAsMade(new, handle, nil)
        } catch {
            guard isRemoving, error.circumstances.contains(.keyIsForeign),
                !capabilities.changesRoles
            else { throw error }
            // The call was interrupted before the key got its value, so the key never signed anything.
            try removeUnfinished(new, [.privateKey, .publicKey])
            return nil
        }
    }

    /// Checks that another program has not taken the id since this order reserved it: by the key's
    /// origin, the certificates with the id, and the label, or the type if the module sets labels.
    private mutating func requireOwn(
        _ key: ObjectHandle, _ new: NewKey
    ) throws(IssuanceError) {
        var template = Template()
        template[.class] = .certificate
        template[.id] = new.id
        let attributes: Attributes
        let isAlone: Bool
        do throws(CryptokiError) {
            attributes = try session.attributes(
                of: key, [AttributeKey.labelBytes.type, AttributeKey<KeyType>.keyType.type])
            let stored = try storedCertificates(template, capabilities, &session)
            isAlone = stored.certificates.isEmpty && stored.unreadable == 0
        } catch {
            throw IssuanceError(error, at: .generate, while: "cannot read a key")
        }
        try requireMadeHere(key, new.id)
        let found = attributes[.labelBytes] ?? []
        let isOwn =
            capabilities.keepsLabels
            ? found == new.label || found.isEmpty
            : attributes[.keyType] == new.kind.keyType
        guard isAlone else {
            throw IssuanceError(
                .idTaken, at: .generate, "the id \(hexadecimal(new.id)) is used by a certificate")
        }
        guard isOwn else {
            throw IssuanceError(
                .idTaken, at: .generate,
                "the id \(hexadecimal(new.id)) is used by a key with the label "
                    + "\"\(text(ofLabel: found))\"")
        }
    }

    /// Checks that the key was not imported by another program. A key with `CKA_LOCAL` false passes
    /// only if it has no value, because interrupted calls leave such keys.
    private mutating func requireMadeHere(
        _ key: ObjectHandle, _ id: [UInt8]
    ) throws(IssuanceError) {
        guard !(capabilities.profile?.hidesOrigin ?? false) else { return }
        let attributes = try at(.generate, "cannot read a key") {
            try session.attributes(of: key, [AttributeKey.local.type])
        }
        guard attributes[.local] == false else { return }
        if LeftoverObjects.hasNoValue(key, &session) { return }
        throw IssuanceError(
            .idTaken, at: .generate,
            "the id \(hexadecimal(id)) is used by a key that was not generated on the token")
    }

    /// Removes the keys that an interrupted call has left, unless another program has imported them.
    private mutating func removeUnfinished(
        _ new: NewKey, _ halves: [ObjectClass]
    ) throws(IssuanceError) {
        for half in halves {
            var template = Template()
            template[.class] = half
            template[.id] = new.id
            template[.labelBytes] = new.label
            let found = try at(.generate, "cannot search the token") {
                try session.findObjects(template)
            }
            for key in found { try requireMadeHere(key, new.id) }
        }
        try removeKeys(new.id, halves, label: new.label)
    }

    /// Removes the keys that a failed call has left, and checks that they are gone.
    private mutating func removeKeys(
        _ id: [UInt8], _ halves: [ObjectClass], label: [UInt8]? = nil
    ) throws(IssuanceError) {
        var isLeft = false
        do throws(CryptokiError) {
            for half in halves {
                var template = Template()
                template[.class] = half
                template[.id] = id
                if let label { template[.labelBytes] = label }
                for object in try session.findObjects(template) {
                    try session.destroyObject(object)
                }
                if try !session.findObjects(template).isEmpty { isLeft = true }
            }
        } catch {
            throw IssuanceError(
                error, at: .generate, while: "cannot remove an incomplete key pair")
        }
        if isLeft {
            throw IssuanceError(
                .tokenFailed, at: .generate,
                "the token reports that it removed an incomplete key pair, but still has it")
        }
    }

    /// Reads and checks a generated key; an error names the key. `privateKey` is nil for the only
    /// private key with the id.
    private mutating func readAsMade(
        _ new: NewKey, _ privateKey: ObjectHandle?, _ publicKey: ObjectHandle?
    ) throws(IssuanceError) -> TokenKey {
        do throws(IssuanceError) {
            let key =
                if let privateKey {
                    try reader.read(privateKey, publicKey, isNew: true, &session)
                } else {
                    try reader.readOnly(new.id, &session)
                }
            do throws(IssuanceError) {
                return try requireAsPlanned(key, new)
            } catch {
                let named = error.with(key: key.named(on: token))
                guard error.code == .keyUnsafe else { throw named }
                // This key is never used, and another one would have the same defect.
                throw named.with(
                    reason: "\(error.reason); it remains on the token: \(key.uri)",
                    circumstances: error.circumstances.union([.orderIsOver]))
            }
        } catch {
            let isHidden = error.code == .noSuchObject || error.code == .severalObjects
            let failure =
                isHidden
                ? IssuanceError(
                    .notProved, at: .generate,
                    "the token generated a key pair but does not show its public key; some modules "
                        + "show a new key only to a new process")
                : error
            let key = IssuanceError.KeyOnToken(
                uri: reader.uri(new.id, new.label), id: new.id, isNew: true, module: token.module)
            throw failure.with(
                circumstances: failure.tokenError == nil
                    ? failure.circumstances.union([.attributesAreWrong]) : failure.circumstances,
                key: failure.key ?? key)
        }
    }

    /// Checks the attributes that the token reports for a key. Returns the key with remarks.
    private mutating func requireAsPlanned(
        _ key: TokenKey, _ new: NewKey
    ) throws(IssuanceError) -> TokenKey {
        var key = key
        let attributes: Attributes
        do throws(CryptokiError) {
            attributes = try session.attributes(
                of: key.handle, Self.protection + [AttributeKey.decrypt.type])
        } catch {
            throw IssuanceError(error, at: .generate, while: "cannot read the new key")
        }
        guard Self.reportsProtection(attributes) else {
            throw IssuanceError(
                .keyUnsafe, at: .generate, "the new key is not protected from extraction")
        }
        guard attributes[.local] ?? true || capabilities.profile?.hidesOrigin ?? false else {
            throw IssuanceError(
                .keyUnsafe, at: .generate, "the token reports that the key was not generated on it"
            ).with(circumstances: [.keyIsForeign])
        }
        guard key.publicKey.kind == new.kind else {
            // The public key may belong to another key pair, so the order stays open.
            throw IssuanceError(
                .notProved, at: .generate,
                "the token shows the new \(new.kind) key as \(key.publicKey.kind); some modules "
                    + "show a new key only to a new process")
        }
        // This fails if the point is not on its curve or the modulus is missing.
        let draft = try? CertificateRequestDraft(
            publicKey: key.publicKey, subject: [], extensions: [])
        guard draft != nil else {
            throw IssuanceError(
                .notProved, at: .generate,
                "the token shows an invalid public key for the new key pair; some modules "
                    + "show a new key only to a new process")
        }
        if attributes[.local] != true {
            key.remarks.append("the token does not report that it generated the key itself")
        }
        if case .rsa = new.kind, attributes[.decrypt] == false {
            key.remarks.append(
                "the token does not let the key decrypt: mail encrypted to it cannot be read")
        }
        guard key.id == new.id else {
            throw IssuanceError(
                .keyUnsafe, at: .generate,
                "the token gave the key the id \(hexadecimal(key.id)) instead of "
                    + "\(hexadecimal(new.id))")
        }
        return key
    }
}
