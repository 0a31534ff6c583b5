internal import TokencertPlatform
internal import TokencertSQLite

extension Ledger {
    /// Checks the file and the chain of hashes from the first event to the last. Returns the
    /// problems found, one line each.
    package func verify() throws(LedgerError) -> [String] {
        // Each part reads the whole file.
        let parts = sideBySide([verifyFile, verifyContent]) { part in
            Result(catching: part)
        }
        var findings: [String] = []
        for part in parts { findings += try part.get() }
        return findings
    }

    /// Checks the pages of the file.
    @Sendable private func verifyFile() throws(LedgerError) -> [String] {
        do {
            return try UnchangedFile(path: path).read { database in
                try database.values("PRAGMA integrity_check", as: String.self)
                    .filter { $0 != "ok" }.map { "the file is damaged: \($0)" }
            }
        } catch {
            throw LedgerError(path, error)
        }
    }

    /// Checks the events, the tables and the orders.
    @Sendable private func verifyContent() throws(LedgerError) -> [String] {
        try read { database in
            let (findings, counts) = try Self.verifyChain(after: 0, HashChain.beginning, database)
            return try findings + self.verifySchema(database) + self.verifyOrders(counts, database)
        }
    }

    /// Checks at most this number of events, the newest, in a time that does not grow with the
    /// ledger. Returns the problems found, one line each, and the number of older events.
    package func verify(
        newest most: Int
    ) throws(LedgerError) -> (findings: [String], older: Int64) {
        try read { database in
            let older = try max(self.lastEvent(database).sequence - Int64(most), 0)
            let previous = try database.values(
                "SELECT hash FROM events WHERE sequence = ?", [older], as: String.self
            ).first
            let (findings, _) = try Self.verifyChain(
                after: older, previous ?? HashChain.beginning, database)
            return (findings + (try self.verifySchema(database)), older)
        }
    }

    /// Checks the chain of the events after one of them, and counts the events of each order.
    private static func verifyChain(
        after last: Int64, _ hash: String, _ database: Database
    ) throws -> (findings: [String], counts: [Int64: Int]) {
        var findings: [String] = []
        var previous = hash
        var expected = last + 1
        var counts: [Int64: Int] = [:]
        try database.forEachRow(
            """
            SELECT sequence, orderNumber, time, kind, content, hash FROM events WHERE sequence < 1
            UNION ALL
            SELECT sequence, orderNumber, time, kind, content, hash FROM events
            WHERE sequence > \(last) ORDER BY sequence
            """
        ) { row in
            let sequence: Int64 = try row.value("sequence")
            let order: Int64 = try row.value("orderNumber")
            guard Self.sequences.contains(sequence) else {
                findings.append("event \(sequence) was added")
                return true
            }
            if sequence != expected {
                findings.append("event \(expected) is missing")
                expected = sequence
            }
            let hash = HashChain.hash(
                after: previous, sequence: sequence, order: order,
                time: try row.value("time"), kind: try row.value("kind"),
                text: try row.value("content"))
            previous = try row.value("hash")
            if hash != previous { findings.append("event \(sequence) was changed") }
            counts[order, default: 0] += 1
            expected += 1
            return true
        }
        return (findings, counts)
    }

    /// The numbers that an event can have. Larger ones have no successor.
    static let sequences: Range<Int64> = 1..<Int64.max

    /// The end of the chain: the number of events and the hexadecimal hash of the last one. A copy
    /// kept elsewhere shows whether later events were removed or an old copy of the file was
    /// restored.
    package func end() throws(LedgerError) -> (events: Int64, hash: String?) {
        try read { database in
            let last = try self.lastEvent(database)
            return (last.sequence, last.hash)
        }
    }

    /// Whether the ledger has an event with this hexadecimal hash.
    package func hasEvent(withHash hash: String) throws(LedgerError) -> Bool {
        try read { database in
            try !database.rows("SELECT 1 FROM events WHERE hash = ?", [hash]).isEmpty
        }
    }

    /// Checks that only the migrations have made tables and triggers. Otherwise events could be
    /// changed in a way that keeps the chain valid, or could get lost when they are recorded.
    private func verifySchema(_ database: Database) throws -> [String] {
        let version = try database.values("PRAGMA user_version", as: Int.self).first ?? 0
        let expected = try Schema.objects(ofVersion: version)
        let present = try Schema.objects(in: database)
        return Set(expected.keys).union(present.keys).sorted().compactMap { name in
            if present[name] == expected[name] { return nil }
            if present[name] == nil { return "the \(name) is missing" }
            return "the \(name) was " + (expected[name] == nil ? "added" : "changed")
        }
    }

    /// Checks that the table of orders matches the events.
    private func verifyOrders(_ counts: [Int64: Int], _ database: Database) throws -> [String] {
        var findings: [String] = []
        var numbers: Set<Int64> = []
        var courses = OrderCourses()
        try database.forEachRow(OrderCourses.query) { row in
            let number: Int64 = try row.value("number")
            numbers.insert(number)
            let count = counts[number] ?? 0
            let stated: Int = try row.value("events")
            guard count == stated else {
                findings.append("order \(number) has \(count) events instead of \(stated)")
                return true
            }
            if try courses.explains(row) { return true }
            do {
                let order = try readOrder(number, database)
                if try Self.isConsistent(row, order) {
                    try courses.learn(row, order)
                } else {
                    findings.append("order \(number) was changed")
                }
            } catch let error as LedgerError {
                findings.append("order \(number) cannot be read: \(error.reason)")
            }
            return true
        }
        findings =
            counts.keys.filter { !numbers.contains($0) }.sorted().map { "order \($0) is missing" }
            + findings
        // SQLite remembers the last number that it assigned.
        let last = try database.values(
            "SELECT seq FROM sqlite_sequence WHERE name = 'orders'", as: Int64.self
        ).first
        if let last, last > numbers.max() ?? 0 {
            findings.append("the last order, \(last), is missing")
        }
        return findings
    }

    private static func isConsistent(_ row: Row, _ order: Order) throws -> Bool {
        let beginning = order.beginning
        var expected: [String: StoredValue] = [
            "job": beginning.job.name.stored, "token": beginning.token.stored,
            "keyID": beginning.keyID.stored,
            "replacedHash": beginning.reservation.replacedHash.stored,
        ]
        // Only the later version knows the effect of its events.
        if order.unknownEvent == nil {
            expected["publicKeyHash"] = order.publicKeyHash.stored
            expected["isFinished"] = order.isFinished.stored
            expected["state"] = order.state.name.stored
        }
        return try expected.allSatisfy { try row.value($0.key, as: StoredValue.self) == $0.value }
    }
}
