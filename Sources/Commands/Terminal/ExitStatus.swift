/// How the program ends, after sysexits(3).
enum ExitStatus: Int32, CaseIterable {
    /// Everything was done.
    case done = 0
    /// A bug of ours.
    case bug = 1
    /// The command line is wrong.
    case usage = 64
    /// The CA refused the request's data.
    case dataRefused = 65
    /// No such token or object, or more than one.
    case noSuchObject = 66
    /// The CA cannot be reached; nothing was ordered.
    case unreachable = 69
    /// The token cannot be written: full, write-protected, id taken.
    case cannotCreate = 73
    /// The token failed or was removed.
    case tokenFailed = 74
    /// The order went out and no usable certificate came back: it may still be issued.
    case pending = 75
    /// A certificate came back and fails verification or differs from what was asked.
    case certificateWrong = 76
    /// PIN or password refused.
    case noPermission = 77
    /// Configuration: a module does not load, no trust anchors.
    case configuration = 78
    /// What was looked at is not as it should be, and was told.
    case findings = 79
    /// Ended by SIGHUP.
    case hungUp = 129
    /// Ended by SIGINT, including Ctrl-C at a prompt.
    case interrupted = 130
    /// Ended by SIGTERM.
    case terminated = 143
}

/// Findings that were reported already, so that only the exit status is left to tell.
struct Findings: Error {}

/// The version of the program.
let programVersion = "0.1.0"
