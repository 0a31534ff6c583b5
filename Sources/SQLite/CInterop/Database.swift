internal import CTokencertSQLite
internal import Synchronization

/// A connection to an SQLite database. It is closed when it is released.
///
/// Several threads may use a connection: SQLite locks it for each call, and ``transaction(_:_:)`` for
/// the time of a transaction. The C functions are `sqlite3_open_v2` and `sqlite3_close_v2`.
@safe package final class Database: @unchecked Sendable {
    private let connection: OpaquePointer
    private let inTransaction = Mutex(())

    /// How long to wait while another connection locks the file, in milliseconds.
    private static let patience: Int32 = 5000

    /// Creates an empty database in memory.
    package convenience init() throws(SQLiteError) {
        try self.init(":memory:", SQLITE_OPEN_READWRITE)
    }

    /// Opens a file for reading and writing, and creates it if it does not exist.
    package convenience init(writing path: String) throws {
        // SQLite gives a meaning to some names, such as ":memory:".
        let file = path.hasPrefix("/") ? path : "./" + path
        try self.init(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
        try execute("PRAGMA foreign_keys = ON")
    }

    /// Opens a file for reading.
    ///
    /// - Parameter uri: The file as a URI of SQLite.
    package convenience init(readingURI uri: String) throws(SQLiteError) {
        try self.init(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)
    }

    private init(_ name: String, _ flags: Int32) throws(SQLiteError) {
        var opened: OpaquePointer?
        let result = unsafe sqlite3_open_v2(
            name, &opened, flags | SQLITE_OPEN_FULLMUTEX, nil)
        guard let connection = unsafe opened else {
            throw SQLiteError(.init(rawValue: result), "out of memory")
        }
        unsafe self.connection = unsafe connection
        guard result == SQLITE_OK else { throw failure(result) }
        unsafe sqlite3_busy_timeout(connection, Self.patience)
    }

    deinit {
        unsafe sqlite3_close_v2(connection)
    }

    private func failure(_ result: Int32) -> SQLiteError {
        SQLiteError(
            .init(rawValue: result), unsafe String(cString: sqlite3_errmsg(connection)))
    }

    // MARK: Statements

    /// Runs statements that are separated by semicolons. The values are those of the `?` of a single
    /// one.
    package func execute(
        _ statements: String, _ values: [any Storable] = []
    ) throws {
        try run(statements, values) { _ in true }
    }

    /// The rows of the result of a statement.
    package func rows(
        _ statement: String, _ values: [any Storable] = []
    ) throws -> [Row] {
        var rows: [Row] = []
        try run(statement, values) { row in
            rows.append(row)
            return true
        }
        return rows
    }

    /// The first value of each row.
    package func values<Value: Storable>(
        _ statement: String, _ values: [any Storable] = [], as type: Value.Type = Value.self
    ) throws -> [Value] {
        try rows(statement, values).map { try $0.firstValue() }
    }

    /// Calls the body with one row after the other, until it returns false. Only one row at a time is in
    /// memory.
    package func forEachRow(
        _ statement: String, _ body: (Row) throws -> Bool
    ) throws {
        try run(statement, [], body)
    }

    /// The number of the row that was inserted last.
    package var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(connection) }

    private func run(
        _ statements: String, _ values: [any Storable],
        _ body: (Row) throws -> Bool
    ) throws {
        var rest = Array(statements.utf8)[...]
        while !rest.isEmpty {
            let (statement, length) = try prepare(rest)
            rest = rest.dropFirst(length)
            // Blanks and comments are no statement.
            guard let statement else { continue }
            try statement.bind(values)
            while let row = try statement.next() {
                guard try body(row) else { return }
            }
        }
    }

    /// Compiles the first statement of a text, and returns its length in bytes.
    private func prepare(
        _ text: ArraySlice<UInt8>
    ) throws(SQLiteError) -> (Statement?, length: Int) {
        var statement: OpaquePointer?
        var result = SQLITE_OK
        let length = unsafe text.withUnsafeBytes { bytes in
            let first = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            var end: UnsafePointer<CChar>?
            result = unsafe sqlite3_prepare_v2(
                connection, first, Int32(clamping: bytes.count), &statement, &end)
            guard let first = unsafe first, let end = unsafe end else { return bytes.count }
            return unsafe end - first
        }
        guard result == SQLITE_OK else { throw failure(result) }
        guard let statement = unsafe statement else { return (nil, max(length, 1)) }
        return (unsafe Statement(owning: statement, of: connection), max(length, 1))
    }

    // MARK: Transactions

    /// How a transaction begins.
    package enum TransactionKind: String, Sendable {
        /// For reading: all statements see one state of the database.
        case deferred = "DEFERRED"
        /// For writing: no other connection can write.
        case immediate = "IMMEDIATE"
    }

    /// How a transaction ends.
    package enum TransactionEnd: Sendable {
        case commit
        case rollback
    }

    /// Runs the body in a transaction, which is rolled back if anything fails.
    package func transaction(
        _ kind: TransactionKind, _ body: () throws -> TransactionEnd
    ) throws {
        try inTransaction.withLock { _ in
            try execute("BEGIN \(kind.rawValue)")
            do {
                switch try body() {
                case .commit: try execute("COMMIT")
                case .rollback: try execute("ROLLBACK")
                }
            } catch {
                // SQLite rolls back automatically after some errors.
                if unsafe sqlite3_get_autocommit(connection) == 0 { try? execute("ROLLBACK") }
                throw error
            }
        }
    }
}
