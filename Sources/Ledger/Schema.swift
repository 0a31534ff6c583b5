internal import TokencertSQLite

/// The tables and the rules that SQLite enforces.
enum Schema {
    /// Identifies a ledger in the header of the database file: `tkct`.
    static let applicationID = 0x746B_6374
    /// The version of the tables: the number of migrations.
    static let version = migrations.count

    /// A step to the next version of the tables. Migrations of released versions never change.
    struct Migration {
        let name: String
        let statements: String
        /// The names of the triggers that the migration creates. Each one refuses changes.
        let triggers: [String]
    }

    /// The last second of the validity of the certificate in an event, as SQL; NULL if an earlier version
    /// recorded the event. It is a part of a released migration.
    static let endOfCertificate =
        "CASE WHEN json_valid(content) THEN json_extract(content, '$.notAfter') END"

    /// All migrations, oldest first; the position is the version, from 1.
    static let migrations = [
        Migration(
            name: "orders and events",
            statements: """
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
                CREATE TRIGGER eventsAreNotChanged BEFORE UPDATE ON events
                    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
                CREATE TRIGGER eventsAreNotDeleted BEFORE DELETE ON events
                    BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
                CREATE TRIGGER ordersAreNotDeleted BEFORE DELETE ON orders
                    BEGIN SELECT RAISE(ABORT, 'orders are never deleted'); END;
                PRAGMA application_id = \(applicationID);
                """,
            triggers: ["eventsAreNotChanged", "eventsAreNotDeleted", "ordersAreNotDeleted"]),
        // `INSERT OR REPLACE` deletes rows without running the delete triggers.
        Migration(
            name: "nothing is replaced",
            statements: """
                CREATE TRIGGER eventsAreNotReplaced BEFORE INSERT ON events
                    WHEN EXISTS (SELECT 1 FROM events
                        WHERE sequence = NEW.sequence OR hash = NEW.hash)
                    BEGIN SELECT RAISE(ABORT, 'events are never replaced'); END;
                CREATE TRIGGER ordersAreNotReplaced BEFORE INSERT ON orders
                    WHEN EXISTS (SELECT 1 FROM orders WHERE number = NEW.number)
                    BEGIN SELECT RAISE(ABORT, 'orders are never replaced'); END;
                """, triggers: ["eventsAreNotReplaced", "ordersAreNotReplaced"]),
        // Without indexes, each order and each search reads all rows.
        Migration(
            name: "orders are found without reading all of them",
            statements: """
                CREATE INDEX ordersOfPublicKey ON orders(publicKeyHash)
                    WHERE publicKeyHash IS NOT NULL;
                CREATE INDEX ordersOfReplacedCertificate ON orders(replacedHash)
                    WHERE replacedHash IS NOT NULL;
                CREATE INDEX ordersOfJob ON orders(job);
                CREATE INDEX unfinishedOrders ON orders(number) WHERE NOT isFinished;
                """, triggers: []),
        // Without them, all events are read to find certificates that expire soon or are revoked.
        Migration(
            name: "certificates are found by their end, and revocations",
            statements: """
                CREATE INDEX certificatesByEnd ON events(\(endOfCertificate), orderNumber)
                    WHERE kind = 'certified';
                CREATE INDEX revocations ON events(orderNumber) WHERE kind = 'revoked';
                """, triggers: []),
        // Only the contents of later events change: see StoredContent. Earlier versions cannot read them.
        Migration(name: "texts are stored once", statements: "", triggers: []),
    ]

    /// The names of the triggers that refuse changes in a ledger of a version.
    static func triggers(ofVersion version: Int) -> [String] {
        migrations.prefix(max(version, 0)).flatMap(\.triggers)
    }

    /// The tables, indexes and triggers that the migrations to a version create: their SQL by kind and
    /// name, such as `trigger ordersAreNotDeleted`.
    static func objects(ofVersion version: Int) throws -> [String: String] {
        let database = try Database()
        try migrate(database, from: 0, to: version)
        return try objects(in: database)
    }

    /// The tables, indexes and triggers of a database, and whatever else its schema has.
    static func objects(in database: Database) throws -> [String: String] {
        let rows = try database.rows(
            """
            SELECT type || ' ' || name AS name, tbl_name, sql FROM sqlite_schema
            WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            """)
        var objects: [String: String] = [:]
        for row in rows {
            let table: String = try row.value("tbl_name")
            objects[try row.value("name")] = table + ": " + (try row.value("sql"))
        }
        return objects
    }

    /// Checks that a file is a ledger that this version can read. Nothing is changed.
    ///
    /// - Returns: Its version, or nil for an empty database.
    private static func readVersion(_ database: Database) throws -> Int? {
        let application = try database.values("PRAGMA application_id", as: Int.self).first
        let version = try database.values("PRAGMA user_version", as: Int.self).first ?? 0
        if application == applicationID {
            guard version <= Self.version else {
                throw LedgerError(.newer, "a later version of tokencert created the ledger")
            }
            guard version > 0 else {
                throw LedgerError(.damaged, "the ledger has no schema version")
            }
            return version
        }
        let tables = try database.values("SELECT count(*) FROM sqlite_schema", as: Int.self).first
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

    /// Migrates a new file or one of an earlier version to this version.
    static func prepare(_ database: Database) throws {
        try migrate(database, from: try readVersion(database) ?? 0)
    }

    /// Runs each migration after a version in a separate transaction.
    static func migrate(_ database: Database, from version: Int, to last: Int = Schema.version)
        throws
    {
        for (number, migration) in zip(1..., migrations) where version < number && number <= last {
            try database.transaction(.immediate) {
                try database.execute(migration.statements + "PRAGMA user_version = \(number);")
                return .commit
            }
        }
    }
}
