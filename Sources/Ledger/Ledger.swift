internal import GRDB
internal import TokencertPlatform

/// Every order that was ever placed, in a file that survives a loss of power.
///
/// An event is durable when the call that records it returns. Events are never changed and never
/// deleted, and each is bound to all before it by a hash. Several processes may use one ledger at
/// the same time; an order is worked on by one of them.
package final class Ledger: Sendable {
    /// The file.
    package let path: String

    /// nil for a ledger that is only read.
    private let queue: DatabaseQueue?
    private let clock: @Sendable () -> Int64

    /// How long another process may hold the file, in seconds.
    private static let patience = 5.0

    /// Opens a ledger, and makes it where there is none: readable by nobody else, in a folder that
    /// nobody else can look into where that has to be made, too.
    package init(path: String, clock: @escaping @Sendable () -> Int64) throws(LedgerError) {
        self.path = path
        self.clock = clock
        try Self.requireFile(path)
        do throws(FileError) {
            try makeFolder(parentFolder(path))
            try makePrivateFile(path)
        } catch {
            throw LedgerError(.unusable, "the ledger cannot be opened: \(error)")
        }
        try Self.requireOneName(path)
        do {
            // One process at a time makes the tables.
            let lock = try FileLock(absolutePath(path) + ".lock", byte: 0, waits: true)
            let queue = try DatabaseQueue(path: path, configuration: Self.configuration)
            try queue.writeWithoutTransaction { database in
                try Self.makeDurable(database)
                try Schema.prepare(database)
            }
            self.queue = queue
            withExtendedLifetime(lock) {}
        } catch {
            throw LedgerError(path, error)
        }
    }

    /// Opens a ledger to read it. Nothing is created, changed or migrated: a ledger of an earlier
    /// version is read as it is, including on read-only media.
    ///
    /// - Throws: ``LedgerError``, with code ``LedgerError/Code/absent`` if there is no ledger.
    ///   Recording anything throws ``LedgerError/Code/unusable``.
    package init(reading path: String) throws(LedgerError) {
        self.path = path
        clock = { 0 }
        queue = nil
        guard !isAbsent(path) else {
            throw LedgerError(.absent, "there is no ledger at \(path)")
        }
        try Self.requireFile(path)
        // What cannot be read is reported now and not in the middle of a job.
        try read { _ in }
    }

    /// Checks that a ledger can be created or written, as far as the permissions show. Nothing is
    /// created or changed.
    ///
    /// - Throws: ``LedgerError``, as creating or opening the ledger does.
    package static func requireWritable(_ path: String) throws(LedgerError) {
        var folder = parentFolder(path)
        if !isAbsent(path) {
            do throws(LedgerError) {
                _ = try Ledger(reading: path)
            } catch  where error.code == .absent {
                // An empty file can become a ledger.
            }
            try requireOneName(path)
            guard isWritableFile(path) else {
                throw LedgerError(.unusable, "the ledger \(path) cannot be written")
            }
        }
        while isAbsent(folder), parentFolder(folder) != folder { folder = parentFolder(folder) }
        guard isWritableFolder(folder) else {
            throw LedgerError(
                .unusable,
                "the ledger cannot be opened: nothing can be made in the folder \(folder)")
        }
    }

    /// Refuses what is present and not a regular file. Opening a pipe would wait for its writer.
    private static func requireFile(_ path: String) throws(LedgerError) {
        guard exists(path), !isRegularFile(path) else { return }
        let kind = isFolder(path) ? "a folder" : "not a regular file"
        throw LedgerError(.unusable, "the ledger \(path) is \(kind)")
    }

    /// SQLite names its journal after the ledger, so that each name would miss what the other has.
    private static func requireOneName(_ path: String) throws(LedgerError) {
        guard nameCount(path) > 1 else { return }
        throw LedgerError(
            .unusable, "the ledger \(path) has a second name, a hard link; remove one of them")
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(patience)
        configuration.label = "tokencert.ledger"
        return configuration
    }

    /// In this mode a commit is on the disk when it returns, the names of new files included.
    private static func makeDurable(_ database: Database) throws {
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
            throw LedgerError(
                .unusable, "the ledger's file system does not let SQLite keep a write-ahead log")
        }
        try database.execute(sql: "PRAGMA synchronous = FULL")
        // Where fsync leaves data in the drive's own memory, as on macOS; elsewhere it means nothing.
        try database.execute(sql: "PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON")
    }

    // MARK: Writing

    /// Insists that an order could be written now, and writes nothing.
    package func requireWriting() throws(LedgerError) {
        let rehearsal = OrderEvent.Beginning(
            .request(newKeyKind: ""), token: "", module: .init(path: ""), keyID: "", keyLabel: [])
        try write { database in
            let number = try self.insertOrder(rehearsal, database)
            try self.insert(.begun(rehearsal), of: number, database)
            return .rollback
        }
    }

    /// Begins an order. This process alone works on it until the result goes out of use.
    ///
    /// Orders for a key that is there, of which the CA cannot have anything, are closed: the new
    /// one takes their place.
    ///
    /// - Parameters:
    ///   - beginning: What it is about.
    ///   - replacesAgain: Whether a certificate may be replaced that was replaced before.
    /// - Throws: ``LedgerError`` with code ``LedgerError/Code/unfinished`` where an unfinished
    ///   order is about the same key or has chosen the same id, and
    ///   ``LedgerError/Code/alreadyReplaced`` where another one has replaced the certificate.
    package func begin(
        _ beginning: OrderEvent.Beginning, replacingAgain replacesAgain: Bool = true
    ) throws(LedgerError) -> OpenOrder {
        var number: Int64 = 0
        var lock: FileLock?
        try write { database in
            for other in try self.obstacles(to: beginning.reservation, database) {
                guard (try? FileLock(self.lockPath, byte: other.number, waits: false)) != nil else {
                    throw Self.unfinished(other.number)
                }
                try self.append(
                    .closed(reason: "another order for the key was begun"), to: other, database)
            }
            if !replacesAgain { try self.requireNeverReplaced(beginning.reservation, database) }
            number = try self.insertOrder(beginning, database)
            // Taken before anybody else can see the order.
            lock = try FileLock(self.lockPath, byte: number, waits: false)
            try self.insert(.begun(beginning), of: number, database)
            return .commit
        }
        guard let lock = lock.take() else {
            throw LedgerError(.inUse, "another process works on order \(number)", order: number)
        }
        return OpenOrder(ledger: self, number: number, lock: lock)
    }

    /// Takes an order to go on with it. This process alone works on it until the result goes out
    /// of use.
    ///
    /// - Throws: ``LedgerError`` with code ``LedgerError/Code/inUse`` where another process has it.
    package func open(_ number: Int64) throws(LedgerError) -> OpenOrder {
        try order(number).requireKnown()
        do throws(FileError) {
            let lock = try FileLock(lockPath, byte: number, waits: false)
            return OpenOrder(ledger: self, number: number, lock: lock)
        } catch {
            guard error.isTaken else {
                throw LedgerError(.unusable, "the ledger cannot be locked: \(error)")
            }
            throw LedgerError(
                .inUse, "another process works on order \(number) at this moment", order: number)
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

    /// Checks that an order could be begun. Nothing is changed.
    ///
    /// - Parameters:
    ///   - reservation: What the order would be about.
    ///   - replacesAgain: Whether a certificate that was replaced before may be replaced again.
    /// - Throws: ``LedgerError``, as ``begin(_:replacingAgain:)``; an order that another process is
    ///   working on may be missed.
    package func requireMayBegin(
        _ reservation: Reservation, replacingAgain replacesAgain: Bool = true
    ) throws(LedgerError) {
        try read { database in
            _ = try self.obstacles(to: reservation, database)
            if !replacesAgain { try self.requireNeverReplaced(reservation, database) }
        }
    }

    /// One order for one key: whoever asks for a second one has to finish the first.
    ///
    /// - Returns: Unfinished orders of which the CA cannot have received anything, to be closed.
    private func obstacles(
        to reservation: Reservation, _ database: Database
    ) throws -> [Order] {
        let certain = try Int64.fetchSet(
            database,
            sql: """
                SELECT number FROM orders
                WHERE NOT isFinished AND (publicKeyHash = ? OR replacedHash = ?)
                """,
            arguments: [reservation.publicKeyHash, reservation.replacedHash])
        // The token may have had another label.
        let sameID = try Int64.fetchAll(
            database,
            sql: "SELECT number FROM orders WHERE NOT isFinished AND keyID = ? AND keyID != ''",
            arguments: [reservation.keyID])
        let orders = try certain.union(sameID).sorted().map { try readOrder($0, database) }
            .filter { certain.contains($0.number) || $0.mayBeFor(reservation.token) }
        for order in orders {
            guard order.beginning.newKeyKind == nil, !order.mayHaveOrdered else {
                throw Self.unfinished(order.number)
            }
        }
        return orders
    }

    private static func unfinished(_ number: Int64) -> LedgerError {
        LedgerError(.unfinished, "order \(number) for this key is not finished", order: number)
    }

    private func requireNeverReplaced(
        _ reservation: Reservation, _ database: Database
    ) throws {
        let numbers = try Int64.fetchAll(
            database, sql: "SELECT number FROM orders WHERE replacedHash = ?",
            arguments: [reservation.replacedHash])
        guard let number = try numbers.first(where: { try readOrder($0, database).isProved })
        else { return }
        throw LedgerError(
            .alreadyReplaced, "order \(number) has replaced this certificate", order: number)
    }

    /// Adds an order that has one event, its beginning.
    private func insertOrder(
        _ beginning: OrderEvent.Beginning, _ database: Database
    ) throws -> Int64 {
        let reservation = beginning.reservation
        try database.execute(
            sql: """
                INSERT INTO orders
                (job, token, keyID, publicKeyHash, replacedHash, isFinished, state, events)
                VALUES (?, ?, ?, ?, ?, 0, 'begun', 1)
                """,
            arguments: [
                beginning.job.name, reservation.token, reservation.keyID,
                reservation.publicKeyHash, reservation.replacedHash,
            ])
        return database.lastInsertedRowID
    }

    /// Adds an event to an order, and what follows from it to the table of orders.
    private func append(_ event: OrderEvent, to order: Order, _ database: Database) throws {
        try insert(event, of: order.number, database)
        let changed = order.adding(event)
        try database.execute(
            sql: """
                UPDATE orders SET state = ?, isFinished = ?, publicKeyHash = ?, events = ?
                WHERE number = ?
                """,
            arguments: [
                changed.state.name, changed.isFinished, changed.publicKeyHash,
                changed.events.count, order.number,
            ])
    }

    private func insert(_ event: OrderEvent, of number: Int64, _ database: Database) throws {
        let last = try Row.fetchOne(
            database, sql: "SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1")
        let sequence = (last?["sequence"] ?? Int64(0)) + 1
        let previous: String = last?["hash"] ?? HashChain.beginning
        let (time, kind, text) = (clock(), event.kind, try event.encoded())
        let hash = HashChain.hash(
            after: previous, sequence: sequence, order: number, time: time, kind: kind, text: text)
        try database.execute(
            sql: """
                INSERT INTO events (sequence, orderNumber, time, kind, content, hash)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [sequence, number, time, kind, text, hash])
    }

    // MARK: The database

    /// Next to the file that a link leads to, so that two names of one ledger share their locks.
    private var lockPath: String { absolutePath(path) + ".lock" }

    private func write(
        _ body: (Database) throws -> Database.TransactionCompletion
    ) throws(LedgerError) {
        guard let queue else {
            throw LedgerError(.unusable, "the ledger \(path) was opened for reading only")
        }
        do {
            try queue.writeWithoutTransaction { database in
                try database.inTransaction(.immediate) { try body(database) }
            }
        } catch {
            throw LedgerError(path, error)
        }
    }

    func read<Result>(
        _ body: (Database) throws -> Result
    ) throws(LedgerError) -> Result {
        do {
            if let queue { return try queue.read { try body($0) } }
            return try UnchangedFile(path: path).read(Self.configuration) { database in
                try Schema.require(database, path)
                return try body(database)
            }
        } catch {
            throw LedgerError(path, error)
        }
    }
}
