internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// What of a plan needs no CA: the token and the key.
struct KeyPlanning {
    let capabilities: TokenCapabilities
    let acceptance: KeyAcceptance

    private var token: Token { capabilities.token }

    /// Determines which key is used.
    ///
    /// - Parameter defaultLabel: The label of a new key if none was given; nil leaves it empty, if
    ///   it is not known yet.
    func plan(
        _ request: IssuanceRequest, defaultLabel: String?
    ) throws(IssuanceError) -> KeyPlan {
        switch request.key {
        case .existing(let uri, let publicKey):
            return .existing(
                uri, publicKeyHash: publicKey.map { hexadecimal($0.sha256Fingerprint) })
        case .generate(let wanted):
            try requireUnprotected(token.info)
            let kind = try newKeyKind(wanted, capabilities, acceptance)
            let id = try id(request.id)
            let isKnown = request.labelBytes != nil || defaultLabel != nil
            let label =
                try isKnown ? self.label(request.labelOfNewKey(default: defaultLabel ?? "")) : []
            return .generate(NewKey(kind: kind, id: id, label: label))
        }
    }

    /// The id of a new key: the one that was asked for, or a free one.
    private func id(_ wanted: [UInt8]?) throws(IssuanceError) -> [UInt8] {
        guard let wanted else { return try newID() }
        try requirePlace(wanted, capabilities)
        return try free(wanted)
    }

    /// An id that is free, as far as that is seen before anybody logs in.
    func newID() throws(IssuanceError) -> [UInt8] {
        guard let offered = try offeredIDs(capabilities) else { return Self.randomID() }
        var session = try openSession()
        for id in offered where try objects(withID: id, &session, at: .plan).isEmpty {
            return id
        }
        throw IssuanceError(
            .tokenNotWritable, at: .plan,
            "every place for a key on the token is taken; none is overwritten")
    }

    /// An id that nobody else chooses at the same time, and that is short enough to type. Whether
    /// the token has it all the same is looked at when somebody is logged in and sees all objects.
    private static func randomID() -> [UInt8] {
        (0..<8).map { _ in UInt8.random(in: 0...255) }
    }

    /// The id that was asked for, where nothing that is seen without a login has it.
    private func free(_ id: [UInt8]) throws(IssuanceError) -> [UInt8] {
        var session = try openSession()
        try requireFree(id, &session, at: .plan)
        return id
    }

    /// The label of a new key, as far as can be seen without a login.
    func label(_ wanted: NewKeyLabel) throws(IssuanceError) -> [UInt8] {
        if case .shared(let label) = wanted { return label }
        var session = try openSession()
        do throws(IssuanceError) {
            return try freeLabel(wanted, on: tokenURI(token), &session, at: .plan)
        } catch {
            // A module that shows nothing without a login. The default is checked again after it.
            guard case .chosen(let label) = wanted,
                error.tokenError?.returnValue == .userNotLoggedIn
            else { throw error }
            return label
        }
    }

    private func openSession() throws(IssuanceError) -> Session<ReadOnly> {
        do throws(CryptokiError) {
            return try token.openSession(ReadOnly.self)
        } catch {
            throw IssuanceError(error, at: .plan, while: "no session can be opened")
        }
    }
}

/// The kind of key to make: the one that was asked for, or the best that token and CA have.
func newKeyKind(
    _ wanted: KeyKind?, _ token: some TokenDescription, _ acceptance: KeyAcceptance
) throws(IssuanceError) -> KeyKind {
    func unsuitable(_ reason: String) -> IssuanceError {
        IssuanceError(
            .tokenUnsuitable, at: .plan, reason,
            choices: token.profile?.instead.map { [$0] } ?? [])
    }
    if let wanted {
        guard acceptance.contains(wanted) else {
            throw IssuanceError(
                .keyNotAccepted, at: .plan,
                "the CA signs no keys of kind \(wanted); no key was made")
        }
        if let reason = token.missingSupport(for: wanted) { throw unsuitable(reason) }
        return wanted
    }
    let kinds = [.rsa(bits: 3072), .rsa(bits: 2048)].filter(acceptance.contains)
    var reason: String?
    for kind in kinds {
        guard let lack = token.missingSupport(for: kind) else { return kind }
        reason = lack
    }
    if let reason { throw unsuitable(reason) }
    throw IssuanceError(
        .keyNotAccepted, at: .plan, "the CA signs no RSA keys, so a kind has to be named")
}

/// Insists that a token has a place for a key with an id.
func requirePlace(_ id: [UInt8], _ token: some TokenDescription) throws(IssuanceError) {
    guard let places = token.places, !places.contains(where: { $0.id == id }) else { return }
    throw IssuanceError(
        .noSuchPlace, at: .plan,
        "the token has no place for a key with the id \(hexadecimal(id))",
        choices: token.namesOfPlaces)
}

/// The ids of the places that may be taken for a new key, in the order in which they are taken; nil
/// if any id will do.
func offeredIDs(_ token: some TokenDescription) throws(IssuanceError) -> [[UInt8]]? {
    guard let places = token.places else { return nil }
    if let reason = token.reasonPlacesAreUnknown {
        throw IssuanceError(.noSuchPlace, at: .plan, reason, choices: token.namesOfPlaces)
    }
    return places.filter { $0.isOffered }.map { $0.id }
}

extension TokenDescription {
    fileprivate var namesOfPlaces: [String] {
        (places ?? []).map { "\(hexadecimal($0.id)) (\($0.name))" }
    }
}

/// How many characters the name in a certificate has (RFC 5280, ub-common-name).
package let charactersOfName = 1...64

/// How many ASCII characters an address in a certificate has. OpenSSL writes no longer one into a
/// subject (ub_email_address is 128), neither here nor in CAcert's signer.
package let charactersOfAddress = 3...128

/// Insists that a name and addresses can stand in a request, before a key is made for it.
///
/// - Throws: ``IssuanceError`` with code ``IssuanceError/Code/badSubject``.
func requireSubject(name: String?, emailAddresses: [String]) throws(IssuanceError) {
    if let name, !charactersOfName.contains(name.unicodeScalars.count) {
        throw IssuanceError(
            .badSubject, at: .plan,
            "a name in a certificate has 1 to 64 characters, not \(name.unicodeScalars.count)")
    }
    for address in emailAddresses
    where !charactersOfAddress.contains(address.utf8.count)
        || !address.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    {
        throw IssuanceError(
            .badSubject, at: .plan,
            "“\(address)” cannot be an address in a certificate: the request has room for "
                + "\(charactersOfAddress.lowerBound) to \(charactersOfAddress.upperBound) ASCII "
                + "characters without blanks")
    }
}
