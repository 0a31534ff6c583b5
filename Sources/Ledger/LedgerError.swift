internal import Files
internal import GRDB

/// Why the ledger could not be read or written, or would not take an event.
public struct LedgerError: Error, Sendable, Equatable {
    /// What kind of failure this is. Later versions may add to these.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The code's name. It stays the same in later versions.
        public var description: String { value }

        /// The file or its folder cannot be made, opened or written.
        public static let unusable = Code(value: "unusable")
        /// There is no ledger, and the operation does not create one.
        public static let absent = Code(value: "absent")
        /// The disk is full.
        public static let full = Code(value: "full")
        /// Another process has held the file for longer than is waited.
        public static let locked = Code(value: "locked")
        /// The file is damaged, or is not a ledger.
        public static let damaged = Code(value: "damaged")
        /// A later version of the program made the file.
        public static let newer = Code(value: "newer")
        /// There is no such order.
        public static let noSuchOrder = Code(value: "noSuchOrder")
        /// Another process works on the order at this moment.
        public static let inUse = Code(value: "inUse")
        /// An unfinished order stands against a new one: see ``LedgerError/order``.
        public static let unfinished = Code(value: "unfinished")
        /// The certificate was replaced before: see ``LedgerError/order``.
        public static let alreadyReplaced = Code(value: "alreadyReplaced")
        /// The order is over.
        public static let finished = Code(value: "finished")
        /// The order was sent before, and nothing says that it was not taken.
        public static let alreadySent = Code(value: "alreadySent")
    }

    /// The kind of failure.
    public let code: Code
    /// What happened, for a person to read, without a full stop.
    public let reason: String
    /// The order that it is about, or nil.
    public let order: Int64?

    init(_ code: Code, _ reason: String, order: Int64? = nil) {
        self.code = code
        self.reason = reason
        self.order = order
    }
}

extension LedgerError: CustomStringConvertible {
    /// ``reason``.
    public var description: String { reason }
}

extension LedgerError {
    /// Turns what the database or the files say into what it means for a ledger.
    init(_ path: String, _ error: any Error) {
        switch error {
        case let error as LedgerError:
            self = error
        case let error as FileError:
            self.init(.unusable, "the ledger cannot be used: \(error)")
        case let error as DatabaseError:
            let text = error.message ?? "\(error.resultCode)"
            switch error.resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED:
                self.init(.locked, "another process holds the ledger \(path)")
            case .SQLITE_FULL:
                self.init(.full, "the disk with the ledger \(path) is full")
            case .SQLITE_CANTOPEN where isLogUnreadable(path):
                self.init(
                    .unusable,
                    "the ledger \(path) cannot be read: its write-ahead log has no index, and the "
                        + "folder is read-only; copy the ledger and its -wal file to another folder"
                )
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                self.init(.damaged, "the ledger \(path) is damaged: \(text)")
            default:
                self.init(.unusable, "the ledger \(path) cannot be used: \(text)")
            }
        default:
            self.init(.damaged, "the ledger \(path) cannot be read: \(error)")
        }
    }
}

/// Whether SQLite would have to create the index of a write-ahead log to read it, but cannot.
private func isLogUnreadable(_ path: String) -> Bool {
    let file = absolutePath(path)
    return fileSize(file + "-wal") ?? 0 > 0 && fileSize(file + "-shm") == nil
}
