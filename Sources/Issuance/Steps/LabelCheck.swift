internal import Cryptoki
internal import Inventory

extension IssuanceRequest {
    /// The label that was given explicitly for a new key, or nil. A key that replaces another one
    /// also takes its label.
    var labelOfNewKey: [UInt8]? {
        guard case .generate = key, replacement == nil, labelBytes != [] else { return nil }
        return labelBytes
    }
}

/// Checks that no key on the token has the label, since a label cannot select one of two keys.
///
/// - Parameter tokenURI: The token's URI.
func requireFree<Access>(
    label: [UInt8], on tokenURI: PKCS11URI, _ session: inout Session<Access>, at step: Step
) throws(IssuanceError) {
    var uris: [String] = []
    do throws(CryptokiError) {
        for half in [ObjectClass.privateKey, .publicKey] {
            var template = Template()
            template[.class] = half
            template[.labelBytes] = label
            for object in try session.findObjects(template) {
                let head = try session.attributes(
                    of: object, [AttributeKey.id.type, AttributeKey.labelBytes.type])
                guard head[.labelBytes] == label else { continue }
                var named = Template()
                named[.class] = .privateKey
                named[.id] = head[.id]
                named[.labelBytes] = label
                let uri = PKCS11URI(token: tokenURI, objectWith: named).description
                if !uris.contains(uri) { uris.append(uri) }
            }
        }
    } catch {
        throw IssuanceError(error, at: step, while: "searching the token")
    }
    guard uris.isEmpty else {
        throw IssuanceError(
            .labelTaken, at: step,
            "a key on the token has the label “\(text(ofLabel: label))” already",
            choices: Array(uris.prefix(5)))
    }
}
