internal import ArgumentParser
internal import Cryptoki
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

struct SetPINCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-pin", abstract: "Give a token its first user PIN.",
        discussion: """
            The security officer's PIN is needed (--so-pin-source); --pin-source gives the new PIN.
            """)

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let capabilities = try findToken(tokenOptions)
        let flags = capabilities.token.info.flags
        guard !flags.contains(.userPINInitialized) else {
            throw Failure(
                .cannotCreate, code: "pinIsSet",
                "“\(capabilities.token.info.label)” has a user PIN; nothing was changed",
                hints: [
                    "tokencert token change-pin changes it",
                    "tokencert token unblock sets a new one where it is locked or lost",
                ])
        }
        try setNewPIN(capabilities, tokenOptions, output)
    }
}

struct UnblockPINCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unblock", abstract: "Set a new user PIN where it is locked or lost.",
        discussion: """
            The security officer's PIN is needed (--so-pin-source); --pin-source gives the new PIN. \
            Keys and certificates stay. Where a token has a PUK in its place, its own tool does it.
            """)

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        try setNewPIN(try findToken(tokenOptions), tokenOptions, output)
    }
}

struct ChangePINCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change-pin", abstract: "Change the user's PIN, or the security officer's.",
        discussion: """
            --pin-source gives the PIN as it is, --new-pin-source the new one. A wrong one counts \
            as a wrong try, and is sent once.
            """)

    @Flag(help: "Change the security officer's PIN: --so-pin-source gives it as it is.")
    var so = false

    @Option(
        help: ArgumentHelp(
            "Where the new PIN comes from: \(sourcesOfSecrets).",
            valueName: "source"))
    var newPinSource: String?

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let capabilities = try findToken(tokenOptions)
        let role: UserType = so ? .securityOfficer : .user
        guard so || capabilities.token.info.flags.contains(.loginRequired) else {
            throw Failure(
                .cannotCreate, code: "noPIN",
                "“\(capabilities.token.info.label)” asks for no PIN, so there is none to change",
                hints: ["its own tool may give it one"])
        }
        let plan = try PINPlan(
            settingUp: capabilities.token, capabilities.profile, with: [role],
            allowingLastTry: tokenOptions.allowsLastTry)
        let source = try setting(newPinSource, .newPINSource).map { try SecretSource($0) }
        let token = capabilities.token
        let old = try tokenOptions.sourcesOfPINs(nil).filter {
            $0.key == (so ? .securityOfficerPIN : .pin)
        }
        try SecretReader.shared.use(old.merging([.newPIN: source ?? .prompt]) { $1 })
        try withPINs(plan, tokenOptions) { pins in
            let new =
                plan.hasReaderKeys
                ? Secret()
                : try readNewPIN(
                    source ?? .prompt, so ? "new SO PIN" : "new PIN", of: role, for: token)
            Progress.shared.setInterruptionState(
                "the PIN may be changed or not", hints: ["try the new one first"])
            Progress.shared.begin("changing the PIN", onToken: true)
            try TokenSetUp(token, pins).changePIN(of: role, to: new)
        }
        try RefusedPINs(token).forget(role)
        try tellPIN(so ? "The security officer's PIN is changed." : "The PIN is changed.", output)
    }
}

struct LabelTokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Give an empty token another name.",
        discussion: """
            PKCS#11 has no function that renames a token: only setting it up anew gives it a name, \
            and takes everything on it. So a token with anything on it is refused. An empty one is \
            set up anew with the PINs that it has: --so-pin-source and --pin-source.
            """)

    @Argument(help: ArgumentHelp("The new name, 32 bytes at most.", valueName: "name"))
    var name: String

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var output: CommonOptions

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
                    "“\(token.info.label)” has \(count) objects on it, which would be lost",
                    hints: [
                        "PKCS#11 has no way to rename a token; your token's own tool may have one",
                        "keys and certificates have labels of their own: tokencert issue --label",
                    ])
            }
            Progress.shared.setInterruptionState(
                "the token may be set up without a PIN",
                hints: ["tokencert token set-pin gives it a PIN"])
            Progress.shared.begin("setting up the token", onToken: true)
            return try TokenSetUp(token, pins).rename(name)
        }
        try tellPIN(
            "The token is called “\(printable(renamed.info.label))” now; its PINs are as they were.",
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
    let source = try options.source(nil) ?? .prompt
    try SecretReader.shared.use([
        .securityOfficerPIN: try options.securityOfficerSource(), .newPIN: source,
    ])
    try withPINs(plan, options) { pins in
        let pin =
            plan.hasReaderKeys ? Secret() : try readNewPIN(source, "new PIN", of: .user, for: token)
        Progress.shared.setInterruptionState(
            "the PIN may be set or not", hints: ["the same command sets it again"])
        Progress.shared.begin("setting the PIN", onToken: true)
        try TokenSetUp(token, pins).setPIN(pin)
    }
    try RefusedPINs(token).forget(.user)
    try tellPIN("The PIN is set, and the user has logged in with it.", output)
}

/// Insists that the security officer can set the user's PIN through the module, before anything is
/// sent.
func requirePINsBySO(_ capabilities: TokenCapabilities) throws {
    guard let tool = capabilities.profile?.newPINTool else { return }
    throw Failure(
        .cannotCreate, code: "noNewPIN",
        "the module of “\(capabilities.token.info.label)” cannot set a user's PIN",
        hints: ["\(tool) does it"])
}

private func tellPIN(_ text: String, _ output: CommonOptions) throws {
    if output.isJSON {
        try printJSON(["message": text])
    } else {
        print(text)
    }
}
