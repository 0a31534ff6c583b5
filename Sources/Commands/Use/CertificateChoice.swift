internal import Cryptoki
internal import OpenSSLX509
internal import TokencertConsumers
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

/// The certificate that a consumer is to use: the named one, the one that is set up, or the only one on
/// the token.
struct CertificateChoice {
    let name: ObjectName?
    let serialNumber: String?
    let record: SetUpRecord?
    /// The days on which revocations were recorded, as for `Health.revocations`.
    let revocations: [String: String]
    let ledger: LedgerOptions

    /// Finds the certificate and passes it on. After a login, the private key is seen, and the PINs are
    /// passed, too; the login has ended.
    func withCertificate<Result>(
        _ options: TokenOptions, loggingIn logsIn: Bool,
        _ body: (UsedCertificate, TokenPINs?) throws -> Result
    ) throws -> Result {
        let token = try find(options)
        let needsLogin = token.token.info.flags.contains(.loginRequired)
        guard needsLogin,
            try logsIn || (options.source(name?.uri, of: token.token) != nil && record == nil)
        else {
            let used = try used(on: token, options, try session(token))
            return try body(used, logsIn ? TokenPINs(of: [], user: .init()) : nil)
        }
        let plan = try PINPlan(token, for: .evidence, allowingLastTry: options.allowsLastTry)
        return try withPINs(plan, options, name?.uri) { pins in
            // The connection ends here: the other program logs in on its own.
            let used = try working("logging in") {
                var connection = try Connection(token, pins)
                return try connection.seeingPrivateObjects(at: .plan) {
                    try self.used(on: token, options, try session(token))
                }
            }
            return try body(used, logsIn ? pins : nil)
        }
    }

    private func session(_ token: TokenCapabilities) throws -> Session<ReadOnly> {
        try token.token.openSession(ReadOnly.self)
    }

    /// The token: the one that is set up unless another one is named on the command line.
    private func find(_ options: TokenOptions) throws -> TokenCapabilities {
        if let record, name == nil, options.token == nil {
            var options = options
            if options.module == nil { options.module = record.modulePath }
            return try findToken(ofLedger: record.token, options)
        }
        return try findToken(options, name?.uri)
    }

    private func used(
        on token: TokenCapabilities, _ options: TokenOptions,
        _ session: consuming Session<ReadOnly>
    ) throws -> UsedCertificate {
        var inventory = try TokenInventory(
            &session, profile: token.profile, keepingCertificates: { _ in true })
        ledger.complete(&inventory)
        let (key, entry) = try choose(inventory, on: token.token)
        guard let certificate = entry.certificate else { throw noCertificate(token.token) }
        let anchors = usableAnchors()
        let known = (anchors?.certificates ?? []) + inventory.authorities
        var needsPINForEachUse = false
        if let handle = key.privateKey?.handle {
            let type = AttributeKey<Bool>.alwaysAuthenticate.type
            needsPINForEachUse =
                try session.attributes(of: handle, [type])[.alwaysAuthenticate] ?? false
        }
        var place = try tokenPlace(token.token)
        place.hasEd25519Key = inventory.keys.contains { $0.kind == .ed25519 }
        return UsedCertificate(
            certificate: certificate, issuers: certificate.issuers(among: known, upTo: anchors),
            key: UsedCertificate.Key(
                id: entry.record.id, label: key.label, certificateLabel: entry.record.label,
                needsPINForEachUse: needsPINForEachUse),
            token: place)
    }

    private func tokenPlace(_ token: Token) throws -> UsedCertificate.TokenPlace {
        let info = token.info
        // Tokens that another program uses at this moment may not be readable; they do not matter.
        let others = ((try? token.module.slots(tokenPresent: true)) ?? []).compactMap { slot in
            slot.id == token.slot.id ? nil : try? slot.token()
        }.filter { $0.info.flags.contains(.tokenInitialized) }
        var place = UsedCertificate.TokenPlace(
            modulePath: absolutePath(token.module.path), slot: token.slot.id,
            uri: try PKCS11URI(token: token).description, label: info.label,
            serialNumber: info.serialNumber,
            others: others.map {
                .init(label: $0.info.label, serialNumber: $0.info.serialNumber, slot: $0.slot.id)
            })
        place.needsPIN = info.flags.contains(.loginRequired)
        place.needsModuleArguments = token.module.arguments != nil
        place.hasReaderKeys = info.flags.contains(.protectedAuthenticationPath)
        return place
    }

    // MARK: Choosing

    private func choose(
        _ inventory: TokenInventory, on token: Token
    ) throws -> (KeyEntry, CertificateEntry) {
        if let name {
            let target = try name.target(in: inventory, on: token, serialNumber: serialNumber)
            var pairs = pairs(in: inventory, target)
            let keys = pairs.isEmpty ? inventory.named(target).keys : []
            if keys.count == 1, keys[0].certificates.isEmpty {
                throw withoutCertificate(keys[0], target)
            }
            if target.serialNumber == nil { pairs = newest(pairs) }
            let titles = ObjectTitles(inventory)
            return try requireOne(pairs, "certificate", target, on: inventory) {
                titles.title($0.1)
            }
        }
        var pairs = inventory.keys.flatMap { key in key.certificates.map { (key, $0) } }
            .filter { $0.1.content?.isAuthority != true }
        if let record { pairs = pairs.filter { hexadecimal($0.1.record.id) == record.keyID } }
        if let serialNumber { pairs = pairs.filter { $0.1.content?.serialNumber == serialNumber } }
        pairs = newest(pairs)
        guard !pairs.isEmpty else { throw noCertificate(token) }
        guard pairs.count == 1 else {
            let titles = ObjectTitles(inventory)
            throw Failure(
                severalObjects:
                    "the token has \(pairs.count) keys with certificates; name one of them",
                hints: several(pairs.map { titles.title($0.1) }))
        }
        return pairs[0]
    }

    private func pairs(
        in inventory: TokenInventory, _ target: ObjectTarget
    ) -> [(KeyEntry, CertificateEntry)] {
        let named = inventory.named(target)
        let handles = Set(
            named.certificates.map(\.record.handle)
                + named.keys.flatMap(\.certificates).map(\.record.handle))
        return inventory.keys.flatMap { key in
            key.certificates.filter { handles.contains($0.record.handle) }.map { (key, $0) }
        }
    }

    /// For each key the certificate that stands for it.
    private func newest(
        _ pairs: [(KeyEntry, CertificateEntry)]
    ) -> [(KeyEntry, CertificateEntry)] {
        var best: [String: (KeyEntry, CertificateEntry)] = [:]
        var order: [String] = []
        let time = now()
        for pair in pairs {
            let key = pair.0.uri
            if let other = best[key] {
                guard pair.1.isPreferred(to: other.1, at: time, revocations) else { continue }
            } else {
                order.append(key)
            }
            best[key] = pair
        }
        return order.compactMap { best[$0] }
    }

    private func withoutCertificate(_ key: KeyEntry, _ target: ObjectTarget) -> Failure {
        Failure(
            .noSuchObject, code: "noSuchObject",
            "no certificate for the key \(target) is visible on the token",
            hints: [
                "to get one: tokencert issue --key \(hexadecimal(key.id))",
                "if the token hides it without a login: --pin-source prompt",
            ])
    }

    private func noCertificate(_ token: Token) -> Failure {
        Failure(
            .noSuchObject, code: "noSuchObject",
            record == nil
                ? "no key with a certificate is visible on token \"\(token.info.label)\""
                : "the key that is set up is not visible on token \"\(token.info.label)\", or has "
                    + "no certificate",
            hints: [
                "to see all keys and certificates: tokencert list --pin-source prompt",
                "to get a certificate: tokencert issue",
                "if the token hides them without a login: --pin-source prompt",
            ])
    }
}
