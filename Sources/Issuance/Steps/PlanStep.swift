internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertInventory

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
            try requireUnprotected(token)
            let kind = try keyKind(wanted)
            let id = try id(request.id)
            let isKnown = request.labelBytes != nil || defaultLabel != nil
            let label =
                try isKnown ? self.label(request.labelOfNewKey(default: defaultLabel ?? "")) : []
            return .generate(kind, id: id, label: label)
        }
    }

    /// The kind of key to make: the one that was asked for, or the best that token and CA have.
    private func keyKind(_ wanted: KeyKind?) throws(IssuanceError) -> KeyKind {
        if let wanted {
            guard acceptance.contains(wanted) else {
                throw IssuanceError(
                    .keyNotAccepted, at: .plan,
                    "the CA signs no keys of kind \(wanted); no key was made")
            }
            if let reason = capabilities.missingSupport(for: wanted) { throw unsuitable(reason) }
            return wanted
        }
        let kinds = [.rsa(bits: 3072), .rsa(bits: 2048)].filter(acceptance.contains)
        var reason: String?
        for kind in kinds {
            guard let lack = capabilities.missingSupport(for: kind) else { return kind }
            reason = lack
        }
        if let reason { throw unsuitable(reason) }
        throw IssuanceError(
            .keyNotAccepted, at: .plan, "the CA signs no RSA keys, so a kind has to be named")
    }

    private func unsuitable(_ reason: String) -> IssuanceError {
        IssuanceError(
            .tokenUnsuitable, at: .plan, reason,
            choices: capabilities.profile?.instead.map { [$0] } ?? [])
    }

    /// The id of a new key: the one that was asked for, or a free one.
    private func id(_ wanted: [UInt8]?) throws(IssuanceError) -> [UInt8] {
        guard let wanted else { return try newID() }
        if let places = capabilities.places {
            guard places.contains(where: { $0.id == wanted }) else {
                throw IssuanceError(
                    .noSuchPlace, at: .plan,
                    "the token has no place for a key with the id \(hexadecimal(wanted))",
                    choices: places.map { "\(hexadecimal($0.id)) (\($0.name))" })
            }
        }
        return try free(wanted)
    }

    /// An id that is free, as far as that is seen before anybody logs in.
    func newID() throws(IssuanceError) -> [UInt8] {
        guard let places = capabilities.places else { return Self.randomID() }
        if let reason = capabilities.reasonPlacesAreUnknown {
            throw IssuanceError(
                .noSuchPlace, at: .plan, reason,
                choices: places.map { "\(hexadecimal($0.id)) (\($0.name))" })
        }
        var session = try openSession()
        for place in places where place.isOffered {
            if try objects(withID: place.id, &session, at: .plan).isEmpty { return place.id }
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

/// Insists that a token is not write-protected.
func requireUnprotected(_ token: Token) throws(IssuanceError) {
    guard token.info.flags.contains(.writeProtected) else { return }
    throw IssuanceError(.tokenNotWritable, at: .plan, "the token is write-protected")
}

/// Insists that a token can be written at all, by what it and its profile say.
///
/// - Parameter removes: Whether a certificate is removed, too.
func requireWritable(
    _ capabilities: TokenCapabilities, removing removes: Bool = false
) throws(IssuanceError) {
    try requireUnprotected(capabilities.token)
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
    _ writesChain: Bool, _ capabilities: TokenCapabilities
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

/// Insists that a name and addresses can stand in a request, before a key is made for it.
func requireSubject(name: String?, emailAddresses: [String]) throws(IssuanceError) {
    if let name, !(1...64).contains(name.unicodeScalars.count) {
        throw IssuanceError(
            .badSubject, at: .plan,
            "a name in a certificate has 1 to 64 characters, not \(name.unicodeScalars.count)")
    }
    for address in emailAddresses
    where !(3...255).contains(address.utf8.count)
        || !address.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    {
        throw IssuanceError(
            .badSubject, at: .plan, "“\(address)” cannot be an address in a certificate")
    }
}

/// What of a plan the account decides.
struct AccountChoices {
    let account: AccountStatus

    /// The name to request: the given one, or the only one.
    ///
    /// A name from a certificate may be written byte by byte, as CAcert's signer does: see
    /// ``AccountName/form(of:)``.
    func name(_ wanted: String?) throws(IssuanceError) -> AccountName {
        let name = try chosenName(wanted)
        guard let obstacle = name.obstacle else { return name }
        throw IssuanceError(
            .nameNotIssuable, at: .plan,
            "the name “\(name)” cannot be issued through the API: \(obstacle)",
            choices: issuableNames.map(\.text))
    }

    /// The names that the API can put into a certificate.
    private var issuableNames: [AccountName] {
        (account.names + [AccountStatus.anonymousName]).filter { $0.obstacle == nil }
    }

    private func chosenName(_ wanted: String?) throws(IssuanceError) -> AccountName {
        if let wanted {
            // The account's own spelling: letters can be written in more than one way.
            let all = account.names + [AccountStatus.anonymousName]
            guard
                let name = all.first(where: { $0.text == wanted })
                    ?? all.first(where: { $0.form(of: wanted) != nil })
            else {
                throw IssuanceError(
                    .accountLacks, at: .plan,
                    "the account has no name “\(wanted)”",
                    choices: issuableNames.map(\.text), wanted: wanted)
            }
            return name
        }
        guard account.names.count <= 1 else {
            let issuable = account.names.filter { $0.obstacle == nil }
            throw IssuanceError(
                .accountLacks, at: .plan, "the account has several names",
                choices: (issuable.isEmpty ? issuableNames : issuable).map(\.text))
        }
        return account.names.first ?? AccountStatus.anonymousName
    }

    /// The addresses to request: the given ones without duplicates, or the only one.
    ///
    /// The CA ignores case when it compares addresses, and the certificate gets the spelling that
    /// was sent. The given spelling is sent, so that a renewed certificate has exactly the same
    /// address as the old one.
    func emailAddresses(_ wanted: [String]) throws(IssuanceError) -> [String] {
        let verified = Set(account.emailAddresses.map(Self.folded))
        if let unknown = wanted.first(where: { !verified.contains(Self.folded($0)) }) {
            throw IssuanceError(
                .accountLacks, at: .plan,
                "the account has no verified address “\(unknown)”",
                choices: issuableAddresses, wanted: unknown)
        }
        var seen: Set<[UInt8]> = []
        var addresses = wanted.filter { seen.insert(Self.folded($0)).inserted }
        if addresses.isEmpty {
            guard account.emailAddresses.count == 1 else {
                throw IssuanceError(
                    .accountLacks, at: .plan,
                    account.emailAddresses.isEmpty
                        ? "the account has no verified address"
                        : "the account has several addresses",
                    choices: issuableAddresses)
            }
            addresses = account.emailAddresses
        }
        for address in addresses {
            guard let obstacle = AccountStatus.obstacle(toAddress: address) else { continue }
            throw IssuanceError(
                .addressNotIssuable, at: .plan,
                "the address “\(address)” cannot be issued through the API: \(obstacle)",
                choices: issuableAddresses)
        }
        return addresses
    }

    /// The addresses that the API can put into a certificate.
    private var issuableAddresses: [String] {
        account.emailAddresses.filter { AccountStatus.obstacle(toAddress: $0) == nil }
    }

    /// An address in the form that the CA compares. Addresses in certificates are ASCII.
    private static func folded(_ address: String) -> [UInt8] {
        address.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }
    }

    func requireCodeSigning(_ wanted: Bool) throws(IssuanceError) {
        guard !wanted || account.mayRequestCodeSigning else {
            throw IssuanceError(
                .accountLacks, at: .plan, "the account may not have code signing")
        }
    }
}
