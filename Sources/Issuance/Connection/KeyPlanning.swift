internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// The part of planning that needs only the token, not the CA.
extension TokenCapabilities {
    /// Determines the key to use. A nil `defaultLabel` means that the default is not known yet, and
    /// leaves the label empty.
    func planKey(
        _ request: IssuanceRequest, accepting acceptance: KeyAcceptance, defaultLabel: String?
    ) throws(IssuanceError) -> KeyPlan {
        switch request.key {
        case .existing(let uri, let publicKey):
            return .existing(
                uri, publicKeyHash: publicKey.map { hexadecimal($0.sha256Fingerprint) })
        case .generate(let wanted):
            return try planKey(
                request, newKeyKind(wanted, self, acceptance), defaultLabel: defaultLabel)
        case .generateAtLeast(let old, let preferred):
            let kind = try newKeyKind(atLeast: old, preferring: preferred, self, acceptance)
            return try planKey(request, kind, defaultLabel: defaultLabel)
        }
    }

    private func planKey(
        _ request: IssuanceRequest, _ kind: KeyKind, defaultLabel: String?
    ) throws(IssuanceError) -> KeyPlan {
        try requireUnprotected(token.info)
        let id = try freeID(request.id)
        let isKnown = request.labelBytes != nil || defaultLabel != nil
        let label = try isKnown ? freeLabel(request.labelOfNewKey(default: defaultLabel ?? "")) : []
        return .generate(NewKey(kind: kind, id: id, label: label))
    }

    /// The id of a new key: the requested one, or a free one.
    private func freeID(_ wanted: [UInt8]?) throws(IssuanceError) -> [UInt8] {
        guard let wanted else { return try freeID() }
        try requirePlace(wanted, self)
        // No object that is visible without a login may have it.
        var session = try openSession()
        try requireFree(wanted, &session, at: .plan)
        return wanted
    }

    /// An id that is free as far as can be seen without a login.
    func freeID() throws(IssuanceError) -> [UInt8] {
        guard let offered = try offeredIDs(self) else { return Self.randomID() }
        var session = try openSession()
        for id in offered where try objects(withID: id, &session, at: .plan).isEmpty {
            return id
        }
        throw IssuanceError(
            .tokenNotWritable, at: .plan,
            "all places for keys on the token are in use; none was overwritten")
    }

    /// A random id that is short enough to type. After the login, when all objects are visible, the
    /// token is searched for it again.
    private static func randomID() -> [UInt8] {
        (0..<8).map { _ in UInt8.random(in: 0...255) }
    }

    /// The label of a new key, as far as can be seen without a login.
    func freeLabel(_ wanted: NewKeyLabel) throws(IssuanceError) -> [UInt8] {
        if case .shared(let label) = wanted { return label }
        var session = try openSession()
        do throws(IssuanceError) {
            return try TokencertIssuance.freeLabel(wanted, on: tokenURI(token), &session, at: .plan)
        } catch {
            // This module shows nothing without a login. The default is checked again afterwards.
            guard case .chosen(let label) = wanted,
                error.tokenError?.returnValue == .userNotLoggedIn
            else { throw error }
            return label
        }
    }

    private func openSession() throws(IssuanceError) -> Session<ReadOnly> {
        try at(.plan, "cannot open a session with the token") {
            try token.openSession(ReadOnly.self)
        }
    }
}

/// Checks that the token has a place for a key with this id.
func requirePlace(_ id: [UInt8], _ token: some TokenDescription) throws(IssuanceError) {
    guard let places = token.places, !places.contains(where: { $0.id == id }) else { return }
    throw IssuanceError(
        .noSuchPlace, at: .plan,
        "the token has no place for a key with the id \(hexadecimal(id))",
        choices: token.namesOfPlaces)
}

/// The ids of the places for a new key, in order of preference; nil if the token accepts any id.
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

/// The permitted length of a name in a certificate, in characters (RFC 5280, ub-common-name).
package let charactersOfName = 1...64

/// The permitted length of an address in a certificate, in ASCII characters. The upper limit is
/// OpenSSL's `ub_email_address`, which applies both here and in CAcert's signer.
package let charactersOfAddress = 3...128

/// Checks that a request can contain the name and addresses, before a key is generated for it.
func requireSubject(name: String?, emailAddresses: [String]) throws(IssuanceError) {
    if let name, !charactersOfName.contains(name.unicodeScalars.count) {
        throw IssuanceError(
            .badSubject, at: .plan,
            "a name in a certificate must have 1 to 64 characters, not \(name.unicodeScalars.count)"
        )
    }
    for address in emailAddresses
    where !charactersOfAddress.contains(address.utf8.count)
        || !address.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    {
        throw IssuanceError(
            .badSubject, at: .plan,
            "\"\(address)\" cannot be an address in a certificate: it must have "
                + "\(charactersOfAddress.lowerBound) to \(charactersOfAddress.upperBound) ASCII "
                + "characters and no spaces")
    }
}
