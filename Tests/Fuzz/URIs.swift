internal import Cryptoki

func readURI(_ bytes: [UInt8]) {
    let uri: PKCS11URI
    do throws(CryptokiError) {
        uri = try PKCS11URI(parsing: String(decoding: bytes, as: UTF8.self))
    } catch {
        // A URI that both the grammar and p11-kit accept has the same meaning in both.
        precondition(error.code == .invalidURI)
        precondition(!error.context.contains("interprets it differently"))
        return
    }
    let text = uri.description
    // Only the query can contain a PIN.
    let query = text.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
    for part in query.split(separator: "&") {
        let name = part.prefix { $0 != "=" }
        precondition(["pin-source", "module-name", "module-path"].contains(name))
    }
    _ = (uri.tokenLabel, uri.pinSource, uri.modulePath, uri.moduleName, uri.namesPlace)
    _ = (uri.objectAttributes.types, uri.holdsPIN, uri.pinValue() == nil)
    // The printed URI must have the same meaning.
    guard let again = try? PKCS11URI(parsing: text) else {
        preconditionFailure("the printed URI cannot be read back: \(text)")
    }
    precondition(again.description == text)
    // p11-kit may print the attributes in a different order.
    let (first, second) = (uri.objectAttributes, again.objectAttributes)
    precondition(first.types.count == second.types.count)
    precondition(first.types.allSatisfy { first.bytes(of: $0) == second.bytes(of: $0) })
}
