internal import ArgumentParser
internal import Cryptoki
internal import TokencertPlatform
internal import TokencertTokens

/// Where secrets may come from, for help and hints.
let sourcesOfSecrets =
    "prompt (default), pinentry, file:PATH, env:NAME, fd:N or command:PROGRAM ARGUMENT…"

/// Which token, and where its PIN comes from.
struct TokenOptions: ParsableArguments {
    @OptionGroup var moduleOptions: ModuleOptions

    @Option(
        help: ArgumentHelp(
            "Where the PIN comes from: \(sourcesOfSecrets).",
            valueName: "source"))
    var pinSource: String?

    @Option(
        help: ArgumentHelp(
            "Where the security officer's PIN, as a management key, comes from, where it is needed.",
            valueName: "source"))
    var soPinSource: String?

    @Flag(help: "Send a PIN even where a wrong one would lock the token.")
    var allowLastTry = false

    @Flag(help: "Send a PIN again that the same source gave and the token refused.")
    var retryPin = false

    @Option(
        defaultAsFlag: "600", parsing: .next,
        help: ArgumentHelp(
            "Wait for the token to be put in, 600 seconds at most or as many as are given.",
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

    var sendsRefusedPINs: Bool { setting(retryPin, .retryPIN) }

    var allowsLastTry: Bool { setting(allowLastTry, .allowLastTry) }

    /// The URI that names the token, or nil if a label names it or no token is named.
    func uri() throws -> PKCS11URI? {
        guard case .uri(let uri)? = try setting(token, .token).map(Self.choice) else { return nil }
        return uri
    }

    /// Parses the name of a token: a label, or a URI with attributes of the token only.
    private static func choice(_ text: String) throws -> TokenChoice {
        guard !text.isEmpty else {
            throw Failure(
                .usage, "--token is empty, so it names no token",
                hints: [
                    "if it comes from a shell variable, the variable is not set",
                    "tokencert tokens lists all tokens",
                ])
        }
        guard looksLikeURI(text) else { return .name(text) }
        guard text.lowercased().hasPrefix("pkcs11:") else {
            // The text is not repeated: it may hold a PIN.
            throw Failure(
                .usage, "--token: a URI has to begin with pkcs11:",
                hints: [
                    "remove what comes before pkcs11:, such as a blank or a quotation mark",
                    "tokencert tokens lists the URIs of all tokens",
                ])
        }
        let uri = try parseURI(text)
        guard !uri.namesObject else {
            throw Failure(
                .usage, "--token selects a token, but the URI names an object on it",
                hints: [
                    "leave out object, id and type",
                    "tokencert tokens lists the URIs of all tokens",
                ])
        }
        guard uri.namesPlace else {
            throw Failure(
                .usage, "the URI \(uri) names no token",
                hints: [
                    "add token, serial or slot-id: several tokens may have the same model",
                    "tokencert tokens lists the URIs of all tokens",
                ])
        }
        return .uri(uri)
    }

    /// What was said about the token; nothing where it is the only one.
    ///
    /// - Parameter object: A URI on the command line. Where it names its token, what the environment
    ///   and the configuration say of one does not count.
    func choices(_ object: PKCS11URI? = nil) throws -> [TokenChoice] {
        let ofObject: [TokenChoice] = object.map { [.uri($0)] } ?? []
        if token == nil, object?.namesToken ?? false { return ofObject }
        return try setting(token, .token).map { [try Self.choice($0)] + ofObject } ?? ofObject
    }

    /// What was said about the token on the command line itself: what stands in the environment or
    /// the configuration is not named for something that cannot be taken back.
    func choicesOnCommandLine() throws -> [TokenChoice] {
        try token.map { [try Self.choice($0)] } ?? []
    }

    /// The label of the token that was asked for, or nil.
    func wantedLabel() throws -> String? {
        try uri()?.tokenLabel
            ?? setting(token, .token).flatMap {
                looksLikeURI($0) ? nil : $0
            }
    }

    /// Where the security officer's PIN comes from.
    func securityOfficerSource() throws -> SecretSource {
        try setting(soPinSource, .securityOfficerPINSource).map { try SecretSource($0) } ?? .prompt
    }

    /// How many seconds the token is waited for.
    func secondsToWait() throws -> Int {
        guard let text = setting(wait, .wait) else { return 0 }
        guard let seconds = Int(text), (0...86400).contains(seconds) else {
            throw Failure(
                .usage, "--wait takes a number of seconds, up to a day",
                hints: ["--wait 60; where a URI follows, --wait=600 or --wait behind it"])
        }
        return seconds
    }

    /// What is known of tokens besides what they say.
    func profiles() throws -> [TokenProfile] {
        try Profiles.choose(setting(tokenProfile, .tokenProfile))
    }

    /// Where the PIN comes from, or nil where nobody said.
    ///
    /// - Parameter uri: A URI that may say so (`pin-source`) where the options do not.
    func source(_ uri: PKCS11URI?) throws -> SecretSource? {
        if let pinSource { return try SecretSource(pinSource) }
        let typed = token == nil ? nil : try self.uri()
        if let named = uri?.pinSource ?? typed?.pinSource { return try secretSource(ofURI: named) }
        if let text = setting(nil, .pinSource) { return try SecretSource(text) }
        guard let named = try standingURI(uri)?.pinSource else { return nil }
        return try secretSource(ofURI: named)
    }

    /// The URI of a token that was set; nothing where that of an object names another one, whose
    /// PIN and module are its own.
    func standingURI(_ object: PKCS11URI?) throws -> PKCS11URI? {
        token == nil && object?.namesToken ?? false ? nil : try uri()
    }
}

/// Whether a text is meant as a URI, even if something precedes its scheme. It may hold a PIN.
func looksLikeURI(_ text: String) -> Bool {
    let text = text.lowercased()
    return text.contains("pkcs11:") || text.contains("pin-value")
}

/// Reads a URI as the command line and the environment have it.
func parseURI(_ text: String) throws -> PKCS11URI {
    let uri = try PKCS11URI(parsing: text)
    if uri.holdsPIN {
        throw Failure(
            .usage, "the URI holds a PIN (pin-value), which others can read there",
            hints: ["leave it out and use --pin-source file:PATH", "and change that PIN"])
    }
    return uri
}

/// Reads `pin-source` of a URI: a path or a `file:` URI, never a PIN and never a command.
private func secretSource(ofURI text: String) throws -> SecretSource {
    if text.hasPrefix("|") { throw refusedCommand(status: .usage) }
    var path = text[...]
    if path.hasPrefix("file:") { path = path.dropFirst("file:".count) }
    if path.hasPrefix("///") { path = path.dropFirst(2) }
    return .file(try resolvingHome(String(path)))
}

/// The refusal of a `pin-source` that begins with `|`. URIs are passed on and pasted, so the program
/// that they name is not run; RFC 7512, section 2.4, lets a program decide. The command is not
/// repeated, since it may hold a secret.
///
/// - Parameters:
///   - status: The exit status.
///   - place: Where the URI is set, or nil for the command line.
func refusedCommand(status: ExitStatus, place: String? = nil) -> Failure {
    Failure(
        status, code: "commandInURI",
        (place.map { $0 + ": " } ?? "")
            + "refusing to take the PIN from a command in a URI (pin-source=|..., RFC 7512, "
            + "section 2.4)",
        hints: [
            "take pin-source out of the URI, and use --pin-source command:PROGRAM",
            "pin-source in the configuration file and TOKENCERT_PIN_SOURCE take command:PROGRAM, too",
        ])
}
