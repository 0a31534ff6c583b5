internal import TokencertPlatform
internal import TokencertSQLite

/// Every order that was ever placed, in a file that survives power loss: an event is durable when the call
/// that records it returns. Events are never changed or deleted, and a hash links each one to all earlier
/// ones. Several processes can use a ledger at the same time; only one of them works on an order.
package final class Ledger: Sendable {
    package let path: String

    /// nil for a ledger that is only read.
    private let database: Database?
    private let clock: @Sendable () -> Int64

    /// Opens a ledger, creating the file and its folder if necessary, accessible only to the owner.
    package init(path: String, clock: @escaping @Sendable () -> Int64) throws(LedgerError) {
        self.path = path
        self.clock = clock
        try Self.requireFile(path)
        do throws(FileError) {
            try makeFolder(parentFolder(path))
            try makePrivateFile(path)
        } catch {
            throw LedgerError(.unusable, "cannot open the ledger: \(error)", file: error)
        }
        try Self.requireOneName(path)
        try Self.requireWriteAccess(path)
        do {
            // Only one process at a time may create the tables.
            let lock = try FileLock(absolutePath(path) + ".lock", byte: 0, waits: true)
            let database = try Database(writing: path)
            try Self.makeDurable(database)
            try Schema.prepare(database)
            self.database = database
            withExtendedLifetime(lock) {}
        } catch {
            throw LedgerError(path, error)
        }
    }

    /// Opens a ledger for reading. Nothing is created, changed or migrated: a ledger of an earlier
    /// version is read as it is, even on read-only media. Throws ``LedgerError/Code/absent`` if
    /// there is no ledger.
    package init(reading path: String) throws(LedgerError) {
        self.path = path
        clock = { 0 }
        database = nil
        guard !isAbsent(path) else {
            throw LedgerError(.absent, "there is no ledger at \(path)")
        }
        try Self.requireFile(path)
        // Report an unreadable ledger now, not in the middle of a job.
        try read { _ in }
    }

    /// Checks that a ledger can be created or written, as far as the permissions show. Nothing is
    /// created or changed.
    package static func requireWritable(_ path: String) throws(LedgerError) {
        guard isAbsent(path) else {
            do throws(LedgerError) {
                _ = try Ledger(reading: path)
            } catch  where error.code == .absent {
                // An empty file can become a ledger.
            }
            try requireOneName(path)
            return try requireWriteAccess(path)
        }
        do throws(FileError) {
            try requireWritableFolder(parentFolder(path))
        } catch {
            throw LedgerError(.unusable, "cannot open the ledger: \(error)", file: error)
        }
    }

    /// Checks the permissions for a ledger that exists, for SQLite's files next to it, and for its folder.
    /// SQLite gives the index of a ledger that is read-only the same mode, and never changes it.
    private static func requireWriteAccess(_ path: String) throws(LedgerError) {
        let file = absolutePath(path)
        let others = [file + "-wal", file + "-shm"].filter { !isAbsent($0) }
        do throws(FileError) {
            for name in [file] + others { try TokencertPlatform.requireWriteAccess(to: name) }
            try requireWritableFolder(parentFolder(file))
        } catch {
            throw LedgerError(path, error)
        }
    }

    /// Refuses anything that exists and is not a regular file. Opening a pipe would wait for a
    /// writer.
    private static func requireFile(_ path: String) throws(LedgerError) {
        guard exists(path), !isRegularFile(path) else { return }
        let kind = isFolder(path) ? "a folder" : "not a regular file"
        throw LedgerError(.unusable, "the ledger \(path) is \(kind)")
    }

    /// SQLite names its write-ahead log after the ledger, so each hard link would miss the other's
    /// changes.
    private static func requireOneName(_ path: String) throws(LedgerError) {
        guard nameCount(path) > 1 else { return }
        throw LedgerError(.unusable, "the ledger \(path) has several hard links; keep only one")
    }

    /// In this mode a commit is on the disk when it returns, including the names of new files.
    private static func makeDurable(_ database: Database) throws {
        guard try database.values("PRAGMA journal_mode = WAL") == ["wal"] else {
            throw LedgerError(
                .unusable, "the ledger's file system does not support SQLite's write-ahead log")
        }
        try database.execute("PRAGMA synchronous = FULL")
        // For systems such as macOS, on which fsync leaves data in the drive's cache; no effect
        // elsewhere.
        try database.execute("PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON")
    }

    // MARK: Writing

    /// Checks that an order can be written now, and writes nothing.
    package func requireWriting() throws(LedgerError) {
        let rehearsal = OrderEvent.Beginning(
            .request(newKeyKind: ""), token: "", module: .init(path: ""), keyID: "", keyLabel: [])
        try write { database in
            let number = try self.insertOrder(rehearsal, database)
            try self.insert(.begun(rehearsal), of: number, database)
            return .rollback
        }
    }

    /// Begins an order, on which only this process works until the result is released. Closes unfinished
    /// orders for an existing key that the CA cannot have received. Throws
    /// ``LedgerError/Code/unfinished`` or, unless `replacesAgain`, ``LedgerError/Code/alreadyReplaced``.
    package func begin(
        _ beginning: OrderEvent.Beginning, replacingAgain replacesAgain: Bool = true
    ) throws(LedgerError) -> OpenOrder {
        var number: Int64 = 0
        var lock: FileLock?
        try write { database in
            let obstacles: [Order]
            do {
                obstacles = try self.obstacles(to: beginning.reservation, database)
            } catch let error as LedgerError where self.isLocked(error) {
                throw Self.inUse(error.order ?? 0)
            }
            for other in obstacles {
                guard (try? FileLock(self.lockPath, byte: other.number, waits: false)) != nil else {
                    throw Self.inUse(other.number)
                }
                try self.append(
                    .closed(reason: "another order for the key was started"), to: other, database)
            }
            if !replacesAgain { try self.requireNeverReplaced(beginning.reservation, database) }
            number = try self.insertOrder(beginning, database)
            // Lock the order before another process can see it.
            lock = try FileLock(self.lockPath, byte: number, waits: false)
            try self.insert(.begun(beginning), of: number, database)
            return .commit
        }
        guard let lock = lock.take() else {
            throw Self.inUse(number)
        }
        return OpenOrder(ledger: self, number: number, lock: lock)
    }

    /// Opens an order, on which only this process works until the result is released. Throws
    /// ``LedgerError/Code/inUse`` if another process is working on it.
    package func open(_ number: Int64) throws(LedgerError) -> OpenOrder {
        try order(number).requireKnown()
        do throws(FileError) {
            let lock = try FileLock(lockPath, byte: number, waits: false)
            return OpenOrder(ledger: self, number: number, lock: lock)
        } catch {
            guard error.isTaken else {
                throw LedgerError(.unusable, "cannot lock the ledger: \(error)")
            }
            throw Self.inUse(number)
        }
    }

    func record(_ event: OrderEvent, for number: Int64) throws(LedgerError) {
        try write { database in
            let order = try self.readOrder(number, database)
            try order.requireKnown()
            if case .sending(let sending) = event {
                try order.requireMaySend(isRepeated: sending.isRepeated)
            }
            try self.append(event, to: order, database)
            return .commit
        }
    }

    /// Checks that an order could begin, as ``begin(_:replacingAgain:)`` does, and changes nothing.
    /// An order that another process is working on may be missed.
    package func requireMayBegin(
        _ reservation: Reservation, replacingAgain replacesAgain: Bool = true
    ) throws(LedgerError) {
        try read { database in
            _ = try self.obstacles(to: reservation, database)
            if !replacesAgain { try self.requireNeverReplaced(reservation, database) }
        }
    }

    /// Checks that no unfinished order has the same key. Returns those that the CA cannot have
    /// received, to be closed.
    private func obstacles(to reservation: Reservation, _ database: Database) throws -> [Order] {
        let certain: [Int64] = try database.values(
            """
            SELECT number FROM orders
            WHERE NOT isFinished AND (publicKeyHash = ? OR replacedHash = ?)
            """, [reservation.publicKeyHash, reservation.replacedHash])
        // The token may have had another label.
        let sameID: [Int64] = try database.values(
            "SELECT number FROM orders WHERE NOT isFinished AND keyID = ? AND keyID != ''",
            [reservation.keyID])
        let orders = try Set(certain + sameID).sorted().map { try readOrder($0, database) }
            .filter { certain.contains($0.number) || $0.mayBeFor(reservation.token) }
        for order in orders {
            guard order.beginning.newKeyKind == nil, !order.mayHaveOrdered else {
                throw Self.unfinished(order.number)
            }
        }
        return orders
    }

    /// Whether another process is working on the unfinished order that an error names.
    private func isLocked(_ error: LedgerError) -> Bool {
        guard error.code == .unfinished, let number = error.order else { return false }
        return (try? FileLock(lockPath, byte: number, waits: false)) == nil
    }

    private static func inUse(_ number: Int64) -> LedgerError {
        LedgerError(.inUse, "another process is working on order \(number)", order: number)
    }

    private static func unfinished(_ number: Int64) -> LedgerError {
        LedgerError(.unfinished, "order \(number) for this key is not finished", order: number)
    }

    private func requireNeverReplaced(_ reservation: Reservation, _ database: Database) throws {
        let numbers: [Int64] = try database.values(
            "SELECT number FROM orders WHERE replacedHash = ?", [reservation.replacedHash])
        // A certificate that is revoked replaces nothing.
        let replacing = try numbers.first { number in
            let order = try readOrder(number, database)
            guard let proved = order.provedFingerprint else { return false }
            return order.timeOfRevocation(of: proved) == nil
        }
        guard let number = replacing else { return }
        throw LedgerError(
            .alreadyReplaced, "order \(number) already replaced this certificate", order: number)
    }

    /// Inserts the row of an order whose only event is its beginning.
    private func insertOrder(
        _ beginning: OrderEvent.Beginning, _ database: Database
    ) throws -> Int64 {
        let reservation = beginning.reservation
        try database.execute(
            """
            INSERT INTO orders
            (job, token, keyID, publicKeyHash, replacedHash, isFinished, state, events)
            VALUES (?, ?, ?, ?, ?, 0, 'begun', 1)
            """,
            [
                beginning.job.name, reservation.token, reservation.keyID,
                reservation.publicKeyHash, reservation.replacedHash,
            ])
        return database.lastInsertedRow
    }

    /// Adds an event to an order and updates its row.
    private func append(_ event: OrderEvent, to order: Order, _ database: Database) throws {
        try insert(event, of: order.number, database)
        let changed = order.adding(event)
        try database.execute(
            """
            UPDATE orders SET state = ?, isFinished = ?, publicKeyHash = ?, events = ?
            WHERE number = ?
            """,
            [
                changed.state.name, changed.isFinished, changed.publicKeyHash,
                changed.events.count, order.number,
            ])
    }

    private func insert(_ event: OrderEvent, of number: Int64, _ database: Database) throws {
        let last = try lastEvent(database)
        let sequence = last.sequence + 1
        let previous = last.hash ?? HashChain.beginning
        let (time, kind) = (clock(), event.kind)
        let earlier =
            StoredContent.mayRepeat(event) ? try Self.storedContents(of: number, database) : []
        let text = StoredContent.shortened(try event.encoded(), after: earlier)
        let hash = HashChain.hash(
            after: previous, sequence: sequence, order: number, time: time, kind: kind, text: text)
        try database.execute(
            """
            INSERT INTO events (sequence, orderNumber, time, kind, content, hash)
            VALUES (?, ?, ?, ?, ?, ?)
            """, [sequence, number, time, kind, text, hash])
    }

    /// The contents of all events of an order, oldest first.
    private static func storedContents(
        of number: Int64, _ database: Database
    ) throws -> [StoredContent] {
        try database.rows(
            "SELECT sequence, content FROM events WHERE orderNumber = ? ORDER BY sequence", [number]
        ).map {
            StoredContent(sequence: try $0.value("sequence"), text: try $0.value("content"))
        }
    }

    /// The number and the hash of the last event; 0 and nil without events.
    func lastEvent(_ database: Database) throws -> (sequence: Int64, hash: String?) {
        let last = try database.rows(
            "SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1"
        ).first
        guard let last else { return (0, nil) }
        let sequence: Int64 = try last.value("sequence")
        guard Self.sequences.contains(sequence) else {
            throw LedgerError(.damaged, "the ledger has an event with the number \(sequence)")
        }
        return (sequence, try last.value("hash"))
    }

    // MARK: The database

    /// Next to the target of a symbolic link, so that all names of a ledger share the locks.
    private var lockPath: String { absolutePath(path) + ".lock" }

    private func write(_ body: (Database) throws -> Database.TransactionEnd) throws(LedgerError) {
        guard let database else {
            throw LedgerError(.unusable, "the ledger \(path) is open for reading only")
        }
        do {
            try database.transaction(.immediate) { try body(database) }
        } catch {
            throw LedgerError(path, error)
        }
    }

    func read<Result>(_ body: (Database) throws -> Result) throws(LedgerError) -> Result {
        do {
            if let database { return try database.read(body) }
            return try UnchangedFile(path: path).read { database in
                try Schema.require(database, path)
                return try body(database)
            }
        } catch {
            throw LedgerError(path, error)
        }
    }
}

extension Database {
    /// Runs the body, whose statements see one state of the database.
    func read<Result>(_ body: (Database) throws -> Result) throws -> Result {
        var result: Result?
        try transaction(.deferred) {
            result = try body(self)
            return .commit
        }
        guard let result else { throw SQLiteError(.error, "the transaction did not run") }
        return result
    }
}
