internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

struct ReadToken {
    let capabilities: TokenCapabilities
    var inventory: TokenInventory
    let sawPrivateObjects: Bool

    var token: Token { capabilities.token }
}

/// Reads the content of a token, including private objects if `logsIn` or, if that is nil, a source of
/// the PIN is set. With `readsAll`, the URI only selects the token, and not the objects.
func read(
    _ capabilities: TokenCapabilities, _ options: TokenOptions, _ uri: PKCS11URI?,
    readingAll readsAll: Bool = false,
    keepingCertificates isKept: @escaping @Sendable (Certificate) -> Bool = { _ in false },
    loggingIn logsIn: Bool? = nil
) throws -> ReadToken {
    func read() throws -> TokenInventory {
        try working("reading the token") {
            try capabilities.inventory(matching: readsAll ? nil : uri, keepingCertificates: isKept)
        }
    }
    let needsLogin = capabilities.token.info.flags.contains(.loginRequired)
    guard needsLogin, try logsIn ?? (options.source(uri, of: capabilities.token) != nil) else {
        return ReadToken(
            capabilities: capabilities, inventory: try read(), sawPrivateObjects: !needsLogin)
    }
    let plan = try PINPlan(capabilities, for: .look, allowingLastTry: options.allowsLastTry)
    let inventory = try withPINs(plan, options, uri) { pins in
        try working("logging in") {
            var connection = try Connection(capabilities, pins)
            return try connection.seeingPrivateObjects(at: .plan) { try read() }
        }
    }
    return ReadToken(capabilities: capabilities, inventory: inventory, sawPrivateObjects: true)
}

extension TokenInventory {
    func named(_ uri: PKCS11URI) -> (keys: [KeyEntry], certificates: [CertificateEntry]) {
        (
            keys.filter { key in key.halves.contains { uri.names($0) } },
            entries.filter { uri.names($0.record) }
        )
    }

    func named(_ target: ObjectTarget) -> (keys: [KeyEntry], certificates: [CertificateEntry]) {
        var named = named(target.uri)
        if let serialNumber = target.serialNumber {
            // A serial number names a certificate and no key.
            named.keys = []
            named.certificates.removeAll { $0.content?.serialNumber != serialNumber }
        }
        return named
    }

    /// The keys that have a name with all their certificates, and the certificates that have it.
    func limited(to target: ObjectTarget) -> TokenInventory {
        let named = named(target)
        let handles = Set(
            named.keys.flatMap(\.halves).map(\.handle) + named.certificates.map(\.record.handle))
        return TokenInventory(
            keys: keys.filter { key in
                let certificates = key.certificates + key.mismatchedCertificates
                return (key.halves + certificates.map(\.record)).contains {
                    handles.contains($0.handle)
                }
            }, certificates: certificates.filter { handles.contains($0.record.handle) },
            otherObjects: 0)
    }

    /// The keys next to which certificates are listed, matching or not, by the certificates' handles.
    var keysShownWith: [ObjectHandle: KeyEntry] {
        var found: [ObjectHandle: KeyEntry] = [:]
        for key in keys {
            for entry in key.certificates + key.mismatchedCertificates {
                found[entry.record.handle] = key
            }
        }
        return found
    }
}

/// Returns the only element. Throws if there is none or more than one; hints name them by their titles.
func requireOne<Element>(
    _ found: [Element], _ what: String, _ target: ObjectTarget, on inventory: TokenInventory,
    title: (Element) -> String
) throws -> Element {
    if found.count == 1 { return found[0] }
    guard !found.isEmpty else { throw noSuchObject(what, target, on: inventory) }
    throw Failure(
        severalObjects: "\(found.count) \(what)s on the token match \(target)",
        hints: Set(found.map(title)).count == 1
            ? ["to see all of them: tokencert list --verbose"] : several(found.map(title)))
}

/// The failure if a name matches several certificates.
func severalCertificates(
    _ found: [CertificateEntry], _ target: ObjectTarget, on inventory: TokenInventory
) -> Failure {
    let titles = ObjectTitles(inventory)
    return Failure(
        severalObjects: "\(found.count) certificates on the token match \(target)",
        hints: several(found.map(titles.title)))
}

/// The failure if no object on the token matches a name. What is offered instead has the class that was
/// named: a pasted hint must not name a key in place of a certificate. If the object was to be deleted,
/// keys are offered only if a private key was named.
func noSuchObject(
    _ what: String, _ target: ObjectTarget, toRemove isRemoved: Bool = false,
    on inventory: TokenInventory
) -> Failure {
    let titles = ObjectTitles(inventory)
    let wanted = target.serialNumber == nil ? target.type : .certificate
    let keys = inventory.keys.filter { key in
        switch wanted {
        case .privateKey?: key.privateKey != nil
        case .publicKey?: key.publicKey != nil
        case nil: !isRemoved
        default: false
        }
    }
    let certificates = wanted == nil || wanted == .certificate ? inventory.entries : []
    let objects =
        keys.map { key in
            // What is offered for deletion is no more than the class that was named.
            let whole = isRemoved && wanted == .privateKey ? " --key" : ""
            let title =
                wanted == .publicKey
                ? quoted(key.publicKey?.uri ?? "") : titles.title(key, option: whole)
            return NamedObject(title: title, label: key.labelBytes, id: key.id)
        }
        + certificates.map {
            NamedObject(title: titles.title($0), label: $0.record.labelBytes, id: $0.record.id)
        }
    return Failure(
        .noSuchObject, code: "noSuchObject", "no \(what) on the token matches \(target)",
        hints: objectHints(target, among: objects) + [
            "to list all objects: tokencert list --pin-source prompt",
            "to see private keys, log in: --pin-source prompt",
        ])
}

extension CertificateEntry.Obstacle {
    /// A short text to show instead of the subject.
    var name: String {
        switch self {
        case .malformed: "unreadable"
        case .pem: "PEM text"
        case .url: "URL only"
        case .noValue: "no value"
        case .otherType: "not X.509"
        }
    }
}

extension CertificateEntry {
    /// The subject, or a text to show instead.
    var title: String { content?.subject ?? obstacle?.name ?? "unreadable" }
    /// The name in the subject, or a text to show instead.
    var name: String { content?.subjectName ?? obstacle?.name ?? "unreadable" }
}
