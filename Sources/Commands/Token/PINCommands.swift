internal import ArgumentParser
internal import Cryptoki
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

struct SetPINCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-pin", abstract: "Set the first user PIN of a token.",
        discussion: """
            Needs the security officer's PIN (--so-pin-source); --pin-source gives the new PIN.
            """)

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let capabilities = try findToken(tokenOptions)
        guard !capabilities.token.info.flags.contains(.userPINInitialized) else {
            throw Failure(
                .cannotCreate, code: "pinIsSet",
                "token \"\(capabilities.token.info.label)\" already has a user PIN; "
                    + "nothing was changed",
                hints: [
                    "to change it: tokencert token change-pin",
                    "to set a new one if it is locked or lost: tokencert token unblock",
                ])
        }
        try setNewPIN(capabilities, tokenOptions, output)
    }
}

struct UnblockPINCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unblock", abstract: "Set a new user PIN if it is locked or lost.",
        discussion: """
            Needs the security officer's PIN (--so-pin-source); --pin-source gives the new PIN. \
            Keys and certificates stay. If the token has a PUK instead, use the token's own tool.
            """)

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        try setNewPIN(try findToken(tokenOptions), tokenOptions, output)
    }
}

struct ChangePINCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change-pin", abstract: "Change the user PIN or the SO PIN.",
        discussion: """
            --pin-source gives the current PIN, --new-pin-source the new one. The current PIN is \
            sent once; a wrong one counts as a failed attempt.
            """)

    @Flag(help: "Change the security officer's PIN; --so-pin-source gives the current one.")
    var so = false

    @Option(
        help: ArgumentHelp(
            "Where the new PIN comes from: \(sourcesOfSecrets).", valueName: "source"),
        completion: .live(.secretSources))
    var newPinSource: String?

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let capabilities = try findToken(tokenOptions)
        let role: UserType = so ? .securityOfficer : .user
        guard so || capabilities.token.info.flags.contains(.loginRequired) else {
            throw Failure(
                .cannotCreate, code: "noPIN",
                "token \"\(capabilities.token.info.label)\" does not use a PIN",
                hints: ["to set one, try the token's own tool"])
        }
        let plan = try PINPlan(
            settingUp: capabilities.token, capabilities.profile, with: [role],
            allowingLastTry: tokenOptions.allowsLastTry)
        let source = try setting(newPinSource, .newPINSource).map { try SecretSource($0) }
        let token = capabilities.token
        let old = try tokenOptions.sourcesOfPINs(nil, of: token).filter {
            $0.key == (so ? .securityOfficerPIN : .pin)
        }
        try SecretReader.shared.use(old.merging([.newPIN: source ?? .prompt]) { $1 })
        try withPINs(plan, tokenOptions) { pins in
            let new = try readNewPIN(
                plan, source ?? .prompt, so ? "new SO PIN" : "new PIN", of: role)
            Progress.shared.setInterruptionState(
                "the PIN may have been changed", hints: ["try the new PIN first"])
            Progress.shared.begin("changing the PIN", onToken: true)
            try TokenSetUp(token, pins).changePIN(of: role, to: new)
        }
        try RefusedPINs(token).forget(role)
        try tellPIN(so ? "The SO PIN was changed." : "The PIN was changed.", output)
    }
}

struct LabelTokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Change the label of an empty token.",
        discussion: """
            PKCS#11 has no function that renames a token. tokencert sets the token up again, which \
            erases it, so it refuses a token that is not empty. The PINs stay the same; \
            --so-pin-source and --pin-source give them.
            """)

    @Argument(help: ArgumentHelp("New label of the token, at most 32 bytes.", valueName: "name"))
    var name: String

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let newName = try NewTokenName(name, after: "tokencert token label")
        let capabilities = try findToken(tokenOptions)
        let token = capabilities.token
        try newName.requireFree(besides: token, tokenOptions)
        try requirePINsBySO(capabilities)
        let plan = try PINPlan(
            settingUp: token, capabilities.profile, with: [.user, .securityOfficer],
            allowingLastTry: tokenOptions.allowsLastTry)
        let renamed = try withPINs(plan, tokenOptions) { pins in
            let count = try TokenSetUp(token, pins).objectCount()
            guard count == 0 else {
                throw Failure(
                    .cannotCreate, code: "notEmpty",
                    "token \"\(token.info.label)\" has \(count) objects, which would be lost",
                    hints: [
                        "to rename the token, try its own tool: PKCS#11 has no function for it",
                        "to name a new key and its certificate instead: tokencert issue --label",
                    ])
            }
            Progress.shared.setInterruptionState(
                "the token may be set up without a PIN",
                hints: ["to set a PIN: tokencert token set-pin"])
            Progress.shared.begin("setting up the token", onToken: true)
            return try TokenSetUp(token, pins).rename(name)
        }
        try tellPIN(
            "The token's label is now \"\(printable(renamed.info.label))\"; its PINs are unchanged.",
            output)
    }
}

private func setNewPIN(
    _ capabilities: TokenCapabilities, _ options: TokenOptions, _ output: CommonOptions
) throws {
    try requirePINsBySO(capabilities)
    let token = capabilities.token
    let plan = try PINPlan(
        settingUp: token, capabilities.profile, with: [.securityOfficer],
        allowingLastTry: options.allowsLastTry)
    let source = try options.source(nil, of: token) ?? .prompt
    try SecretReader.shared.use([
        .securityOfficerPIN: try options.securityOfficerSource(of: token), .newPIN: source,
    ])
    try withPINs(plan, options) { pins in
        let pin = try readNewPIN(plan, source, "new PIN", of: .user)
        Progress.shared.setInterruptionState(
            "the PIN may have been set", hints: ["to set it again, run the same command"])
        Progress.shared.begin("setting the PIN", onToken: true)
        try TokenSetUp(token, pins).setPIN(pin)
    }
    try RefusedPINs(token).forget(.user)
    try tellPIN("The PIN was set and tested with a login.", output)
}

/// Checks that the security officer can set the user PIN through the PKCS#11 module.
func requirePINsBySO(_ capabilities: TokenCapabilities) throws {
    guard let tool = capabilities.profile?.newPINTool else { return }
    throw Failure(
        .cannotCreate, code: "noNewPIN",
        "the module of token \"\(capabilities.token.info.label)\" cannot set a user PIN",
        hints: ["to set it: \(tool)"])
}

private func tellPIN(_ text: String, _ output: CommonOptions) throws {
    if output.isJSON {
        try printJSON(["message": text])
    } else {
        print(text)
    }
}
