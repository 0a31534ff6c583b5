internal import Cryptoki
internal import TokencertIssuance
internal import TokencertTokens

/// The key that a URI names and its certificates, as seen without a login; nil if none is seen,
/// since its private half may be seen after a login.
///
/// - Throws: `Failure`, as the real run, if several keys fit the URI, or none on a token that shows
///   its private keys without a login.
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
    // Without a login, a public half stands for its key.
    let isSeen = !token.token.info.flags.contains(.loginRequired)
    let keys = isSeen ? named.filter { $0.privateKey != nil } : named
    if keys.isEmpty, !isSeen { return nil }
    let titles = ObjectTitles(inventory)
    return try requireOne(
        keys, "key", ObjectTarget(uri), on: inventory, title: titles.title)
}

/// The checks that a dry run leaves to the real run, one per line.
func notChecked(_ key: KeyPlan, on token: TokenCapabilities) -> [String] {
    guard token.token.info.flags.contains(.loginRequired) else { return [] }
    return switch key {
    case .generate:
        ["whether a private object has the id or the label, which is seen only after a login"]
    case .existing:
        ["whether the private key is on the token and can sign, which is seen only after a login"]
    }
}

/// What the CA decides, and neither a dry run nor the real run can check before the order.
func notChecked(_ name: String) -> [String] {
    guard name.utf8.count > 64 else { return [] }
    return [
        "whether the CA writes the name byte by byte; if it does, the name is too long, and no "
            + "certificate comes"
    ]
}

/// Prints notes to standard error, unless only warnings and errors are wanted.
func printNotes(_ notes: [String]) {
    guard !Progress.shared.isQuiet else { return }
    for note in notes { printError("note: \(printable(note))") }
}
