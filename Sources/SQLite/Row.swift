/// A value that SQLite stores.
package enum StoredValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case text(String)
    /// A number or bytes, which the ledger does not use.
    case other
}

/// A type whose values SQLite stores.
package protocol Storable {
    var stored: StoredValue { get }
    /// Nil if the value has another type.
    init?(stored: StoredValue)
}

extension StoredValue: Storable {
    package var stored: StoredValue { self }
    package init?(stored: StoredValue) { self = stored }
}

extension Int64: Storable {
    package var stored: StoredValue { .integer(self) }

    package init?(stored: StoredValue) {
        guard case .integer(let number) = stored else { return nil }
        self = number
    }
}

extension Int: Storable {
    package var stored: StoredValue { .integer(Int64(self)) }

    package init?(stored: StoredValue) {
        guard case .integer(let number) = stored else { return nil }
        self.init(exactly: number)
    }
}

extension Bool: Storable {
    package var stored: StoredValue { .integer(self ? 1 : 0) }

    package init?(stored: StoredValue) {
        guard case .integer(let number) = stored else { return nil }
        self = number != 0
    }
}

extension String: Storable {
    package var stored: StoredValue { .text(self) }

    package init?(stored: StoredValue) {
        guard case .text(let text) = stored else { return nil }
        self = text
    }
}

extension Optional: Storable where Wrapped: Storable {
    package var stored: StoredValue { map(\.stored) ?? .null }

    package init?(stored: StoredValue) {
        guard stored != .null else {
            self = .none
            return
        }
        guard let value = Wrapped(stored: stored) else { return nil }
        self = value
    }
}

/// A row of a result.
package struct Row: Sendable {
    /// The position of each column.
    let positions: [String: Int]
    let values: [StoredValue]

    /// The value of the first column.
    func firstValue<Value: Storable>() throws(SQLiteError) -> Value {
        guard let first = values.first, let value = Value(stored: first) else {
            throw SQLiteError(.mismatch, "a column has an unexpected value")
        }
        return value
    }

    /// The value of a column. Throws ``SQLiteError/Code/mismatch`` if there is no such column, or
    /// if its value has another type: the file was changed.
    package func value<Value: Storable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws(SQLiteError) -> Value {
        guard let position = positions[column],
            let value = Value(stored: values[position])
        else { throw SQLiteError(.mismatch, "the column \(column) has an unexpected value") }
        return value
    }
}
