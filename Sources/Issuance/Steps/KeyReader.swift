internal import Cryptoki
internal import Inventory
internal import OpenSSLX509

/// Finds keys that are on a token, and reads them.
struct KeyReader {
    let tokenURI: PKCS11URI
    let acceptance: KeyAcceptance

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
            let choices = try uris(of: found.isEmpty ? nil : found, &session)
            throw IssuanceError(
                found.isEmpty ? .noSuchObject : .severalObjects, at: .generate,
                found.isEmpty
                    ? "no private key on the token fits \(uri)"
                    : "\(found.count) private keys on the token fit \(uri)",
                choices: choices, wanted: uri.description)
        }
        let key = try read(found[0], nil, isNew: false, &session)
        guard acceptance.contains(key.publicKey.kind) else {
            throw IssuanceError(
                .keyNotAccepted, at: .generate,
                "the CA signs no keys of kind \(key.publicKey.kind)")
        }
        return key
    }

    /// The URIs of private keys, twenty at most.
    ///
    /// - Parameter keys: The keys, or nil for all of the token.
    private func uris(
        of keys: [ObjectHandle]?, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> [String] {
        do throws(CryptokiError) {
            var template = Template()
            template[.class] = .privateKey
            let handles = if let keys { keys } else { try session.findObjects(template) }
            var uris: [String] = []
            for handle in handles.prefix(20) {
                let attributes = try session.attributes(
                    of: handle, [AttributeKey.id.type, AttributeKey.label.type])
                uris.append(uri(attributes[.id] ?? [], attributes[.label] ?? ""))
            }
            return uris
        } catch {
            throw IssuanceError(error, at: .generate, while: "searching the token")
        }
    }

    /// Finds a key by its public half, under the id that it had.
    func find(
        id: [UInt8], publicKeyHash: String, isNew: Bool = false, _ session: inout Session<ReadWrite>
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
            let key = try read(handle, nil, isNew: isNew, &session)
            if key.publicKeyHash == publicKeyHash { return key }
        }
        throw IssuanceError(
            .noSuchObject, at: .generate,
            "the key of this order, with the id \(hexadecimal(id)), is not on the token")
    }

    /// Reads the one key that has an id.
    func readOnly(
        _ id: [UInt8], _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        var template = Template()
        template[.class] = .privateKey
        template[.id] = id
        let found = try at(.generate, "searching the token") { () throws(CryptokiError) in
            try session.findObjects(template)
        }
        guard found.count == 1 else {
            throw IssuanceError(
                .notProved, at: .generate,
                "the token made a key, and shows \(found.count) with its id")
        }
        return try read(found[0], nil, isNew: true, &session)
    }

    /// Reads a private key and finds its public half: in its own attributes, in the public-key
    /// object beside it, or in a certificate with the same id. What is found is proved when the
    /// request's signature is verified with it.
    func read(
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
                of: privateKey, publicKey, attributes[.keyType], id,
                attributes[.label] ?? "", &session)
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
        _ label: String, _ session: inout Session<ReadWrite>
    ) throws(CryptokiError) -> PublicKey? {
        let parts = [
            AttributeKey.modulus.type, AttributeKey.publicExponent.type,
            AttributeKey.ecParams.type, AttributeKey.ecPoint.type,
        ]
        // What it says itself goes first: two pairs may have one id.
        let own = try session.attributes(of: privateKey, parts)
        if let value = Inventory.publicKey(type, own) { return value }
        var candidates = publicKey.map { [$0] } ?? []
        if candidates.isEmpty, !id.isEmpty {
            candidates = try publicHalves(id, label, &session)
        }
        for object in candidates {
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

    /// The public halves with an id; where there are several, those with the label first.
    private func publicHalves(
        _ id: [UInt8], _ label: String, _ session: inout Session<ReadWrite>
    ) throws(CryptokiError) -> [ObjectHandle] {
        var template = Template()
        template[.class] = .publicKey
        template[.id] = id
        let all = try session.findObjects(template)
        guard all.count > 1 else { return all }
        template[.label] = label
        let alike = try session.findObjects(template)
        return alike + all.filter { !alike.contains($0) }
    }

    /// The URI of a private key.
    func uri(_ id: [UInt8], _ label: String) -> String {
        var named = Template()
        named[.class] = .privateKey
        if !id.isEmpty { named[.id] = id }
        if !label.isEmpty { named[.label] = label }
        return PKCS11URI(token: tokenURI, objectWith: named).description
    }
}
