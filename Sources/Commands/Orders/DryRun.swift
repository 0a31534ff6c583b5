internal import Cryptoki
internal import TokencertIssuance
internal import TokencertTokens

/// The key that a URI names, with its certificates, as visible without a login; nil if a login is
/// needed to see it. Throws `Failure`, like the real run, if several keys match, or none matches on
/// a token that shows private keys without a login.
func keySeen(_ uri: PKCS11URI, on token: TokenCapabilities) throws -> KeyEntry? {
    let inventory = try working("reading the token") {
        try token.inventory(keepingCertificates: { _ in true })
    }
    let named = inventory.keys(named: uri)
    // Before a login, a public key represents its key pair.
    let isSeen = !token.token.info.flags.contains(.loginRequired)
    let keys = isSeen ? named.filter { $0.privateKey != nil } : named
    if keys.isEmpty, !isSeen { return nil }
    return try requireOne(
        keys, "key", ObjectTarget(uri), on: inventory, title: ObjectTitles(inventory).title)
}

/// The checks of a key that only the real run can make.
func notChecked(_ key: KeyPlan, on token: TokenCapabilities) -> [String] {
    guard token.token.info.flags.contains(.loginRequired) else { return [] }
    return switch key {
    case .generate:
        ["whether a private object already has the id or the label (visible only after a login)"]
    case .existing:
        ["whether the private key is on the token and can sign (visible only after a login)"]
    }
}

/// What depends on the CA and cannot be checked before the order is sent.
func notChecked(_ name: String) -> [String] {
    guard name.utf8.count > 64 else { return [] }
    return [
        "whether the CA encodes each byte of the name as one character; if so, the name is too "
            + "long and the CA issues no certificate"
    ]
}

/// Shows the plan of an order, with the existing key if it is visible without a login.
func showPlan(
    _ plan: Plan, _ seenKey: KeyEntry? = nil, on token: TokenCapabilities, ca: String,
    _ output: CommonOptions
) throws {
    var lines = PlanLines(
        token: plan.tokenURI.description, key: plan.key, grant: plan.grant, pins: plan.pins, ca: ca,
        notChecked: notChecked(plan.key, on: token) + notChecked(plan.grant.name)
            + Hooks.notChecked)
    lines.seenKey = seenKey
    try lines.show(output)
}
