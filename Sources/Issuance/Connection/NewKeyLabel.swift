internal import Cryptoki
internal import TokencertTokens

/// The label of a new key. It should be unique, so that it selects one key.
enum NewKeyLabel: Sendable {
    /// Given by the user. Rejected if a key on the token already has it.
    case given([UInt8])
    /// The default. Gets a number if a key on the token already has it.
    case chosen([UInt8])
    /// The label of the replaced key, or an empty label given by the user. Need not be unique.
    case shared([UInt8])

    /// The label without a number.
    var wanted: [UInt8] {
        switch self {
        case .given(let label), .chosen(let label), .shared(let label): label
        }
    }

    /// Messages that tell the user why the key does not have the default label; empty if it does, or
    /// if the user gave the label.
    func remarks(on label: [UInt8]) -> [String] {
        guard case .chosen(let wanted) = self, label != wanted else { return [] }
        return [
            "another key on the token has the label \"\(text(ofLabel: wanted))\", so the new key "
                + "has the label \"\(text(ofLabel: label))\""
        ]
    }
}

extension IssuanceRequest {
    func labelOfNewKey(default defaultLabel: String) -> NewKeyLabel {
        guard let labelBytes else { return .chosen(Array(defaultLabel.utf8)) }
        // The other token of a copy may have a key with the same label.
        if original != nil, !labelBytes.isEmpty { return .chosen(labelBytes) }
        // A key that replaces another one takes over its label.
        return labelBytes.isEmpty || replacement != nil ? .shared(labelBytes) : .given(labelBytes)
    }
}

/// The label of a new key: the given one, or the first of "NAME", "NAME 2", "NAME 3" and so on that no
/// key on the token has. Throws ``IssuanceError/Code/labelTaken`` if a key has the given label.
func freeLabel<Access>(
    _ wanted: NewKeyLabel, on tokenURI: PKCS11URI, _ session: inout Session<Access>, at step: Step
) throws(IssuanceError) -> [UInt8] {
    switch wanted {
    case .shared(let label):
        return label
    case .given(let label):
        var uris: [String] = []
        for found in try keys(labelled: label, &session, at: step) {
            let named = Template(.privateKey, id: found[.id], label: label)
            let uri = PKCS11URI(token: tokenURI, objectWith: named).description
            if !uris.contains(uri) { uris.append(uri) }
        }
        guard uris.isEmpty else {
            throw IssuanceError(
                .labelTaken, at: step,
                "a key on the token already has the label \"\(text(ofLabel: label))\"",
                choices: Array(uris.prefix(5)))
        }
        return label
    case .chosen(let name):
        if try keys(labelled: name, &session, at: step).isEmpty { return name }
        // Read many labels at once, because thousands may have a number. Those of public keys first:
        // SoftHSM 2.6.1 decrypts each attribute of a private key, and the halves mostly have one label.
        let publicKeys = try labels(of: .publicKey, &session, at: step)
        let label = numbered(name, avoiding: publicKeys.union([name]))
        if !publicKeys.isEmpty, try keys(labelled: label, &session, at: step).isEmpty {
            return label
        }
        let privateKeys = try labels(of: .privateKey, &session, at: step)
        return numbered(name, avoiding: publicKeys.union(privateKeys).union([name]))
    }
}

/// The first of "NAME", "NAME 2", "NAME 3" and so on that is not taken.
func numbered(_ name: [UInt8], avoiding taken: Set<[UInt8]?>) -> [UInt8] {
    var (label, number) = (name, 1)
    while taken.contains(label) {
        number += 1
        label = name + Array(" \(number)".utf8)
    }
    return label
}

/// The ids and labels of the private and public keys with a label.
private func keys<Access>(
    labelled label: [UInt8], _ session: inout Session<Access>, at step: Step
) throws(IssuanceError) -> [Attributes] {
    // One search for both classes: few objects have the label, and some modules take long to search.
    var template = Template()
    template[.labelBytes] = label
    let types = [
        AttributeKey<ObjectClass>.class.type, AttributeKey.id.type, AttributeKey.labelBytes.type,
    ]
    return try found(template, types, &session, at: step).filter { object in
        // An object without a readable class may be a key.
        let kind = object[.class] ?? .privateKey
        return [.privateKey, .publicKey].contains(kind) && object[.labelBytes] == label
    }
}

/// The labels of all private or public keys.
private func labels<Access>(
    of kind: ObjectClass, _ session: inout Session<Access>, at step: Step
) throws(IssuanceError) -> Set<[UInt8]?> {
    let types = [AttributeKey.labelBytes.type]
    return Set(try found(Template(kind), types, &session, at: step).map { $0[.labelBytes] })
}

private func found<Access>(
    _ template: Template, _ types: [AttributeType], _ session: inout Session<Access>, at step: Step
) throws(IssuanceError) -> [Attributes] {
    do throws(CryptokiError) {
        var found: [Attributes] = []
        for object in try session.findObjects(template) {
            do throws(CryptokiError) {
                found.append(try session.attributes(of: object, types))
            } catch  where error.returnValue == .objectHandleInvalid {
                // Another program has destroyed it since it was found.
            }
        }
        return found
    } catch {
        throw IssuanceError(error, at: step, while: "cannot search the token")
    }
}
