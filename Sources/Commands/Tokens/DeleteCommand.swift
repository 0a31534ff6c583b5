internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

struct DeleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Remove a key or a certificate from a token.",
        discussion: """
            Without --cert or --key, the key pair and every certificate with the name are deleted. \
            The command shows what depends on them and asks you to type the label. A private key \
            cannot be restored: --yes deletes one only with --key, and only if no certificate on \
            the token can belong to it. In a URI, type=cert means --cert, type=private means --key, \
            and type=public means the public key alone. Put a URI in quotes: a shell ends the \
            command at ";".

            For example:

              tokencert delete mail --cert --dry-run
            """)

    @Argument(help: .objectName, completion: .live(.objects))
    var name: String

    @Flag(help: "Delete only the certificate.")
    var cert = false

    @Flag(help: "Delete only the key pair.")
    var key = false

    @OptionGroup var serialOption: SerialOption

    @Flag(help: "Do not ask for confirmation.")
    var yes = false

    @Flag(
        help: """
            Remove a private key even if a certificate belongs or may belong to it, or the public \
            key that it needs.
            """)
    var yesDeletePrivateKey = false

    @Flag(help: "Show what would be deleted, and change nothing.")
    var dryRun = false

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let name = try ObjectName(name)
        let type = type ?? name.uri?.objectAttributes[.class]
        guard serialOption.serial == nil || type == nil || type == .certificate else {
            throw Failure(
                .usage, "--serial selects a certificate, but a key is named",
                hints: ["leave one of them out"])
        }
        if let uri = name.uri { try requireNamedObject(uri) }
        let capabilities = try findToken(tokenOptions, name.uri, asking: !setting(yes, .yes))
        try ObjectRemoval.requirePossible(capabilities)
        try look(at: name, capabilities)
        let plan = try PINPlan(
            capabilities, for: .remove(onlyCertificates: type == .certificate),
            allowingLastTry: tokenOptions.allowsLastTry)
        try withPINs(plan, tokenOptions, name.uri) { pins in
            var removal = try ObjectRemoval(Connection(capabilities, pins))
            try delete(name, &removal, capabilities)
        }
    }

    /// The class of the objects that the options limit the command to, or nil.
    private var type: ObjectClass? { cert ? .certificate : key ? .privateKey : nil }

    func validate() throws {
        if cert, key { throw ValidationError("--cert cannot be combined with --key") }
    }

    /// Refuses what the removal would refuse, before a PIN is asked for, as far as objects are
    /// visible without a login.
    private func look(at name: ObjectName, _ capabilities: TokenCapabilities) throws {
        // Some tokens show no objects without a login.
        guard let seen = try? capabilities.inventory() else { return }
        let selection = try select(name, seen, capabilities)
        try selection.requireCertain(seen)
        if selection.key != nil { try requireType(selection.target) }
    }

    private func select(
        _ name: ObjectName, _ inventory: TokenInventory, _ capabilities: TokenCapabilities
    ) throws -> RemovalSelection {
        let target = try name.target(
            in: inventory, on: capabilities.token, type: type, serialNumber: serialOption.digits)
        if setting(yes, .yes) { try name.requireWhole(in: inventory, type: type) }
        return RemovalSelection(target, inventory)
    }

    private func delete(
        _ name: ObjectName, _ removal: inout ObjectRemoval, _ capabilities: TokenCapabilities
    ) throws {
        let inventory = try working("reading the token") { try removal.inventory() }
        let selection = try select(name, inventory, capabilities)
        guard !selection.isEmpty else {
            throw noSuchObject(
                "key or certificate", selection.target, toRemove: true, on: inventory)
        }
        try selection.requireCertain(inventory)
        if selection.losesPrivateKey { try requireType(selection.target) }
        if !selection.records.isEmpty, capabilities.profile?.keepsDestroyedKeys ?? false {
            throw Failure(
                .cannotCreate, code: "keysStay", "the module of this token cannot remove keys",
                hints: [
                    "try the tool of the token, such as: ykman piv keys delete",
                    "to delete only the certificate: --cert",
                ])
        }
        let known = try knownOrders(of: selection, capabilities)
        let orders = known.filter { !$0.isFinished }
        try requirePublicKeysKept(selection, inventory, capabilities.profile)
        let awaited = selection.losesPrivateKey ? awaitedOrder(selection, known) : nil
        let valid = selection.losesPrivateKey ? validOrder(selection, known, inventory) : nil
        let coming = [
            awaited.map { "the CA may still issue a certificate for it (order \($0.number))" },
            valid.map {
                "the ledger has a valid certificate for it (order \($0.number)), which could be "
                    + "imported"
            },
        ]
        let consequences =
            orders.map { "order \($0.number) is unfinished and needs the key" }
            + coming.compactMap { $0 }
        let report = Report(
            keys: selection.records.map(\.uri),
            certificates: selection.certificates.map { CertificateReport($0, now()) },
            hangsOnIt: hangsOn(selection, inventory, namingURIs: true) + consequences)
        try requireUnneeded(selection, inventory, orders, awaited)
        try working("reading the token") {
            try removal.requireDestroyable(
                keys: selection.records, certificates: selection.certificates)
        }
        let summary = RemovalSummary(
            key: selection.key, records: selection.records, certificates: selection.certificates,
            consequences: output.isVerbose
                ? report.hangsOnIt
                : hangsOn(selection, inventory, namingURIs: false) + consequences)
        let label = printable(capabilities.token.info.label)
        if setting(dryRun, .dryRun) {
            guard !output.isJSON else { return try printJSON(["wouldRemove": report]) }
            let title = "This would be deleted from token \(label):"
            for line in [title] + summary.lines(width: Output.standardOutput.width) { print(line) }
            print("Nothing was changed.")
            return
        }
        let isAsked = !setting(yes, .yes)
        if isAsked {
            try requireConfirmation(
                ["This will be deleted from token \(label):"]
                    + summary.lines(width: Output.standardError.width) + warnings(selection),
                typing: selection.label, to: "delete it", hint: "to skip the question: --yes")
        }
        Progress.shared.setInterruptionState(
            "some objects may be removed", hints: ["to remove the rest, run the same command"])
        try working("removing the objects and checking that they are gone") {
            try removal.remove(keys: selection.records, certificates: selection.certificates)
        }
        guard !output.isJSON else { return try printJSON(["removed": report]) }
        print(
            "Deleted \(summary.count)." + (selection.records.isEmpty ? " No key was deleted." : ""))
        guard !isAsked else { return }
        for line in summary.lines(width: Output.standardOutput.width) { print(line) }
    }

    private func warnings(_ selection: RemovalSelection) -> [String] {
        guard selection.losesPrivateKey else { return [] }
        let scope =
            selection.type == nil
            ? ["The private key is deleted as well; --cert deletes only the certificate."] : []
        return scope + ["The private key cannot be restored."]
    }

    /// Refuses `--yes` with a URI that has only a type. A shell ends an unquoted URI at its first
    /// semicolon, and the rest may match the only key on the token.
    private func requireNamedObject(_ uri: PKCS11URI) throws {
        let id: [UInt8]? = uri.objectAttributes[.id]
        let label: [UInt8]? = uri.objectAttributes[.labelBytes]
        guard id == nil, label == nil, serialOption.serial == nil, setting(yes, .yes) else {
            return
        }
        throw Failure(
            .usage, code: "nameNeeded", "refusing --yes with a URI that has only a type",
            hints: [
                "put the URI in single quotes: a shell ends the command at an unquoted \";\"",
                "add the label or the id to the URI; to see both: tokencert list",
            ])
    }

    /// Refuses `--yes` for a key without `--key`. A shell ends an unquoted URI at its first semicolon,
    /// so the user may have named a certificate.
    private func requireType(_ target: ObjectTarget) throws {
        guard target.type == nil, setting(yes, .yes),
            !setting(yesDeletePrivateKey, .yesDeletePrivateKey)
        else { return }
        throw Failure(
            .usage, code: "typeNeeded",
            "refusing to delete a private key with --yes and without --key",
            hints: [
                "to delete only the certificate: --cert", "to delete the key pair: --key",
                "put a URI in quotes: a shell ends the command at an unquoted \";\"",
            ])
    }

    /// Requires `--yes-delete-private-key` if a certificate or an order would lose its key.
    private func requireUnneeded(
        _ selection: RemovalSelection, _ inventory: TokenInventory, _ orders: [Order],
        _ awaited: Order?
    ) throws {
        guard let key = selection.key, !setting(yesDeletePrivateKey, .yesDeletePrivateKey) else {
            return
        }
        let isAsked = !setting(yes, .yes)
        if selection.losesPrivateKey {
            try requireNoCertificate(
                for: key, inventory, isAsked: isAsked, orDeletingIt: selection.type == nil)
        } else if !isAsked, lastPublicHalf(selection, inventory) != nil {
            throw keyInUse(
                Self.nothingElse,
                [
                    "to save the public key: tokencert show --public-key "
                        + ObjectTitles(inventory).name(key)
                ], deleting: "the public key")
        }
        if let order = orders.first(where: { $0.mayHaveOrdered || !isAsked }) {
            throw keyInUse(
                "order \(order.number) is unfinished and needs this key",
                ["to continue the order: tokencert resume \(order.number)"])
        }
        if let awaited, !isAsked {
            throw keyInUse(
                "the CA may still issue a certificate for this key (order \(awaited.number))",
                ["to write the certificate once it is issued: tokencert import --cert FILE"])
        }
    }

    private func keyInUse(
        _ message: String, _ hints: [String], deleting object: String = "the key"
    ) -> Failure {
        Failure(
            .cannotCreate, code: "keyInUse", message,
            hints: hints + ["to delete \(object) anyway, add: --yes-delete-private-key"])
    }

    /// Refuses to remove the certificate of a key that stays, if the token has the public key only in it.
    private func requirePublicKeysKept(
        _ selection: RemovalSelection, _ inventory: TokenInventory, _ profile: TokenProfile?
    ) throws {
        guard profile?.storesPublicKeysInCertificates ?? false, !selection.losesPrivateKey,
            !setting(yesDeletePrivateKey, .yesDeletePrivateKey)
        else { return }
        let removed = Set(selection.certificates.map(\.record.handle))
        guard
            let key = inventory.keys.first(where: { key in
                key.privateKey != nil
                    && key.certificates.contains { removed.contains($0.record.handle) }
            })
        else { return }
        throw keyInUse(
            "refusing to delete the only copy of the public key: this token has it only in the "
                + "certificate",
            [
                "to save the certificate: tokencert show --pem "
                    + (selection.certificates.first?.content?.serialNumber ?? "NAME") + " > FILE",
                "to replace the certificate: tokencert renew " + ObjectTitles(inventory).name(key),
            ], deleting: "it")
    }

    private static let nothingElse =
        "the private key stays, but no other object on the token has its public key"

    /// The public key object that is removed although its private key stays and no other object has
    /// the public key: no certificate could be requested for it any more.
    private func lastPublicHalf(
        _ selection: RemovalSelection, _ inventory: TokenInventory
    ) -> ObjectRecord? {
        guard let key = selection.key, key.privateKey != nil, !selection.losesPrivateKey,
            !key.isValueFromPrivateKey, let publicKey = key.publicKey,
            selection.records.contains(where: { $0.handle == publicKey.handle })
        else { return nil }
        let removed = Set(selection.certificates.map(\.record.handle))
        let isTold = inventory.entries.contains { entry in
            guard let value = key.value, let certificate = entry.certificate else { return false }
            return certificate.publicKey == value && !removed.contains(entry.record.handle)
        }
        return isTold ? nil : publicKey
    }

    /// Checks that no certificate belongs or may belong to a key. `offersCertificate`: whether a hint says
    /// how to delete the certificate and to keep the key.
    private func requireNoCertificate(
        for key: KeyEntry, _ inventory: TokenInventory, isAsked: Bool,
        orDeletingIt offersCertificate: Bool
    ) throws {
        let found = inventory.possibleCertificates(for: key)
        let wanted = found.filter { ($0.content?.notAfter ?? .max) >= now() }
        // An expired certificate may be needed for old messages: the user decides if asked.
        guard let first = wanted.first ?? (isAsked ? nil : found.first) else { return }
        let isCertain = first.content != nil && first.certificate?.publicKey == key.value
        let state =
            wanted.isEmpty
            ? "an expired" : first.content == nil ? "a possibly valid" : "a valid"
        let message =
            wanted.count > 1
            ? "\(wanted.count) \(first.content == nil ? "possibly valid" : "valid") "
                + "certificates \(isCertain ? "" : "may ")belong to this key"
            : "\(state) certificate \(isCertain ? "belongs" : "may belong") to this key: "
                + RemovalSummary.title(first)
        var hints: [String] = []
        if wanted.count > 1 {
            hints = wanted.sorted { ($0.content?.notBefore ?? 0) > ($1.content?.notBefore ?? 0) }
                .prefix(3).map { "a certificate of the key: \(RemovalSummary.title($0))" }
        }
        if offersCertificate, !wanted.isEmpty {
            let name = wanted.count == 1 ? ObjectTitles(inventory).name(first) : "SERIAL"
            hints.append("to delete only a certificate: tokencert delete \(name) --cert")
        }
        hints.append("without the key, messages encrypted to it can never be read again")
        throw keyInUse(message, hints)
    }

    /// The objects that lose their key or the other object of their key pair, with or without URIs.
    private func hangsOn(
        _ selection: RemovalSelection, _ inventory: TokenInventory, namingURIs namesURIs: Bool
    ) -> [String] {
        guard let key = selection.key else { return [] }
        let removed = Set(
            selection.certificates.map(\.record.handle) + selection.records.map(\.handle))
        var lines: [String] = []
        for entry in key.certificates where !removed.contains(entry.record.handle) {
            let number = entry.content?.serialNumber
            let short = number.map { "serial \($0)" } ?? entry.record.label
            let name: String = namesURIs ? quoted(entry.record.uri) : short
            let loss = selection.losesPrivateKey ? " without its key" : ""
            lines.append("the certificate of \(entry.name) stays\(loss): \(name)")
        }
        for half in key.halves where !removed.contains(half.handle) {
            let short = half.objectClass == .privateKey ? "the private key" : "the public key"
            let name: String = namesURIs ? quoted(half.uri) : short
            lines.append("the other object of the key pair stays: \(name)")
        }
        return lines + (lastPublicHalf(selection, inventory) == nil ? [] : [Self.nothingElse])
    }

    /// The finished order that may still result in a certificate, or nil. A certificate that was
    /// imported later counts as its result.
    private func awaitedOrder(_ selection: RemovalSelection, _ orders: [Order]) -> Order? {
        let hash = selection.key?.value.map { hexadecimal($0.sha256Fingerprint) }
        let imported = orders.last { $0.beginning.imported != nil && $0.isProved }?.number ?? 0
        return orders.first { order in
            let isForKey = hash == nil || [nil, hash].contains(order.publicKeyHash)
            return order.isFinished && order.mayBringCertificate && order.number > imported
                && isForKey
        }
    }

    /// The order with a valid certificate for the key that is not on the token and not revoked, or nil.
    private func validOrder(
        _ selection: RemovalSelection, _ orders: [Order], _ inventory: TokenInventory
    ) -> Order? {
        guard let hash = selection.key?.value.map({ hexadecimal($0.sha256Fingerprint) }) else {
            return nil
        }
        let present = Set(
            inventory.entries.compactMap(\.content).map { hexadecimal($0.sha256Fingerprint) })
        return orders.last { order in
            order.isProved && order.provedFingerprint.map(present.contains) == false
                && order.publicKeyHash == hash
                && order.certified?.notAfter ?? 0 >= now()
                && !orders.contains { other in
                    order.provedFingerprint.flatMap(other.timeOfRevocation) != nil
                }
        }
    }

    private func knownOrders(
        of selection: RemovalSelection, _ capabilities: TokenCapabilities
    ) throws -> [Order] {
        guard let key = selection.key, ledgerOptions.isFileThere else { return [] }
        let token = try PKCS11URI(token: capabilities.token).description
        let id = hexadecimal(key.id)
        let hash = key.value.map { hexadecimal($0.sha256Fingerprint) }
        let orders = try ledgerOptions.open().orders(
            forKeys: Set([hash].compactMap(\.self)), orID: id)
        return orders.filter { order in
            if let hash, order.publicKeyHash == hash { return true }
            return order.mayBeFor(token) && order.beginning.keyID == id
                && (!id.isEmpty
                    || key.halves.contains { $0.labelBytes == order.beginning.keyLabelBytes })
        }
    }

    private struct Report: Encodable {
        let keys: [String]
        let certificates: [CertificateReport]
        let hangsOnIt: [String]
    }
}
