package import Cryptoki
package import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

/// A request to import a certificate.
package struct ImportRequest: Sendable {
    /// The certificate and others in its chain, in any order.
    package let certificates: [Certificate]
    /// The key that the certificate must belong to, or nil for any key on the token.
    package let key: PKCS11URI?
    /// The label of the certificate object, or nil for that of the key.
    package let label: String?
    /// Whether the intermediate certificates are written, too.
    package let writesChain: Bool
    /// Whether any extended key usage is accepted, and a key without a proof of possession.
    package let acceptsAnyUse: Bool

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
    /// Checks everything about an import that does not require a login. Returns the required PINs.
    package func check(
        _ request: ImportRequest, on capabilities: TokenCapabilities
    ) throws(IssuanceError) -> PINPlan {
        try requireCertificatesWritable(capabilities)
        try requirePlaceForChain(request.writesChain, capabilities)
        let pins = try pins(writing: true, on: capabilities)
        try requireOneSound(request)
        return pins
    }

    /// Only after the login is it known which certificate is for a key on the token. If none can be
    /// imported, the newest one shows why.
    private func requireOneSound(_ request: ImportRequest) throws(IssuanceError) {
        let verification = Verification(anchors: settings.anchors, time: settings.clock())
        var failure = IssuanceError(
            .certificateWrong, at: .verify, "the input contains only CA certificates")
        let leaves = request.certificates.filter { !$0.isAuthority }
        for leaf in leaves.sorted(by: { $0.notBefore < $1.notBefore }) {
            do throws(IssuanceError) {
                try verification.requireSound(
                    leaf, others: request.certificates.filter { $0 != leaf })
                if !request.acceptsAnyUse { try verification.requireUsable(leaf) }
                return
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Writes a certificate to the token that has its key, and has the token prove possession of the
    /// key. The connection needs the PINs of ``check(_:on:)``.
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
        work.foundKey = key
        work.tellKey()
        try run(&work, from: .verify, over: &connection)
        return try issued(&work, over: &connection)
    }
}

extension Connection {
    /// Has the token prove, before anything is written, which key the certificate belongs to.
    fileprivate mutating func proved(
        _ keys: [TokenKey], acceptingNoProof acceptsNoProof: Bool
    ) throws(IssuanceError) -> TokenKey {
        var proved: [TokenKey] = []
        var failure: IssuanceError?
        for key in keys {
            do throws(IssuanceError) {
                let proof = try perform(.sign, at: .generate) { connection, _ in
                    try connection.signer.prove(key, &connection.session, at: .generate)
                }
                guard proof.possession != .none || (acceptsNoProof && keys.count == 1) else {
                    throw IssuanceError(unprovable: key, at: .generate)
                }
                proved.append(key)
            } catch {
                // Among several candidates, the wrong keys fail the proof.
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

    /// The keys on the token that one of the certificates may belong to, by their public halves. Throws
    /// ``IssuanceError/Code/severalObjects`` if they are for several keys on the token.
    fileprivate mutating func keys(for request: ImportRequest) throws(IssuanceError) -> [TokenKey] {
        let hashes = request.certificates.map { hexadecimal($0.publicKey.sha256Fingerprint) }
        if let uri = request.key {
            let key = try findKey(uri, among: Set(hashes))
            guard hashes.contains(key.publicKeyHash) else {
                throw IssuanceError(
                    .certificateWrong, at: .verify, "the certificate is for another key")
            }
            return [key]
        }
        let inventory = try at(.generate, "searching the token") {
            try TokenInventory(&session)
        }
        func keys(
            _ hash: String, among isCandidate: (PublicKey?) -> Bool
        ) throws(IssuanceError) -> [TokenKey] {
            let entries = inventory.keys.filter { isCandidate($0.value) }
            return try self.keys(among: entries.compactMap { $0.privateKey?.handle }, [hash])
        }
        var found: [[TokenKey]] = []
        // The key of a CA may be on the token, too.
        let own = request.certificates.filter { !$0.isAuthority }
        for value in Set((own.isEmpty ? request.certificates : own).map(\.publicKey)) {
            let hash = hexadecimal(value.sha256Fingerprint)
            let paired = try keys(hash) { value in
                value.map { hexadecimal($0.sha256Fingerprint) == hash } ?? false
            }
            if !paired.isEmpty { found.append(paired) }
        }
        guard found.count <= 1 else {
            throw IssuanceError(
                .severalObjects, at: .generate,
                "the certificates are for \(found.count) keys on the token",
                choices: found.flatMap { $0.map(\.uri) })
        }
        if let keys = found.first { return keys }
        // If the pairs of halves are not known, every private key is a candidate.
        for hash in hashes {
            let unpaired = try keys(hash) { $0 == nil }
            if !unpaired.isEmpty { return unpaired }
        }
        return []
    }
}
