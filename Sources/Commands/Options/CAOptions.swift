internal import ArgumentParser
internal import TokencertCommandCA
internal import TokencertIssuance
internal import TokencertPlatform

struct CAOptions: ParsableArguments {
    @Option(
        name: .customLong("ca-url"),
        help: ArgumentHelp("URL of the CA; default https://www.cacert.org.", valueName: "url"))
    var caURL: String?

    @Option(
        help: ArgumentHelp(
            "Command of another CA: PROGRAM [ARGUMENT...]. It gets the request on standard input "
                + "and prints the certificate.",
            valueName: "command"))
    var caCommand: String?

    @Option(
        help: ArgumentHelp(
            "File of trust anchors, in PEM or DER, to use instead of those of tokencert trust.",
            valueName: "file"), completion: .file())
    var caFile: String?

    @Option(
        help: ArgumentHelp(
            "Kinds of keys that the CA accepts, separated by commas: rsa (default), ec, ed25519. "
                + "With --ca-command, the default is all of them.",
            valueName: "kinds"))
    var caAccepts: String?

    @Option(help: ArgumentHelp("E-mail address of the account.", valueName: "address"))
    var username: String?

    @Option(
        help: ArgumentHelp("Source of the password: \(sourcesOfSecrets).", valueName: "source"),
        completion: .live(.secretSources))
    var passwordSource: String?

    @Option(
        help: ArgumentHelp(
            "Time limit of a request to the CA, in seconds; default 120.", valueName: "seconds"))
    var timeout: String?

    /// The command of the CA, or nil if the CA is a server. ``caURL`` on the command line overrides the
    /// setting.
    func command() throws -> String? {
        guard caURL == nil || caCommand != nil, let command = setting(caCommand, .caCommand) else {
            return nil
        }
        let others = [
            ("--ca-url", caURL), ("--username", username), ("--password-source", passwordSource),
        ]
        if let (option, _) = others.first(where: { $0.1 != nil }) {
            throw Failure(
                .usage,
                caCommand == nil
                    ? "\(option) cannot be combined with the setting ca-command"
                    : "\(option) cannot be combined with --ca-command",
                hints: [
                    "a CA command has no account and reads no password: omit \(option)",
                    "for an account at a CA with an address: use --ca-url URL, without --ca-command",
                ])
        }
        guard CommandCA.isCommand(command) else {
            throw Failure(
                .usage, "--ca-command has no program, or a quotation mark is not closed",
                hints: ["use --ca-command 'PROGRAM ARGUMENT...'"])
        }
        return command
    }

    /// Checks that the CA has accounts. A password for it must not be sent to another one.
    func requireAccount() throws {
        guard try command() == nil else {
            throw Failure(
                .usage, "the CA is a command, which has no account",
                hints: ["for an account at a CA with an address: use --ca-url URL"])
        }
    }

    /// The address of the CA: its URL, or `command:` and its command.
    func address() throws -> String {
        try command().map { CommandCA.scheme + $0 } ?? baseURL()
    }

    func baseURL() throws -> String {
        let url = setting(caURL, .caURL) ?? "https://www.cacert.org"
        guard namesHostOnly(url, schemes: ["https://"]) else {
            throw Failure(
                .usage,
                "--ca-url must be an https:// URL with a host, and without a user, a query or spaces",
                hints: ["omit it to use https://www.cacert.org"])
        }
        return url
    }

    /// The address of the CA without a trailing slash, as orders record it.
    func siteAddress() throws -> String {
        var address = try baseURL()[...]
        while address.hasSuffix("/") { address = address.dropLast() }
        return String(address)
    }

    /// The name of the account. The user is asked for it if it is not set.
    func accountName() throws -> String {
        let url = try baseURL()
        guard
            let name = setting(username, .username)
                ?? typedAnswer(to: "E-mail address of the account at \(url): ")
        else {
            throw Failure(
                .usage, "no account is specified",
                hints: ["use --username ADDRESS, or set TOKENCERT_USERNAME"])
        }
        return name
    }

    /// The options on the command line that select the CA and the account, to repeat them in another
    /// command.
    var selection: String {
        let values = [
            ("--ca-url", caURL), ("--ca-command", caCommand), ("--ca-file", caFile),
            ("--username", username),
        ]
        return values.map { name, value in value.map { " \(name) \(shellWord($0))" } ?? "" }
            .joined()
    }

    func source() throws -> SecretSource {
        try setting(passwordSource, .passwordSource).map { try SecretSource($0) } ?? .prompt
    }

    func seconds() throws -> Int {
        guard let text = setting(timeout, .timeout) else { return 120 }
        if try command() != nil { return try seconds(text, least: 1, hint: "use --timeout 120") }
        // CAcert's server waits ten seconds before it answers an order.
        let host = try baseURL().dropFirst("https://".count).prefix { $0 != ":" && $0 != "/" }
        let isAddress = host.allSatisfy { $0.isNumber || $0 == "." }
        let isHere =
            host == "localhost" || host.hasPrefix("127.") && isAddress
            || host.hasSuffix(".localhost")
        let least = isHere ? 1 : 30
        return try seconds(
            text, least: least,
            hint: "use --timeout 120: the CA waits ten seconds before it answers an order")
    }

    private func seconds(_ text: String, least: Int, hint: String) throws -> Int {
        guard let seconds = Int(text), (least...3600).contains(seconds) else {
            throw Failure(
                .usage, "--timeout must be between \(least) and 3600 seconds", hints: [hint])
        }
        return seconds
    }

    func acceptance(isCommand: Bool = false) throws -> KeyAcceptance {
        var acceptance = isCommand ? KeyAcceptance.anything : .cacert
        guard let text = setting(caAccepts, .caAccepts) else { return acceptance }
        (acceptance.rsa, acceptance.ec, acceptance.ed25519) = (false, false, false)
        for kind in text.split(separator: ",") {
            switch kind {
            case "rsa": acceptance.rsa = true
            case "ec": acceptance.ec = true
            case "ed25519": acceptance.ed25519 = true
            default:
                throw Failure(
                    .usage, "--ca-accepts: unknown kind of key \"\(kind)\"",
                    hints: ["use one or more of rsa,ec,ed25519"])
            }
        }
        return acceptance
    }
}

/// Whether a URL has one of the schemes and a host, and no user, query, fragment or white space.
func namesHostOnly(_ url: String, schemes: [String]) -> Bool {
    let start = url.lowercased()
    guard let scheme = schemes.first(where: { start.hasPrefix($0) }) else { return false }
    let rest = url.dropFirst(scheme.count)
    return !rest.prefix { $0 != ":" && $0 != "/" }.isEmpty
        && !rest.contains { "?#@".contains($0) }
        && rest.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
}
