internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertTokens

/// What was read of a token.
struct ReadToken {
    let capabilities: TokenCapabilities
    let inventory: TokenInventory
    /// Whether private objects were looked at.
    let sawPrivateObjects: Bool

    var token: Token { capabilities.token }
}

/// Reads what is on the one token that is meant; private objects too where a source of the PIN is
/// named.
///
/// - Parameters:
///   - uri: What the objects must fit, or nil for all of them.
///   - readsAll: Whether all of the token is read, though only what fits the URI is meant.
///   - isKept: Whether a certificate itself is kept.
///   - mustLogIn: Whether the PIN is asked for where no source is named.
func readToken(
    _ options: TokenOptions, _ uri: PKCS11URI?, readingAll readsAll: Bool = false,
    keepingCertificates isKept: @escaping (Certificate) -> Bool = { _ in false },
    loggingIn mustLogIn: Bool = false
) throws -> ReadToken {
    let asksForPIN = mustLogIn || (try? options.source(uri)) != nil
    let capabilities = try findToken(options, uri, onlyReading: !asksForPIN)
    func read() throws -> TokenInventory {
        try working("reading the token") {
            var session = try capabilities.token.openSession(ReadOnly.self)
            return try TokenInventory(
                &session, matching: readsAll ? nil : uri, profile: capabilities.profile,
                keepingCertificates: isKept)
        }
    }
    let needsLogin = capabilities.token.info.flags.contains(.loginRequired)
    guard needsLogin, try mustLogIn || options.source(uri) != nil else {
        return ReadToken(
            capabilities: capabilities, inventory: try read(), sawPrivateObjects: !needsLogin)
    }
    let plan = try PINPlan(
        capabilities, for: TokenJob.look.operations, allowingLastTry: options.allowsLastTry)
    let inventory = try withPINs(plan, options, uri) { pins in
        try working("logging in") {
            var connection = try Connection(capabilities, pins)
            return try connection.seeingPrivateObjects(at: .plan) { try read() }
        }
    }
    return ReadToken(capabilities: capabilities, inventory: inventory, sawPrivateObjects: true)
}

extension TokenInventory {
    /// The keys and certificates that a URI names.
    func named(_ uri: PKCS11URI) -> (keys: [KeyEntry], certificates: [CertificateEntry]) {
        let named = keys.filter { key in
            [key.privateKey, key.publicKey].compactMap { $0 }.contains { uri.names($0) }
        }
        let all = keys.flatMap { $0.certificates + $0.mismatchedCertificates } + certificates
        return (named, all.filter { uri.names($0.record) })
    }

    /// The keys that certificates are shown with, matching or not, by the certificates' handles.
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

/// Insists that exactly one thing was named.
func requireOne<Element>(
    _ found: [Element], _ what: String, _ uri: PKCS11URI, on inventory: TokenInventory,
    uri name: (Element) -> String
) throws -> Element {
    if found.count == 1 { return found[0] }
    guard !found.isEmpty else { throw noSuchObject(what, uri, on: inventory) }
    throw Failure(
        .noSuchObject, code: "severalObjects", "\(found.count) \(what)s on the token fit \(uri)",
        hints: Set(found.map(name)).count == 1
            ? [
                "they have the same URI and cannot be distinguished: "
                    + "pkcs11-tool --login --list-objects shows all of them"
            ] : found.prefix(20).map { "one of them: \(quoted(name($0)))" })
}

/// The failure where several certificates are what a URI names; they may well have the same.
func severalCertificates(_ found: [CertificateEntry], _ uri: PKCS11URI) -> Failure {
    Failure(
        .noSuchObject, code: "severalObjects",
        "\(found.count) certificates on the token fit \(uri)",
        hints: found.prefix(20).map { "one of them: \($0.nameWithSerial)" })
}

/// The failure if no object on the token matches a URI and a serial number.
///
/// What is offered instead is of the class that was named: a pasted hint must not name a key in
/// place of a certificate.
///
/// - Parameters:
///   - serial: The serial number of a certificate, or nil.
///   - isRemoved: Whether the object is to be removed: private keys are offered only if the URI says
///     type=private.
func noSuchObject(
    _ what: String, _ uri: PKCS11URI, serial: String? = nil, toRemove isRemoved: Bool = false,
    on inventory: TokenInventory
) -> Failure {
    let hints: [String]
    if serial != nil {
        let named = inventory.entries.filter { uri.names($0.record) }
        hints = (named.isEmpty ? inventory.entries : named).prefix(20).map {
            "there is: \($0.nameWithSerial)"
        }
    } else {
        let wanted: ObjectClass? = uri.objectAttributes[.class]
        let halves = inventory.keys.flatMap { [$0.privateKey, $0.publicKey] }.compactMap { $0 }
        let records = halves + inventory.entries.map(\.record)
        var seen: Set<String> = []
        let uris = records.filter { record in
            if let wanted { return record.objectClass == wanted }
            return !isRemoved || record.objectClass != .privateKey
        }.map(\.uri).filter { seen.insert($0).inserted }
        hints = objectHints(uri, among: uris)
    }
    return Failure(
        .noSuchObject, code: "noSuchObject", "no \(what) on the token fits \(uri)",
        hints: hints + [
            "tokencert list --pin-source prompt shows all with their URIs",
            "private keys are seen only after a login: --pin-source prompt",
        ])
}

extension CertificateEntry.Obstacle {
    /// A short text that replaces the subject.
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
    /// What names it in a command, even if others have its URI.
    fileprivate var nameWithSerial: String {
        quoted(record.uri) + (content.map { " --serial \($0.serialNumber)" } ?? "")
    }
    /// The subject, or a substitute if there is none.
    var title: String { content?.subject ?? obstacle?.name ?? "unreadable" }
    /// The subject's name, or the text that replaces it.
    var name: String { content?.subjectName ?? obstacle?.name ?? "unreadable" }
}
