internal import Cryptoki
internal import OpenSSLX509
internal import TokencertInventory

/// Makes a key, and insists on what it must be.
struct GenerateStep {
    let reader: KeyReader
    let capabilities: TokenCapabilities

    /// Makes a key with an id that nothing on the token has.
    ///
    /// - Parameter isAgain: Whether a call was refused a moment ago, since nobody was logged in. What it
    ///   has made all the same is seen only now, and removed first.
    func generate(
        _ kind: KeyKind, id: [UInt8], label: [UInt8], isAgain: Bool = false,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> KeyPair {
        guard let mechanism = kind.generationMechanism else {
            throw IssuanceError(
                .tokenUnsuitable, at: .generate, "no keys of kind \(kind) are made")
        }
        if isAgain { try removeKeys(id, [.privateKey, .publicKey], &session) }
        var refusal: CryptokiError?
        let before = LeftoverObjects.everything(&session)
        for request in KeyPairTemplates(kind, id: id, label: label, capabilities).alternatives {
            do throws(CryptokiError) {
                let pair = try session.generateKeyPair(request, Mechanism(mechanism))
                // What was left out has to hold all the same.
                // Where roles take turns the user looks, a moment later.
                if request.demandsProtection || capabilities.changesRoles { return pair }
                if try isProtected(pair.privateKey, id, &session) { return pair }
            } catch {
                // Some modules leave half of a pair behind. The id was free a moment ago, so the
                // keys that have it now are ours.
                let isClean = (try? removeKeys(id, [.privateKey, .publicKey], &session)) != nil
                guard error.concernsTemplate, isClean else {
                    var failure = IssuanceError(
                        error.concernsTemplate ? refusal ?? error : error, at: .generate,
                        while: "the token made no key")
                    failure.isClosed = isClean
                    throw failure
                }
                refusal = refusal ?? error
                if let before { LeftoverObjects(&session).removeWhatCame(after: before, &session) }
                continue
            }
            try removeKeys(id, [.privateKey, .publicKey], &session)
            var failure = IssuanceError(
                .tokenUnsuitable, at: .generate,
                "the token makes no keys whose value cannot leave it; the one that it made is removed",
                tokenError: refusal)
            failure.isClosed = true
            throw failure
        }
        var failure = IssuanceError(
            .tokenUnsuitable, at: .generate, "the token takes none of the ways to ask for a key",
            tokenError: refusal)
        failure.isClosed = true
        throw failure
    }

    /// Reads a key that was made a moment ago, and insists on what it must be.
    ///
    /// - Parameter pair: Its handles, or nil where they are gone.
    func read(
        _ pair: KeyPair?, of kind: KeyKind, id: [UInt8], label: [UInt8],
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        do throws(IssuanceError) {
            return try generatingAgainIfRefused(on: kind, id, label, &session) {
                (session) throws(IssuanceError) in
                if let pair {
                    return try reader.read(pair.privateKey, pair.publicKey, isNew: true, &session)
                }
                return try reader.readOnly(id, &session)
            }
        } catch {
            guard error.isReading, pair != nil else { throw error }
            // In the session that made a key, some modules return stale or meaningless attributes
            // of it.
            var later = try at(.generate, "no new session can be opened") {
                () throws(CryptokiError) in try session.token.openSession(ReadWrite.self)
            }
            return try read(nil, of: kind, id: id, label: label, &later)
        }
    }

    /// Whether a key's value cannot leave the token, by what it says in this session or in a new one.
    private func isProtected(
        _ key: ObjectHandle, _ id: [UInt8], _ session: inout Session<ReadWrite>
    ) throws(CryptokiError) -> Bool {
        if Self.reportsProtection(try session.attributes(of: key, Self.protection)) { return true }
        var later = try session.token.openSession(ReadWrite.self)
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
    func findMade(
        _ kind: KeyKind, id: [UInt8], label: [UInt8], removing isRemoving: Bool = true,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey? {
        let found: [ObjectHandle]
        do throws(CryptokiError) {
            var template = Template()
            template[.class] = .privateKey
            template[.id] = id
            found = try session.findObjects(template)
        } catch {
            throw IssuanceError(error, at: .generate, while: "searching the token")
        }
        guard let handle = found.first else {
            if isRemoving, !capabilities.changesRoles {
                try removeUnfinished(id, [.publicKey], label, &session)
            }
            return nil
        }
        guard found.count == 1 else {
            throw IssuanceError(
                .severalObjects, at: .generate,
                "\(found.count) private keys on the token have the id \(hexadecimal(id))")
        }
        try requireOwn(handle, kind, id, label, &session)
        do throws(IssuanceError) {
            return try generatingAgainIfRefused(on: kind, id, label, &session) {
                (session) throws(IssuanceError) in
                try reader.read(handle, nil, isNew: true, &session)
            }
        } catch {
            guard isRemoving, error.isKeyForeign, !capabilities.changesRoles else { throw error }
            // Killed between the template and the value: nothing was ever signed with it.
            try removeUnfinished(id, [.privateKey, .publicKey], label, &session)
            return nil
        }
    }

    /// Checks that a key with the id that was chosen is not another program's by now: by where it
    /// was made, by the certificates with its id, and by its label, or by its kind if the module
    /// has labels of its own. The id was free when it was chosen.
    private func requireOwn(
        _ key: ObjectHandle, _ kind: KeyKind, _ id: [UInt8], _ label: [UInt8],
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
        var template = Template()
        template[.class] = .certificate
        template[.id] = id
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
        try requireMadeHere(key, id, &session)
        let found = attributes[.labelBytes] ?? []
        let isOwn =
            capabilities.keepsLabels
            ? found == label || found.isEmpty
            : attributes[.keyType] == kind.keyType
        guard isAlone else {
            throw IssuanceError(
                .idTaken, at: .generate, "the id \(hexadecimal(id)) is used by a certificate")
        }
        guard isOwn else {
            throw IssuanceError(
                .idTaken, at: .generate,
                "the id \(hexadecimal(id)) is used by a key with the label “\(text(ofLabel: found))”"
            )
        }
    }

    /// Checks that another program has not written a key: one that was not made on the token
    /// and has a value. An interrupted call leaves one without a value.
    private func requireMadeHere(
        _ key: ObjectHandle, _ id: [UInt8], _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
        guard !(capabilities.profile?.hidesOrigin ?? false) else { return }
        let attributes = try at(.generate, "reading a key") { () throws(CryptokiError) in
            try session.attributes(of: key, [AttributeKey.local.type])
        }
        guard attributes[.local] == false else { return }
        if LeftoverObjects.hasNoValue(key, &session) { return }
        throw IssuanceError(
            .idTaken, at: .generate,
            "the id \(hexadecimal(id)) is used by a key that was not made on the token")
    }

    /// Removes what an interrupted call has left of a pair, unless another program has written it.
    private func removeUnfinished(
        _ id: [UInt8], _ halves: [ObjectClass], _ label: [UInt8],
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
        for half in halves {
            var template = Template()
            template[.class] = half
            template[.id] = id
            template[.labelBytes] = label
            let found = try at(.generate, "searching the token") { () throws(CryptokiError) in
                try session.findObjects(template)
            }
            for key in found { try requireMadeHere(key, id, &session) }
        }
        try removeKeys(id, halves, label: label, &session)
    }

    /// Removes what a call that made no whole pair has left, and insists that it is gone.
    private func removeKeys(
        _ id: [UInt8], _ halves: [ObjectClass], label: [UInt8]? = nil,
        _ session: inout Session<ReadWrite>
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

    /// Reads a key that was made and insists on what it must be; where that fails the error names
    /// the key.
    private func generatingAgainIfRefused(
        on kind: KeyKind, _ id: [UInt8], _ label: [UInt8], _ session: inout Session<ReadWrite>,
        _ read: (inout Session<ReadWrite>) throws(IssuanceError) -> TokenKey
    ) throws(IssuanceError) -> TokenKey {
        do throws(IssuanceError) {
            var key = try read(&session)
            do throws(IssuanceError) {
                try recordIntent(kind, id, on: &key, &session)
            } catch {
                var error = error
                error.key = key.named(on: session.token)
                // Such a key is never used, and another one would be no better.
                if error.code == .keyUnsafe {
                    error.isClosed = true
                    error.reason += "; it stays: \(key.uri)"
                }
                throw error
            }
            return key
        } catch {
            var error = error
            if error.code == .noSuchObject || error.code == .severalObjects {
                error = IssuanceError(
                    .notProved, at: .generate,
                    "the token made a key but does not show its public half; some modules show a "
                        + "new key only to a new process")
            }
            error.isReading = error.tokenError == nil
            let token = session.token
            error.key =
                error.key
                ?? .init(
                    uri: reader.uri(id, label), id: id, isNew: true, module: token.module)
            throw error
        }
    }

    /// Insists on what the key must be, by what the token says of it now.
    private func recordIntent(
        _ kind: KeyKind, _ id: [UInt8], on key: inout TokenKey, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
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
            var error = IssuanceError(
                .keyUnsafe, at: .generate, "the token says that the key was not made on it")
            error.isKeyForeign = true
            throw error
        }
        guard key.publicKey.kind == kind else {
            // It may belong to another key, so the order stays open.
            throw IssuanceError(
                .notProved, at: .generate,
                "the token shows the new key as one of kind \(key.publicKey.kind) instead of "
                    + "\(kind); some modules show a new key only to a new process")
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
        if case .rsa = kind, attributes[.decrypt] == false {
            key.remarks.append(
                "the token does not let the key decrypt: mail encrypted to it could not be read")
        }
        guard key.id == id else {
            throw IssuanceError(
                .keyUnsafe, at: .generate,
                "the token gave the key the id \(hexadecimal(key.id)) instead of \(hexadecimal(id))"
            )
        }
    }
}
