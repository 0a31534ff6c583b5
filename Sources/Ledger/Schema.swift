internal import GRDB

/// The tables, and what SQLite itself sees to.
enum Schema {
    /// In the file's header, so that no other database is taken for a ledger: `tkct`.
    static let applicationID = 0x746B_6374
    /// The version of the tables.
    static let version = 2

    static let statements = """
        CREATE TABLE orders (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            job TEXT NOT NULL,
            token TEXT NOT NULL,
            keyID TEXT NOT NULL,
            publicKeyHash TEXT,
            replacedHash TEXT,
            isFinished INTEGER NOT NULL,
            state TEXT NOT NULL,
            events INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE events (
            sequence INTEGER PRIMARY KEY,
            orderNumber INTEGER NOT NULL REFERENCES orders(number),
            time INTEGER NOT NULL,
            kind TEXT NOT NULL,
            content TEXT NOT NULL,
            hash TEXT NOT NULL UNIQUE
        ) STRICT;
        CREATE INDEX eventsOfOrder ON events(orderNumber, sequence);
        CREATE INDEX ordersOfKey ON orders(keyID);
        \(statementsOfVersion1)
        \(statementsOfVersion2)
        PRAGMA application_id = \(applicationID);
        PRAGMA user_version = \(version);
        """

    private static let statementsOfVersion1 = """
        CREATE TRIGGER eventsAreNotChanged BEFORE UPDATE ON events
            BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
        CREATE TRIGGER eventsAreNotDeleted BEFORE DELETE ON events
            BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
        CREATE TRIGGER ordersAreNotDeleted BEFORE DELETE ON orders
            BEGIN SELECT RAISE(ABORT, 'orders are never deleted'); END;
        """

    /// `INSERT OR REPLACE` deletes without a trigger for that.
    private static let statementsOfVersion2 = """
        CREATE TRIGGER eventsAreNotReplaced BEFORE INSERT ON events
            WHEN EXISTS (SELECT 1 FROM events
                WHERE sequence = NEW.sequence OR hash = NEW.hash)
            BEGIN SELECT RAISE(ABORT, 'events are never replaced'); END;
        CREATE TRIGGER ordersAreNotReplaced BEFORE INSERT ON orders
            WHEN EXISTS (SELECT 1 FROM orders WHERE number = NEW.number)
            BEGIN SELECT RAISE(ABORT, 'orders are never replaced'); END;
        """

    /// The triggers that refuse changes in a ledger of a version, by name.
    static func triggers(ofVersion version: Int) -> [String] {
        ["eventsAreNotChanged", "eventsAreNotDeleted", "ordersAreNotDeleted"]
            + (version < 2 ? [] : ["eventsAreNotReplaced", "ordersAreNotReplaced"])
    }

    /// Checks that a file is a ledger that this version can read. Nothing is changed.
    ///
    /// - Returns: Its version, or nil for an empty database.
    private static func readVersion(_ database: Database) throws -> Int? {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id")
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        if application == applicationID {
            guard version <= Self.version else {
                throw LedgerError(.newer, "a later version of tokencert made the ledger")
            }
            return version
        }
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        guard application == 0, version == 0, tables == 0 else {
            throw LedgerError(.damaged, "the file is a database, but not a ledger of tokencert")
        }
        return nil
    }

    /// Checks that a file has the tables of this or an earlier version.
    static func require(_ database: Database, _ path: String) throws {
        guard try readVersion(database) != nil else {
            throw LedgerError(.absent, "there is no ledger at \(path): the file is empty")
        }
    }

    /// Creates the tables in a new file, and checks that an old one has them.
    static func prepare(_ database: Database) throws {
        guard let version = try readVersion(database) else {
            return try database.inTransaction(.immediate) {
                try database.execute(sql: statements)
                return .commit
            }
        }
        guard version == 1 else { return }
        try database.inTransaction(.immediate) {
            try database.execute(
                sql: statementsOfVersion2 + "PRAGMA user_version = \(Self.version);")
            return .commit
        }
    }
}
