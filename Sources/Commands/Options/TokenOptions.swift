internal import ArgumentParser
internal import Cryptoki
internal import TokencertPlatform
internal import TokencertTokens

/// The possible sources of a secret, for help texts and hints.
let sourcesOfSecrets =
    "prompt (default), pinentry, file:PATH, env:NAME, fd:N or command:PROGRAM [ARGUMENT...]"

/// Options that select the token and the sources of its PINs.
struct TokenOptions: ParsableArguments {
    @OptionGroup var moduleOptions: ModuleOptions

    @Option(
        help: ArgumentHelp("Source of the PIN: \(sourcesOfSecrets).", valueName: "source"),
        completion: .live(.secretSources))
    var pinSource: String?

    @Option(
        help: ArgumentHelp(
            "Source of the security officer's PIN (such as a management key), if it is needed.",
            valueName: "source"),
        completion: .live(.secretSources))
    var soPinSource: String?

    @Flag(help: "Send a PIN even if a wrong one would lock the token.")
    var allowLastTry = false

    @Flag(help: "Send a PIN even if the token has refused it before.")
    var retryPin = false

    @Option(
        defaultAsFlag: "600", parsing: .next,
        help: ArgumentHelp(
            "Wait until the token is inserted, for at most this many seconds.",
            valueName: "seconds"))
    var wait: String?

    var module: String? {
        get { moduleOptions.module }
        set { moduleOptions.module = newValue }
    }

    var moduleArguments: String? {
        get { moduleOptions.moduleArguments }
        set { moduleOptions.moduleArguments = newValue }
    }

    var token: String? { moduleOptions.token }

    var tokenProfile: String? {
        get { moduleOptions.tokenProfile }
        set { moduleOptions.tokenProfile = newValue }
    }

    /// The options on the command line that select the token, to repeat them in another command. The URI
    /// of an object on the command line may name the token, too.
    func selection(_ object: PKCS11URI?, _ found: Token) -> String {
        var values = [("--module", module), ("--module-arguments", moduleArguments)]
        let isNamedByObject = token == nil && object?.namesToken ?? false
        if !isNamedByObject { values.append(("--token", token)) }
        let named = isNamedByObject ? NamedToken(found)?.option(among: nil) : nil
        return values.map { name, value in value.map { " \(name) \(shellWord($0))" } ?? "" }
            .joined() + (named.map { " " + $0 } ?? "")
    }

    /// The names of those options that are on the command line.
    var typedNames: [String] {
        let values = [
            ("module", module), ("module-arguments", moduleArguments), ("token", token),
            ("token-profile", tokenProfile), ("pin-source", pinSource),
            ("so-pin-source", soPinSource), ("wait", wait),
        ]
        let flags = [("allow-last-try", allowLastTry), ("retry-pin", retryPin)]
        return values.filter { $0.1 != nil }.map(\.0) + flags.filter(\.1).map(\.0)
    }

    var sendsRefusedPINs: Bool { setting(retryPin, .retryPIN) }

    var allowsLastTry: Bool { setting(allowLastTry, .allowLastTry) }

    /// The URI that names the token, or nil if a label names it or no token is named.
    func uri() throws -> PKCS11URI? {
        guard case .uri(let uri)? = try setting(token, .token).map(Self.choice) else { return nil }
        return uri
    }

    /// Parses the value of `--token`: a label, or a URI without attributes of an object.
    private static func choice(_ text: String) throws -> TokenChoice {
        guard !text.isEmpty else {
            throw Failure(
                .usage, "--token is empty",
                hints: [
                    "if the value is a shell variable, check that it is set",
                    "to list all tokens: tokencert tokens",
                ])
        }
        guard looksLikeURI(text) else { return .name(text) }
        guard text.lowercased().hasPrefix("pkcs11:") else {
            // The text may contain a PIN, so it is not repeated.
            throw Failure(
                .usage, "--token: a URI must begin with pkcs11:",
                hints: [
                    "remove the text before pkcs11:, such as a space or a quotation mark",
                    "to list the URIs of all tokens: tokencert tokens --verbose",
                ])
        }
        let uri = try parseURI(text)
        guard !uri.namesObject else {
            throw Failure(
                .usage, "--token requires the URI of a token, not of an object on it",
                hints: [
                    "remove object, id and type from the URI",
                    "to list the URIs of all tokens: tokencert tokens --verbose",
                ])
        }
        guard uri.namesPlace else {
            throw Failure(
                .usage, "the URI \(uri) does not name a token",
                hints: [
                    "add token, serial or slot-id: several tokens may have the same model",
                    "to list the URIs of all tokens: tokencert tokens --verbose",
                ])
        }
        return .uri(uri)
    }

    /// All conditions on the token. If the URI of an object on the command line names its token, a
    /// token set in the environment or the configuration file is ignored.
    func choices(_ object: PKCS11URI? = nil) throws -> [TokenChoice] {
        let ofObject: [TokenChoice] = object.map { [.uri($0)] } ?? []
        if token == nil, object?.namesToken ?? false { return ofObject }
        return try setting(token, .token).map { [try Self.choice($0)] + ofObject } ?? ofObject
    }

    /// The token that the command line names. Irreversible operations use only this one, never a
    /// token from the environment or the configuration file.
    func choicesOnCommandLine() throws -> [TokenChoice] {
        try token.map { [try Self.choice($0)] } ?? []
    }

    /// The label of the token that the user names, or nil.
    func wantedLabel() throws -> String? {
        try uri()?.tokenLabel
            ?? setting(token, .token).flatMap {
                looksLikeURI($0) ? nil : $0
            }
    }

    /// The source of the security officer's PIN. `found` is as in ``source(_:of:)``.
    func securityOfficerSource(of found: Token? = nil) throws -> SecretSource {
        if soPinSource == nil, try !usesStandingSources(for: found) { return .prompt }
        return try setting(soPinSource, .securityOfficerPINSource).map { try SecretSource($0) }
            ?? .prompt
    }

    /// Whether the sources of PINs in the environment and the configuration file apply. If a token
    /// is also set there, they belong to that token and to no other one, however it is named. Before
    /// the token is found (nil), they may apply.
    private func usesStandingSources(for found: Token?) throws -> Bool {
        guard let found, let standing = setting(nil, .token) else { return true }
        // An invalid choice selects no token.
        return try (try? Self.choice(standing))?.fits(found) ?? false
    }

    func secondsToWait() throws -> Int {
        guard let text = setting(wait, .wait) else { return 0 }
        guard let seconds = Int(text), (0...86400).contains(seconds) else {
            throw Failure(
                .usage, "--wait requires a number of seconds, at most 86400",
                hints: ["use --wait 60, or --wait=600 if a URI follows"])
        }
        return seconds
    }

    func profiles() throws -> [TokenProfile] {
        try Profiles.choose(setting(tokenProfile, .tokenProfile))
    }

    /// The source of the PIN, or nil if none is set. `--pin-source` takes precedence over the
    /// `pin-source` attribute of a URI. `found` is the token that gets the PIN, or nil before it is
    /// found.
    func source(_ uri: PKCS11URI?, of found: Token? = nil) throws -> SecretSource? {
        if let pinSource { return try SecretSource(pinSource) }
        let typed = token == nil ? nil : try self.uri()
        if let named = uri?.pinSource ?? typed?.pinSource { return try secretSource(ofURI: named) }
        guard try usesStandingSources(for: found) else { return nil }
        if let text = setting(nil, .pinSource) { return try SecretSource(text) }
        guard let named = try standingURI(uri)?.pinSource else { return nil }
        return try secretSource(ofURI: named)
    }

    /// Whether the user types all PINs. A PIN from another source belongs to one token.
    var asksForAllPINs: Bool {
        get throws {
            try source(nil)?.asksPerson ?? true && securityOfficerSource().asksPerson
        }
    }

    /// These options for another token that the command line names. Sources of PINs in the environment and
    /// the configuration file belong to the usual token, so the PINs are asked for.
    func naming(otherToken name: String) throws -> TokenOptions {
        var options = self
        options.moduleOptions.token = name
        if pinSource == nil, try options.uri()?.pinSource == nil { options.pinSource = "prompt" }
        if soPinSource == nil { options.soPinSource = "prompt" }
        return options
    }

    /// The URI of the token that is set in any place. Nil if the object's URI on the command line
    /// names a token, since the other token's PIN and module do not apply to it.
    func standingURI(_ object: PKCS11URI?) throws -> PKCS11URI? {
        token == nil && object?.namesToken ?? false ? nil : try uri()
    }
}

/// Whether a text is meant as a URI, even with other text before the scheme. It may hold a PIN.
func looksLikeURI(_ text: String) -> Bool {
    let text = text.lowercased()
    return text.contains("pkcs11:") || text.contains("pin-value")
}

/// Parses a URI from the command line or the environment. Throws `Failure` if it contains a PIN.
func parseURI(_ text: String) throws -> PKCS11URI {
    let uri = try PKCS11URI(parsing: text)
    if uri.holdsPIN {
        throw Failure(
            .usage, "the URI contains a PIN (pin-value), which other users can read",
            hints: [
                "remove pin-value, and use --pin-source file:PATH", "change the PIN of the token",
            ])
    }
    return uri
}

/// Parses `pin-source` of a URI: a path or a `file:` URI, never a PIN or a command.
private func secretSource(ofURI text: String) throws -> SecretSource {
    if text.hasPrefix("|") { throw refusedCommand(status: .usage) }
    var path = text[...]
    if path.hasPrefix("file:") { path = path.dropFirst("file:".count) }
    if path.hasPrefix("///") { path = path.dropFirst(2) }
    return .file(try resolvingHome(String(path)))
}

/// The error for a `pin-source` that begins with `|`. URIs are copied between people, so a command
/// in one is never run (RFC 7512, section 2.4, permits that), nor repeated, since it may contain a
/// secret. `place` is where the URI is set, or nil for the command line.
func refusedCommand(status: ExitStatus, place: String? = nil) -> Failure {
    Failure(
        status, code: "commandInURI",
        (place.map { $0 + ": " } ?? "")
            + "refusing to take the PIN from a command in a URI (pin-source=|..., RFC 7512, "
            + "section 2.4)",
        hints: [
            "remove pin-source from the URI, and use --pin-source command:PROGRAM",
            "or set TOKENCERT_PIN_SOURCE or pin-source in the configuration file to command:PROGRAM",
        ])
}
