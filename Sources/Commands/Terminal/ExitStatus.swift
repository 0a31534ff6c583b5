/// The exit statuses of the program, modelled on sysexits(3).
enum ExitStatus: Int32, CaseIterable {
    /// Success.
    case done = 0
    /// A bug in tokencert.
    case bug = 1
    /// The command line is invalid.
    case usage = 64
    /// The CA refused the request's data.
    case dataRefused = 65
    /// No token or object matches, or several do.
    case noSuchObject = 66
    /// The CA cannot be reached; nothing was ordered.
    case unreachable = 69
    /// The token cannot be written to: it is full or write-protected, or the id is taken.
    case cannotCreate = 73
    /// The token failed or was removed.
    case tokenFailed = 74
    /// The order was sent without a usable result: a certificate may still be issued.
    case pending = 75
    /// The certificate fails verification or differs from the request.
    case certificateWrong = 76
    /// A PIN or password was refused.
    case noPermission = 77
    /// The configuration is wrong: a module does not load, there are no trust anchors.
    case configuration = 78
    /// A check reported problems.
    case findings = 79
    /// Ended by SIGHUP.
    case hungUp = 129
    /// Ended by SIGINT, including Ctrl-C at a prompt.
    case interrupted = 130
    /// Ended by SIGTERM.
    case terminated = 143
}

/// Ends the program with ``ExitStatus/findings`` after the findings have been printed.
struct Findings: Error {}

let programVersion = "0.1.0"
