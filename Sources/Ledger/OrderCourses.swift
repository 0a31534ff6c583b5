internal import TokencertSQLite

/// The results of courses of events that were seen before. Most orders take one of a few courses.
/// An order is decoded only if its course is new, or if its row is not what the course leads to.
/// SQLite reads the few values that decide about that.
struct OrderCourses {
    /// Everything in the events of an order that decides about its state.
    private struct Course: Hashable {
        let job: String
        /// The kinds of the events; those of a repeated sending are marked.
        let kinds: String
        /// The names and types of the properties of the first event.
        let properties: String
    }

    private struct Outcome: Equatable {
        let state: String
        let isFinished: Int64
    }

    private var outcomes: [Course: Outcome] = [:]

    /// The rows of the orders, and what their events say about them. Orders that replace a certificate are
    /// always decoded, since SQLite cannot compute its hash.
    static let query = """
        SELECT *,
            coalesce(\(last("'sending'")), \(last("'made', 'found'")), \(first("publicKeyHash"))) AS key,
            (SELECT group_concat(key || ' ' || type) FROM json_each(begun)) AS properties,
            \(first("job")) IS job AND \(first("token")) IS token AND \(first("keyID")) IS keyID
                AND \(first("replacedCertificate")) IS NULL AND replacedHash IS NULL AS isAsBegun
        FROM (SELECT *,
            (SELECT content FROM events WHERE orderNumber = number AND kind = 'begun'
                AND json_valid(content) ORDER BY sequence LIMIT 1) AS begun,
            (SELECT group_concat(kind || CASE WHEN kind = 'sending' AND json_valid(content)
                    THEN ' ' || json_extract(content, '$.isRepeated') ELSE '' END)
                FROM (SELECT kind, content FROM events WHERE orderNumber = number
                    ORDER BY sequence)) AS kinds
            FROM orders)
        ORDER BY number
        """

    /// A property of the first event.
    private static func first(_ property: String) -> String {
        "json_extract(begun, '$.\(property)')"
    }

    /// The key in the last event of some kinds.
    private static func last(_ kinds: String) -> String {
        """
        (SELECT json_extract(content, '$.publicKeyHash') FROM events
            WHERE orderNumber = number AND kind IN (\(kinds)) AND json_valid(content)
            ORDER BY sequence DESC LIMIT 1)
        """
    }

    /// Whether the row of an order is what its course is known to lead to.
    func explains(_ row: Row) throws -> Bool {
        guard try row.value("isAsBegun"), let known = outcomes[try Self.course(row)] else {
            return false
        }
        return try known == Self.outcome(row)
            && row.value("publicKeyHash", as: StoredValue.self)
                == row.value("key", as: StoredValue.self)
    }

    /// Takes the row of an order as that of its course. The row must match the events.
    mutating func learn(_ row: Row, _ order: Order) throws {
        // Only a later version knows what its events lead to.
        guard try row.value("isAsBegun"), order.unknownEvent == nil else { return }
        outcomes[try Self.course(row)] = try Self.outcome(row)
    }

    private static func course(_ row: Row) throws -> Course {
        try Course(
            job: row.value("job"), kinds: row.value("kinds"), properties: row.value("properties"))
    }

    private static func outcome(_ row: Row) throws -> Outcome {
        try Outcome(state: row.value("state"), isFinished: row.value("isFinished"))
    }
}
