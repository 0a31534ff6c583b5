internal import Cryptoki
internal import OpenSSLX509
package import TokencertTokens

func requireUnprotected(_ token: TokenInfo) throws(IssuanceError) {
    guard token.flags.contains(.writeProtected) else { return }
    throw IssuanceError(.tokenNotWritable, at: .plan, "the token is write-protected")
}

/// Checks that the token, the module and the profile permit writing.
package func requireCertificatesWritable(
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
        "this PKCS#11 module cannot write certificates to "
            + (missing.map { "the token (\($0) is missing)" } ?? title),
        choices: capabilities.profile?.instead.map { [$0] } ?? [])
}

/// Checks that the token can store CA certificates, if the job writes them.
func requirePlaceForChain(
    _ writesChain: Bool, _ capabilities: some TokenDescription
) throws(IssuanceError) {
    guard writesChain, capabilities.places != nil || capabilities.certificatesPerKey != nil else {
        return
    }
    throw IssuanceError(
        .tokenUnsuitable, at: .plan,
        "the token stores only certificates for its keys, not CA certificates",
        choices: ["run the command without --chain"])
}

/// Checks that no object on the token has an id.
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

/// All objects with an id, of any class.
func objects<Access>(
    withID id: [UInt8], _ session: inout Session<Access>, at step: Step
) throws(IssuanceError) -> [ObjectHandle] {
    var template = Template()
    template[.id] = id
    return try at(step, "cannot search the token") { try session.findObjects(template) }
}

/// The certificates on a token that match a template, and the number of unreadable ones. Leaves out
/// session objects and the module's placeholders.
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
