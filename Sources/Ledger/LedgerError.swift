package import TokencertPlatform
internal import TokencertSQLite

/// Why the ledger could not be read or written, or refused an event.
package struct LedgerError: Error, Sendable, Equatable {
    /// The kind of failure. Later versions may add codes.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The name of the code, which later versions keep.
        package var description: String { value }

        /// The file or its folder cannot be created, opened or written.
        package static let unusable = Code(value: "unusable")
        /// There is no ledger, and the operation does not create one.
        package static let absent = Code(value: "absent")
        package static let full = Code(value: "full")
        /// Another process has locked the file for too long.
        package static let locked = Code(value: "locked")
        /// The file is damaged, or is not a ledger.
        package static let damaged = Code(value: "damaged")
        /// A later version of tokencert wrote the file, or this version cannot read an event.
        package static let newer = Code(value: "newer")
        package static let noSuchOrder = Code(value: "noSuchOrder")
        /// Another process is working on the order.
        package static let inUse = Code(value: "inUse")
        /// An unfinished order prevents a new one: see ``LedgerError/order``.
        package static let unfinished = Code(value: "unfinished")
        /// Another order already replaced the certificate: see ``LedgerError/order``.
        package static let alreadyReplaced = Code(value: "alreadyReplaced")
        package static let finished = Code(value: "finished")
        /// The order was already sent, and the CA may have accepted it.
        package static let alreadySent = Code(value: "alreadySent")
    }

    package let code: Code
    /// What happened, as text for the user, without a full stop.
    package let reason: String
    /// The number of the order concerned, or nil.
    package let order: Int64?
    /// The file or folder that cannot be used, or nil.
    package let file: FileError?

    init(_ code: Code, _ reason: String, order: Int64? = nil, file: FileError? = nil) {
        self.code = code
        self.reason = reason
        self.order = order
        self.file = file
    }
}

extension LedgerError: CustomStringConvertible {
    package var description: String { reason }
}

extension LedgerError {
    /// Translates an error of the database or the file system.
    init(_ path: String, _ error: any Error) {
        switch error {
        case let error as LedgerError:
            self = error
        case let error as FileError:
            self.init(.unusable, "the ledger cannot be used: \(error)", file: error)
        case let error as SQLiteError:
            let text = error.message
            switch error.code {
            case .busy, .locked:
                self.init(.locked, "the ledger \(path) is locked by another process")
            case .full:
                self.init(.full, "the disk with the ledger \(path) is full")
            // SQLite reports this, too, if there is no room for its index of 32 KiB.
            case .inputOutput where freeSpace(parentFolder(path)) ?? .max < 1 << 16:
                self.init(.full, "the disk with the ledger \(path) is full")
            case .cannotOpen where isLogUnreadable(path):
                self.init(
                    .unusable,
                    "the ledger \(path) cannot be read: its write-ahead log has no index, and the "
                        + "folder is read-only; copy the ledger and its -wal file to another folder"
                )
            case .corrupt, .notADatabase, .mismatch:
                self.init(.damaged, "the ledger \(path) is damaged: \(text)")
            default:
                self.init(.unusable, "the ledger \(path) cannot be used: \(text)")
            }
        default:
            self.init(.damaged, "the ledger \(path) cannot be read: \(error)")
        }
    }
}

/// Whether SQLite would need the index of a write-ahead log and cannot create it.
private func isLogUnreadable(_ path: String) -> Bool {
    let file = absolutePath(path)
    return fileSize(file + "-wal") ?? 0 > 0 && fileSize(file + "-shm") == nil
}
