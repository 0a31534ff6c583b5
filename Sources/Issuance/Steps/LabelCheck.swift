internal import Cryptoki
internal import Inventory

extension IssuanceRequest {
    /// The label that was asked for by name for a new key, or nil. A key that takes the place of
    /// another one takes its label, too.
    var labelOfNewKey: [UInt8]? {
        guard case .generate = key, replacement == nil, labelBytes != [] else { return nil }
        return labelBytes
    }
}

/// Insists that no key on the token has a label: by it alone neither of two keys could be named.
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
