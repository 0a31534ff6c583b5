internal import FoundationEssentials
internal import TokencertSQLite

extension Ledger {
    /// All orders, oldest first.
    package func orders(unfinishedOnly isUnfinished: Bool = false) throws(LedgerError) -> [Order] {
        try read { database in
            try Self.numbers(unfinishedOnly: isUnfinished, database).map {
                try self.readListed($0, database)
            }
        }
    }

    /// The numbers of all orders, oldest first.
    package func orderNumbers(unfinishedOnly isUnfinished: Bool) throws(LedgerError) -> [Int64] {
        try read { try Self.numbers(unfinishedOnly: isUnfinished, $0) }
    }

    /// Calls the body with one order after the other, oldest first. Only a few are in memory at a time.
    /// An order that another process changes in the meantime is passed before or after the change.
    package func forEachOrder(_ body: (Order) throws -> Void) throws {
        // A file that another process writes is read again, so the body is not called while reading.
        let numbers = try read { try Self.numbers("ORDER BY number", $0) }
        for start in stride(from: 0, to: numbers.count, by: 100) {
            let part = numbers[start..<min(start + 100, numbers.count)]
            let orders = try read { database in
                try part.map { try self.readListed($0, database) }
            }
            for order in orders { try body(order) }
        }
    }

    /// The newest orders, oldest first, and the number of older ones.
    ///
    /// - Parameter most: How many orders are read.
    package func newestOrders(_ most: Int) throws(LedgerError) -> (orders: [Order], older: Int) {
        try read { database in
            let numbers = try Self.numbers("ORDER BY number DESC LIMIT \(most)", database)
            let orders = try numbers.reversed().map { try self.readListed($0, database) }
            // Orders are numbered from 1, and none is deleted. Counting them would read an index whole.
            return (orders, numbers.last.map { Int($0) - 1 } ?? 0)
        }
    }

    private static func numbers(
        unfinishedOnly isUnfinished: Bool, _ database: Database
    ) throws -> [Int64] {
        // Of a damaged file, one table may be read without an error although the other one is lost. A
        // comparison of all rows would take longer than the search.
        let isWhole = try database.values(
            "SELECT (SELECT max(number) FROM orders) IS (SELECT max(orderNumber) FROM events)",
            as: Bool.self)
        guard isWhole == [true] else {
            throw LedgerError(.damaged, "the ledger is damaged: its orders do not match its events")
        }
        let selection = isUnfinished ? "WHERE NOT isFinished " : ""
        return try numbers(selection + "ORDER BY number", database)
    }

    private static func numbers(_ selection: String, _ database: Database) throws -> [Int64] {
        try database.values("SELECT number FROM orders \(selection)")
    }

    /// Reads an order of the table of orders.
    func readListed(_ number: Int64, _ database: Database) throws -> Order {
        do {
            return try readOrder(number, database)
        } catch let error as LedgerError where error.code == .noSuchOrder {
            throw LedgerError(.damaged, "order \(number) has no events", order: number)
        }
    }

    /// One order.
    ///
    /// - Throws: ``LedgerError/Code/noSuchOrder`` if it does not exist.
    package func order(_ number: Int64) throws(LedgerError) -> Order {
        try read { try self.readOrder(number, $0) }
    }

    /// Whether any order ever sent or exported a request for the key with this SHA-256 of its
    /// SubjectPublicKeyInfo, or for another one with the same `CKA_ID`; both are in hexadecimal.
    package func wasSent(
        forKey publicKeyHash: String?, id keyID: String
    ) throws(LedgerError) -> Bool {
        try hasOrder(forKey: publicKeyHash, id: keyID, where: \.wasSent)
    }

    /// Whether a certificate for such a key may exist or still come, as far as the ledger knows.
    package func mayHaveCertificate(
        forKey publicKeyHash: String?, id keyID: String
    ) throws(LedgerError) -> Bool {
        try hasOrder(forKey: publicKeyHash, id: keyID, where: \.mayHaveCertificate)
    }

    private func hasOrder(
        forKey publicKeyHash: String?, id keyID: String, where condition: (Order) -> Bool
    ) throws(LedgerError) -> Bool {
        try read { database in
            let numbers: [Int64] = try database.values(
                "SELECT number FROM orders WHERE publicKeyHash = ? OR keyID = ?",
                [publicKeyHash, keyID])
            return try numbers.contains { try condition(self.readOrder($0, database)) }
        }
    }

    func readOrder(_ number: Int64, _ database: Database) throws -> Order {
        let rows = try database.rows(
            """
            SELECT sequence, time, kind, content FROM events WHERE orderNumber = ?
            ORDER BY sequence
            """, [number])
        guard !rows.isEmpty else {
            throw LedgerError(.noSuchOrder, "there is no order \(number)", order: number)
        }
        let events = try Self.events(rows)
        guard let order = Order(number: number, events: events) else {
            guard events[0].kind == "begun", isReadable(try rows[0].value("content")) else {
                throw LedgerError(
                    .damaged, "the first event of order \(number) is not valid", order: number)
            }
            throw LedgerError(
                .newer,
                "the first event of order \(number) is not readable by this version of tokencert",
                order: number)
        }
        return order
    }
}

extension Ledger {
    /// The events in all rows of an order. One that cannot be read whole does not hide the others.
    private static func events(_ rows: [Row]) throws -> [RecordedEvent] {
        var earlier: [StoredContent] = []
        return try rows.map { row in
            let sequence: Int64 = try row.value("sequence")
            let stored: String = try row.value("content")
            let text = StoredContent.whole(stored, after: earlier) ?? stored
            earlier.append(StoredContent(sequence: sequence, text: stored))
            return RecordedEvent(
                sequence: sequence, time: try row.value("time"), kind: try row.value("kind"),
                text: text)
        }
    }
}

extension RecordedEvent {
    /// An event of a kind that refers to no other event.
    init(_ row: Row) throws {
        self.init(
            sequence: try row.value("sequence"), time: try row.value("time"),
            kind: try row.value("kind"), text: try row.value("content"))
    }
}

/// Whether a text is a JSON object with a job, even an unknown one.
private func isReadable(_ text: String) -> Bool {
    struct Beginning: Decodable { let job: String }
    return (try? JSONDecoder().decode(Beginning.self, from: Data(text.utf8))) != nil
}
