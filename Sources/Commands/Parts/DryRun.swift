internal import Cryptoki
internal import Inventory
internal import Issuance

/// The key that a URI names, as far as it is seen without a login, with its certificates; nil if it
/// is not seen or several are.
func keySeen(_ uri: PKCS11URI, on token: TokenCapabilities) throws -> KeyEntry? {
    let inventory = try working("reading the token") {
        var session = try token.token.openSession(ReadOnly.self)
        return try TokenInventory(
            &session, profile: token.profile, keepingCertificates: { _ in true })
    }
    let named = inventory.keys.filter { key in
        [key.privateKey, key.publicKey].compactMap { $0 }.contains {
            uri.names($0, whateverType: true)
        }
    }
    return named.count == 1 ? named[0] : nil
}

/// What a dry run leaves to the real run, each in a line.
///
/// - Parameters:
///   - key: Which key will be used.
///   - token: The token.
func notChecked(_ key: KeyPlan, on token: TokenCapabilities) -> [String] {
    guard token.token.info.flags.contains(.loginRequired) else { return [] }
    return switch key {
    case .generate: ["whether a private object has the id, which is seen only after a login"]
    case .existing:
        ["whether the private key is on the token and can sign, which is seen only after a login"]
    }
}
