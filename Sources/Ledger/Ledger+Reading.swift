internal import FoundationEssentials
internal import GRDB

extension Ledger {
    /// All orders, the oldest first.
    package func orders(unfinishedOnly isUnfinished: Bool = false) throws(LedgerError) -> [Order] {
        try read { database in
            let condition = isUnfinished ? "WHERE NOT isFinished" : ""
            let numbers = try Int64.fetchAll(
                database, sql: "SELECT number FROM orders \(condition) ORDER BY number")
            return try numbers.map { number in
                do {
                    return try self.readOrder(number, database)
                } catch let error as LedgerError where error.code == .noSuchOrder {
                    throw LedgerError(.damaged, "order \(number) has no events", order: number)
                }
            }
        }
    }

    /// One order.
    ///
    /// - Throws: ``LedgerError`` with code ``LedgerError/Code/noSuchOrder``.
    package func order(_ number: Int64) throws(LedgerError) -> Order {
        try read { try self.readOrder(number, $0) }
    }

    /// The first other order that is about a key, or nil.
    ///
    /// - Parameters:
    ///   - publicKeyHash: SHA-256 of the key's SubjectPublicKeyInfo in hexadecimal.
    ///   - number: The order that does not count.
    package func order(
        forKey publicKeyHash: String, besides number: Int64
    ) throws(LedgerError) -> Int64? {
        try read { database in
            try Int64.fetchOne(
                database,
                sql: """
                    SELECT number FROM orders WHERE publicKeyHash = ? AND number != ?
                    ORDER BY number
                    """,
                arguments: [publicKeyHash, number])
        }
    }

    /// Whether anything was ever sent for a key or handed out for it, by any order.
    ///
    /// - Parameters:
    ///   - publicKeyHash: SHA-256 of its SubjectPublicKeyInfo in hexadecimal, or nil.
    ///   - keyID: Its `CKA_ID` in hexadecimal. Another key with that id counts, too.
    package func wasSent(
        forKey publicKeyHash: String?, id keyID: String
    ) throws(LedgerError) -> Bool {
        try read { database in
            let numbers = try Int64.fetchAll(
                database,
                sql: "SELECT number FROM orders WHERE publicKeyHash = ? OR keyID = ?",
                arguments: [publicKeyHash, keyID])
            return try numbers.contains { try self.readOrder($0, database).wasSent }
        }
    }

    func readOrder(_ number: Int64, _ database: Database) throws -> Order {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT sequence, time, kind, content FROM events WHERE orderNumber = ?
                ORDER BY sequence
                """, arguments: [number])
        guard !rows.isEmpty else {
            throw LedgerError(.noSuchOrder, "there is no order \(number)", order: number)
        }
        let events = rows.map {
            RecordedEvent(
                sequence: $0["sequence"], time: $0["time"], kind: $0["kind"], text: $0["content"])
        }
        guard let order = Order(number: number, events: events) else {
            guard rows[0]["kind"] == "begun", isReadable(rows[0]["content"]) else {
                throw LedgerError(.damaged, "order \(number) has no valid beginning", order: number)
            }
            throw LedgerError(
                .newer, "order \(number) has a beginning that only a later version knows",
                order: number)
        }
        return order
    }
}

/// Whether a text is a JSON object of a job, whatever the job is.
private func isReadable(_ text: String) -> Bool {
    struct Beginning: Decodable { let job: String }
    return (try? JSONDecoder().decode(Beginning.self, from: Data(text.utf8))) != nil
}
