internal import Cryptoki

func readURI(_ bytes: [UInt8]) {
    let uri: PKCS11URI
    do throws(CryptokiError) {
        uri = try PKCS11URI(parsing: String(decoding: bytes, as: UTF8.self))
    } catch {
        // A URI that both the grammar and p11-kit accept has the same meaning in both.
        precondition(error.code == .invalidURI && !error.context.contains("something else"))
        return
    }
    let text = uri.description
    // A PIN can be in the query only.
    let query = text.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
    for part in query.split(separator: "&") {
        let name = part.prefix { $0 != "=" }
        precondition(["pin-source", "module-name", "module-path"].contains(name))
    }
    _ = (uri.tokenLabel, uri.pinSource, uri.modulePath, uri.moduleName, uri.namesPlace)
    _ = (uri.objectAttributes.types, uri.holdsPIN, uri.pinValue() == nil)
    // What is printed names the same.
    guard let again = try? PKCS11URI(parsing: text) else {
        preconditionFailure("what was printed is not read: \(text)")
    }
    precondition(again.description == text)
    // p11-kit writes the attributes in an order of its own.
    let (first, second) = (uri.objectAttributes, again.objectAttributes)
    precondition(first.types.count == second.types.count)
    precondition(first.types.allSatisfy { first.bytes(of: $0) == second.bytes(of: $0) })
}
