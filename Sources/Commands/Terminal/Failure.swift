internal import ArgumentParser
internal import CAcert
internal import Cryptoki
internal import CurlHTTP
internal import Inventory
internal import Issuance
internal import Ledger
internal import OpenSSLX509
internal import Secrets

/// What a person sees when something does not work: one line, hints, and a status.
struct Failure: Error {
    let status: ExitStatus
    /// One line without a full stop.
    let message: String
    /// What to type or to do next.
    let hints: [String]
    /// Lines that would be lost if they were not shown.
    let attachment: [String]

    init(
        _ status: ExitStatus, _ message: String, hints: [String] = [], attachment: [String] = []
    ) {
        self.attachment = attachment
        self.status = status
        self.message = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        self.hints = hints
    }

    /// Turns any error into what a person sees.
    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as IssuanceError: self.init(issuance: error)
        case let error as CryptokiError: self.init(cryptoki: error)
        case let error as TokenSelectionError: self.init(selection: error)
        case let error as CAcertError: self.init(issuance: IssuanceError(account: error))
        case let error as LedgerError: self.init(ledger: error)
        case let error as SecretError: self.init(secret: error)
        case let error as HTTPError:
            self.init(
                .configuration, error.reason,
                hints: ["libcurl needs OpenSSL as its TLS library; curl --version shows it"])
        case let error as X509Error:
            self.init(
                .configuration, error.description,
                hints: ["a certificate or key that was named is not in a form that is known"])
        case is ValidationError, is CleanExit: self.init(usage: error)
        default:
            if Tokencert.exitCode(for: error) == .validationFailure {
                self.init(usage: error)
            } else {
                self.init(
                    .bug, "\(error)",
                    hints: ["this is a bug; please report it with the command that shows it"])
            }
        }
    }

    private init(usage error: any Error) {
        self.init(
            .usage, Tokencert.message(for: error),
            hints: ["tokencert help", "tokencert help issue"])
    }

    private init(secret error: SecretError) {
        switch error.code {
        case .unknownSource:
            self.init(
                .usage, "a source of a secret is \(error.reason)",
                hints: [
                    "--pin-source file:PATH reads the PIN from a file",
                    "a PIN or password itself never stands on the command line",
                ])
        case .noTerminal:
            self.init(
                .usage, error.reason,
                hints: ["--pin-source and --password-source take file:PATH, env:NAME or fd:N"])
        case .cancelled:
            self.init(
                .noPermission, error.reason, hints: ["nothing was sent and nothing was changed"])
        default:
            self.init(.noPermission, error.reason, hints: ["nothing was sent"])
        }
    }
}
