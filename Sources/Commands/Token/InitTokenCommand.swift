internal import ArgumentParser
internal import Cryptoki
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Set up a token, or change its PINs or label.",
        subcommands: [
            InitTokenCommand.self, SetPINCommand.self, ChangePINCommand.self,
            UnblockPINCommand.self, LabelTokenCommand.self,
        ])
}

struct InitTokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Set up a token with a label, an SO PIN and a user PIN.",
        discussion: """
            Without --token on the command line, tokencert uses the only token that was never set \
            up. A token that was set up before loses everything on it: tokencert shows what is \
            lost, and asks you to type the token's label. --so-pin-source gives the security \
            officer's PIN, which is the current one or, for a new token, the one to set. Keep it: \
            you need it to set a new user PIN if that is lost. --pin-source gives the new user PIN.

            For example:

              tokencert token init --label work
            """)

    @Option(help: "New label of the token, at most 32 bytes.")
    var label: String

    @Option(
        help: ArgumentHelp(
            "Erase the token with this label without asking for confirmation.", valueName: "name"))
    var erase: String?

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let name = try NewTokenName(label, after: "--label")
        let token = try find()
        try name.requireFree(besides: token, tokenOptions)
        let capabilities = try TokenCapabilities(token, profiles: try tokenOptions.profiles())
        try requirePINsBySO(capabilities)
        let isNew = !token.info.flags.contains(.tokenInitialized)
        let hasOfficer = !isNew || capabilities.profile?.hasFactorySecurityOfficerPIN ?? false
        if !isNew { try requireErasure(token) }
        // The user PIN is replaced: only the state of the SO PIN matters.
        let plan = try PINPlan(
            settingUp: token, capabilities.profile, with: hasOfficer ? [.securityOfficer] : [],
            allowingLastTry: tokenOptions.allowsLastTry)
        // A new token gets its first PINs, which may be those of the token that is usually used.
        let pinSource = try tokenOptions.source(nil, of: isNew ? nil : token) ?? .prompt
        let officerSource = try tokenOptions.securityOfficerSource(of: hasOfficer ? token : nil)
        try SecretReader.shared.use([.securityOfficerPIN: officerSource, .newPIN: pinSource])
        let fresh = try withOfficer(plan, officerSource, isNew: !hasOfficer) { pins in
            if plan.hasReaderKeys {
                printError("enter the SO PIN on the reader, then the new user PIN")
            }
            let pin = try readNewPIN(plan, pinSource, "new PIN", of: .user, called: label)
            Progress.shared.setInterruptionState(
                "the token may be empty, or set up without a PIN",
                hints: [
                    "to see its state: tokencert tokens", "to set a PIN: tokencert token set-pin",
                ])
            Progress.shared.begin("setting up the token", onToken: true)
            return try TokenSetUp(token, pins).initialize(label: label, pin: pin)
        }
        for changed in [token, fresh] {
            let memory = try RefusedPINs(changed)
            for role in [UserType.user, .securityOfficer] { memory.forget(role) }
        }
        try show(fresh)
    }

    /// Runs the body with the security officer's PIN: new for a new token, else the current one.
    private func withOfficer(
        _ plan: PINPlan, _ source: SecretSource, isNew: Bool, _ body: (TokenPINs) throws -> Token
    ) throws -> Token {
        guard isNew else { return try withPINs(plan, tokenOptions, nil, body) }
        let officer = try readNewPIN(
            plan, source, as: .securityOfficerPIN, "new SO PIN", of: .securityOfficer,
            called: label)
        return try body(TokenPINs(of: [.securityOfficer], user: Secret(), securityOfficer: officer))
    }

    private func find() throws -> Token {
        if tokenOptions.token?.isEmpty ?? false {
            throw Failure(
                .usage, "--token is empty; nothing was changed",
                hints: ["check for an unset shell variable, or leave out --token"])
        }
        let set = try ModuleSet(tokenOptions, nil)
        do {
            let choices = try tokenOptions.choicesOnCommandLine()
            let token = try selectTokenToSetUp(choices, in: set.modules)
            if choices.isEmpty { set.warnOfFailures(tokenOptions) }
            return token
        } catch let error as TokenSelectionError {
            if setting(erase, .erase) == nil, let token = tokenChosen(after: error) {
                return token
            }
            throw Failure(
                .noSuchObject, code: error.code == .several ? "severalTokens" : "noToken",
                error.code == .several
                    ? "more than one token matches"
                    : "no matching or uninitialised token found",
                hints: several(error.candidates, as: "available")
                    + ["choose one with --token; one that is set up loses everything on it"])
        }
    }

    /// Asks the user to confirm that everything on the token is lost.
    private func requireErasure(_ token: Token) throws {
        let name = token.info.label
        if let erase = setting(erase, .erase) {
            guard erase == name else {
                throw Failure(
                    .usage, code: "notConfirmed",
                    "the label of the token is \"\(name)\", not \"\(erase)\"; nothing was changed",
                    hints: ["set --erase to the label of the token to erase"])
            }
            return
        }
        var session = try token.openSession(ReadOnly.self)
        let inventory = try TokenInventory(&session)
        try session.close()
        let seen =
            "visible without a login: keys \(inventory.keys.count), certificates "
            + "\(inventory.entries.count), other objects \(inventory.otherObjects)"
        try requireConfirmation(
            [
                "This erases everything on \"\(printable(name))\" (\(printable(token.info.model)), "
                    + "serial \(printable(token.info.serialNumber))): \(seen)."
            ],
            typing: name, to: "erase it",
            hint: printable(name) == name
                ? "to skip the question: --erase \(quoted(name))"
                : "to skip the question, set --erase to the exact bytes of the token's label")
    }

    private func show(_ token: Token) throws {
        let report = try TokenReport(token)
        if output.isJSON { return try printJSON(["token": report]) }
        print("The token is set up. A login with the new PIN succeeded.")
        print("  label   \(printable(report.label))")
        print("  serial  \(printable(report.serialNumber))")
        if output.isVerbose { print("  URI     \(quoted(report.uri))") }
        if report.label != label {
            printError("note: the token keeps its own label, \"\(printable(report.label))\"")
        }
        try output.printNext(.seeAccount(hasUsername: setting(nil, .username) != nil))
    }
}
