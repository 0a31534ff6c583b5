internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertConsumers
internal import TokencertHTTP
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

/// Gives access to argument-parser's messages and statuses without a command.
private struct AnyArguments: ParsableArguments {}

/// The options that do not exist and seem to take a secret, with those that name its source.
private let misusedOptions = [
    "-p": "--pin-source", "-pin": "--pin-source", "--pin": "--pin-source",
    "--so-pin": "--so-pin-source", "--new-pin": "--new-pin-source",
    "--password": "--password-source", "--passphrase": "--password-source",
]

/// The first option on a command line that seems to take a secret, without its value, or nil.
func misusedOption(in words: some Sequence<String>) -> String? {
    // The value may follow without a space, such as in -p1234 or --pinabcd.
    let typed = misusedOptions.keys.sorted { $0.count > $1.count }
    for word in words.prefix(while: { $0 != "--" }) {
        if let found = typed.first(where: word.hasPrefix),
            !word.hasPrefix(misusedOptions[found] ?? "")
        {
            return found
        }
    }
    return nil
}

/// An error as the user sees it: one line, hints and an exit status.
struct Failure: Error {
    let status: ExitStatus
    /// A stable name of the failure, for programs.
    let code: String
    /// One line without a full stop.
    let message: String
    let hints: [String]
    /// Lines to print because they are not stored anywhere.
    let attachment: [String]
    /// Whether the JSON that was printed already contains the failure.
    var isInJSON = false
    /// Whether it summarises the failures of several certificates or tokens.
    var isSummary = false

    /// Creates a failure; without a `code` the status names it, and line breaks in the message
    /// become spaces.
    init(
        _ status: ExitStatus, code: String? = nil, _ message: String, hints: [String],
        attachment: [String] = []
    ) {
        self.attachment = attachment
        self.status = status
        self.code = code ?? "\(status)"
        self.message = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        self.hints = hints
    }

    /// The same failure with another message or other hints.
    func with(message: String? = nil, hints: [String]? = nil) -> Failure {
        Failure(
            status, code: code, message ?? self.message, hints: hints ?? self.hints,
            attachment: attachment)
    }

    /// The failure if a name matches several objects.
    init(severalObjects message: String, hints: [String]) {
        self.init(.noSuchObject, code: "severalObjects", message, hints: hints)
    }

    /// Converts any error; a mistyped command is compared with `commands`.
    ///
    /// - Parameter path: The command and the subcommands that the command line names.
    init(_ error: any Error, commands: [String] = [], path: [String] = []) {
        switch error {
        case let failure as Failure: self = failure
        case let error as IssuanceError: self.init(issuance: error)
        case let error as CryptokiError: self.init(cryptoki: error)
        case let error as TokenSelectionError: self.init(selection: error)
        case let error as RefusedPINsError: self.init(refusedPINs: error)
        case let error as TrustStoreError: self.init(trust: error)
        case let error as WebAccountError: self.init(web: error)
        case let error as ConsumerError: self.init(consumer: error)
        case let error as FileError:
            self.init(
                .configuration, code: "fileFailed", "\(error)",
                hints: advice(error) + ["then run the command again"])
        case let error as LedgerError: self.init(ledger: error)
        case let error as SecretError: self.init(secret: error)
        case let error as HTTPError:
            self.init(
                .configuration, code: "\(error.code)", error.reason,
                hints: ["install libcurl 4 with OpenSSL as its TLS library: apt install libcurl4"])
        case let error as X509Error:
            self.init(
                .configuration, code: "\(error.code)", error.description,
                hints: ["check that the certificate or key is in a supported format"])
        case is ValidationError, is CleanExit: self.init(usage: error, commands, path)
        default:
            if AnyArguments.exitCode(for: error) == .validationFailure {
                self.init(usage: error, commands, path)
            } else {
                self.init(
                    .bug, "\(error)",
                    hints: ["this is a bug: please report it, with the command that you ran"])
            }
        }
    }

    private init(usage error: any Error, _ commands: [String], _ path: [String]) {
        let words = CommandLine.arguments.dropFirst()
        if let typed = misusedOption(in: words), let source = misusedOptions[typed] {
            self.init(
                .usage,
                "\(typed) is not an option: other users can see secrets on the command line",
                hints: [
                    "to type the secret: \(source) prompt",
                    "to read it from a file: \(source) file:PATH",
                    "if you typed a secret, remove it from the history of your shell",
                ])
            return
        }
        // argument-parser takes an unknown command for an argument and rejects the options after
        // it.
        let word = words.first ?? ""
        guard word.isEmpty || word.hasPrefix("-") || word == "help" || commands.contains(word)
        else {
            self.init(unknownCommand: word, among: commands)
            return
        }
        self.init(
            .usage, AnyArguments.message(for: error),
            hints: [
                path.isEmpty
                    ? Self.allCommands
                    : "to see the options: tokencert help \(path.joined(separator: " "))"
            ])
    }

    /// The failure for a word after `path` that is not a command.
    init(unknownCommand word: String, after path: String = "tokencert", among names: [String]) {
        let meant = commandSuggestions(for: word, among: names)
        self.init(
            .usage, "unknown command \"\(word)\"",
            hints: meant.map { "did you mean \($0.hasPrefix("-") ? "tokencert" : path) \($0)?" }
                + [Self.allCommands])
    }

    private static let allCommands =
        "to see all commands: tokencert help; options follow the command"

    /// The failure for a program that cannot use a certificate.
    private init(consumer error: ConsumerError) {
        let status: ExitStatus =
            switch error.code {
            case .consumerNotInstalled, .consumerTooOld, .fileInTheWay, .consumerRuns:
                .configuration
            case .certificateUnfit, .tokenUnfit: .dataRefused
            case .placeUnknown: .usage
            case .notSetUp: .noSuchObject
            case .checkFailed: .findings
            }
        self.init(status, code: error.code.rawValue, error.message, hints: error.advice)
    }

    private init(secret error: SecretError) {
        let code = "\(error.code)"
        switch error.code {
        case .unknownSource:
            self.init(
                .usage, code: code, "invalid source of a secret: \(error.reason)",
                hints: [
                    "to read the PIN from a file: --pin-source file:PATH",
                    "do not put a PIN or password on the command line",
                ])
        case .noTerminal:
            self.init(
                .usage, code: code, error.reason,
                hints: ["set the source of the secret to one of: \(sourcesOfSecrets)"])
        case .cancelled, .interrupted:
            let (interruptionState, _) = Progress.shared.interruptionState
            self.init(
                error.code == .interrupted ? .interrupted : .noPermission, code: code, error.reason,
                hints: ["no PIN was sent, and \(interruptionState.state)"] + interruptionState.hints
            )
        default:
            self.init(
                .noPermission, code: code, error.reason,
                hints: ["nothing was sent; correct the source, or use another one"])
        }
    }
}
