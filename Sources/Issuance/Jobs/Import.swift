package import Cryptoki
package import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

/// Certificates that came from elsewhere.
package struct ImportRequest: Sendable {
    /// The certificate and, in any order, others of its chain.
    package let certificates: [Certificate]
    /// The key that it has to be for, or nil for the one on the token that has its public half.
    package let key: PKCS11URI?
    /// The label of the certificate's object, or nil for that of the key.
    package let label: String?
    /// Whether the certificates between it and its anchor are written, too.
    package let writesChain: Bool
    /// Whether it may be for any use, and not only for authentication, mail or code signing.
    package let acceptsAnyUse: Bool

    /// Makes a request.
    package init(
        _ certificates: [Certificate], key: PKCS11URI?, label: String?, writesChain: Bool,
        acceptsAnyUse: Bool
    ) {
        self.certificates = certificates
        self.key = key
        self.label = label
        self.writesChain = writesChain
        self.acceptsAnyUse = acceptsAnyUse
    }
}

extension Runner {
    /// Insists that a certificate may be written, as far as that can be told without its key.
    ///
    /// - Parameters:
    ///   - request: What is to be written.
    ///   - capabilities: The token, and what is known of it.
    /// - Returns: The PINs that writing needs.
    /// - Throws: ``IssuanceError``; no PIN was sent.
    package func check(
        _ request: ImportRequest, on capabilities: TokenCapabilities
    ) throws(IssuanceError) -> PINPlan {
        try requireWritable(capabilities)
        try requirePlaceForChain(request.writesChain, capabilities)
        let pins = try pins(writing: true, on: capabilities)
        guard let leaf = request.certificates.first(where: { !$0.isAuthority }) else {
            throw IssuanceError(
                .certificateWrong, at: .verify, "there is no certificate but of authorities")
        }
        let verification = Verification(anchors: settings.anchors, time: settings.clock())
        try verification.requireSound(leaf, others: request.certificates.filter { $0 != leaf })
        if !request.acceptsAnyUse { try verification.requireUsable(leaf) }
        return pins
    }

    /// Writes a certificate beside the key that it is for, and has the token prove it.
    ///
    /// - Parameters:
    ///   - request: What is to be written.
    ///   - ledger: What remembers it.
    ///   - connection: A connection with the token and the PINs of ``check(_:on:)``.
    package func `import`(
        _ request: ImportRequest, in ledger: Ledger, over connection: inout Connection
    ) throws(IssuanceError) -> IssuedCertificate {
        try connection.logInAll(at: .generate)
        let found = try connection.perform(.read, at: .generate) { connection, _ in
            try connection.keys(for: request)
        }
        let key = try connection.proved(found, acceptingNoProof: request.acceptsAnyUse)
        try connection.requireRoom(
            for: key, replacing: nil, having: request.certificates, at: .generate)
        var imported = OrderEvent.Import(publicKeyHash: key.publicKeyHash)
        imported.certificateLabel = request.label.map { Array($0.utf8) }
        imported.writesChain = request.writesChain
        imported.acceptsAnyUse = request.acceptsAnyUse
        let beginning = OrderEvent.Beginning(
            .import(imported), on: connection.capabilities, connection.tokenURI, id: key.id,
            label: key.labelBytes)
        var work = try begin(beginning, in: ledger)
        work.brought.certificates = request.certificates
        work.brought.isForOrder = false
        work.take(key)
        try run(&work, from: .verify, over: &connection)
        return try issued(&work, over: &connection)
    }
}

extension Connection {
    /// Has the token prove, before anything is written, which key belongs to the certificate, and
    /// whether a proof is possible at all.
    fileprivate mutating func proved(
        _ keys: [TokenKey], acceptingNoProof acceptsNoProof: Bool
    ) throws(IssuanceError) -> TokenKey {
        var proved: [TokenKey] = []
        var failure: IssuanceError?
        for key in keys {
            do throws(IssuanceError) {
                let proof = try perform(.sign, at: .generate) { connection, _ in
                    try ProofOfPossession(signer: connection.signer).prove(
                        key, &connection.session, at: .generate)
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
    fileprivate mutating func keys(
        for request: ImportRequest
    ) throws(IssuanceError) -> [TokenKey] {
        let hashes = request.certificates.map { hexadecimal($0.publicKey.sha256Fingerprint) }
        if let uri = request.key {
            let key = try reader.find(uri, among: Set(hashes), &session)
            guard hashes.contains(key.publicKeyHash) else {
                throw IssuanceError(
                    .certificateWrong, at: .verify, "the certificate is for another key")
            }
            return [key]
        }
        let inventory = try at(.generate, "searching the token") {
            try TokenInventory(&session)
        }
        for hash in hashes {
            let paired = inventory.keys.filter { key in
                key.value.map { hexadecimal($0.sha256Fingerprint) == hash } ?? false
            }
            // If it is not known which halves form a pair, each of them is a candidate.
            let unpaired = inventory.keys.filter { $0.value == nil }
            for entries in [paired, unpaired] {
                let keys = try reader.keys(
                    among: entries.compactMap { $0.privateKey?.handle }, publicKeyHash: hash,
                    &session)
                if !keys.isEmpty { return keys }
            }
        }
        return []
    }
}
