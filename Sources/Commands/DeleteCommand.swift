internal import ArgumentParser
internal import Cryptoki
internal import Inventory
internal import Issuance
internal import Ledger
internal import OpenSSLX509

struct DeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Remove a key or a certificate from a token.",
        discussion: """
            A URI with type=cert names a certificate, one with type=private a private key with its \
            public half, one with type=public that half alone, one without a type all of them. What \
            hangs on it is shown, and the label has to be typed. A private key cannot be brought \
            back by anybody.

            For example:

              tokencert delete 'pkcs11:object=mail;type=cert' --dry-run
            """)

    @Argument(
        help: ArgumentHelp("The key or the certificate, by its URI.", valueName: "uri"),
        completion: LiveCompletion.objects)
    var uri: String

    @OptionGroup var serialOption: SerialOption

    @Flag(help: "Do it without being asked.")
    var yes = false

    @Flag(help: "Remove a private key although a certificate that is valid is for it.")
    var yesDeletePrivateKey = false

    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var ledgerOptions: LedgerOptions
    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let uri = try parseURI(uri)
        guard uri.namesObject else {
            throw Failure(
                .usage, "the URI \(uri) names no key and no certificate",
                hints: ["tokencert list shows them with their URIs"])
        }
        let capabilities = try findToken(tokenOptions, uri)
        try ObjectRemoval.requirePossible(capabilities)
        let isOfCertificate = uri.objectAttributes[.class] == .certificate
        let duties: Set<Duty> = isOfCertificate ? [.read, .write] : [.read, .write, .generate]
        let plan = try PINPlan(
            capabilities, for: duties, allowingLastTry: tokenOptions.allowsLastTry)
        try withPINs(plan, tokenOptions, uri) { pins in
            let login = TokenLogin(capabilities, pins)
            let outcome = try login.holding { () throws(IssuanceError) in
                Result { try delete(uri, ObjectRemoval(login), capabilities) }
            }
            try outcome.get()
        }
    }

    private func delete(
        _ uri: PKCS11URI, _ removal: ObjectRemoval, _ capabilities: TokenCapabilities
    ) throws {
        let inventory = try working("reading the token") { try removal.inventory() }
        let named = try Named(uri, serialOption.digits, inventory)
        if !named.records.isEmpty, capabilities.profile?.keepsDestroyedKeys ?? false {
            throw Failure(
                .cannotCreate, code: "keysStay", "the module of this token removes no keys",
                hints: [
                    "the token's own tool may: with a YubiKey, ykman piv keys delete",
                    "a URI with type=cert removes the certificate alone",
                ])
        }
        let report = Report(
            keys: named.records.map(\.uri),
            certificates: named.certificates.map {
                .init(uri: $0.record.uri, subject: $0.content?.subject ?? "unreadable")
            },
            hangsOnIt: try hangsOn(named, inventory, capabilities))
        if setting(dryRun, .dryRun) {
            try show(report, "would be removed", "Nothing was changed.")
            return
        }
        try requireUnneeded(named, inventory)
        if !setting(yes, .yes) {
            for line in report.lines("will be removed") { printError(line) }
            let label = (named.records.first ?? named.certificates.first?.record)?.label ?? ""
            try requireConfirmation(
                named.losesPrivateKey
                    ? "The private key cannot be brought back by anybody."
                    : "It is removed from “\(printable(capabilities.token.info.label))”.",
                typing: label, hint: "--yes does it without being asked")
        }
        Progress.shared.leaves(
            "a part may be removed", hints: ["the same command removes the rest"])
        try working("removing it, and looking whether it is gone") {
            try removal.remove(keys: named.records, certificates: named.certificates)
        }
        try show(report, "removed", nil)
    }

    /// What a person has named.
    private struct Named {
        /// The key whose halves are removed, or nil.
        let key: KeyEntry?
        /// The halves, each of which the URI names but for its type.
        let records: [ObjectRecord]
        let certificates: [CertificateEntry]

        var losesPrivateKey: Bool { records.contains { $0.objectClass == .privateKey } }

        init(_ uri: PKCS11URI, _ serial: String?, _ inventory: TokenInventory) throws {
            let type = uri.objectAttributes[.class] as ObjectClass?
            var (keys, certificates) = inventory.named(uri)
            if let serial {
                guard type == nil || type == .certificate else {
                    throw Failure(
                        .usage, "--serial is about a certificate, and the URI names a key",
                        hints: ["leave one of them out"])
                }
                // Whoever names a certificate by its number means no key.
                keys = []
                certificates = certificates.filter { $0.content?.serialNumber == serial }
            }
            guard !keys.isEmpty || !certificates.isEmpty else {
                throw noSuchObject("key or certificate", uri, on: inventory)
            }
            if keys.count > 1 {
                _ = try requireOne(keys, "key", uri, on: inventory) { $0.uri }
            }
            if certificates.count > 1, keys.isEmpty {
                throw severalCertificates(certificates, uri)
            }
            key = keys.first
            let halves = [key?.publicKey, key?.privateKey].compactMap { $0 }
            records = halves.filter {
                uri.names($0, whateverType: type != .publicKey)
            }
            self.certificates = certificates
            let twins = inventory.keys.filter { $0.uri == key?.uri && key != nil }
            guard key?.value != nil || twins.count < 2 else {
                throw Failure(
                    .noSuchObject, code: "severalObjects",
                    "two keys on the token have the same URI, and cannot be told apart",
                    hints: ["pkcs11-tool --login --list-objects shows both"])
            }
        }
    }

    /// Insists that a person knows that a certificate loses its key.
    private func requireUnneeded(_ named: Named, _ inventory: TokenInventory) throws {
        guard let key = named.key, named.losesPrivateKey else { return }
        // Also those that are shown beside another half of it.
        let all =
            inventory.keys.filter { other in
                (key.value != nil && other.value == key.value)
                    || (!key.id.isEmpty && other.id == key.id)
            }.flatMap(\.certificates)
            + inventory.entries.filter {
                $0.certificate?.publicKey == key.value && key.value != nil
            }
        guard let valid = all.first(where: { ($0.content?.notAfter ?? 0) >= now() }),
            !setting(yesDeletePrivateKey, .yesDeletePrivateKey)
        else { return }
        throw Failure(
            .cannotCreate, code: "keyInUse",
            "a certificate that is valid is for this key: \(valid.content?.subject ?? "")",
            hints: [
                "what is encrypted to it can never be read again",
                "--yes-delete-private-key removes the key all the same",
            ])
    }

    /// What will be without its key, or without its other half.
    private func hangsOn(
        _ named: Named, _ inventory: TokenInventory, _ capabilities: TokenCapabilities
    ) throws -> [String] {
        guard let key = named.key else { return [] }
        let removed = Set(
            named.certificates.map(\.record.handle) + named.records.map(\.handle))
        var lines = key.certificates.filter { !removed.contains($0.record.handle) }.map {
            let name = $0.content?.subjectName ?? "unreadable"
            return named.losesPrivateKey
                ? "the certificate of \(name) stays, without its key: \($0.record.uri)"
                : "the certificate of \(name) stays: \($0.record.uri)"
        }
        lines += [key.publicKey, key.privateKey].compactMap { $0 }
            .filter { !removed.contains($0.handle) }
            .map { "the other half of the key stays: \($0.uri)" }
        guard named.losesPrivateKey, ledgerOptions.isThere else { return lines }
        let token = try PKCS11URI(token: capabilities.token).description
        let id = hexadecimal(key.id)
        lines += try ledgerOptions.open().orders(unfinishedOnly: true)
            .filter { $0.beginning.token == token && $0.beginning.keyID == id }
            .map { "order \($0.number) is unfinished and needs the key" }
        return lines
    }

    private func show(_ report: Report, _ what: String, _ end: String?) throws {
        if output.isJSON {
            try printJSON([what == "removed" ? "removed" : "wouldRemove": report])
            return
        }
        for line in report.lines(what) { print(line) }
        if let end { print(end) }
    }

    private struct Report: Encodable {
        struct CertificateLine: Encodable {
            let uri: String
            let subject: String
        }

        let keys: [String]
        let certificates: [CertificateLine]
        let hangsOnIt: [String]

        func lines(_ what: String) -> [String] {
            keys.map { "\(what): key \(printable($0))" }
                + certificates.flatMap {
                    [
                        "\(what): certificate of \(printable($0.subject))",
                        "  \(printable($0.uri))",
                    ]
                } + hangsOnIt.map { "  ! \(printable($0))" }
        }
    }
}
