internal import ArgumentParser
internal import Cryptoki
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Set up a token, or a PIN of it.",
        subcommands: [
            InitTokenCommand.self, SetPINCommand.self, ChangePINCommand.self,
            UnblockPINCommand.self, LabelTokenCommand.self,
        ])
}

struct InitTokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Set up a token: give it a name, an SO PIN and a PIN.",
        discussion: """
            Without --token on the command line it takes the one token that was never set up. One that was loses \
            everything on it: that is shown, and its name has to be typed. --so-pin-source gives \
            the security officer's PIN: the one that the token has, or the one that a new token \
            gets; keep it, it sets a new PIN when the user's is lost. --pin-source gives the user's \
            new PIN.

            For example:

              tokencert token init --label work
            """)

    @Option(help: "The token's new name, 32 bytes at most.")
    var label: String

    @Option(
        help: ArgumentHelp(
            "Set up a token anew that has this name, without being asked: all on it is lost.",
            valueName: "name"))
    var erase: String?

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var output: CommonOptions

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
        // The user has none any more: only the other one's flags matter.
        let plan = try PINPlan(
            settingUp: token, capabilities.profile, with: hasOfficer ? [.securityOfficer] : [],
            allowingLastTry: tokenOptions.allowsLastTry)
        let pinSource = try tokenOptions.source(nil) ?? .prompt
        let officerSource = try tokenOptions.securityOfficerSource()
        try SecretReader.shared.use([.securityOfficerPIN: officerSource, .newPIN: pinSource])
        let fresh = try withOfficer(plan, officerSource, isNew: !hasOfficer) { pins in
            if plan.hasReaderKeys {
                printError("the reader asks for the SO PIN, then for the user's new PIN")
            }
            let pin =
                plan.hasReaderKeys
                ? Secret()
                : try readNewPIN(
                    pinSource, "new PIN", of: .user, for: token, called: label)
            Progress.shared.setInterruptionState(
                "the token may be set up without a PIN, and may be empty",
                hints: [
                    "tokencert tokens shows it", "tokencert token set-pin gives it a PIN",
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

    /// Has the security officer's PIN: the one that the token has, asked for as everywhere, or a new
    /// one.
    private func withOfficer(
        _ plan: PINPlan, _ source: SecretSource, isNew: Bool, _ body: (TokenPINs) throws -> Token
    ) throws -> Token {
        guard isNew else { return try withPINs(plan, tokenOptions, nil, body) }
        let officer =
            plan.hasReaderKeys
            ? Secret()
            : try readNewPIN(
                source, as: .securityOfficerPIN, "new SO PIN", of: .securityOfficer,
                for: plan.token, called: label)
        return try body(
            TokenPINs(of: [.securityOfficer], user: Secret(), securityOfficer: officer))
    }

    private func find() throws -> Token {
        if tokenOptions.token?.isEmpty ?? false {
            throw Failure(
                .usage, "--token is empty, so it names no token; nothing was changed",
                hints: ["check for an unset shell variable", "or leave --token out"])
        }
        let set = try ModuleSet(tokenOptions, nil)
        do {
            let choices = try tokenOptions.choicesOnCommandLine()
            let token = try selectTokenToSetUp(choices, in: set.modules)
            if choices.isEmpty { set.warnOfFailures(tokenOptions) }
            return token
        } catch let error as TokenSelectionError {
            let list = try error.candidates.map { token in
                // One that was never set up says nothing of itself.
                let isSetUp = token.info.flags.contains(.tokenInitialized)
                let uri =
                    try isSetUp
                    ? PKCS11URI(token: token).description : "pkcs11:slot-id=\(token.slot.id)"
                return "\(token.module.options) --token \(quoted(uri))"
                    + (isSetUp ? "" : ": never set up")
            }
            throw Failure(
                .noSuchObject, code: error.code == .several ? "severalTokens" : "noToken",
                error.code == .several
                    ? "more than one token could be meant"
                    : "no token fits, and none is there that was never set up",
                hints: list.map { "there is: \($0)" }
                    + ["--token names the one; what was set up before loses everything on it"])
        }
    }

    /// Insists that a person knows what is lost.
    private func requireErasure(_ token: Token) throws {
        let name = token.info.label
        if let erase = setting(erase, .erase) {
            guard erase == name else {
                throw Failure(
                    .usage, code: "notConfirmed",
                    "the token is called “\(name)”, not “\(erase)”; nothing was changed",
                    hints: ["--erase takes the name of the token that is to be emptied"])
            }
            return
        }
        var session = try token.openSession(ReadOnly.self)
        let inventory = try TokenInventory(&session)
        try session.close()
        let seen =
            "\(inventory.keys.count) keys, \(inventory.entries.count) certificates and "
            + "\(inventory.otherObjects) other objects are seen without a login"
        try requireConfirmation(
            "All that is on “\(printable(name))” (\(printable(token.info.model)), serial "
                + "\(printable(token.info.serialNumber))) is lost for good: \(seen).",
            typing: name,
            hint: printable(name) == name
                ? "--erase \(quoted(name)) does it without being asked"
                : "--erase takes the token's name as it is, byte for byte")
    }

    private func show(_ token: Token) throws {
        let report: TokenReport
        do throws(CryptokiError) {
            report = try TokenReport(token)
        } catch {
            throw Failure(error)
        }
        if output.isJSON {
            try printJSON(["token": report])
            return
        }
        print("The token is set up, and the user has logged in with the new PIN.")
        print("  name  \(printable(report.label))")
        print("  URI   \(quoted(report.uri))")
        if report.label != label {
            printError(
                "note: the token keeps a name of its own, “\(printable(report.label))”")
        }
    }
}
