package import Cryptoki
package import OpenSSLX509
package import TokencertInventory
package import TokencertLedger

/// Writes certificates that came from elsewhere beside the keys that they are for.
package struct Importer: Sendable {
    private let capabilities: TokenCapabilities
    private let settings: IssuanceSettings

    private var token: Token { capabilities.token }

    /// Prepares a token.
    ///
    /// - Parameters:
    ///   - capabilities: The token, and what is known of it.
    ///   - settings: As for an ``Issuer``.
    package init(_ capabilities: TokenCapabilities, settings: IssuanceSettings) {
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
    package func check(
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
    package func write(
        _ certificates: [Certificate], for keyURI: PKCS11URI?, label: String?,
        writingChain writesChain: Bool, acceptingAnyUse acceptsAnyUse: Bool, pins: TokenPINs,
        in ledger: Ledger
    ) throws(IssuanceError) -> IssuedCertificate {
        let work = TokenWork(TokenLogin(capabilities, pins), try tokenURI(token), .anything)
        return try work.inSession { (session) throws(IssuanceError) in
            let found = try work.login.performing(.read, at: .generate) {
                () throws(IssuanceError) in
                try keys(for: certificates, keyURI, work, &session)
            }
            let key = try proved(found, acceptsAnyUse, work, &session)
            try work.requireRoom(for: key, replacing: nil, having: certificates, &session)
            var beginning = OrderEvent.Beginning(
                job: .import, token: work.tokenURI.description, modulePath: token.module.path,
                keyID: hexadecimal(key.id), keyLabel: "")
            beginning.keyLabelBytes = key.labelBytes
            beginning.setModule(token.module)
            beginning.tokenProfile = capabilities.chosenProfile
            beginning.publicKeyHash = key.publicKeyHash
            beginning.certificateLabel = label
            beginning.writesChain = writesChain
            beginning.acceptsChanges = acceptsAnyUse
            let journal = try Journal(beginning, in: ledger)
            settings.orderBegun(journal.openOrder.number)
            settings.keyReady(journal.openOrder.number, key)
            return try journal.recordingFailure(key, on: token) { () throws(IssuanceError) in
                let place = Placement(
                    work: work, anchors: settings.anchors, time: settings.clock(),
                    progress: settings.progress, acceptsAnyUse: acceptsAnyUse)
                return try place(
                    ReceivedCertificates(certificates: certificates), for: key, expecting: nil,
                    replacing: nil, label: label.map { Array($0.utf8) }, writingChain: writesChain,
                    isFresh: false,
                    journal, &session)
            }
        }
    }

    /// Has the token prove, before anything is written, which key belongs to the certificate, and
    /// whether a proof is possible at all.
    private func proved(
        _ keys: [TokenKey], _ acceptsNoProof: Bool, _ work: TokenWork,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> TokenKey {
        var proved: [TokenKey] = []
        var failure: IssuanceError?
        for key in keys {
            do throws(IssuanceError) {
                let proof = try work.login.performing(.sign, at: .generate) {
                    () throws(IssuanceError) in
                    try ProofStep(signer: work.signer)(of: key, &session, at: .generate)
                }
                guard proof.possession != .none || (acceptsNoProof && keys.count == 1) else {
                    throw IssuanceError(unprovable: key, at: .generate)
                }
                proved.append(key)
            } catch {
                // If several keys are possible, the wrong ones fail the proof.
                guard keys.count > 1, error.tokenError == nil else { throw error }
                failure = error
            }
        }
        guard proved.count <= 1 else {
            throw IssuanceError(
                .severalObjects, at: .generate,
                "\(proved.count) keys on the token match the certificate",
                choices: proved.map(\.uri))
        }
        if let key = proved.first { return key }
        throw failure
            ?? IssuanceError(
                .noSuchObject, at: .generate, "no key on the token matches the certificate")
    }

    /// The keys on the token to which one of the certificates may belong, by their public halves.
    private func keys(
        for certificates: [Certificate], _ uri: PKCS11URI?, _ work: TokenWork,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> [TokenKey] {
        let hashes = certificates.map { hexadecimal($0.publicKey.sha256Fingerprint) }
        if let uri {
            let key = try work.reader.find(uri, among: Set(hashes), &session)
            guard hashes.contains(key.publicKeyHash) else {
                throw IssuanceError(
                    .certificateWrong, at: .verify, "the certificate is for another key")
            }
            return [key]
        }
        let inventory = try at(.generate, "searching the token") { () throws(CryptokiError) in
            try TokenInventory(&session)
        }
        for hash in hashes {
            let paired = inventory.keys.filter { key in
                key.value.map { hexadecimal($0.sha256Fingerprint) == hash } ?? false
            }
            // If it is not known which halves form a pair, each of them is a candidate.
            let unpaired = inventory.keys.filter { $0.value == nil }
            for entries in [paired, unpaired] {
                let keys = try work.reader.keys(
                    among: entries.compactMap { $0.privateKey?.handle }, publicKeyHash: hash,
                    &session)
                if !keys.isEmpty { return keys }
            }
        }
        return []
    }
}
