internal import TokencertConsumers

enum NextStep {
    case setUpToken
    case seeAccount(hasUsername: Bool)
    /// Order a certificate, with these options.
    case issue(options: String)
    /// Take the request in a file, or the printed one, to a CA.
    case submitRequest(file: String?)
    case list
    /// Use the certificate with other programs, which have these names for `tokencert use`.
    case use([String])
    /// Delete the certificate that was renewed; the text names it in a command. Mail that is encrypted
    /// to it names it by its issuer and serial number (RFC 5652, section 6.2.1).
    case deleteOld(String)

    /// The programs on this machine that can use a certificate; the token's list if there are none.
    static var useInstalled: Self {
        let names = Consumers.installed().map(\.name)
        return names.isEmpty ? .list : .use(names)
    }

    /// One line, which a narrow terminal breaks before the command.
    var line: String {
        switch self {
        case .setUpToken:
            "Next: tokencert token init --label NAME, unless your token is set up"
        case .seeAccount(let hasUsername):
            "Next: tokencert account" + (hasUsername ? "" : " --username ADDRESS")
        case .issue(let options): "Next: tokencert issue\(options)"
        case .submitRequest(let file):
            "Next: send \(file ?? "the request") to the CA, save the certificate that it issues, "
                + "and write it to the token: tokencert import --cert FILE"
        case .list: "Next: tokencert list"
        case .use(let consumers):
            if consumers.count == 1 {
                "Next: tokencert use \(consumers[0])"
            } else {
                "Next: tokencert use, for " + consumers.prefix(3).joined(separator: ", ")
                    + (consumers.count > 3 ? " and others" : "")
            }
        case .deleteOld(let name):
            "Next: the old certificate is still on the token, since old mail may need it; to delete "
                + "it later and keep the key: tokencert delete \(name) --cert"
        }
    }
}

extension CommonOptions {
    /// Whether a user reads the output: it goes to a terminal, and is neither JSON nor suppressed.
    var isForReader: Bool { Output.standardOutput.isTerminal && !isJSON && !isQuiet }

    /// Prints the next step, for users at a terminal only.
    func printNext(_ step: NextStep) throws {
        guard isForReader else { return }
        let style = try style()
        let message = String(printable(step.line).dropFirst("Next: ".count))
        let parts = foldedMessage(message, at: 6, width: Output.standardOutput.width)
        print(style.faint("Next: " + parts[0]))
        for part in parts.dropFirst() { print(style.faint(part)) }
    }
}
