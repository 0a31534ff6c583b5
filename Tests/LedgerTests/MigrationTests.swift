import OpenSSLX509
import Testing
import TokencertTestSupport

@testable import TokencertLedger
@testable import TokencertSQLite

/// How the tables of a ledger are created and migrated.
@Suite struct MigrationTests {
    private func version(_ database: Database) throws -> Int? {
        try database.values("PRAGMA user_version", as: Int.self).first
    }

    private func triggers(_ database: Database) throws -> [String] {
        try database.values(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name")
    }

    private static let released = [
        "orders and events", "nothing is replaced", "orders are found without reading all of them",
        "certificates are found by their end, and revocations", "texts are stored once",
    ]

    // The version in a file is the position of the last migration that was applied.
    @Test("The migrations of released versions keep their positions")
    func names() {
        #expect(Schema.migrations.map(\.name) == Self.released)
    }

    // A ledger keeps the tables of its migration; verification compares them with these.
    @Test("The migrations of released versions do not change")
    func unchanged() {
        let hashes = Schema.migrations.map { migration in
            String(hexadecimal(Digest.sha256.hash(Array(migration.statements.utf8))).prefix(16))
        }
        #expect(
            hashes == [
                "cc58b0548e0bb127", "f5dfdbe63dbd22a5", "d37ee54fba1ba838", "73075de65f19a72b",
                "e3b0c44298fc1c14",
            ])
    }

    @Test(
        "A migration leads from one version to the next and creates the triggers that it names",
        arguments: released)
    func migration(name: String) throws {
        let index = try #require(Schema.migrations.firstIndex { $0.name == name })
        let database = try Database()
        try Schema.migrate(database, from: 0, to: index)
        #expect(try version(database) == index)
        let before = try triggers(database)
        try Schema.migrate(database, from: index, to: index + 1)
        #expect(try version(database) == index + 1)
        let made = try triggers(database).filter { !before.contains($0) }
        #expect(made == Schema.migrations[index].triggers.sorted())
        #expect(try triggers(database) == Schema.triggers(ofVersion: index + 1).sorted())
    }

    @Test("A ledger of any version is migrated to the current one once")
    func all() throws {
        for first in 0...Schema.version {
            let database = try Database()
            try Schema.migrate(database, from: 0, to: first)
            for _ in 0..<2 {
                try Schema.prepare(database)
                #expect(try version(database) == Schema.version)
                #expect(
                    try triggers(database)
                        == Schema.triggers(ofVersion: Schema.version).sorted())
            }
        }
    }

    @Test("A failed migration changes nothing, and earlier ones stay applied")
    func failing() throws {
        let database = try Database()
        try Schema.migrate(database, from: 0, to: 1)
        // The second migration creates this trigger last.
        let taken = "ordersAreNotReplaced"
        try database.execute(
            "CREATE TRIGGER \(taken) BEFORE INSERT ON orders BEGIN SELECT 1; END")
        let before = try triggers(database)
        #expect(throws: SQLiteError.self) { try Schema.prepare(database) }
        #expect(try version(database) == 1)
        #expect(try triggers(database) == before)
        try database.execute("DROP TRIGGER \(taken)")
        try Schema.prepare(database)
        #expect(try version(database) == Schema.version)
    }

    @Test(
        "A ledger with an impossible version is refused",
        arguments: [0, -1, Schema.version + 1])
    func versions(version: Int) throws {
        let database = try Database()
        try Schema.prepare(database)
        try database.execute("PRAGMA user_version = \(version)")
        let error = #expect(throws: LedgerError.self) { try Schema.prepare(database) }
        #expect(error?.code == (version > 0 ? .newer : .damaged))
    }
}

/// Takes back all migrations of a ledger but the first one.
func makeFirstVersion(_ path: String) throws {
    let later = Set(try Schema.objects(ofVersion: Schema.version).keys)
        .subtracting(try Schema.objects(ofVersion: 1).keys)
    let statements = later.map { "DROP \($0);" } + ["PRAGMA user_version = 1;"]
    let outcome = try run("sqlite3", [path, statements.joined(separator: " ")])
    try #require(outcome.status == 0, "\(outcome.errors)")
}
