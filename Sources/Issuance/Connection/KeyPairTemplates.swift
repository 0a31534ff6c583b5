internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// Templates for generating a key pair. The first states all required attributes, because the
/// defaults of modules differ. The others leave out attributes that a module may reject; reading
/// the key afterwards must then show that it cannot be extracted.
func keyPairTemplates(_ new: NewKey, _ capabilities: some TokenDescription) -> [KeyPairRequest] {
    var whole = wholeRequest(new.kind, new.id, new.label)
    whole.publicKey = whole.publicKey.without(capabilities.omittedFromPublicKeys)
    whole.privateKey = whole.privateKey.without(capabilities.omittedFromPrivateKeys)
    var alternatives = [whole]
    for omitted in omissions {
        let next = KeyPairRequest(
            publicKey: whole.publicKey.without(omitted),
            privateKey: whole.privateKey.without(omitted))
        if !alternatives.contains(next) { alternatives.append(next) }
    }
    return alternatives
}

/// The attributes that can be left out, the least important first.
private let dispensable: [Set<AttributeType>] = [
    [AttributeKey.extractable.type],
    [AttributeKey.sensitive.type],
    [AttributeKey.verify.type],
    [AttributeKey.encrypt.type, AttributeKey.decrypt.type],
]

/// All combinations of these, the smallest first, so that no attribute is left out needlessly.
private let omissions: [Set<AttributeType>] = {
    var all: [[Int]] = [[]]
    for index in dispensable.indices { all += all.map { $0 + [index] } }
    return all.dropFirst().sorted {
        ($0.count, $0.reduce(0, +)) < ($1.count, $1.reduce(0, +))
    }.map { indices in
        indices.reduce(into: Set()) { $0.formUnion(dispensable[$1]) }
    }
}()

private func wholeRequest(_ kind: KeyKind, _ id: [UInt8], _ label: [UInt8]) -> KeyPairRequest {
    var publicKey = Template()
    publicKey[.token] = true
    publicKey[.verify] = true
    publicKey[.labelBytes] = label
    publicKey[.id] = id
    var privateKey = Template()
    privateKey[.token] = true
    privateKey[.private] = true
    privateKey[.sensitive] = true
    privateKey[.extractable] = false
    privateKey[.sign] = true
    privateKey[.labelBytes] = label
    privateKey[.id] = id
    switch kind {
    case .rsa(let bits):
        publicKey[.modulusBits] = UInt(bits)
        publicKey[.publicExponent] = [1, 0, 1]
        // The certificates are also for e-mail: without these attributes the key cannot decrypt.
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

extension KeyPairRequest {
    /// Whether the template demands a key that cannot be extracted.
    var demandsProtection: Bool {
        privateKey[.sensitive] == true && privateKey[.extractable] == false
    }
}

extension CryptokiError {
    /// Whether the module rejected the template, so another one may succeed.
    var concernsTemplate: Bool {
        let values: [ReturnValue] = [
            .attributeTypeInvalid, .attributeValueInvalid, .attributeReadOnly,
            .templateInconsistent, .templateIncomplete,
        ]
        return returnValue.map { values.contains($0) } ?? false
    }
}
