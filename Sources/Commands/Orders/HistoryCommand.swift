internal import ArgumentParser
internal import OpenSSLX509
internal import TokencertLedger

struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show every order, or all that happened to one.",
        discussion: """
            For example:

              tokencert history 7
              tokencert history verify
            """,
        subcommands: [ShowHistoryCommand.self, VerifyHistoryCommand.self],
        defaultSubcommand: ShowHistoryCommand.self)
}

struct ShowHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show every order, or all that happened to one.")

    @Argument(
        help: ArgumentHelp("The order's number.", valueName: "order"),
        completion: LiveCompletion.orders)
    var order: Int64?

    @OptionGroup var ledgerOptions: LedgerOptions
    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let orders = try orders()
        if output.isJSON {
            print(try historyJSON(orders), terminator: "")
        } else if order != nil {
            for order in orders { showEvents(of: order) }
        } else if orders.isEmpty {
            print("There are no orders.")
            ledgerOptions.noteAbsence()
        } else {
            try orderTable(orders.map { OrderLine($0) }).print(output.style())
        }
    }

    private func orders() throws -> [Order] {
        if let order { return [try ledgerOptions.open().order(order)] }
        return try ledgerOptions.openIfThere()?.orders() ?? []
    }

    private func showEvents(of order: Order) {
        let line = OrderLine(order)
        print("order \(order.number): \(line.job), \(line.stateText)")
        print("  token    \(quoted(printable(line.token)))")
        print("  key      id \(line.keyID), label “\(printable(line.keyLabel))”")
        if let ca = line.ca, let account = line.account {
            print("  account  \(printable(account)) at \(printable(ca))")
        }
        for event in order.events {
            print("\(timestamp(event.time))  \(printable(event.summary))")
        }
        if let next = line.next { print("next: \(next)") }
    }
}

struct VerifyHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that nothing in the ledger was changed or lost.",
        discussion: """
            Whoever can write to the file can also cut its end or put an old copy back. So keep the \
            hash that is printed elsewhere, and give it with --hash the next time.
            """)

    @Option(
        help: ArgumentHelp(
            "Insist that the event with this hash is there, one that was printed before.",
            valueName: "hex"))
    var hash: String?

    @OptionGroup var ledgerOptions: LedgerOptions
    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let ledger = try ledgerOptions.open()
        var findings = try ledger.verify()
        if let hash, try !ledger.hasEvent(withHash: hash.lowercased()) {
            findings.append("no event has the hash \(hash): the end is cut, or this is an old copy")
        }
        guard findings.isEmpty else {
            throw Failure(
                .configuration, code: "ledgerChanged",
                "the ledger \(ledgerOptions.path) is not what was written",
                hints: findings.prefix(20) + ["keep a copy of it before anything else"])
        }
        let end = try ledger.end()
        if output.isJSON {
            try printJSON(Report(isRight: true, events: end.events, lastHash: end.hash))
        } else {
            print("The ledger is as it was written.")
            if let hash = end.hash { print("  event \(end.events), hash \(hash)") }
        }
    }

    private struct Report: Encodable {
        let isRight: Bool
        let events: Int64
        let lastHash: String?
    }
}

/// Orders with all their events as one JSON object, each event on a line. The events' contents are
/// JSON in the ledger already.
func historyJSON(_ orders: [Order]) throws -> String {
    let objects = try orders.map { order in
        let events = try order.events.map { event in
            "{\"sequence\":\(event.sequence),\"time\":\"\(timestamp(event.time))\","
                + "\"kind\":\(try jsonLine(event.kind)),\"content\":\(withoutControls(event.text))}"
        }
        return "{\"summary\":\(try jsonLine(OrderLine(order))),\"events\":[\n"
            + events.joined(separator: ",\n") + "\n]}"
    }
    return "{\"orders\":[\n" + objects.joined(separator: ",\n") + "\n]}\n"
}

extension RecordedEvent {
    /// What happened, in a line.
    fileprivate var summary: String {
        switch event {
        case .begun(let beginning):
            let key = beginning.newKeyKind.map { "a new key, \($0)" } ?? "a key that is there"
            return "begun with \(key)"
        case .made(let hash): return "the key was made, SHA-256 of its public half \(hash)"
        case .found(let hash):
            return "a key with its id and label was found, SHA-256 of its public half \(hash)"
        case .signed: return "the request was signed"
        case .sending(let sending):
            return sending.isRepeated ? "sent once more, as a person asked" : "sent"
        case .notSent(let reason): return "not sent: \(reason)"
        case .answered(let answer):
            return "answered with \(answer.body.bytes.count) bytes (HTTP \(answer.status))"
                + (answer.interruption.map { ", broken off: \($0)" } ?? "")
        case .refused(let reason), .unclear(let reason): return reason
        case .certified(let certified):
            let changes = certified.changes.joined(separator: "; ")
            return "certificate checked" + (changes.isEmpty ? "" : ", changes accepted: \(changes)")
        case .requested: return "the request was made, and handed out"
        case .chainWritten: return "a certificate of its chain written"
        case .written(let uri): return "written: \(quoted(uri))"
        case .proved(let proof):
            return "read back, and the key proved by a \(proof.method ?? "signature")"
        case .retiring(let certificate): return "removing the old certificate: \(certificate)"
        case .retired(let certificate): return "removed the old certificate: \(certificate)"
        case .stopped(let stop): return "stopped at \(stop.step): \(stop.reason)"
        case .closed(let reason): return "over: \(reason)"
        case nil: return "\(kind) (an event of a later version of tokencert)"
        }
    }
}
