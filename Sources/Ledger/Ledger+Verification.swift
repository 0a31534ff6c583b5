internal import GRDB

extension Ledger {
    /// Checks the file and the chain of hashes from the first event to the last.
    ///
    /// - Returns: The problems found, one line each.
    package func verify() throws(LedgerError) -> [String] {
        try read { database in
            var findings = try String.fetchAll(database, sql: "PRAGMA integrity_check")
                .filter { $0 != "ok" }.map { "the file is damaged: \($0)" }
            var previous = HashChain.beginning
            var expected: Int64 = 1
            var counts: [Int64: Int] = [:]
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT sequence, orderNumber, time, kind, content, hash FROM events
                    ORDER BY sequence
                    """)
            while let row = try rows.next() {
                let sequence: Int64 = row["sequence"]
                if sequence != expected {
                    findings.append("event \(expected) is missing")
                    expected = sequence
                }
                let hash = HashChain.hash(
                    after: previous, sequence: sequence, order: row["orderNumber"],
                    time: row["time"], kind: row["kind"], text: row["content"])
                previous = row["hash"]
                if hash != previous { findings.append("event \(sequence) was changed") }
                counts[row["orderNumber"], default: 0] += 1
                expected += 1
            }
            return findings + (try self.verifyTriggers(database))
                + (try self.verifyOrders(counts, database))
        }
    }

    /// The end of the chain: the number of events and the hexadecimal hash of the last one. A copy
    /// kept elsewhere shows whether later events were removed or an old copy of the file was
    /// restored.
    package func end() throws(LedgerError) -> (events: Int64, hash: String?) {
        try read { database in
            let last = try Row.fetchOne(
                database, sql: "SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1")
            return (last?["sequence"] ?? 0, last?["hash"])
        }
    }

    /// Whether the ledger has an event with this hexadecimal hash.
    package func hasEvent(withHash hash: String) throws(LedgerError) -> Bool {
        try read { database in
            try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM events WHERE hash = ?)",
                arguments: [hash]) ?? false
        }
    }

    /// Without the triggers, events may have been changed in a way that keeps the chain valid.
    private func verifyTriggers(_ database: Database) throws -> [String] {
        let present = Set(
            try String.fetchAll(
                database, sql: "SELECT name FROM sqlite_schema WHERE type = 'trigger'"))
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        return Schema.triggers(ofVersion: version).filter { !present.contains($0) }
            .map { "the trigger \($0) is missing" }
    }

    /// Checks that the table of orders matches the events.
    private func verifyOrders(_ counts: [Int64: Int], _ database: Database) throws -> [String] {
        var findings: [String] = []
        let rows = try Row.fetchAll(
            database, sql: "SELECT * FROM orders ORDER BY number")
        let numbers = Set(rows.map { $0["number"] as Int64 })
        findings += counts.keys.filter { !numbers.contains($0) }.sorted().map {
            "order \($0) is missing"
        }
        for row in rows {
            let number: Int64 = row["number"]
            let count = counts[number] ?? 0
            if count != row["events"] {
                findings.append(
                    "order \(number) has \(count) events instead of \(row["events"] as Int)")
                continue
            }
            do {
                let order = try readOrder(number, database)
                if !Self.isConsistent(row, order) { findings.append("order \(number) was changed") }
            } catch let error as LedgerError {
                findings.append("order \(number) cannot be read: \(error.reason)")
            }
        }
        // SQLite remembers the last number that it assigned.
        let last = try Int64.fetchOne(
            database, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'orders'")
        if let last, last > numbers.max() ?? 0 {
            findings.append("the last order, \(last), is missing")
        }
        return findings
    }

    private static func isConsistent(_ row: Row, _ order: Order) -> Bool {
        let beginning = order.beginning
        // Only the later version knows the effect of its events.
        let isKnown = order.unknownEvent == nil
        return row["job"] == beginning.job.name && row["token"] == beginning.token
            && row["keyID"] == beginning.keyID
            && (!isKnown || row["publicKeyHash"] == order.publicKeyHash)
            && row["replacedHash"] == beginning.reservation.replacedHash
            && (!isKnown
                || row["isFinished"] == order.isFinished && row["state"] == order.state.name)
    }
}
