public import Cryptoki
public import Inventory
public import Ledger
public import OpenSSLX509

/// Writes certificates that came from elsewhere beside the keys that they are for.
public struct Importer: Sendable {
    private let capabilities: TokenCapabilities
    private let settings: IssuanceSettings

    private var token: Token { capabilities.token }

    /// Prepares a token.
    ///
    /// - Parameters:
    ///   - capabilities: The token, and what is known of it.
    ///   - settings: As for an ``Issuer``.
    public init(_ capabilities: TokenCapabilities, settings: IssuanceSettings) {
        self.capabilities = capabilities
        self.settings = settings
    }

    /// Insists that a certificate may be written, as far as that can be told without its key.
    ///
    /// - Parameters:
    ///   - certificates: The certificate and, in any order, others of its chain.
    ///   - writesChain: Whether the certificates between it and its anchor are written, too.
    ///   - acceptsAnyUse: Whether it may be for something that is not done with a person's key.
    /// - Returns: The PINs that writing needs.
    /// - Throws: ``IssuanceError``; no PIN was sent.
    public func check(
        _ certificates: [Certificate], writingChain writesChain: Bool,
        acceptingAnyUse acceptsAnyUse: Bool
    ) throws(IssuanceError) -> PINPlan {
        try requireWritable(capabilities)
        try requirePlaceForChain(writesChain, capabilities)
        let pins = try PINPlan(
            capabilities, for: [.read, .sign, .write], allowingLastTry: settings.allowsLastTry)
        guard let leaf = certificates.first(where: { !$0.isAuthority }) else {
            throw IssuanceError(
                .certificateWrong, at: .verify, "there is no certificate but of authorities")
        }
        let verify = VerifyStep(anchors: settings.anchors, time: settings.clock())
        try verify.requireSound(leaf, others: certificates.filter { $0 != leaf })
        if !acceptsAnyUse { try verify.requireUsable(leaf) }
        return pins
    }

    /// Writes a certificate beside the key that it is for, and has the token prove it.
    ///
    /// - Parameters:
    ///   - certificates: The certificate and, in any order, others of its chain.
    ///   - keyURI: The key that it has to be for, or nil for the one on the token that has its
    ///     public half.
    ///   - label: The object's label, or nil for that of the key.
    ///   - writesChain: Whether the certificates between it and its anchor are written, too.
    ///   - acceptsAnyUse: Whether it may be for something that is not done with a person's key.
    ///   - pins: The PINs that ``check(_:writingChain:acceptingAnyUse:)`` names.
    ///   - ledger: What remembers it.
    /// - Throws: ``IssuanceError``.
    public func write(
        _ certificates: [Certificate], for keyURI: PKCS11URI?, label: String?,
        writingChain writesChain: Bool, acceptingAnyUse acceptsAnyUse: Bool, pins: TokenPINs,
        in ledger: Ledger
    ) throws(IssuanceError) -> IssuedCertificate {
        let work = TokenWork(TokenLogin(capabilities, pins), try tokenURI(token), .anything)
        return try work.inSession { (session) throws(IssuanceError) in
            let key = try work.login.performing(.read, at: .generate) {
                () throws(IssuanceError) in
                try self.key(for: certificates, keyURI, work, &session)
            }
            guard certificates.contains(where: { $0.publicKey == key.publicKey }) else {
                throw IssuanceError(
                    .certificateWrong, at: .verify, "the certificate is for another key")
            }
            try work.requireRoom(for: key, replacing: nil, having: certificates, &session)
            var beginning = OrderEvent.Beginning(
                job: .import, token: work.tokenURI.description, modulePath: token.module.path,
                keyID: hexadecimal(key.id), keyLabel: key.label)
            beginning.setModule(token.module)
            beginning.tokenProfile = capabilities.chosenProfile
            beginning.publicKeyHash = key.publicKeyHash
            beginning.certificateLabel = label
            beginning.writesChain = writesChain
            beginning.acceptsChanges = acceptsAnyUse
            let journal = try Journal(beginning, in: ledger)
            settings.orderBegun(journal.page.number)
            settings.keyReady(journal.page.number, key)
            return try journal.following(key, on: token) { () throws(IssuanceError) in
                let place = Placement(
                    work: work, anchors: settings.anchors, time: settings.clock(),
                    progress: settings.progress, acceptsAnyUse: acceptsAnyUse)
                return try place(
                    ReceivedCertificates(certificates: certificates), for: key, expecting: nil,
                    replacing: nil, label: label, writingChain: writesChain, isFresh: false,
                    journal, &session)
            }
        }
    }

    /// The key on the token that one of the certificates is for, by its public half.
    private func key(
        for certificates: [Certificate], _ uri: PKCS11URI?, _ work: TokenWork,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        if let uri { return try work.reader.find(uri, &session) }
        let inventory: TokenInventory
        do throws(CryptokiError) {
            inventory = try TokenInventory(&session)
        } catch {
            throw IssuanceError(error, at: .generate, while: "searching the token")
        }
        for certificate in certificates {
            let keys = inventory.keys.filter {
                $0.value == certificate.publicKey && $0.privateKey != nil
            }
            guard keys.count <= 1 else {
                throw IssuanceError(
                    .severalObjects, at: .generate,
                    "\(keys.count) keys on the token are the certificate's",
                    choices: keys.compactMap { $0.privateKey?.uri })
            }
            if let key = keys.first {
                return try work.reader.find(
                    id: key.id,
                    publicKeyHash: hexadecimal(
                        Digest.sha256.hash(certificate.publicKey.subjectPublicKeyInfo)), &session)
            }
        }
        throw IssuanceError(
            .noSuchObject, at: .generate, "no key on the token is the one of the certificate")
    }
}
