/// What to do after a command has succeeded.
enum NextStep {
    case setUpToken
    case seeAccount(hasUsername: Bool)
    /// Order a certificate, with these options.
    case issue(options: String)
    /// Take the request in a file, or the printed one, to a CA.
    case submitRequest(file: String?)
    case list
    /// Delete the certificate that was renewed; the text names it in a command. Mail that is encrypted
    /// to it names it by its issuer and serial number (RFC 5652, section 6.2.1).
    case deleteOld(String)

    /// One line for the terminal.
    var line: String {
        switch self {
        case .setUpToken:
            "Next: tokencert token init --label NAME, unless your token is set up"
        case .seeAccount(let hasUsername):
            "Next: tokencert account" + (hasUsername ? "" : " --username ADDRESS")
        case .issue(let options): "Next: tokencert issue\(options)"
        case .submitRequest(let file):
            "Next: paste \(file ?? "it") into the CA's web form, then: tokencert import --cert FILE"
        case .list: "Next: tokencert list"
        case .deleteOld(let name):
            "Next: if no old mail needs the old certificate: tokencert delete \(name) --cert"
        }
    }
}

extension CommonOptions {
    /// Whether a user reads the output: it goes to a terminal, and is neither JSON nor suppressed.
    var isForReader: Bool { Output.standardOutput.isTerminal && !isJSON && !isQuiet }

    /// Prints the next step, for users at a terminal only.
    func printNext(_ step: NextStep) throws {
        if isForReader { print(try style().faint(printable(step.line))) }
    }
}
