/// The exit statuses of the program, modelled on sysexits(3).
enum ExitStatus: Int32, CaseIterable {
    case done = 0
    case bug = 1
    case usage = 64
    case dataRefused = 65
    case noSuchObject = 66
    case unreachable = 69
    case cannotCreate = 73
    case tokenFailed = 74
    case pending = 75
    case certificateWrong = 76
    case noPermission = 77
    case configuration = 78
    case findings = 79
    case hungUp = 129
    case interrupted = 130
    case terminated = 143

    /// The meaning in `tokencert help exit-status`, the manual pages and ExitStatus.md.
    var meaning: String {
        switch self {
        case .done: "success"
        case .bug: "internal error: a bug in tokencert"
        case .usage:
            "the command line, an environment variable or a setting in the configuration file is "
                + "wrong; or there is no terminal for a secret or a confirmation; or a new PIN is weak"
        case .dataRefused:
            "the CA refused the data of the request, would refuse it, or cannot issue it: name, "
                + "address, kind of key; or another program cannot use the certificate or the token"
        case .noSuchObject: "a token, object, order or ledger does not exist, or several match"
        case .unreachable:
            "the CA cannot be reached, or the server is not the CA; nothing was ordered; or a "
                + "certificate was not revoked"
        case .cannotCreate:
            "the token cannot be written: full, write-protected, id or label in use; or it cannot "
                + "generate such a key, the key may not sign, or an object cannot be removed; or "
                + "the file or folder to write already exists"
        case .tokenFailed: "the token failed or was removed"
        case .pending:
            "the order was sent and no usable certificate came back: it may still be issued; or "
                + "an order for this key is unfinished, in use by another process, or has replaced the "
                + "certificate already; or it is unknown whether the CA revoked a certificate"
        case .certificateWrong:
            "a certificate came back and fails verification, has an issuer that is not trusted, "
                + "or differs from the request"
        case .noPermission:
            "a PIN or a password was refused, not sent or could not be read; or the hook before-order "
                + "did not allow the order"
        case .configuration:
            "configuration: a module does not load, there are no trust anchors, or a file or "
                + "folder cannot be read or written, or the ledger was changed; or a program that `use` names is "
                + "not installed, too old or running, or a file is in its way"
        case .findings:
            "`health` or `doctor` found something that needs attention, `expiring` listed a "
                + "certificate, or `renew` did not renew a certificate that should be renewed, or "
                + "reported a key that has lost its certificate, or `use --check` failed"
        case .hungUp: "terminated by SIGHUP"
        case .interrupted: "terminated by SIGINT: Ctrl-C, including at a prompt"
        case .terminated: "terminated by SIGTERM"
        }
    }
}

/// Ends the program with ``ExitStatus/findings`` after the findings have been printed.
struct Findings: Error {}

let programVersion = "0.1.0"
