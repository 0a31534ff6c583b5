internal import ArgumentParser

/// A text of `tokencert help` that is not about a command.
enum HelpTopic: String, CaseIterable {
    case exitStatus = "exit-status"
    case environment
    case uris

    /// The text, in lines of at most `width` characters.
    func text(width: Int) -> String {
        let column = rows.map { $0.0.count }.max() ?? 0
        var text = Self.lines(introduction, indent: 0, width) + "\n\n"
        for (term, meaning) in rows {
            let meaning = Self.lines(meaning, indent: column + 4, width)
            text += "  " + padded(term, column + 2) + meaning + "\n"
        }
        for note in notes { text += "\n" + Self.lines(note, indent: 0, width) + "\n" }
        return text
    }

    private var introduction: String {
        switch self {
        case .exitStatus: "The exit statuses of tokencert:"
        case .environment:
            "A variable sets an option if the command line does not have it. A flag is on with 1, "
                + "true, yes or on, and off with 0, false, no or off. Paths must be absolute or "
                + "begin with ~/."
        case .uris:
            "A PKCS#11 URI (RFC 7512) names a token, a key or a certificate, for example "
                + "'pkcs11:token=work;object=mail;type=cert'. Put it in single quotes, because the "
                + "shell ends a command at a semicolon. Attributes that tokencert accepts:"
        }
    }

    /// Terms and their meanings.
    private var rows: [(String, String)] {
        switch self {
        case .exitStatus:
            return ExitStatus.allCases.map { status in
                let number = "\(status.rawValue)"
                let padding = String(repeating: " ", count: 3 - number.count)
                return (padding + number, status.meaning.filter { $0 != "`" })
            }
        case .environment:
            let settings = Setting.allCases.filter(\.isConfigurable)
            return settings.map { ($0.variable, "--\($0.rawValue)") } + Self.otherVariables
        case .uris: return Self.attributes
        }
    }

    private static let otherVariables: [(String, String)] = [
        ("TOKENCERT_PROFILE", "--profile"), ("TOKENCERT_CONFIG", "--config"),
        ("XDG_CONFIG_HOME", "folder of the configuration, instead of ~/.config"),
        ("XDG_DATA_HOME", "folder of the trust anchors, instead of ~/.local/share"),
        ("XDG_STATE_HOME", "folder of the ledger, instead of ~/.local/state"),
        ("XDG_CACHE_HOME", "folder of revocation lists and names of tokens, instead of ~/.cache"),
        ("NO_COLOR", "turns colours off if it is not empty"),
        ("HTTPS_PROXY", "proxy for the CA"), ("NO_PROXY", "hosts to contact without the proxy"),
    ]

    private static let attributes: [(String, String)] = [
        ("token", "label of the token"), ("serial", "serial number of the token"),
        ("manufacturer", "manufacturer of the token"), ("model", "model of the token"),
        ("slot-id", "number of the slot"), ("object", "label of the key or certificate"),
        ("id", "its CKA_ID, each byte as % and two hexadecimal digits"),
        ("type", "private, public or cert"),
        ("module-path", "after a question mark: path of the PKCS#11 module"),
        ("module-name", "after a question mark: name of the module in p11-kit's configuration"),
        ("pin-source", "after a question mark: file that contains the PIN"),
    ]

    private var notes: [String] {
        switch self {
        case .exitStatus:
            [
                "A shell reports the last three: except at a prompt for a secret, the signal "
                    + "itself terminates tokencert. Ctrl-D is a "
                    + "refusal: 77 for a secret, 64 for a confirmation.",
                "An error is one line on standard error that begins with error:. Lines that begin with "
                    + "hint: say what to do, or name the details.",
            ]
        case .environment:
            [
                "Variables for other options are refused. To see all settings and where they are "
                    + "set: tokencert config"
            ]
        case .uris:
            [
                "An unknown, misplaced or repeated attribute, an empty value and an unescaped space "
                    + "are errors, because each of them could select more than you intended. A PIN "
                    + "in a URI (pin-value) is refused.",
                "Instead of a URI, you can use a label, an id or a serial number. To see URIs: "
                    + "tokencert list --uris",
            ]
        }
    }

    /// A text in lines of at most `width` characters, the second and all later lines indented.
    private static func lines(_ text: String, indent: Int, _ width: Int) -> String {
        wrapped(text, width: width - indent)
            .joined(separator: "\n" + String(repeating: " ", count: indent))
    }
}

/// Prints the topic that a command line asks for. False if the command line is for argument-parser;
/// throws ``Failure`` if it asks for help about a word that is neither a command nor a topic.
func printHelpTopic(_ arguments: [String]) throws -> Bool {
    guard arguments.first == "help", arguments.dropFirst().first != "help" else { return false }
    if arguments.count == 2, let topic = HelpTopic(rawValue: arguments[1]) {
        print(topic.text(width: min(80, Output.standardOutput.width ?? 80)), terminator: "")
        return true
    }
    var command: any ParsableCommand.Type = Tokencert.self
    var path = "tokencert help"
    var topics = HelpTopic.allCases.map(\.rawValue)
    for word in arguments.dropFirst().prefix(while: { !$0.hasPrefix("-") }) {
        let commands = command.configuration.subcommands
        guard let next = commands.first(where: { $0.configuration.commandName == word }) else {
            let names = commands.compactMap { $0.configuration.commandName }
            throw Failure(unknownCommand: word, after: path, among: names + topics)
        }
        command = next
        path += " " + word
        topics = []
    }
    return false
}

extension Tokencert {
    /// The names of all commands, without those of their subcommands.
    static var subcommandNames: [String] {
        configuration.subcommands.compactMap { $0.configuration.commandName }
    }

    /// The names of the command and its subcommands that the words of a command line begin with.
    static func commandPath(_ words: some Collection<String>) -> [String] {
        var command: any ParsableCommand.Type = Tokencert.self
        return words.prefix { word in
            let commands = command.configuration.subcommands
            guard let next = commands.first(where: { $0.configuration.commandName == word }) else {
                return false
            }
            command = next
            return true
        }
    }
}
