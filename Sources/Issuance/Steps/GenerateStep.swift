internal import Cryptoki
internal import Inventory
internal import OpenSSLX509

/// Makes a key, or finds one that is there.
struct GenerateStep {
    let tokenURI: PKCS11URI
    let acceptance: KeyAcceptance

    // MARK: A new key

    /// Makes a key with an id that nothing on the token has.
    func generate(
        _ kind: KeyKind, id: [UInt8], label: String, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        guard let mechanism = kind.generationMechanism else {
            throw IssuanceError(
                .tokenUnsuitable, at: .generate, "no keys of kind \(kind) are made")
        }
        let pair: KeyPair
        do throws(CryptokiError) {
            pair = try session.generateKeyPair(
                Self.request(kind, id, label), Mechanism(mechanism))
        } catch {
            // Some modules leave half of a pair behind. The id was free a moment ago, so the keys
            // that have it now are ours.
            var failure = IssuanceError(error, at: .generate, while: "the token made no key")
            failure.isClosed = (try? removeKeys(id, [.privateKey, .publicKey], &session)) != nil
            throw failure
        }
        return try insisting(on: kind, id, label, &session) {
            (session) throws(IssuanceError) in
            try read(pair.privateKey, pair.publicKey, isNew: true, &session)
        }
    }

    /// Finds the key that an unfinished job has made, by the id that it had chosen and that nothing
    /// had then. What has another label by now is somebody else's.
    ///
    /// - Returns: The key, or nil where none was made; halves of one are removed then.
    func findMade(
        _ kind: KeyKind, id: [UInt8], label: String, _ session: inout Session<ReadWrite>
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
            try removeKeys(id, [.publicKey], label: label, &session)
            return nil
        }
        guard found.count == 1 else {
            throw IssuanceError(
                .severalObjects, at: .generate,
                "\(found.count) private keys on the token have the id \(hexadecimal(id))")
        }
        let key: TokenKey
        do throws(IssuanceError) {
            key = try insisting(on: kind, id, label, &session) {
                (session) throws(IssuanceError) in
                try read(handle, nil, isNew: true, &session)
            }
        } catch {
            guard error.isKeyForeign else { throw error }
            // Killed between the template and the value: nothing was ever signed with it.
            try removeKeys(id, [.privateKey, .publicKey], label: label, &session)
            return nil
        }
        guard key.label == label || key.label.isEmpty else {
            throw IssuanceError(
                .idTaken, at: .generate,
                "the id \(hexadecimal(id)) is used by a key with the label “\(key.label)”")
        }
        return key
    }

    /// Removes what a call that made no whole pair has left, and insists that it is gone.
    private func removeKeys(
        _ id: [UInt8], _ halves: [ObjectClass], label: String? = nil,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
        var isLeft = false
        do throws(CryptokiError) {
            for half in halves {
                var template = Template()
                template[.class] = half
                template[.id] = id
                if let label { template[.label] = label }
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
    private func insisting(
        on kind: KeyKind, _ id: [UInt8], _ label: String, _ session: inout Session<ReadWrite>,
        _ read: (inout Session<ReadWrite>) throws(IssuanceError) -> TokenKey
    ) throws(IssuanceError) -> TokenKey {
        do throws(IssuanceError) {
            let key = try read(&session)
            do throws(IssuanceError) {
                try insist(kind, id, on: key, &session)
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
            let token = session.token
            error.key =
                error.key
                ?? .init(
                    uri: uri(id, label), id: id, isNew: true, tokenLabel: token.info.label,
                    modulePath: token.module.path)
            throw error
        }
    }

    private func uri(_ id: [UInt8], _ label: String) -> String {
        var named = Template()
        named[.class] = .privateKey
        if !id.isEmpty { named[.id] = id }
        if !label.isEmpty { named[.label] = label }
        return PKCS11URI(token: tokenURI, objectWith: named).description
    }

    private static func request(
        _ kind: KeyKind, _ id: [UInt8], _ label: String
    ) -> KeyPairRequest {
        var publicKey = Template()
        publicKey[.token] = true
        publicKey[.verify] = true
        publicKey[.label] = label
        publicKey[.id] = id
        var privateKey = Template()
        privateKey[.token] = true
        privateKey[.private] = true
        privateKey[.sensitive] = true
        privateKey[.extractable] = false
        privateKey[.sign] = true
        privateKey[.label] = label
        privateKey[.id] = id
        switch kind {
        case .rsa(let bits):
            publicKey[.modulusBits] = UInt(bits)
            publicKey[.publicExponent] = [1, 0, 1]
            // The certificates are for mail, too: without these it could not be decrypted.
            publicKey[.encrypt] = true
            privateKey[.decrypt] = true
        case .ec(let curve):
            publicKey[.ecParams] = curve.ecParameters
        case .ed25519:
            publicKey[.ecParams] = PublicKey.ed25519PrintableName
        case .other:
            break
        }
        return KeyPairRequest(publicKey: publicKey, privateKey: privateKey)
    }

    /// Insists on what the key must be, by what the token says of it now.
    private func insist(
        _ kind: KeyKind, _ id: [UInt8], on key: TokenKey, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
        let attributes: Attributes
        do throws(CryptokiError) {
            attributes = try session.attributes(
                of: key.handle,
                [
                    AttributeKey.sensitive.type, AttributeKey.extractable.type,
                    AttributeKey.neverExtractable.type, AttributeKey.local.type,
                ])
        } catch {
            throw IssuanceError(error, at: .generate, while: "reading the new key")
        }
        let isUnextractable =
            attributes[.neverExtractable] ?? (attributes[.extractable] == false)
        guard attributes[.sensitive] == true, isUnextractable, attributes[.extractable] != true
        else {
            throw IssuanceError(
                .keyUnsafe, at: .generate, "the new key's value could leave the token")
        }
        guard attributes[.local] ?? true else {
            var error = IssuanceError(
                .keyUnsafe, at: .generate, "the token says that the key was not made on it")
            error.isKeyForeign = true
            throw error
        }
        guard key.publicKey.kind == kind else {
            throw IssuanceError(
                .keyUnsafe, at: .generate,
                "the token made a key of kind \(key.publicKey.kind) instead of \(kind)")
        }
        guard key.id == id else {
            throw IssuanceError(
                .keyUnsafe, at: .generate,
                "the token gave the key the id \(hexadecimal(key.id)) instead of \(hexadecimal(id))"
            )
        }
    }

    // MARK: A key that is there

    /// Finds the key that a URI names.
    func find(
        _ uri: PKCS11URI, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        var template = uri.objectAttributes
        template[.class] = .privateKey
        let found: [ObjectHandle]
        do throws(CryptokiError) {
            found = try session.findObjects(template)
        } catch {
            throw IssuanceError(error, at: .generate, while: "searching the token")
        }
        guard found.count == 1 else {
            var choices: [String] = []
            for handle in found.prefix(20) {
                choices.append(try read(handle, nil, isNew: false, &session).uri)
            }
            throw IssuanceError(
                found.isEmpty ? .noSuchObject : .severalObjects, at: .generate,
                found.isEmpty
                    ? "no private key on the token fits \(uri)"
                    : "\(found.count) private keys on the token fit \(uri)",
                choices: choices)
        }
        let key = try read(found[0], nil, isNew: false, &session)
        guard acceptance.contains(key.publicKey.kind) else {
            throw IssuanceError(
                .keyNotAccepted, at: .generate,
                "the CA signs no keys of kind \(key.publicKey.kind)")
        }
        return key
    }

    /// Finds a key by its public half, under the id that it had.
    func find(
        id: [UInt8], publicKeyHash: String, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        var template = Template()
        template[.class] = .privateKey
        if !id.isEmpty { template[.id] = id }
        let found: [ObjectHandle]
        do throws(CryptokiError) {
            found = try session.findObjects(template)
        } catch {
            throw IssuanceError(error, at: .generate, while: "searching the token")
        }
        for handle in found {
            let key = try read(handle, nil, isNew: false, &session)
            if key.publicKeyHash == publicKeyHash { return key }
        }
        throw IssuanceError(
            .noSuchObject, at: .generate,
            "the key of this order, with the id \(hexadecimal(id)), is not on the token")
    }

    // MARK: Reading

    /// Reads a private key and finds its public half: in its own attributes, in the public-key
    /// object beside it, or in a certificate with the same id. What is found is proved when the
    /// request's signature is verified with it.
    private func read(
        _ privateKey: ObjectHandle, _ publicKey: ObjectHandle?, isNew: Bool,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        let key: TokenKey?
        let uri: String
        do throws(CryptokiError) {
            let attributes = try session.attributes(
                of: privateKey,
                [
                    AttributeKey.id.type, AttributeKey.label.type, AttributeKey.keyType.type,
                    AttributeKey.alwaysAuthenticate.type,
                ])
            let id = attributes[.id] ?? []
            uri = self.uri(id, attributes[.label] ?? "")
            let value = try self.publicKey(
                of: privateKey, publicKey, attributes[.keyType], id, &session)
            key = value.map { value in
                TokenKey(
                    handle: privateKey, publicKey: value, id: id, label: attributes[.label] ?? "",
                    uri: uri, isNew: isNew,
                    needsPINForEachUse: attributes[.alwaysAuthenticate] ?? false)
            }
        } catch {
            throw IssuanceError(error, at: .generate, while: "reading a key")
        }
        guard let key else {
            throw IssuanceError(
                .noSuchObject, at: .generate, "nothing on the token tells the public key of \(uri)")
        }
        return key
    }

    private func publicKey(
        of privateKey: ObjectHandle, _ publicKey: ObjectHandle?, _ type: KeyType?, _ id: [UInt8],
        _ session: inout Session<ReadWrite>
    ) throws(CryptokiError) -> PublicKey? {
        let parts = [
            AttributeKey.modulus.type, AttributeKey.publicExponent.type,
            AttributeKey.ecParams.type, AttributeKey.ecPoint.type,
        ]
        var candidates = publicKey.map { [$0] } ?? []
        if candidates.isEmpty, !id.isEmpty {
            var template = Template()
            template[.class] = .publicKey
            template[.id] = id
            candidates = try session.findObjects(template)
        }
        for object in candidates + [privateKey] {
            let attributes = try session.attributes(of: object, parts)
            if let value = Inventory.publicKey(type, attributes) { return value }
        }
        let info = try session.attributes(of: privateKey, [AttributeKey.publicKeyInfo.type])
        if let der = info[.publicKeyInfo], let value = try? PublicKey(subjectPublicKeyInfo: der) {
            return value
        }
        guard !id.isEmpty else { return nil }
        var template = Template()
        template[.class] = .certificate
        template[.id] = id
        for object in try session.findObjects(template) {
            let attributes = try session.attributes(of: object, [AttributeKey.value.type])
            if let certificate = attributes[.value].flatMap({ try? Certificate(der: $0) }) {
                return certificate.publicKey
            }
        }
        return nil
    }
}
