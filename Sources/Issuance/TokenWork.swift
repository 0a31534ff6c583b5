internal import Cryptoki
internal import OpenSSLX509
internal import TokencertInventory
internal import TokencertLedger

/// The steps that are done on a token, each while the role that it needs is logged in.
struct TokenWork {
    let login: TokenLogin
    let tokenURI: PKCS11URI
    private let acceptance: KeyAcceptance

    var token: Token { login.token }
    var capabilities: TokenCapabilities { login.capabilities }

    init(
        _ login: TokenLogin, _ tokenURI: PKCS11URI, _ acceptance: KeyAcceptance
    ) {
        self.login = login
        self.tokenURI = tokenURI
        self.acceptance = acceptance
    }

    /// Does a whole job in a session of its own.
    func inSession<Result>(
        _ body: (inout Session<ReadWrite>) throws(IssuanceError) -> Result
    ) throws(IssuanceError) -> Result {
        try login.holding { () throws(IssuanceError) in
            var session = try at(.generate, "no session can be opened") {
                () throws(CryptokiError) in try token.openSession(ReadWrite.self)
            }
            return try body(&session)
        }
    }

    /// Finds keys.
    var reader: KeyReader { KeyReader(tokenURI: tokenURI, acceptance: acceptance) }

    /// Makes keys.
    private var generation: GenerateStep {
        GenerateStep(reader: reader, capabilities: capabilities)
    }

    /// Signs on the token.
    var signer: TokenSigner { TokenSigner(login: login) }

    // MARK: Keys

    /// Makes a key with an id that nothing on the token has.
    func generate(
        _ kind: KeyKind, id: [UInt8], label: [UInt8], _ journal: Journal?,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        let pair = try makePair(kind, id: id, label: label, &session)
        journal?.keyWasMade()
        // Where roles took turns the handles are gone.
        let handles = capabilities.changesRoles ? nil : pair
        let key = try reading(&session) { (session) throws(IssuanceError) in
            do throws(IssuanceError) {
                return try generation.read(handles, of: kind, id: id, label: label, &session)
            } catch {
                // Some modules show a new key correctly only after they are reinitialised.
                guard error.isReading,
                    (try? login.initializeModuleAnew(&session, at: .generate)) == true
                else { throw error }
                return try generation.read(nil, of: kind, id: id, label: label, &session)
            }
        }
        // From here on nothing else is taken for it.
        journal?.recordFact(.made(publicKeyHash: key.publicKeyHash))
        return key
    }

    private func makePair(
        _ kind: KeyKind, id: [UInt8], label: [UInt8], _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> KeyPair {
        do throws(IssuanceError) {
            return try login.changing(.generate, at: .generate) {
                (refusal) throws(IssuanceError) in
                // The security officer would not see what a refused call has made all the same.
                if let refusal, capabilities.changesRoles { throw refusal }
                return try generation.generate(
                    kind, id: id, label: label, isAgain: refusal != nil, &session)
            }
        } catch {
            var error = error
            if error.isClosed, capabilities.changesRoles {
                // The security officer does not see what the user would: look once more.
                error.isClosed = (try? requireFree(id, &session)) != nil
            }
            throw error
        }
    }

    /// Finds the key that a URI names, and checks that it may sign.
    ///
    /// - Parameter publicKeyHash: SHA-256 of its public half in hexadecimal, or nil.
    func find(
        _ uri: PKCS11URI, publicKeyHash: String? = nil, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        let hashes = publicKeyHash.map { Set([$0]) }
        let key = try login.performing(.read, at: .generate) { () throws(IssuanceError) in
            try reader.find(uri, among: hashes, &session)
        }
        try requireSigning(key, at: .generate)
        return key
    }

    private func requireSigning(_ key: TokenKey, at step: Step) throws(IssuanceError) {
        guard !key.maySign else { return }
        throw IssuanceError(
            .keyUnusable, at: step, "the key may not sign, so it cannot sign a request: \(key.uri)",
            choices: ["tokencert import writes a certificate that was ordered otherwise"])
    }

    /// Checks after the login, when all objects are visible, that no object on the token has the id.
    func requireFree(
        _ id: [UInt8], _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
        try login.performing(.read, at: .generate) { () throws(IssuanceError) in
            try TokencertIssuance.requireFree(id, &session, at: .generate)
        }
    }

    /// The same, and determines the label of the new key: see ``freeLabel(_:on:_:at:)``.
    func requireFree(
        _ id: [UInt8], labelling wanted: NewKeyLabel, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> [UInt8] {
        try login.performing(.read, at: .generate) { () throws(IssuanceError) in
            try TokencertIssuance.requireFree(id, &session, at: .generate)
            return try freeLabel(wanted, on: tokenURI, &session, at: .generate)
        }
    }

    /// The key of an order that was begun: the one that it names, or the one that it has made, or
    /// nil where it came to none.
    func key(
        of order: Order, in ledger: Ledger, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey? {
        let plan = try KeyPlan(order.beginning)
        try requireToken(of: order)
        return try reading(&session) { (session) throws(IssuanceError) in
            if let hash = order.publicKeyHash {
                do throws(IssuanceError) {
                    return try reader.find(
                        id: bytes(hexadecimal: order.beginning.keyID) ?? [], publicKeyHash: hash,
                        isNew: order.beginning.newKeyKind != nil, &session)
                } catch {
                    // The process that made the key may have seen a different public half from the
                    // one that the token shows now. Until something is ordered, its id and label
                    // identify it.
                    guard error.code == .noSuchObject, order.sending == nil,
                        order.isFor(tokenURI.description),
                        case .generate(let kind, let id, let label) = plan,
                        let key = try? generation.findMade(
                            kind, id: id, label: label, removing: false, &session),
                        (try? requireNoOtherOrder(for: key, besides: order, in: ledger)) != nil
                    else { throw error }
                    return key
                }
            }
            guard case .generate(let kind, let id, let label) = plan else {
                throw IssuanceError(
                    .noSuchObject, at: .generate, "the ledger does not tell the key of this order")
            }
            let key = try generation.findMade(kind, id: id, label: label, &session)
            if let key { try requireNoOtherOrder(for: key, besides: order, in: ledger) }
            return key
        }
    }

    /// Finds the key that an unfinished job has made, or nil where it came to none.
    func findMade(
        for order: Order, in ledger: Ledger, _ kind: KeyKind, id: [UInt8], label: [UInt8],
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey? {
        try requireToken(of: order)
        let key = try reading(&session) { (session) throws(IssuanceError) in
            try generation.findMade(kind, id: id, label: label, &session)
        }
        if let key { try requireNoOtherOrder(for: key, besides: order, in: ledger) }
        return key
    }

    /// Reads keys; where a module tells them right only later, in a session of its own.
    private func reading<Result>(
        _ session: inout Session<ReadWrite>,
        _ body: (inout Session<ReadWrite>) throws(IssuanceError) -> Result
    ) throws(IssuanceError) -> Result {
        try login.performing(.read, at: .generate) { () throws(IssuanceError) in
            guard capabilities.profile?.tellsKeysInNewSessions ?? false else {
                return try body(&session)
            }
            var later = try at(.generate, "no new session can be opened") {
                () throws(CryptokiError) in try token.openSession(ReadWrite.self)
            }
            defer {
                if session.isOver, let new = try? token.openSession(ReadWrite.self) {
                    session = new
                }
            }
            return try body(&later)
        }
    }

    /// What interrupted calls have left; nil where roles take turns, as cards leave nothing.
    func leftovers(_ session: inout Session<ReadWrite>) -> LeftoverObjects? {
        capabilities.changesRoles ? nil : LeftoverObjects(&session)
    }

    /// Insists that a certificate for a key has a place, before it is ordered.
    func requireRoom(
        for key: TokenKey, replacing replacement: Replacement?,
        having certificates: [Certificate] = [], at step: Step = .generate,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
        guard let most = capabilities.certificatesPerKey else { return }
        var template = Template()
        template[.class] = .certificate
        if !key.id.isEmpty { template[.id] = key.id }
        let present = try at(step, "searching the token") { () throws(CryptokiError) in
            try storedCertificates(template, capabilities, &session)
        }
        // What is there already is not written a second time.
        let kept = present.certificates.filter { certificate in
            !certificates.contains(certificate)
                && !(capabilities.replacesCertificates && replacement?.isRetired ?? false
                    && replacement?.certificate == certificate)
        }
        guard kept.count + present.unreadable >= most else { return }
        throw IssuanceError(noRoomFor: most, kept.first?.subject.text, capabilities, at: step)
    }

    // MARK: Requests

    /// Has the token sign a request.
    ///
    /// Some modules show a new key with the public half of another one at first. If the signature
    /// does not fit a key that this process has made, the key is read again in a new session, then
    /// after the module is reinitialised, and signs again each time its public half has changed.
    ///
    /// - Parameters:
    ///   - key: The key. Receives what the last reading shows.
    ///   - plan: How the key was planned.
    ///   - journal: The journal of its order, or nil if the key was not made for one.
    func request(
        _ key: inout TokenKey, planned plan: KeyPlan, _ journal: Journal?, name: String?,
        emailAddresses: [String], codeSigning: Bool, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> CertificateRequest {
        try requireSigning(key, at: .request)
        let step = RequestStep(signer: signer, codeSigning: codeSigning)
        var failure: IssuanceError
        do throws(IssuanceError) {
            return try step(key, name: name, emailAddresses: emailAddresses, &session)
        } catch {
            failure = error
        }
        guard failure.isSignatureWrong, let journal, journal.hasMadeKey,
            case .generate(let kind, let id, let label) = plan
        else { throw failure }
        for isReinitializing in [false, true] {
            guard
                let again = try? readAgain(
                    kind, id: id, label: label, reinitializing: isReinitializing, &session),
                again.publicKey != key.publicKey
            else { continue }
            key = again
            journal.recordFact(.made(publicKeyHash: key.publicKeyHash))
            do throws(IssuanceError) {
                return try step(key, name: name, emailAddresses: emailAddresses, &session)
            } catch {
                guard error.isSignatureWrong else { throw error }
                failure = error
            }
        }
        throw failure
    }

    /// Reads a key that this process has made in a new session.
    ///
    /// - Parameter isReinitializing: Whether the module is reinitialised first.
    /// - Returns: The key, or nil if the user would have to enter the PIN again.
    private func readAgain(
        _ kind: KeyKind, id: [UInt8], label: [UInt8], reinitializing isReinitializing: Bool,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey? {
        try login.performing(.read, at: .request) { () throws(IssuanceError) -> TokenKey? in
            if isReinitializing {
                guard try login.initializeModuleAnew(&session, at: .request) else { return nil }
            }
            var later = try at(.request, "no new session can be opened") {
                () throws(CryptokiError) in try token.openSession(ReadWrite.self)
            }
            return try generation.read(nil, of: kind, id: id, label: label, &later)
        }
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

func tokenURI(_ token: Token) throws(IssuanceError) -> PKCS11URI {
    try at(.plan, "reading the token") { () throws(CryptokiError) in
        try PKCS11URI(token: token)
    }
}
