internal import ArgumentParser
internal import Cryptoki
internal import Inventory
internal import Issuance
internal import Secrets

struct InitTokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Set up a token: give it a name, an SO PIN and a PIN.",
        discussion: """
            Without --token it takes the one token that was never set up. One that was loses \
            everything on it: that is shown, and its name has to be typed. --so-pin-source gives \
            the security officer's PIN: the one that the token has, or the one that a new token \
            gets; keep it, it sets a new PIN when the user's is lost. --pin-source gives the user's \
            new PIN.
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
        guard (1...32).contains(label.utf8.count) else {
            throw Failure(
                .usage, "a token's name has 1 to 32 bytes, not \(label.utf8.count)",
                hints: ["--label work"])
        }
        let token = try find()
        let isNew = !token.info.flags.contains(.tokenInitialized)
        if !isNew { try requireErasure(token) }
        let hasReaderKeys = token.info.flags.contains(.protectedAuthenticationPath)
        let pinSource = try tokenOptions.source(nil) ?? .prompt
        let officerSource = try tokenOptions.securityOfficerSource()
        let officer =
            hasReaderKeys
            ? Secret()
            : isNew
                ? try readNewPIN(officerSource, "new SO PIN", for: token)
                : try readExisting(officerSource, token)
        let pin = hasReaderKeys ? Secret() : try readNewPIN(pinSource, "new PIN", for: token)
        Progress.shared.leaves(
            "the token may be set up without a PIN, and may be empty",
            hints: [
                "tokencert tokens shows it", "tokencert token set-pin gives it a PIN",
            ])
        let memory = try RefusedPINs(token)
        let remembered = isNew ? nil : memory.source(officerSource, of: .securityOfficer)
        let fresh: Token
        do throws(IssuanceError) {
            Progress.shared.begin("setting up the token", onToken: true)
            fresh = try TokenSetUp.initialize(
                token, label: label, securityOfficerPIN: officer, pin: pin)
        } catch {
            if error.code == .pinRefused, let remembered {
                memory.note(remembered, wasRefused: true)
            }
            throw error
        }
        for role in [UserType.user, .securityOfficer] {
            memory.forget(role)
            try RefusedPINs(fresh).forget(role)
        }
        try show(fresh)
    }

    private func find() throws -> Token {
        let set = try ModuleSet(tokenOptions, nil)
        do {
            return try selectTokenToSetUp(try tokenOptions.choices(), in: set.modules)
        } catch let error as TokenSelectionError {
            let uris = error.candidates.map { "--token 'pkcs11:slot-id=\($0.slot.id)'" }
            let names = error.candidates.map {
                $0.info.label.isEmpty ? "never set up" : "“\($0.info.label)”"
            }
            let list = zip(uris, names).map { "\($0): \($1)" }
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
            typing: name, hint: "--erase '\(name)' does it without being asked")
    }

    private func readExisting(_ source: SecretSource, _ token: Token) throws -> Secret {
        if token.info.flags.contains(.soPINLocked) {
            throw Failure(
                .noPermission, code: "pinRefused", "the SO PIN is locked",
                hints: ["the token's maker has a tool that resets it, with all that is on it"])
        }
        if token.info.flags.contains(.soPINFinalTry), !tokenOptions.allowsLastTry {
            throw Failure(
                .noPermission, code: "pinLastTry",
                "one more wrong SO PIN locks the token; no PIN was sent",
                hints: ["--allow-last-try sends it all the same"])
        }
        let memory = try RefusedPINs(token)
        if let remembered = memory.source(source, of: .securityOfficer),
            !tokenOptions.sendsRefusedPINs
        {
            try memory.requireNotRefused(remembered, "SO PIN")
        }
        return try source.read(promptText: "SO PIN of “\(printable(token.info.label))”, as it is")
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
        print("  URI   \(report.uri)")
        if report.label != label {
            printError(
                "note: the token keeps a name of its own, “\(printable(report.label))”")
        }
    }
}
