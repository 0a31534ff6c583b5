internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertHTTP
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

/// Knows what argument-parser says of errors, whatever the command.
private struct AnyArguments: ParsableArguments {}

/// What a person sees when something does not work: one line, hints, and a status.
struct Failure: Error {
    let status: ExitStatus
    /// Which failure it is, for programs: a name that stays the same.
    let code: String
    /// One line without a full stop.
    let message: String
    /// What to type or to do next.
    let hints: [String]
    /// Lines that would be lost if they were not shown.
    let attachment: [String]
    /// Whether the JSON that was printed tells of it already.
    var isInJSON = false

    /// - Parameters:
    ///   - status: How the program ends.
    ///   - code: Which failure it is, for programs; else the status says it.
    ///   - message: What is wrong and where.
    ///   - hints: What to type or to do next. There is always something.
    ///   - attachment: Lines that would be lost if they were not shown.
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

    /// Turns any error into what a person sees.
    ///
    /// - Parameter commands: The names of all commands, one of which may be meant.
    init(_ error: any Error, commands: [String] = []) {
        switch error {
        case let failure as Failure: self = failure
        case let error as IssuanceError: self.init(issuance: error)
        case let error as CryptokiError: self.init(cryptoki: error)
        case let error as TokenSelectionError: self.init(selection: error)
        case let error as RefusedPINsError: self.init(refusedPINs: error)
        case let error as TrustStoreError: self.init(trust: error)
        case let error as CAcertError: self.init(issuance: IssuanceError(account: error))
        case let error as LedgerError: self.init(ledger: error)
        case let error as SecretError: self.init(secret: error)
        case let error as HTTPError:
            self.init(
                .configuration, code: "\(error.code)", error.reason,
                hints: [
                    "libcurl 4 has to be there, with OpenSSL as its TLS library: apt install libcurl4"
                ])
        case let error as X509Error:
            self.init(
                .configuration, code: "\(error.code)", error.description,
                hints: ["a certificate or key that was named is not in a form that is known"])
        case is ValidationError, is CleanExit: self.init(usage: error, commands)
        default:
            if AnyArguments.exitCode(for: error) == .validationFailure {
                self.init(usage: error, commands)
            } else {
                self.init(
                    .bug, "\(error)",
                    hints: ["this is a bug; please report it with the command that shows it"])
            }
        }
    }

    private init(usage error: any Error, _ commands: [String]) {
        let (message, hints) = Self.usage(error, commands)
        self.init(.usage, message, hints: hints)
    }

    private static func usage(
        _ error: any Error, _ names: [String]
    ) -> (message: String, hints: [String]) {
        // What a person takes for a command is read as an argument, and the options after it are
        // what is complained about.
        let word = CommandLine.arguments.dropFirst().first ?? ""
        if names.contains(word) {
            return (
                AnyArguments.message(for: error), ["tokencert help \(word) shows what it takes"]
            )
        }
        let all = "tokencert help shows all commands; options stand behind them"
        guard !word.isEmpty, !word.hasPrefix("-"), word != "help" else {
            return (AnyArguments.message(for: error), [all])
        }
        let meant = suggestions(for: word, among: names).map { "did you mean tokencert \($0)?" }
        return ("there is no command “\(word)”", meant + [all])
    }

    private init(secret error: SecretError) {
        let code = "\(error.code)"
        switch error.code {
        case .unknownSource:
            self.init(
                .usage, code: code, "a source of a secret is \(error.reason)",
                hints: [
                    "--pin-source file:PATH reads the PIN from a file",
                    "a PIN or password itself never stands on the command line",
                ])
        case .noTerminal:
            self.init(
                .usage, code: code, error.reason,
                hints: ["--pin-source and --password-source take \(sourcesOfSecrets)"])
        case .cancelled, .interrupted:
            let (interruptionState, _) = Progress.shared.interruptionState
            self.init(
                error.code == .interrupted ? .interrupted : .noPermission, code: code, error.reason,
                hints: ["no PIN was sent, and \(interruptionState.state)"] + interruptionState.hints
            )
        default:
            self.init(
                .noPermission, code: code, error.reason,
                hints: ["nothing was sent; mend it, or name another source"])
        }
    }
}
