internal import ArgumentParser
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertPlatform

/// Where it is remembered what was ordered.
struct LedgerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The ledger of all orders; default ledger.sqlite in tokencert's state folder.",
            valueName: "path"))
    var ledger: String?

    var path: String { setting(ledger, .ledger) ?? stateFolder + "/ledger.sqlite" }

    /// Whether there is a ledger yet; true if that cannot be determined, so that opening it reports
    /// why.
    var isFileThere: Bool { (try? isPresent(path)) ?? true }

    /// Opens the ledger to read it; nothing is created or changed.
    ///
    /// - Throws: `LedgerError`, with code `absent` if there is none.
    func open() throws -> Ledger {
        try Ledger(reading: path)
    }

    /// The same, or nil if there is none.
    func openIfThere() throws -> Ledger? {
        do throws(LedgerError) {
            return try Ledger(reading: path)
        } catch {
            guard error.code == .absent else { throw error }
            return nil
        }
    }

    /// Prints a note if there is no ledger, since its path may be mistyped.
    func noteAbsence() {
        if !isFileThere { printError("note: there is no ledger at \(printable(path)) yet") }
    }

    /// Opens the ledger to continue one of its orders.
    func openToResume() throws -> Ledger {
        _ = try open()
        return try Ledger(path: path, clock: now)
    }

    /// Opens or creates the ledger, and checks that it can be written before anything else is done.
    func openForWriting() throws -> Ledger {
        let ledger = try Ledger(path: path, clock: now)
        try ledger.requireWriting()
        return ledger
    }

    /// Checks that the ledger can be created or written, as far as the permissions show.
    func requireWritable() throws {
        try Ledger.requireWritable(path)
    }

    /// All orders; none if there is no ledger yet.
    func orders() throws -> [Order] {
        try openIfThere()?.orders() ?? []
    }
}
