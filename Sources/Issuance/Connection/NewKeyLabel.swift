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
            var named = Template()
            named[.class] = .privateKey
            named[.id] = found[.id]
            named[.labelBytes] = label
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
        // Read all labels at once, because thousands may have a number.
        let taken = try Set(keys(labelled: nil, &session, at: step).map { $0[.labelBytes] })
        return numbered(name, avoiding: taken)
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

/// The ids and labels of all private and public keys, or of those with a label.
private func keys<Access>(
    labelled label: [UInt8]?, _ session: inout Session<Access>, at step: Step
) throws(IssuanceError) -> [Attributes] {
    var keys: [Attributes] = []
    do throws(CryptokiError) {
        for half in [ObjectClass.privateKey, .publicKey] {
            var template = Template()
            template[.class] = half
            if let label { template[.labelBytes] = label }
            for object in try session.findObjects(template) {
                let found = try session.attributes(
                    of: object, [AttributeKey.id.type, AttributeKey.labelBytes.type])
                if label == nil || found[.labelBytes] == label { keys.append(found) }
            }
        }
    } catch {
        throw IssuanceError(error, at: step, while: "cannot search the token")
    }
    return keys
}
