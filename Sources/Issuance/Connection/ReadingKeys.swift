internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// Finds and reads keys on a token.
extension Connection {
    /// Finds the key that matches a URI. If several match, the SHA-256 of the possible public keys,
    /// in hexadecimal, must select one of them.
    mutating func findKey(
        _ uri: PKCS11URI, among hashes: Set<String>? = nil,
        accepting acceptance: KeyAcceptance = .anything
    ) throws(IssuanceError) -> TokenKey {
        var template = uri.objectAttributes
        template[.class] = .privateKey
        var found = try search(template)
        if let possibleKeyID, template[.id] as [UInt8]? == nil {
            let others = try search(Template(.privateKey, id: possibleKeyID))
            found += others.filter { !found.contains($0) }
        }
        if found.count > 1, let hashes {
            let fitting = try keys(among: found, hashes)
            if Set(fitting.map(\.publicKeyHash)).count == 1, let key = certain(fitting) {
                return try accepted(key, acceptance)
            }
        }
        guard found.count == 1 else {
            let choices = try uris(of: found.isEmpty ? nil : found)
            throw IssuanceError(
                found.isEmpty ? .noSuchObject : .severalObjects, at: .generate,
                found.isEmpty
                    ? "no private key on the token matches \(uri)"
                    : "\(found.count) private keys on the token match \(uri)",
                choices: choices, wanted: uri.description)
        }
        let key: TokenKey
        if let hashes, let known = try readKey(found[0], among: hashes) {
            key = known
        } else {
            key = try readKey(found[0], nil, isNew: false)
        }
        return try accepted(key, acceptance)
    }

    private func accepted(
        _ key: TokenKey, _ acceptance: KeyAcceptance
    ) throws(IssuanceError) -> TokenKey {
        if let objection = acceptance.objection(to: key.publicKey) {
            throw IssuanceError(.keyNotAccepted, at: .generate, objection)
        }
        return key
    }

    /// The URIs of at most twenty private keys; nil means all keys on the token.
    private mutating func uris(of keys: [ObjectHandle]?) throws(IssuanceError) -> [String] {
        try at(.generate, "cannot search the token") {
            let template = Template(.privateKey)
            let handles = if let keys { keys } else { try session.findObjects(template) }
            var uris: [String] = []
            for handle in handles.prefix(20) {
                let attributes = try session.attributes(
                    of: handle, [AttributeKey.id.type, AttributeKey.labelBytes.type])
                uris.append(keyURI(attributes[.id] ?? [], attributes[.labelBytes] ?? []))
            }
            return uris
        }
    }

    /// Finds a key by its public key and its last known id.
    mutating func findKey(
        id: [UInt8], publicKeyHash: String, isNew: Bool = false
    ) throws(IssuanceError) -> TokenKey {
        // Modules disagree on what a search for an empty id finds.
        let template = Template(.privateKey, id: id.isEmpty ? nil : id)
        let handles = try search(template)
        let found = try keys(among: handles, [publicKeyHash], isNew: isNew)
        if let key = certain(found) { return key }
        guard found.isEmpty else {
            throw IssuanceError(
                .severalObjects, at: .generate,
                "\(found.count) private keys on the token could be the key of this order",
                choices: found.map(\.uri))
        }
        throw IssuanceError(
            .noSuchObject, at: .generate,
            "the key of this order (id \(hexadecimal(id))) is not on the token")
    }

    /// The key that is certainly the right one, or nil. A key is certain if its public key was read
    /// from the private key itself.
    private func certain(_ found: [TokenKey]) -> TokenKey? {
        found.first(where: \.tellsPublicKey) ?? (found.count == 1 ? found[0] : nil)
    }

    /// The private keys that could belong to one of the public keys.
    mutating func keys(
        among handles: [ObjectHandle], _ hashes: Set<String>, isNew: Bool = false
    ) throws(IssuanceError) -> [TokenKey] {
        var keys: [TokenKey] = []
        for handle in handles {
            let key = try readKey(handle, among: hashes, isNew: isNew)
            if let key { keys.append(key) }
        }
        return keys
    }

    /// Reads the only private key with an id.
    mutating func readKey(id: [UInt8]) throws(IssuanceError) -> TokenKey {
        let found = try search(Template(.privateKey, id: id))
        guard found.count == 1 else {
            throw IssuanceError(
                .notProved, at: .generate,
                "the token generated a key pair but shows \(found.count) private keys with its id")
        }
        return try readKey(found[0], nil, isNew: true)
    }

    /// Reads a private key and finds its public key: in its own attributes, in the public key object,
    /// or in a certificate. Verifying the signature of the request proves that it is the right one.
    mutating func readKey(
        _ privateKey: ObjectHandle, _ publicKey: ObjectHandle?, isNew: Bool
    ) throws(IssuanceError) -> TokenKey {
        let half = try privateHalf(privateKey)
        let candidates = try at(.generate, "cannot read a key") {
            try publicHalves(of: half, publicKey)
        }
        let uri = keyURI(half.id, half.label)
        guard let first = candidates.first else {
            throw IssuanceError(
                .noSuchObject, at: .generate, "cannot find the public key of \(uri) on the token")
        }
        guard candidates.allSatisfy({ $0.value == first.value }) else {
            throw IssuanceError(
                .severalObjects, at: .generate,
                "\(candidates.count) objects on the token contain different public keys for "
                    + "\(uri): "
                    + candidates.map(\.uri).joined(separator: ", "))
        }
        return tokenKey(half, first, isNew: isNew)
    }

    /// Reads a private key, or returns nil if its public key cannot be one of the known ones.
    private mutating func readKey(
        _ privateKey: ObjectHandle, among hashes: Set<String>, isNew: Bool = false
    ) throws(IssuanceError) -> TokenKey? {
        let half = try privateHalf(privateKey)
        let candidates = try at(.generate, "cannot read a key") {
            try publicHalves(of: half, nil)
        }
        let known = candidates.first { hashes.contains(hexadecimal($0.value.sha256Fingerprint)) }
        return known.map { tokenKey(half, $0, isNew: isNew) }
    }

    private func tokenKey(_ half: PrivateHalf, _ candidate: PublicHalf, isNew: Bool) -> TokenKey {
        TokenKey(
            handle: half.handle, publicKey: candidate.value, id: half.id, labelBytes: half.label,
            uri: keyURI(half.id, half.label), isNew: isNew,
            needsPINForEachUse: half.attributes[.alwaysAuthenticate] ?? false,
            maySign: half.attributes[.sign] ?? true,
            mayDecrypt: half.attributes[.decrypt] ?? false, tellsPublicKey: candidate.isOwn)
    }

    // MARK: Public keys

    private struct PrivateHalf {
        let handle: ObjectHandle
        let attributes: Attributes

        var id: [UInt8] { attributes[.id] ?? [] }
        var label: [UInt8] { attributes[.labelBytes] ?? [] }
        var type: KeyType? { attributes[.keyType] }
    }

    /// A possible public key of a private key, and its source.
    private struct PublicHalf {
        let value: PublicKey
        let uri: String
        /// Whether it comes from the private key itself, or from the call that generated the pair.
        let isOwn: Bool
    }

    private static let valueTypes = [
        AttributeKey.modulus.type, AttributeKey.publicExponent.type,
        AttributeKey.ecParams.type, AttributeKey.ecPoint.type,
    ]

    private mutating func privateHalf(_ handle: ObjectHandle) throws(IssuanceError) -> PrivateHalf {
        let attributes = try at(.generate, "cannot read a key") {
            try session.attributes(
                of: handle,
                [
                    AttributeKey.id.type, AttributeKey.labelBytes.type, AttributeKey.keyType.type,
                    AttributeKey.alwaysAuthenticate.type, AttributeKey.sign.type,
                    AttributeKey.decrypt.type,
                ])
        }
        return PrivateHalf(handle: handle, attributes: attributes)
    }

    /// The possible public keys of a private key, from the best source on the token that has any.
    private mutating func publicHalves(
        of half: PrivateHalf, _ publicKey: ObjectHandle?
    ) throws(CryptokiError) -> [PublicHalf] {
        let uri = keyURI(half.id, half.label)
        // The private key is the best source, because two key pairs may have the same id.
        let own = try session.attributes(of: half.handle, Self.valueTypes)
        if let value = TokencertTokens.publicKey(half.type, own) {
            return [PublicHalf(value: value, uri: uri, isOwn: true)]
        }
        if let publicKey {
            let attributes = try session.attributes(of: publicKey, Self.valueTypes)
            if let value = TokencertTokens.publicKey(half.type, attributes) {
                return [PublicHalf(value: value, uri: uri, isOwn: true)]
            }
        }
        let info = try session.attributes(of: half.handle, [AttributeKey.publicKeyInfo.type])
        if let der = info[.publicKeyInfo], let value = try? PublicKey(subjectPublicKeyInfo: der),
            value.isOf(half.type)
        {
            return [PublicHalf(value: value.byNumbers, uri: uri, isOwn: true)]
        }
        for objectClass in [ObjectClass.publicKey, .certificate] {
            let found = try neighbours(of: half, objectClass)
            if !found.isEmpty { return found }
        }
        return []
    }

    /// The objects of a class with the id of a private key. If it has no id or there are none, those
    /// with its label.
    private mutating func neighbours(
        of half: PrivateHalf, _ objectClass: ObjectClass
    ) throws(CryptokiError) -> [PublicHalf] {
        if !half.id.isEmpty {
            let objects = try session.findObjects(Template(objectClass, id: half.id))
            let found = try told(by: objects, half) { head in
                head[.id] == half.id
            }
            if Set(found.map(\.half.value)).count > 1 {
                let alike = found.filter { $0.label == half.label }
                if !alike.isEmpty { return alike.map(\.half) }
            }
            if !found.isEmpty { return found.map(\.half) }
        }
        let template = Template(objectClass, label: half.label.isEmpty ? nil : half.label)
        let objects = try session.findObjects(template)
        let found = try told(by: objects, half) { head in
            // A public key with an id belongs to another pair. The id of a certificate is ignored,
            // because any program may set it.
            head[.labelBytes] ?? [] == half.label
                && (objectClass == .certificate || (head[.id] ?? []).isEmpty)
        }
        return found.map(\.half)
    }

    /// The public keys in the objects, if they have the private key's type.
    private mutating func told(
        by objects: [ObjectHandle], _ half: PrivateHalf, where belongs: (Attributes) -> Bool
    ) throws(CryptokiError) -> [(half: PublicHalf, label: [UInt8])] {
        var found: [(half: PublicHalf, label: [UInt8])] = []
        for object in objects {
            let head = try session.attributes(
                of: object,
                [
                    AttributeKey.class.type, AttributeKey.id.type, AttributeKey.labelBytes.type,
                    AttributeKey.keyType.type,
                ])
            guard belongs(head), let objectClass = head[.class] as ObjectClass? else { continue }
            let value: PublicKey?
            switch objectClass {
            case .publicKey:
                let attributes = try session.attributes(of: object, Self.valueTypes)
                value = TokencertTokens.publicKey(head[.keyType] ?? half.type, attributes)
            case .certificate:
                let attributes = try session.attributes(of: object, [AttributeKey.value.type])
                let certificate = attributes[.value].flatMap { try? Certificate(firstIn: $0) }
                value = certificate?.publicKey.byNumbers
            default:
                value = nil
            }
            guard let value, value.isOf(half.type) else { continue }
            let named = Template(objectClass, id: head[.id], label: head[.labelBytes])
            let uri = PKCS11URI(token: tokenURI, objectWith: named).description
            found.append(
                (PublicHalf(value: value, uri: uri, isOwn: false), head[.labelBytes] ?? []))
        }
        return found
    }

    private mutating func search(_ template: Template) throws(IssuanceError) -> [ObjectHandle] {
        try at(.generate, "cannot search the token") {
            try session.findObjects(template)
        }
    }

    func keyURI(_ id: [UInt8], _ label: [UInt8]) -> String {
        let named = Template(
            .privateKey, id: id.isEmpty ? nil : id, label: label.isEmpty ? nil : label)
        return PKCS11URI(token: tokenURI, objectWith: named).description
    }
}

extension PublicKey {
    /// The same key with the plain algorithm identifier; that in a certificate may restrict its use.
    fileprivate var byNumbers: PublicKey {
        rsaNumbers.map { PublicKey(rsaModulus: $0.modulus, publicExponent: $0.publicExponent) }
            ?? self
    }

    /// Whether the key has this type; true if the type is unknown.
    fileprivate func isOf(_ type: KeyType?) -> Bool {
        guard let type, let own = kind.keyType else { return true }
        return own == type
    }
}
