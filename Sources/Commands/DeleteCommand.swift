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
            A URI with type=cert names a certificate, one with type=private or type=public a key \
            pair, one without a type both. What hangs on it is shown, and the label has to be \
            typed. A private key cannot be brought back by anybody.
            """)

    @Argument(
        help: ArgumentHelp("The key or the certificate, by its URI.", valueName: "uri"),
        completion: LiveCompletion.objects)
    var uri: String

    @Option(
        help: ArgumentHelp(
            "Only the certificate with this serial number, where several have one URI.",
            valueName: "hex"))
    var serial: String?

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
        var (keys, certificates) = inventory.named(uri)
        if let serial {
            let wanted = serial.lowercased().filter { $0 != ":" }
            certificates = certificates.filter { $0.content?.serialNumber == wanted }
        }
        guard !keys.isEmpty || !certificates.isEmpty else {
            _ = try requireOne([String](), "key or certificate", uri) { $0 }
            return
        }
        if keys.count > 1 { _ = try requireOne(keys, "key", uri) { $0.uri } }
        if certificates.count > 1, keys.isEmpty {
            throw Failure(
                .noSuchObject, code: "severalObjects",
                "\(certificates.count) certificates on the token fit \(uri)",
                hints: certificates.map {
                    "one of them: '\($0.record.uri)' --serial \($0.content?.serialNumber ?? "")"
                })
        }
        if let key = keys.first, key.value == nil,
            inventory.keys.filter({ $0.uri == key.uri }).count > 1
        {
            throw Failure(
                .noSuchObject, code: "severalObjects",
                "two keys on the token have the same URI, and cannot be told apart",
                hints: ["pkcs11-tool --login --list-objects shows both"])
        }
        let report = Report(
            keys: keys.map(\.uri),
            certificates: certificates.map {
                .init(uri: $0.record.uri, subject: $0.content?.subject ?? "unreadable")
            },
            hangsOnIt: try hangsOn(keys, keeping: certificates, capabilities))
        if dryRun {
            try show(report, "would be removed", "Nothing was changed.")
            return
        }
        if let key = keys.first { try requireUnneeded(key) }
        if !setting(yes, .yes) {
            if !output.isJSON { try show(report, "will be removed", nil) }
            let label =
                keys.first?.label ?? certificates.first?.record.label ?? ""
            try requireConfirmation(
                keys.isEmpty
                    ? "The certificate is removed from “\(printable(capabilities.token.info.label))”."
                    : "The private key cannot be brought back by anybody.",
                typing: label.isEmpty ? "delete" : label,
                hint: "--yes does it without being asked")
        }
        Progress.shared.leaves(
            "a part may be removed", hints: ["the same command removes the rest"])
        try working("removing it, and looking whether it is gone") {
            try removal.remove(keys: keys, certificates: certificates)
        }
        try show(report, "removed", nil)
    }

    /// Insists that a person knows that a certificate loses its key.
    private func requireUnneeded(_ key: KeyEntry) throws {
        let valid = key.certificates.filter { ($0.content?.notAfter ?? 0) >= now() }
        guard !valid.isEmpty, !setting(yesDeletePrivateKey, .yesDeletePrivateKey) else {
            return
        }
        throw Failure(
            .cannotCreate, code: "keyInUse",
            "a certificate that is valid is for this key: \(valid[0].content?.subject ?? "")",
            hints: [
                "what is encrypted to it can never be read again",
                "--yes-delete-private-key removes the key all the same",
            ])
    }

    /// What will be without its key, or without its certificate.
    private func hangsOn(
        _ keys: [KeyEntry], keeping removed: [CertificateEntry], _ capabilities: TokenCapabilities
    ) throws -> [String] {
        let handles = Set(removed.map(\.record.handle))
        var lines = keys.flatMap(\.certificates).filter { !handles.contains($0.record.handle) }
            .map {
                let name = $0.content?.subjectName ?? "unreadable"
                return "the certificate of \(name) stays, without its key: \($0.record.uri)"
            }
        guard ledgerOptions.isThere else { return lines }
        let token = try PKCS11URI(token: capabilities.token).description
        let ids = Set(keys.map { hexadecimal($0.id) })
        lines += try ledgerOptions.open().orders(unfinishedOnly: true)
            .filter { $0.beginning.token == token && ids.contains($0.beginning.keyID) }
            .map { "order \($0.number) is unfinished and needs the key" }
        return lines
    }

    private func show(_ report: Report, _ what: String, _ end: String?) throws {
        if output.isJSON {
            try printJSON([what == "removed" ? "removed" : "wouldRemove": report])
            return
        }
        for key in report.keys { print("\(what): key \(printable(key))") }
        for certificate in report.certificates {
            print("\(what): certificate of \(printable(certificate.subject))")
            print("  \(printable(certificate.uri))")
        }
        for line in report.hangsOnIt { print("  ! \(printable(line))") }
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
    }
}
