internal import ArgumentParser
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertLedger

struct CertificatesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificates", abstract: "List the certificates of your account at the CA.",
        discussion: """
            Logs in to the CA's web site with the password of the account, reads the list of \
            certificates there and logs out; nothing is changed. The ledger shows which token each \
            certificate is on, so no module is loaded and no PIN is needed. A certificate that is \
            not in the ledger was not ordered with this ledger.

            For example:

              tokencert certificates --username anna@example.org
              tokencert certificates --all --json
            """)

    @Flag(help: "Also list certificates that have expired or were revoked.")
    var all = false

    @OptionGroup(title: "CA") var ca: CAOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let style = try output.style()
        let orders = try ledgerOptions.orders()
        let login = try WebLogin(ca)
        defer { login.account.logOut() }
        Progress.shared.begin("reading the list of certificates", onToken: false, isBrief: true)
        let list = try login.account.certificates()
        Progress.shared.abandon()
        let time = now()
        let joined = AccountCertificate.join(
            list, orders, at: login.site, CAcertAccount<CurlTransport>.self, now: time)
        let shown = joined.filter { all || [.valid, .pending].contains($0.state) }
        let lines = shown.map { AccountCertificateLine($0, at: time) }
        if output.isJSON {
            try printJSON(
                Report(
                    username: login.username, listed: lines, omitted: joined.count - lines.count))
            return
        }
        if orders.isEmpty { ledgerOptions.noteAbsence() }
        if lines.isEmpty {
            let account = printable("The account \(login.username)")
            print("\(account) has no \(joined.isEmpty ? "" : "valid ")certificate.")
        } else {
            Self.table(lines).print(style)
        }
        if joined.count > lines.count {
            printFolded([Self.omission(joined)], at: 0)
        }
    }

    /// One line for each certificate; what is to be done follows below it.
    private static func table(_ lines: [AccountCertificateLine]) -> Table {
        var table = Table(
            ["NUMBER", "SERIAL", "ADDRESS", "EXPIRES", "STATE", "KEY ON"],
            whole: ["NUMBER", "EXPIRES", "STATE"])
        for line in lines {
            table.add(
                [
                    line.number, line.serialNumber ?? "", line.emailAddress ?? "",
                    String((line.expiry ?? "").prefix(10)), line.state, line.place,
                ], below: line.next.map { ["to write it: \($0)"] } ?? [])
        }
        return table
    }

    /// What the list leaves out without `--all`: `2 revoked and 1 expired are not shown; add --all`.
    private static func omission(_ joined: [AccountCertificate]) -> String {
        let counts = [AccountCertificate.State.revoked, .expired].compactMap { state in
            let count = joined.filter { $0.state == state }.count
            return count == 0 ? nil : "\(count) \(state.rawValue)"
        }
        return "Not shown: \(counts.joined(separator: " and ")); to see all: "
            + "tokencert certificates --all"
    }

    private struct Report: Encodable {
        let username: String
        let listed: [AccountCertificateLine]
        /// The number of certificates that are left out because they have expired or were revoked.
        let omitted: Int
    }
}
