internal import ArgumentParser
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show the orders, or the events of one order.",
        discussion: """
            Without a number, the newest 50 orders are shown; with --all, all of them.

            For example:

              tokencert history --all
              tokencert history 7
              tokencert history verify
            """,
        subcommands: [ShowHistoryCommand.self, VerifyHistoryCommand.self],
        defaultSubcommand: ShowHistoryCommand.self)
}

struct ShowHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show the orders, or the events of one order.")

    @Argument(
        help: ArgumentHelp("Number of the order.", valueName: "order"), completion: .live(.orders))
    var order: Int64?

    @Flag(help: "Show all orders, not only the newest 50. JSON output contains all orders.")
    var all = false

    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func validate() throws {
        if all, order != nil {
            throw ValidationError("--all cannot be combined with the number of an order")
        }
    }

    func run() throws {
        try prepareProcess(output)
        if let order {
            let found = try ledgerOptions.open().order(order)
            return output.isJSON
                ? print(try historyJSON([found]), terminator: "") : showEvents(of: found)
        }
        let ledger = try ledgerOptions.openIfThere()
        if output.isJSON {
            try printJSON(ledger)
        } else if all, let ledger {
            try printAll(ledger)
        } else {
            try printNewest(ledger)
        }
    }

    private func printNewest(_ ledger: Ledger?) throws {
        guard let (orders, older) = try ledger?.newestOrders(50), !orders.isEmpty else {
            print("There are no orders.")
            return ledgerOptions.noteAbsence()
        }
        try orderTable(orders.map { OrderLine($0) }).print(output.style())
        guard older > 0 else { return }
        print(
            "\(older) older \(older == 1 ? "order is" : "orders are") not shown; to show all: "
                + "tokencert history --all")
    }

    /// Prints all orders in tables of a thousand, so that the columns of each fit its content.
    private func printAll(_ ledger: Ledger) throws {
        var lines: [OrderLine] = []
        let style = try output.style()
        try ledger.forEachOrder { order in
            lines.append(OrderLine(order))
            guard lines.count == 1000 else { return }
            orderTable(lines).print(style)
            lines = []
        }
        if !lines.isEmpty { orderTable(lines).print(style) }
    }

    private func printJSON(_ ledger: Ledger?) throws {
        print(historyJSONStart, terminator: "")
        var isFirst = true
        try ledger?.forEachOrder { order in
            print((isFirst ? "" : ",\n") + (try orderJSON(order)), terminator: "")
            isFirst = false
        }
        print(historyJSONEnd, terminator: "")
    }

    private func showEvents(of order: Order) {
        let line = OrderLine(order)
        print("order \(order.number): \(line.job), \(line.stateText)")
        let token = output.isVerbose ? quoted(line.token) : NamedToken(uri: line.token).title
        print("  token    \(printable(token))")
        print("  key      id \(line.keyID), label \"\(printable(line.keyLabel))\"")
        if let ca = line.ca, let account = line.account {
            let isCommand = order.commandOfCA != nil
            print(
                isCommand
                    ? "  CA       \(printable(ca))"
                    : "  account  \(printable(account)) at \(printable(ca))")
        }
        for event in order.events {
            let text = "\(timestamp(event.time))  \(printable(event.summary(order)))"
            for part in folded(text, at: 22, width: Output.standardOutput.width) { print(part) }
        }
        if let next = line.next { print("next: \(next)") }
    }
}

struct VerifyHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check the ledger for changed and missing events.",
        discussion: """
            Anyone who can write to the file can also truncate it or restore an old copy. To detect \
            that, store the printed hash elsewhere and pass it with --hash next time.
            """)

    @Option(
        help: ArgumentHelp(
            "Fail unless the ledger contains the event with this hash, printed by an earlier run.",
            valueName: "hex"))
    var hash: String?

    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        if let hash, hash.utf8.count != 64 || bytes(hexadecimal: hash) == nil {
            throw Failure(
                .usage, "\"\(hash)\" is not the hash of an event",
                hints: ["use the 64 digits that \"tokencert history verify\" prints"])
        }
        let ledger = try ledgerOptions.open()
        var findings = try working("checking the ledger", onToken: false) { try ledger.verify() }
        if let hash, try !ledger.hasEvent(withHash: hash.lowercased()) {
            findings.append(
                "no event has the hash \(hash): the ledger was truncated, or is an old copy")
        }
        guard findings.isEmpty else {
            throw Failure(
                .configuration, code: "ledgerChanged",
                "the ledger \(ledgerOptions.path) was altered or damaged",
                hints: findings.prefix(20) + ["copy the file before you do anything else"])
        }
        let end = try ledger.end()
        if output.isJSON {
            try printJSON(Report(isRight: true, events: end.events, lastHash: end.hash))
        } else {
            print("The ledger is intact.")
            if let hash = end.hash { print("  event \(end.events), hash \(hash)") }
        }
    }

    private struct Report: Encodable {
        let isRight: Bool
        let events: Int64
        let lastHash: String?
    }
}

/// Orders and their events as one JSON object, one event per line. The content of an event is JSON.
func historyJSON(_ orders: [Order]) throws -> String {
    historyJSONStart + (try orders.map(orderJSON)).joined(separator: ",\n") + historyJSONEnd
}

private let historyJSONStart = "{\"schemaVersion\":\(jsonSchemaVersion),\"orders\":[\n"
private let historyJSONEnd = "\n]}\n"

private func orderJSON(_ order: Order) throws -> String {
    let events = try order.events.map { event in
        "{\"sequence\":\(event.sequence),\"time\":\"\(timestamp(event.time))\","
            + "\"kind\":\(try jsonLine(event.kind)),\"content\":\(withoutControls(event.text))}"
    }
    return "{\"summary\":\(try jsonLine(OrderLine(order))),\"events\":[\n"
        + events.joined(separator: ",\n") + "\n]}"
}

extension Order {
    /// The certificate that arrived for the order, by the label or id of its key.
    fileprivate var certificateTitle: String? {
        guard let content = arrivedContent else { return nil }
        let line = OrderLine(self)
        let name = line.keyLabel.isEmpty ? line.keyID : line.keyLabel
        return "\(name) (\(ObjectTitles.summary(content)))"
    }
}

extension RecordedEvent {
    fileprivate func summary(_ order: Order) -> String {
        switch event {
        case .begun(let beginning):
            let key = beginning.newKeyKind.map { "a new key, \($0)" } ?? "an existing key"
            return "begun with \(key)"
        case .made(let hash): return "key generated, SHA-256 of its public key \(hash)"
        case .found(let hash):
            return "key found by id and label, SHA-256 of its public key \(hash)"
        case .signed: return "request signed"
        case .sending(let sending):
            return sending.isRepeated ? "request sent again, as the user asked" : "request sent"
        case .notSent(let reason): return "not sent: \(reason)"
        case .answered(let answer):
            let status = order.commandOfCA == nil ? "HTTP" : "exit status"
            return "answer received: \(answer.body.count) bytes (\(status) \(answer.status))"
                + (answer.interruption.map { ", incomplete: \($0)" } ?? "")
        case .fetched(let fetched):
            let source = order.commandOfCA == nil ? "account at the CA" : "CA command"
            return "certificate \(fetched.number) fetched from the \(source)"
        case .refused(let reason), .unclear(let reason): return reason
        case .certified(let certified):
            let changes = certified.changes.joined(separator: "; ")
            return "certificate checked" + (changes.isEmpty ? "" : ", changes accepted: \(changes)")
        case .requested: return "request created and handed out"
        case .chainWritten: return "certificate of its chain written"
        case .written(let uri):
            return "certificate written: \(order.certificateTitle ?? objectTitle(ofURI: uri))"
        case .proved(let proof):
            return "certificate read back; key verified by a \(proof.method ?? "signature")"
        case .retiring(let certificate): return "removing the old certificate: \(certificate)"
        case .retired(let certificate): return "removed the old certificate: \(certificate)"
        case .stopped(let stop): return "stopped at \(stop.step): \(stop.reason)"
        case .closed(let reason): return "closed: \(reason)"
        case .revoked(let revocation):
            return
                "certificate revoked: serial \(revocation.serialNumber), according to the account "
                + "at \(revocation.ca)"
        case nil: return "\(kind) (not readable by this version of tokencert)"
        }
    }
}
