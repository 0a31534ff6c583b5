/// A failure that SQLite reports.
package struct SQLiteError: Error, Sendable, Hashable {
    /// A primary result code of SQLite.
    package struct Code: Sendable, Hashable, RawRepresentable {
        package let rawValue: Int32

        /// Creates a code; an extended one becomes its primary one.
        package init(rawValue: Int32) { self.rawValue = rawValue & 0xFF }

        /// `SQLITE_ERROR`.
        package static let error = Code(rawValue: 1)
        /// `SQLITE_PERM`.
        package static let noPermission = Code(rawValue: 3)
        /// `SQLITE_BUSY`: another connection has locked the file.
        package static let busy = Code(rawValue: 5)
        /// `SQLITE_LOCKED`: a table is locked.
        package static let locked = Code(rawValue: 6)
        /// `SQLITE_READONLY`.
        package static let readOnly = Code(rawValue: 8)
        /// `SQLITE_IOERR`.
        package static let inputOutput = Code(rawValue: 10)
        /// `SQLITE_CORRUPT`.
        package static let corrupt = Code(rawValue: 11)
        /// `SQLITE_FULL`: the disk is full.
        package static let full = Code(rawValue: 13)
        /// `SQLITE_CANTOPEN`.
        package static let cannotOpen = Code(rawValue: 14)
        /// `SQLITE_CONSTRAINT`.
        package static let constraint = Code(rawValue: 19)
        /// `SQLITE_MISMATCH`: a value has another type than its column must have.
        package static let mismatch = Code(rawValue: 20)
        /// `SQLITE_NOTADB`.
        package static let notADatabase = Code(rawValue: 26)
    }

    package let code: Code
    /// SQLite's text.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
