import Foundation
import Testing
import TokencertSQLite
import TokencertTestSupport

/// The connection to SQLite that carries the ledger.
@Suite struct DatabaseTests {
    private let folder = try! TemporaryFolder()

    private func database() throws -> Database {
        let database = try Database()
        try database.execute("CREATE TABLE t (number INTEGER, word TEXT) STRICT")
        return database
    }

    // Otherwise labels and texts of certificates would be cut or would change a statement.
    @Test(
        "Any text is stored and read as it is",
        arguments: [
            "", "a'; DROP TABLE t; --", "a\0b", "ä€😀", "?", String(repeating: "x", count: 1 << 20),
        ])
    func texts(text: String) throws {
        let database = try database()
        try database.execute("INSERT INTO t VALUES (?, ?)", [Int64.min, text])
        let row = try #require(try database.rows("SELECT * FROM t").first)
        #expect(try row.value("word") == text)
        #expect(try row.value("number") == Int64.min)
    }

    @Test("NULL is read as nil, and as no other value")
    func null() throws {
        let database = try database()
        try database.execute("INSERT INTO t VALUES (?, ?)", [Int64?.none, String?.none])
        let row = try #require(try database.rows("SELECT * FROM t").first)
        #expect(try row.value("number", as: Int64?.self) == nil)
        let error = #expect(throws: SQLiteError.self) { try row.value("word", as: String.self) }
        #expect(error?.code == .mismatch)
    }

    // Otherwise a changed file would end the program.
    @Test("A value of another type and an unknown column are errors")
    func mismatch() throws {
        let database = try database()
        try database.execute("INSERT INTO t VALUES (1, 'one')")
        let row = try #require(try database.rows("SELECT *, 1.5 AS part FROM t").first)
        for column in ["word", "part", "other"] {
            #expect(throws: SQLiteError.self, "\(column)") {
                try row.value(column, as: Int64.self)
            }
        }
        #expect(throws: SQLiteError.self) { try database.values("SELECT 'a'", as: Int.self) }
    }

    @Test("Statements run one after the other, up to the first that fails")
    func statements() throws {
        let database = try database()
        let error = #expect(throws: SQLiteError.self) {
            try database.execute(
                "INSERT INTO t VALUES (1, 'a'); -- note\n ; INSERT INTO t VALUES ('b', 2); "
                    + "INSERT INTO t VALUES (3, 'c')")
        }
        #expect(error?.code == .constraint)
        #expect(try database.values("SELECT number FROM t") == [Int64(1)])
    }

    // Otherwise half an event could be in the ledger.
    @Test("A transaction that throws or is rolled back changes nothing, and the next one works")
    func transactions() throws {
        struct Stop: Error {}
        let database = try database()
        #expect(throws: Stop.self) {
            try database.transaction(.immediate) {
                try database.execute("INSERT INTO t VALUES (1, 'a')")
                throw Stop()
            }
        }
        try database.transaction(.immediate) {
            try database.execute("INSERT INTO t VALUES (2, 'b')")
            return .rollback
        }
        try database.transaction(.immediate) {
            try database.execute("INSERT INTO t VALUES (3, 'c')")
            return .commit
        }
        #expect(try database.values("SELECT number FROM t") == [Int64(3)])
    }

    @Test("A file that is open for reading cannot be changed")
    func reading() throws {
        let path = folder.file("a b.sqlite")
        try Database(writing: path).execute("CREATE TABLE t (number INTEGER)")
        let uri = "file:" + path.replacing(" ", with: "%20") + "?mode=ro"
        let database = try Database(readingURI: uri)
        let error = #expect(throws: SQLiteError.self) {
            try database.execute("INSERT INTO t VALUES (1)")
        }
        #expect(error?.code == .readOnly)
        #expect(throws: SQLiteError.self) {
            try Database(readingURI: "file:\(folder.file("none.sqlite"))?mode=ro")
                .values("SELECT 1", as: Int.self)
        }
    }

    @Test("forEachRow stops when its body returns false")
    func rows() throws {
        let database = try database()
        try database.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
        var seen: [Int64] = []
        try database.forEachRow("SELECT number FROM t ORDER BY number") { row in
            seen.append(try row.value("number"))
            return seen.count < 2
        }
        #expect(seen == [1, 2])
    }
}
