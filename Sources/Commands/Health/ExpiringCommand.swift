internal import ArgumentParser
internal import TokencertIssuance
internal import TokencertLedger

struct ExpiringCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expiring",
        abstract: "List certificates that expire soon, even if their token is absent.",
        discussion: """
            Reads only the ledger: no module is loaded, and no PIN is needed. Lists each certificate \
            that an order has put on a token, that expires soon or has expired, and that no newer \
            certificate has replaced. A certificate that "tokencert revoke" has revoked is not \
            listed. A certificate that was deleted from its token is still listed, until a year \
            after its expiry. \
            For monitoring, the exit status is 79 if a certificate is listed.

            For example:

              tokencert expiring
              tokencert expiring --within 14d --json
            """)

    @Option(
        help: ArgumentHelp(
            "List certificates that expire within this period, such as 14d or 2w; default 30d.",
            valueName: "period"))
    var within: String?

    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let days = if let within { try Self.days(within) } else { try daysOfWarning() }
        let time = now()
        // A mistyped path must not look as if nothing expires.
        let ledger =
            try ledgerOptions.ledger == nil
            ? ledgerOptions.openIfThere() : ledgerOptions.open()
        let certificates =
            try ledger.map { try ExpiringCertificates(in: $0, at: time, within: days).certificates }
            ?? []
        let lines = certificates.map { ExpiringLine($0, at: time) }
        if output.isJSON {
            try printJSON(ExpiringReport(days: days, expiring: lines))
        } else if try ledger?.newestOrders(1).orders.isEmpty ?? true {
            print("The ledger has no orders.")
            ledgerOptions.noteAbsence()
        } else if lines.isEmpty {
            print("No certificate expires within \(days == 1 ? "1 day" : "\(days) days").")
        } else {
            let style = try output.style()
            for line in lines { line.print(style) }
        }
        for certificate in certificates { Hooks.expiring(certificate, at: time) }
        if !lines.isEmpty { throw Findings() }
    }

    /// The longest period, in days: ten years.
    private static let longest = 3650

    /// The number of days in a period such as `30`, `30d` or `4w`.
    static func days(_ text: String) throws -> Int {
        let isWeeks = text.hasSuffix("w")
        let digits = isWeeks || text.hasSuffix("d") ? text.dropLast() : text[...]
        let unit = isWeeks ? 7 : 1
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits),
            (1...longest / unit).contains(number)
        else {
            throw Failure(
                .usage, "--within requires a period of 1 to \(longest) days, not \"\(text)\"",
                hints: ["for example: --within 30d or --within 4w"])
        }
        return number * unit
    }
}
