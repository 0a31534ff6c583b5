import Foundation
import TokencertLedger
import TokencertTestSupport

/// Faults of a ledger that is locked, unwritable or damaged.
enum LedgerFault {
    /// The cases in which nothing can be written, whatever the ledger contains.
    static func held(_ operation: Operation) -> [(Operation, Fault)] {
        var locked = Fault(name: "ledger locked", detail: "before", allowed: [78])
        // Another process holds the ledger while the command runs.
        locked.prefix = ["python3", "-c", holding]
        locked.prepare = makeLedger
        var readOnly = Fault(name: "file system read-only", detail: "", allowed: [78])
        // The folder is mounted read-only in a separate mount namespace.
        readOnly.prefix = ["unshare", "-rm", "sh", "-c", readingOnly, "FOLDER/state"]
        readOnly.prepare = makeLedger
        return [
            locked, readOnly,
            replaced("no database", by: "no database at all, and long enough to be looked at"),
            replaced("a folder", by: nil),
        ].map { (operation, $0) }
    }

    private static let ledger = "state/tokencert/ledger.sqlite"

    /// Creates the ledger if there is none, since commands that only read it do not.
    @Sendable private static func makeLedger(_ copy: Copy) throws {
        _ = try Ledger(path: copy.ledger) { 1_800_000_000 }
    }

    /// Locks the ledger while the command in the arguments runs.
    private static let holding = """
        import os, sqlite3, subprocess, sys
        held = sqlite3.connect(os.environ['XDG_STATE_HOME'] + '/tokencert/ledger.sqlite')
        held.execute('BEGIN IMMEDIATE')
        sys.exit(subprocess.run(sys.argv[1:]).returncode)
        """

    private static let readingOnly =
        #"mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@""#

    private static func replaced(_ name: String, by text: String?) -> Fault {
        var fault = Fault(name: "ledger is \(name)", detail: "", allowed: [78])
        fault.prepare = { copy in
            let files = FileManager.default
            try? files.createDirectory(
                atPath: copy.folder.file("state/tokencert"), withIntermediateDirectories: true)
            try? files.moveItem(atPath: copy.ledger, toPath: copy.ledger + ".right")
            if let text {
                try copy.folder.write(text, ledger)
            } else {
                try files.createDirectory(
                    atPath: copy.ledger, withIntermediateDirectories: false)
            }
        }
        fault.repair = { copy in
            let files = FileManager.default
            try files.removeItem(atPath: copy.ledger)
            try? files.moveItem(atPath: copy.ledger + ".right", toPath: copy.ledger)
        }
        return fault
    }

    // MARK: Damage

    /// The cases in which a part of the ledger is lost. The copy's ledger gives the number of
    /// pages.
    static func damaged(_ copy: Copy) throws -> [Fault] {
        try makeLedger(copy)
        let pages = try Pages(copy.ledger).count
        var faults = [damagedLog]
        for page in 0..<pages {
            faults.append(
                damaged("ledger has a page overwritten", "page \(page + 1)") {
                    $0.overwrite(page)
                })
        }
        for count in 1..<pages {
            faults.append(
                damaged("ledger is cut", "after page \(count)") { $0.cut(to: count) })
        }
        return faults
    }

    /// The repair puts the lost pages back and keeps what the program wrote before it noticed.
    private static func damaged(
        _ name: String, _ detail: String, _ damage: @escaping @Sendable (inout Pages) -> Void
    ) -> Fault {
        var fault = Fault(name: name, detail: detail, allowed: [0, 78])
        fault.prepare = { copy in
            try makeLedger(copy)
            var pages = try Pages(copy.ledger)
            try pages.write(copy.ledger + ".right")
            damage(&pages)
            try pages.write(copy.ledger)
        }
        fault.repair = { copy in
            let right = try Pages(copy.ledger + ".right")
            var pages = try Pages(copy.ledger)
            pages.restore(right)
            try pages.write(copy.ledger)
        }
        return fault
    }

    /// SQLite ignores a log from the first damaged frame on, which changes nothing here.
    private static var damagedLog: Fault {
        var fault = Fault(name: "ledger's log is damaged", detail: "", allowed: [0])
        fault.prepare = { copy in
            try makeLedger(copy)
            try TokencertTestSupport.run("python3", ["-c", leavingLog, copy.ledger])
            var log = try Data(contentsOf: URL(filePath: copy.ledger + "-wal"))
            guard log.count > 4096 else {
                throw SweepError(description: "no log is left: \(log.count) bytes")
            }
            for index in log.indices.dropFirst(100) { log[index] ^= 0x5A }
            try log.write(to: URL(filePath: copy.ledger + "-wal"))
        }
        return fault
    }

    /// Exits with a commit in the log that leaves the database unchanged.
    private static let leavingLog = """
        import os, sqlite3, sys
        ledger = sqlite3.connect(sys.argv[1])
        ledger.execute('CREATE TABLE other (a)')
        ledger.execute('DROP TABLE other')
        ledger.commit()
        os._exit(0)
        """
}

/// The pages of a database.
private struct Pages {
    private var bytes: Data
    private static let size = 4096
    private static let garbage = Data(repeating: 0x5A, count: size)

    init(_ path: String) throws {
        bytes = try Data(contentsOf: URL(filePath: path))
    }

    func write(_ path: String) throws {
        // Not atomically: SQLite's other files in the folder belong to this inode.
        try bytes.write(to: URL(filePath: path))
    }

    var count: Int { bytes.count / Self.size }

    mutating func overwrite(_ page: Int) { self[page] = Self.garbage }

    mutating func cut(to count: Int) { bytes = bytes.prefix(count * Self.size) }

    /// Restores the lost pages.
    mutating func restore(_ right: Pages) {
        for page in 0..<right.count {
            if page >= count { bytes.append(right[page]) }
            if self[page] == Self.garbage { self[page] = right[page] }
        }
    }

    private subscript(page: Int) -> Data {
        get { Data(bytes[page * Self.size..<(page + 1) * Self.size]) }
        set { bytes.replaceSubrange(page * Self.size..<(page + 1) * Self.size, with: newValue) }
    }
}
