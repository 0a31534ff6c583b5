internal import CTokencertSQLite

/// A compiled statement. The C functions are `sqlite3_bind_*`, `sqlite3_step` and `sqlite3_column_*`.
@safe final class Statement {
    private let statement: OpaquePointer
    private let connection: OpaquePointer
    /// The position of each column.
    private let positions: [String: Int]

    /// Takes ownership of a statement. The connection must stay open until the statement is
    /// released.
    @unsafe init(owning statement: OpaquePointer, of connection: OpaquePointer) {
        unsafe self.statement = unsafe statement
        unsafe self.connection = unsafe connection
        var positions: [String: Int] = [:]
        for index in 0..<(unsafe sqlite3_column_count(statement)) {
            guard let name = unsafe sqlite3_column_name(statement, index) else { continue }
            positions[unsafe String(cString: name)] = Int(index)
        }
        self.positions = positions
    }

    deinit {
        unsafe sqlite3_finalize(statement)
    }

    /// Sets the values of the `?` of the statement.
    func bind(_ values: [any Storable]) throws(SQLiteError) {
        for (index, value) in zip(Int32(1)..., values) {
            let result: Int32
            switch value.stored {
            case .null, .other: result = unsafe sqlite3_bind_null(statement, index)
            case .integer(let number):
                result = unsafe sqlite3_bind_int64(statement, index, number)
            case .text(let text):
                result = unsafe tokencert_sqlite_bind_text(
                    statement, index, text, Int32(clamping: text.utf8.count))
            }
            guard result == SQLITE_OK else { throw failure(result) }
        }
    }

    /// The next row of the result, or nil at its end.
    func next() throws(SQLiteError) -> Row? {
        let result = unsafe sqlite3_step(statement)
        switch result {
        case SQLITE_DONE: return nil
        case SQLITE_ROW:
            return Row(
                positions: positions,
                values: (0..<(unsafe sqlite3_column_count(statement))).map { value($0) })
        default: throw failure(result)
        }
    }

    private func value(_ index: Int32) -> StoredValue {
        switch unsafe sqlite3_column_type(statement, index) {
        case SQLITE_NULL: return .null
        case SQLITE_INTEGER: return .integer(unsafe sqlite3_column_int64(statement, index))
        case SQLITE_TEXT:
            let length = Int(unsafe sqlite3_column_bytes(statement, index))
            guard let text = unsafe sqlite3_column_text(statement, index) else { return .other }
            return .text(
                unsafe String(
                    decoding: UnsafeBufferPointer(start: text, count: length), as: UTF8.self))
        default: return .other
        }
    }

    private func failure(_ result: Int32) -> SQLiteError {
        SQLiteError(
            .init(rawValue: result), unsafe String(cString: sqlite3_errmsg(connection)))
    }
}
