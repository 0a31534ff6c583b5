internal import ArgumentParser
internal import OpenSSLX509
internal import TokencertCAcert

struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Show what the CA can certify for your account.",
        discussion: """
            For example:

              tokencert account --username anna@example.org
            """)

    @OptionGroup(title: "CA") var ca: CAOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let anchors = try trustStore.anchors(file: setting(ca.caFile, .caFile))
        let account = try openAccount(ca, anchorsPEM: anchors.pem)
        let status = try working("asking the CA", onToken: false) { try account.accountStatus() }
        let names = status.names.map { Entry($0.text, $0.obstacle) }
        let addresses = status.emailAddresses.map {
            Entry($0, AccountStatus.obstacle(toAddress: $0))
        }
        if output.isJSON {
            return try printJSON(
                Report(
                    username: account.account, names: names.map(\.value),
                    emailAddresses: addresses.map(\.value),
                    codeSigning: status.mayRequestCodeSigning,
                    notIssuable: (names + addresses).filter { $0.reason != nil }))
        }
        func show(_ head: String, _ values: [String]) {
            for (index, value) in values.enumerated() {
                let line = padded(index == 0 ? head : "", 15) + value
                for part in folded(line, at: 15, width: Output.standardOutput.width) { print(part) }
            }
        }
        let anonymous = "\"\(AccountStatus.anonymousName.text)\" only (below 50 assurance points)"
        let flagged =
            "flagged for code signing; the CA also requires 100 points, which it does not report"
        show("account", ["\(printable(account.account)) at \(try ca.baseURL())"])
        show("names", names.isEmpty ? [anonymous] : names.map { printable($0.line) })
        show("addresses", addresses.map { printable($0.line) })
        show("code signing", [status.mayRequestCodeSigning ? flagged : "no"])
        try output.printNext(.issue(options: ca.selection))
    }

    private struct Entry: Encodable {
        let value: String
        /// Why the API never issues a certificate with it, or nil.
        let reason: String?

        init(_ value: String, _ reason: String?) {
            self.value = value
            self.reason = reason
        }

        var line: String {
            value + (reason.map { " (cannot be issued through the API: \($0))" } ?? "")
        }
    }

    private struct Report: Encodable {
        let username: String
        let names: [String]
        let emailAddresses: [String]
        let codeSigning: Bool
        let notIssuable: [Entry]
    }
}
