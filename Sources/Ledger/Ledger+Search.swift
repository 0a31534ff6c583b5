internal import FoundationEssentials
internal import TokencertSQLite

/// Searches that decode only the orders that are found. They use the table of orders, which
/// ``Ledger/verify()`` compares with the events.
extension Ledger {
    /// The orders for keys, given by the SHA-256 of their SubjectPublicKeyInfo, those that replace
    /// certificates, given in PEM, and those for any key with a `CKA_ID`, oldest first. Hashes and
    /// ids are in hexadecimal.
    package func orders(
        forKeys publicKeyHashes: Set<String>, replacing certificates: Set<String> = [],
        orID keyID: String? = nil
    ) throws(LedgerError) -> [Order] {
        let replaced = certificates.map { Reservation.replacedHash($0) }
        return try read { database in
            let numbers: [Int64] = try database.values(
                """
                SELECT number FROM orders
                WHERE publicKeyHash IN (SELECT value FROM json_each(?))
                OR replacedHash IN (SELECT value FROM json_each(?)) OR keyID = ?
                ORDER BY number
                """, [Self.array(publicKeyHashes), Self.array(replaced), keyID])
            return try numbers.map { try self.readListed($0, database) }
        }
    }

    /// A JSON array of hexadecimal numbers. It passes any number of values to a statement.
    private static func array(_ numbers: some Collection<String>) -> String {
        "[" + numbers.map { "\"\($0)\"" }.joined(separator: ",") + "]"
    }

    /// Whether certificates with the same content may be on several tokens: one was copied, or renewed on
    /// more than one token.
    package func mayHaveCopies() throws(LedgerError) -> Bool {
        try read { database in
            let statement = """
                SELECT 1 FROM orders WHERE job = ? OR replacedHash IN (
                    SELECT replacedHash FROM orders WHERE replacedHash IS NOT NULL
                    GROUP BY replacedHash HAVING count(DISTINCT token) > 1)
                LIMIT 1
                """
            return try !database.rows(statement, [OrderEvent.Job.copyName]).isEmpty
        }
    }

    /// The orders with these numbers, oldest first.
    package func orders(_ numbers: Set<Int64>) throws(LedgerError) -> [Order] {
        try read { database in
            try numbers.sorted().map { try self.readListed($0, database) }
        }
    }

    /// The numbers of the orders with a certificate that passed every check and ends in a period,
    /// in seconds since 1970-01-01 00:00 UTC. `decode` returns the last second of a certificate in
    /// PEM. It is called for those that an earlier version recorded, perhaps more than once.
    package func numbers(
        ofOrdersWithCertificateEndingIn period: ClosedRange<Int64>,
        decode: (_ pem: String) -> Int64?
    ) throws(LedgerError) -> Set<Int64> {
        let end = Schema.endOfCertificate
        return try read { database in
            var numbers: Set<Int64> = try Set(
                database.values(
                    """
                    SELECT orderNumber FROM events
                    WHERE kind = 'certified' AND \(end) BETWEEN ? AND ?
                    """, [period.lowerBound, period.upperBound]))
            // Earlier versions did not refer to other events.
            try database.forEachRow(
                """
                SELECT orderNumber, json_extract(content, '$.certificate') AS certificate FROM events
                WHERE kind = 'certified' AND \(end) IS NULL AND json_valid(content)
                """
            ) { row in
                if let pem: String = try? row.value("certificate"), let end = decode(pem),
                    period.contains(end)
                {
                    numbers.insert(try row.value("orderNumber"))
                }
                return true
            }
            return numbers
        }
    }

    package func revocations() throws(LedgerError) -> [RecordedEvent] {
        try read { database in
            try database.rows(
                "SELECT sequence, time, kind, content FROM events WHERE kind = 'revoked'"
            ).map { try RecordedEvent($0) }
        }
    }

    /// The numbers and the tokens of the orders whose key has one of these labels, compared as
    /// bytes.
    package func orders(
        withLabels labels: [String]
    ) throws(LedgerError) -> [(number: Int64, token: String)] {
        try read { database in
            let values = String(decoding: try JSONEncoder().encode(labels), as: UTF8.self)
            let rows = try database.rows(
                """
                SELECT number, token FROM events JOIN orders ON number = orderNumber
                WHERE kind = 'begun' AND json_valid(content)
                AND json_extract(content, '$.keyLabel') IN (SELECT value FROM json_each(?))
                ORDER BY number
                """, [values])
            return try rows.map { (try $0.value("number"), try $0.value("token")) }
        }
    }
}
