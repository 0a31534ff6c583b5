internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// Makes keys, and insists on what they must be.
extension Connection {
    mutating func makeKey(
        _ new: NewKey, made: () -> Void = {}
    ) throws(IssuanceError) -> TokenKey {
        let pair = try makePair(new)
        made()
        return try readNewKey(new, pair)
    }

    /// Makes a key pair with an id that nothing on the token has.
    private mutating func makePair(_ new: NewKey) throws(IssuanceError) -> KeyPair {
        do throws(IssuanceError) {
            return try perform(.generate, at: .generate) { connection, refusal in
                // The security officer does not see what a refused call may have made.
                if let refusal, connection.capabilities.changesRoles { throw refusal }
                return try connection.makePairOnce(new, isAgain: refusal != nil)
            }
        } catch {
            // The security officer does not see what the user would: look once more.
            guard error.circumstances.contains(.orderIsOver), capabilities.changesRoles,
                (try? requireFree(new.id)) == nil
            else { throw error }
            throw error.with(circumstances: [])
        }
    }

    /// Reads a key pair that was made a moment ago, and insists on what it must be.
    private mutating func readNewKey(_ new: NewKey, _ pair: KeyPair) throws(IssuanceError)
        -> TokenKey
    {
        // Where roles took turns the handles are gone.
        let handles = capabilities.changesRoles ? nil : pair
        return try performReading { connection in
            do throws(IssuanceError) {
                return try connection.read(new, handles)
            } catch {
                // Some modules show a new key correctly only after they are reinitialised.
                guard error.circumstances.contains(.attributesAreWrong),
                    (try? connection.reinitializeModule(at: .generate)) == true
                else { throw error }
                return try connection.read(new, nil)
            }
        }
    }

    /// Reads keys; in a new session if the module tells them right only there.
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

    /// Reads a key that this process has made once more, in a new session.
    ///
    /// - Returns: The key, or nil if the user would have to enter the PIN again.
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

    /// Checks after the login, when all objects are visible, that no object on the token has the id.
    mutating func requireFree(_ id: [UInt8]) throws(IssuanceError) {
        try perform(.read, at: .generate) { connection, _ in
            try TokencertIssuance.requireFree(id, &connection.session, at: .generate)
        }
    }

    /// Makes a key pair.
    ///
    /// - Parameter isAgain: Whether a call was just refused because no user was logged in. What it
    ///   has made is visible only now, and is removed first.
    private mutating func makePairOnce(
        _ new: NewKey, isAgain: Bool
    ) throws(IssuanceError) -> KeyPair {
        guard let mechanism = new.kind.generationMechanism else {
            throw IssuanceError(
                .tokenUnsuitable, at: .generate, "no keys of kind \(new.kind) are made")
        }
        if isAgain { try removeKeys(new.id, [.privateKey, .publicKey]) }
        var refusal: CryptokiError?
        let before = LeftoverObjects.everything(&session)
        for request in KeyPairTemplates(new, capabilities).alternatives {
            do throws(CryptokiError) {
                let pair = try session.generateKeyPair(request, Mechanism(mechanism))
                // What was left out has to hold all the same.
                // Where roles take turns the user looks, a moment later.
                if request.demandsProtection || capabilities.changesRoles { return pair }
                if try isProtected(pair.privateKey, new.id) { return pair }
            } catch {
                // Some modules leave half of a pair behind. The id was free a moment ago, so the
                // keys that have it now are ours.
                let isClean = (try? removeKeys(new.id, [.privateKey, .publicKey])) != nil
                guard error.concernsTemplate, isClean else {
                    throw IssuanceError(
                        error.concernsTemplate ? refusal ?? error : error, at: .generate,
                        while: "the token made no key"
                    ).with(circumstances: isClean ? [.orderIsOver] : [])
                }
                refusal = refusal ?? error
                if let before { LeftoverObjects(&session).removeWhatCame(after: before, &session) }
                continue
            }
            try removeKeys(new.id, [.privateKey, .publicKey])
            throw IssuanceError(
                .tokenUnsuitable, at: .generate,
                "the token makes no keys whose value cannot leave it; the one that it made is removed",
                tokenError: refusal
            ).with(circumstances: [.orderIsOver])
        }
        throw IssuanceError(
            .tokenUnsuitable, at: .generate, "the token takes none of the ways to ask for a key",
            tokenError: refusal
        ).with(circumstances: [.orderIsOver])
    }

    /// Reads a key that was made, and insists on what it must be.
    ///
    /// - Parameter pair: Its handles, or nil where they are gone.
    private mutating func read(
        _ new: NewKey, _ pair: KeyPair?
    ) throws(IssuanceError) -> TokenKey {
        do throws(IssuanceError) {
            return try readAsMade(new, pair?.privateKey, pair?.publicKey)
        } catch {
            guard error.circumstances.contains(.attributesAreWrong), pair != nil else {
                throw error
            }
            // In the session that made a key, some modules return stale or meaningless attributes
            // of it.
            try openNewSession(at: .generate)
            return try read(new, nil)
        }
    }

    /// Whether a key's value cannot leave the token, by what it says in this session or in a new one.
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

    /// Finds the key that an unfinished job has made, by the id that it had chosen and that nothing
    /// had then. What has another label by now is somebody else's.
    ///
    /// - Parameter isRemoving: Whether the remains of an unfinished key are removed.
    /// - Returns: The key, or nil where none was made; halves of one are removed then.
    mutating func findMade(
        _ new: NewKey, removing isRemoving: Bool = true
    ) throws(IssuanceError) -> TokenKey? {
        var template = Template()
        template[.class] = .privateKey
        template[.id] = new.id
        let found = try at(.generate, "searching the token") {
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
            // Killed between the template and the value: nothing was ever signed with it.
            try removeUnfinished(new, [.privateKey, .publicKey])
            return nil
        }
    }

    /// Checks that a key with the id that was chosen is not another program's by now: by where it
    /// was made, by the certificates with its id, and by its label, or by its kind if the module
    /// has labels of its own. The id was free when it was chosen.
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
            throw IssuanceError(error, at: .generate, while: "reading a key")
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
                "the id \(hexadecimal(new.id)) is used by a key with the label “\(text(ofLabel: found))”"
            )
        }
    }

    /// Checks that another program has not written a key: one that was not made on the token
    /// and has a value. An interrupted call leaves one without a value.
    private mutating func requireMadeHere(
        _ key: ObjectHandle, _ id: [UInt8]
    ) throws(IssuanceError) {
        guard !(capabilities.profile?.hidesOrigin ?? false) else { return }
        let attributes = try at(.generate, "reading a key") {
            try session.attributes(of: key, [AttributeKey.local.type])
        }
        guard attributes[.local] == false else { return }
        if LeftoverObjects.hasNoValue(key, &session) { return }
        throw IssuanceError(
            .idTaken, at: .generate,
            "the id \(hexadecimal(id)) is used by a key that was not made on the token")
    }

    /// Removes what an interrupted call has left of a pair, unless another program has written it.
    private mutating func removeUnfinished(
        _ new: NewKey, _ halves: [ObjectClass]
    ) throws(IssuanceError) {
        for half in halves {
            var template = Template()
            template[.class] = half
            template[.id] = new.id
            template[.labelBytes] = new.label
            let found = try at(.generate, "searching the token") {
                try session.findObjects(template)
            }
            for key in found { try requireMadeHere(key, new.id) }
        }
        try removeKeys(new.id, halves, label: new.label)
    }

    /// Removes what a call that made no whole pair has left, and insists that it is gone.
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
                error, at: .generate, while: "what is left of an unfinished key stays")
        }
        if isLeft {
            throw IssuanceError(
                .tokenFailed, at: .generate,
                "what is left of an unfinished key stays, though the token says it is removed")
        }
    }

    /// Reads a key that was made and insists on what it must be; if that fails the error names the
    /// key.
    ///
    /// - Parameters:
    ///   - privateKey: The private half, or nil for the only one with the id.
    ///   - publicKey: The public half, or nil where it is not known.
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
                // Such a key is never used, and another one would be no better.
                throw named.with(
                    reason: "\(error.reason); it stays: \(key.uri)",
                    circumstances: error.circumstances.union([.orderIsOver]))
            }
        } catch {
            let isHidden = error.code == .noSuchObject || error.code == .severalObjects
            let failure =
                isHidden
                ? IssuanceError(
                    .notProved, at: .generate,
                    "the token made a key but does not show its public half; some modules show a "
                        + "new key only to a new process")
                : error
            let key = IssuanceError.KeyOnToken(
                uri: reader.uri(new.id, new.label), id: new.id, isNew: true, module: token.module)
            throw failure.with(
                circumstances: failure.tokenError == nil
                    ? failure.circumstances.union([.attributesAreWrong]) : failure.circumstances,
                key: failure.key ?? key)
        }
    }

    /// Insists on what a key must be, by what the token says of it now.
    ///
    /// - Returns: The key with remarks.
    private mutating func requireAsPlanned(
        _ key: TokenKey, _ new: NewKey
    ) throws(IssuanceError) -> TokenKey {
        var key = key
        let attributes: Attributes
        do throws(CryptokiError) {
            attributes = try session.attributes(
                of: key.handle, Self.protection + [AttributeKey.decrypt.type])
        } catch {
            throw IssuanceError(error, at: .generate, while: "reading the new key")
        }
        guard Self.reportsProtection(attributes) else {
            throw IssuanceError(
                .keyUnsafe, at: .generate, "the new key's value could leave the token")
        }
        guard attributes[.local] ?? true || capabilities.profile?.hidesOrigin ?? false else {
            throw IssuanceError(
                .keyUnsafe, at: .generate, "the token says that the key was not made on it"
            ).with(circumstances: [.keyIsForeign])
        }
        guard key.publicKey.kind == new.kind else {
            // It may belong to another key, so the order stays open.
            throw IssuanceError(
                .notProved, at: .generate,
                "the token shows the new key as one of kind \(key.publicKey.kind) instead of "
                    + "\(new.kind); some modules show a new key only to a new process")
        }
        // The point is not on its curve, or there is no modulus.
        let draft = try? CertificateRequestDraft(
            publicKey: key.publicKey, subject: [], extensions: [])
        guard draft != nil else {
            throw IssuanceError(
                .notProved, at: .generate,
                "the token shows the new key with a public half that is not valid; some modules "
                    + "show a new key only to a new process")
        }
        if attributes[.local] != true {
            key.remarks.append("the token does not say that it made the key itself")
        }
        if case .rsa = new.kind, attributes[.decrypt] == false {
            key.remarks.append(
                "the token does not let the key decrypt: mail encrypted to it could not be read")
        }
        guard key.id == new.id else {
            throw IssuanceError(
                .keyUnsafe, at: .generate,
                "the token gave the key the id \(hexadecimal(key.id)) instead of \(hexadecimal(new.id))"
            )
        }
        return key
    }
}
