internal import Cryptoki

func readURI(_ bytes: [UInt8]) {
    guard let uri = try? PKCS11URI(parsing: String(decoding: bytes, as: UTF8.self)) else { return }
    let text = uri.description
    // A PIN can stand in the query only, under its name or a mistyped one.
    let query = text.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
    for part in query.split(separator: "&") {
        let name = part.prefix { $0 != "=" }
        precondition(["pin-source", "module-name", "module-path"].contains(name))
    }
    _ = (uri.tokenLabel, uri.pinSource, uri.modulePath, uri.moduleName, uri.namesObject)
    _ = (uri.objectAttributes.types, uri.holdsPIN, uri.pinValue() == nil)
    guard !uri.hasUnrecognizedParts else { return }
    // What is printed names the same.
    guard let again = try? PKCS11URI(parsing: text) else {
        preconditionFailure("what was printed is not read: \(text)")
    }
    precondition(again.description == text)
}
