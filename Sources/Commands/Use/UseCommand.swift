internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertConsumers
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

struct UseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "use",
        abstract: "Use a certificate on a token with ssh, browsers, mail and other programs.",
        discussion: """
            Without a consumer, lists the programs that can use a certificate on a token, whether \
            they are installed, and whether they are set up. With a consumer, shows what to write \
            and what to type; nothing is changed.

            --write writes it, with a backup of each file that it changes. --check tests it once, \
            for example by a login with ssh to a temporary server. --undo undoes it. No PIN is \
            ever written.

            For example:

              tokencert use
              tokencert use ssh mail --host example.org
              tokencert use ssh --write --host example.org
              tokencert use ssh --check
              tokencert use ssh --undo
            """)

    @Argument(help: "The consumer, such as ssh.", completion: .list(Consumers.all.map(\.name)))
    var consumer: String?

    @Argument(help: .objectName, completion: .live(.objects))
    var name: String?

    @OptionGroup var serialOption: SerialOption

    @Flag(help: "Write the set-up to your files.")
    var write = false

    @Flag(help: "Try it once. The token asks for the PIN.")
    var check = false

    @Flag(help: "Undo the set-up.")
    var undo = false

    @Flag(
        help: ArgumentHelp(
            "Update the set-ups, of one consumer or of all, whose tokens are present to the "
                + "current certificates; for a hook after renewals."))
    var allPresent = false

    @Option(
        help: ArgumentHelp(
            "ssh: use the key for this host, or for hosts with this pattern; can be repeated.",
            valueName: "host"))
    var host: [String] = []

    @Option(
        name: .customLong("profile-folder"),
        help: ArgumentHelp("firefox, thunderbird: the folder of the profile.", valueName: "folder"),
        completion: .directory)
    var profileFolder: String?

    @Option(
        help: ArgumentHelp(
            "git: the configuration of one repository, REPOSITORY/.git/config. nginx: the file to "
                + "write, which you include.", valueName: "file"),
        completion: .file())
    var file: String?

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func validate() throws {
        let actions = [write, check, undo, allPresent].filter { $0 }.count
        // A set-up may be written and tried at once.
        guard actions < 2 || (actions == 2 && write && check) else {
            throw ValidationError("use only one of --write, --check, --undo and --all-present")
        }
        guard consumer != nil || allPresent || actions == 0 && !namesSomething else {
            throw ValidationError("name the consumer: tokencert use lists them")
        }
        guard !(undo || allPresent) || !namesSomething else {
            throw ValidationError(
                "--undo and --all-present take no certificate, and none of "
                    + PlaceOption.allCases.map { "--" + $0.rawValue }.joined(separator: ", "))
        }
        let ignored =
            undo || consumer == nil && !allPresent
            ? tokenOptions.typedNames + (ledgerOptions.ledger == nil ? [] : ["ledger"]) : []
        if let first = ignored.first {
            throw ValidationError(
                undo
                    ? "--undo uses no token: omit --\(first)"
                    : "name the consumer: the list of consumers uses no token, so omit --\(first)")
        }
        // An option that is ignored would set up another place than the user means.
        guard let consumer = consumer.flatMap({ Consumers.named($0) }) else { return }
        for option in placeOptions where !consumer.placeOptions.contains(option) {
            let names = Consumers.all.filter { $0.placeOptions.contains(option) }.map(\.name)
            throw ValidationError(
                "--\(option.rawValue) is for \(names.joined(separator: " and ")), "
                    + "not for \(consumer.name)")
        }
    }

    /// The options on the command line that name a place.
    private var placeOptions: [PlaceOption] {
        (host.isEmpty ? [] : [.host]) + (profileFolder == nil ? [] : [.profileFolder])
            + (file == nil ? [] : [.file])
    }

    /// Whether the command line names a certificate or a place.
    private var namesSomething: Bool {
        name != nil || serialOption.serial != nil || !placeOptions.isEmpty
    }

    func run() throws {
        try prepareProcess(output)
        let store = setUpStore
        guard let consumer else {
            return allPresent ? try renewAll(Consumers.all, store) : try showAll(store)
        }
        guard let found = Consumers.named(consumer) else {
            let names = Consumers.all.map(\.name)
            throw Failure(
                .usage, code: "consumerUnknown", "\"\(consumer)\" is not a consumer",
                hints: suggestions(for: consumer, among: names).map {
                    "did you mean tokencert use \($0)?"
                } + ["the consumers are: " + names.joined(separator: ", ")])
        }
        if allPresent { return try renewAll([found], store) }
        if undo { return try takeBack(found, store) }
        try setUp(found, store)
    }

    // MARK: One consumer

    private func setUp(_ consumer: any Consumer, _ store: SetUpStore) throws {
        for program in consumer.programs where !program.isOptional { try program.require() }
        let record = try store.record(consumer.name)
        if check, record == nil, !write {
            let option = consumer.requiredOption.flatMap { placeOptions.contains($0) ? nil : $0 }
            let place = option.map { " --\($0.rawValue) \($0.rawValue.uppercased())" } ?? ""
            throw ConsumerError(
                .notSetUp, "\(consumer.name) is not set up",
                advice: ["set it up first: \(writingCommand(consumer))\(place)"])
        }
        // Nothing is written for a certificate that may be revoked.
        let revocations =
            write || check
            ? try ledgerOptions.revocations()
            : ledgerOptions.objectStates(showingOrders: false).revocations
        let choice = CertificateChoice(
            name: try name.map { try ObjectName($0) }, serialNumber: serialOption.digits,
            record: record, revocations: revocations, ledger: ledgerOptions)
        try choice.withCertificate(tokenOptions, loggingIn: check) { used, pins in
            try consumer.requireUsable(used)
            let end = endOfValidity(used, consumer, revocations)
            if check, let end { throw end }
            let place = try place(consumer, record)
            let setUp = try consumer.setUp(used, place)
            let changes = try store.changes(setUp, of: consumer.name)
            var report = UseReport(consumer, used, setUp, changes)
            if let end { report.warn(end) }
            if write {
                let undone = try store.write(changes, of: consumer, used, place)
                report.isWritten = true
                if !undone.isEmpty {
                    report.takenBack = UndoReport(consumer.name, undone).files
                }
            } else if check, let other = changes.first(where: { !$0.isMade }) {
                throw ConsumerError(
                    .fileInTheWay,
                    "\(other.file.path) differs from what tokencert would write now for this "
                        + "certificate",
                    advice: ["write it again: \(writingCommand(consumer))"])
            }
            if check, let pins {
                report.proofs = try working("trying \(consumer.name)") {
                    try pins.withAcceptedPIN { pin in
                        try consumer.check(used, place, pin: pin)
                    }
                }
            }
            try report.show(output, writing: writingCommand(consumer))
        }
    }

    /// The failure if the certificate is revoked or has expired and the consumer uses it; the key may
    /// still decrypt.
    private func endOfValidity(
        _ used: UsedCertificate, _ consumer: any Consumer, _ revocations: [String: String]
    ) -> ConsumerError? {
        guard consumer.usesCertificate else { return nil }
        let certificate = used.certificate
        let name = shellWord(used.key.label.isEmpty ? hexadecimal(used.key.id) : used.key.label)
        if let day = revocations[hexadecimal(certificate.sha256Fingerprint)] {
            return ConsumerError(
                .certificateUnfit, "the certificate was revoked (recorded on \(day))",
                advice: [
                    "to see all certificates of the key: tokencert show \(name)",
                    "to get another one: tokencert issue",
                ])
        }
        guard certificate.notAfter < now() else { return nil }
        return ConsumerError(
            .certificateUnfit,
            "the certificate expired on \(timestamp(certificate.notAfter).prefix(10))",
            advice: ["renew it: tokencert renew \(name)"])
    }

    /// The command that writes what is shown, with the same certificate, place and token.
    private func writingCommand(_ consumer: any Consumer) -> String {
        let values =
            [("--serial", serialOption.serial)] + host.map { ("--host", $0) }
            + [
                ("--profile-folder", profileFolder), ("--file", file),
                ("--module", tokenOptions.module),
                ("--module-arguments", tokenOptions.moduleArguments),
                ("--token", tokenOptions.token), ("--token-profile", tokenOptions.tokenProfile),
                ("--pin-source", tokenOptions.pinSource), ("--ledger", ledgerOptions.ledger),
                ("--profile", output.profile), ("--config", output.config),
            ]
        let options = values.compactMap { option, value in
            value.map { "\(option) \(shellWord($0))" }
        }
        let words = ["tokencert use", consumer.name] + (name.map { [shellWord($0)] } ?? [])
        return (words + ["--write"] + options).joined(separator: " ")
    }

    /// The place from the options, or else the one that is set up.
    private func place(_ consumer: any Consumer, _ record: SetUpRecord?) throws -> Place {
        let home = try requireHome()
        let parent = parentFolderOfConfiguration
        var place = Place(home: home, configuration: parent, own: dataFolder + "/use")
        place.hosts = host.isEmpty ? record?.place.hosts ?? [] : host
        place.profile =
            try profileFolder.map { absolute(try resolvingHome($0)) } ?? record?.place.profile
        place.file = try file.map { absolute(try resolvingHome($0)) } ?? record?.place.file
        return place
    }

    private func takeBack(_ consumer: any Consumer, _ store: SetUpStore) throws {
        let report = UndoReport(consumer.name, try store.undo(consumer))
        if output.isJSON { return try printJSON(report) }
        for file in report.files { print(file.line) }
    }

    // MARK: All consumers

    private func showAll(_ store: SetUpStore) throws {
        let report = ConsumersReport(store)
        if output.isJSON { return try printJSON(report) }
        report.print(try output.style())
    }

    private func renewAll(_ consumers: [any Consumer], _ store: SetUpStore) throws {
        var renewed: [RenewedSetUp] = []
        var failures: [Failure] = []
        let revocations = try ledgerOptions.revocations()
        for consumer in consumers {
            do {
                guard let record = try store.record(consumer.name) else { continue }
                let choice = CertificateChoice(
                    name: nil, serialNumber: nil, record: record, revocations: revocations,
                    ledger: ledgerOptions)
                renewed.append(
                    RenewedSetUp(
                        consumer: consumer.name,
                        state: try renew(consumer, record, choice, store)))
            } catch {
                // A failure of one must not stop the others.
                let failure = Failure(error)
                failures.append(failure)
                renewed.append(
                    RenewedSetUp(
                        consumer: consumer.name, state: .failed, error: FailureReport(failure)))
            }
        }
        if output.isJSON {
            try printJSON(["setUps": renewed])
        } else {
            if renewed.isEmpty { print("Nothing is set up.") }
            for line in renewed.map(\.line) { print(line) }
        }
        guard let first = failures.first else { return }
        var failure =
            renewed.count == 1
            ? first
            : first.with(
                message: "\(failures.count) of \(renewed.count) set-ups cannot be renewed")
        failure.isInJSON = output.isJSON
        throw failure
    }

    private func renew(
        _ consumer: any Consumer, _ record: SetUpRecord, _ choice: CertificateChoice,
        _ store: SetUpStore
    ) throws -> RenewedSetUp.State {
        do {
            return try choice.withCertificate(tokenOptions, loggingIn: false) { used, _ in
                try consumer.requireUsable(used)
                if let end = endOfValidity(used, consumer, choice.revocations) {
                    printError("note: \(consumer.name): \(printable(end.message))")
                }
                let changes = try store.changes(
                    try consumer.setUp(used, record.place), of: consumer.name)
                let isCurrent =
                    changes.allSatisfy(\.isMade)
                    && record.fingerprint == hexadecimal(used.certificate.sha256Fingerprint)
                if !isCurrent {
                    try store.write(changes, of: consumer, used, record.place)
                }
                return isCurrent ? .unchanged : .written
            }
        } catch let failure as Failure where failure.isTokenAbsent {
            return .absent
        }
    }
}

var setUpStore: SetUpStore { SetUpStore(folder: stateFolder + "/use") }
