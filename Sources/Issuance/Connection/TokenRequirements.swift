internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// Insists that a token is not write-protected.
func requireUnprotected(_ token: TokenInfo) throws(IssuanceError) {
    guard token.flags.contains(.writeProtected) else { return }
    throw IssuanceError(.tokenNotWritable, at: .plan, "the token is write-protected")
}

/// Insists that a token can be written at all, by what it and its profile say.
func requireWritable(
    _ capabilities: some TokenDescription, removing removes: Bool = false
) throws(IssuanceError) {
    try requireUnprotected(capabilities.info)
    let missing =
        capabilities.missing(.createObject, .signInit, .sign)
        ?? (removes ? capabilities.missing(.destroyObject) : nil)
    guard capabilities.writer == .nobody || missing != nil else { return }
    let title = capabilities.profile?.title ?? "this token"
    throw IssuanceError(
        .tokenUnsuitable, at: .plan,
        "through this module nobody writes certificates onto the token: "
            + (missing.map { "it has no \($0)" } ?? title),
        choices: capabilities.profile?.instead.map { [$0] } ?? [])
}

/// Insists that certificates of authorities have a place, where they are to be written.
func requirePlaceForChain(
    _ writesChain: Bool, _ capabilities: some TokenDescription
) throws(IssuanceError) {
    guard writesChain, capabilities.places != nil || capabilities.certificatesPerKey != nil else {
        return
    }
    throw IssuanceError(
        .tokenUnsuitable, at: .plan,
        "the token has places for the certificates of keys only, not for those of a chain",
        choices: ["leave --chain out"])
}

/// Insists that no key and no certificate on the token has an id.
func requireFree<Access>(
    _ id: [UInt8], _ session: inout Session<Access>, at step: Step
) throws(IssuanceError) {
    let taken = try objects(withID: id, &session, at: step)
    guard taken.isEmpty else {
        throw IssuanceError(
            .idTaken, at: step,
            "the id \(hexadecimal(id)) is used by \(taken.count) object(s) on the token")
    }
}

/// All objects with an id, of every class.
func objects<Access>(
    withID id: [UInt8], _ session: inout Session<Access>, at step: Step
) throws(IssuanceError) -> [ObjectHandle] {
    var template = Template()
    template[.id] = id
    do throws(CryptokiError) {
        return try session.findObjects(template)
    } catch {
        throw IssuanceError(error, at: step, while: "searching the token")
    }
}

/// The certificates on a token that fit a template, and how many there are that nobody can read: not
/// what a module makes up for a session or for itself.
func storedCertificates<Access>(
    _ template: Template, _ capabilities: TokenCapabilities, _ session: inout Session<Access>
) throws(CryptokiError) -> (certificates: [Certificate], unreadable: Int) {
    var certificates: [Certificate] = []
    var unreadable = 0
    for object in try session.findObjects(template) {
        let attributes = try session.attributes(
            of: object, [AttributeKey.value.type, AttributeKey.token.type])
        guard attributes[.token] != false else { continue }
        guard let certificate = attributes[.value].flatMap({ try? Certificate(firstIn: $0) }) else {
            unreadable += 1
            continue
        }
        if !capabilities.isPlaceholder(certificate) { certificates.append(certificate) }
    }
    return (certificates, unreadable)
}
