internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import Synchronization
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

/// The option that selects the ledger, and how the ledger is opened.
struct LedgerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Ledger of all orders; default ~/.local/state/tokencert/ledger.sqlite.",
            valueName: "path"))
    var ledger: String?

    var path: String { setting(ledger, .ledger) ?? standardLedgerPath }

    /// The absolute path of the ledger that the command uses or would use, for the programs that it
    /// starts.
    static var used: String {
        absolute(setting(typed.withLock { $0 }, .ledger) ?? standardLedgerPath)
    }

    private static let typed = Mutex<String?>(nil)

    /// Sets the ledger on the command line for ``used``, before a failure of the command.
    func use() { Self.typed.withLock { $0 = ledger } }

    /// Whether the ledger exists. True if that is unknown: opening the file then reports why.
    var isFileThere: Bool { (try? isPresent(path)) ?? true }

    /// Opens the ledger read-only. Throws `LedgerError` with code `absent` if it does not exist.
    func open() throws -> Ledger {
        use()
        return try Ledger(reading: path)
    }

    /// Opens the ledger read-only; nil if it does not exist.
    func openIfThere() throws -> Ledger? {
        use()
        do throws(LedgerError) {
            return try Ledger(reading: path)
        } catch {
            guard error.code == .absent else { throw error }
            return nil
        }
    }

    /// Prints a note if the ledger does not exist, since its path may be mistyped.
    func noteAbsence() {
        if !isFileThere { printError("note: there is no ledger at \(printable(path)) yet") }
    }

    /// Opens an existing ledger to continue one of its orders.
    func openToResume() throws -> Ledger {
        _ = try open()
        return try Ledger(path: path, clock: now)
    }

    /// Opens or creates the ledger, and checks that it can be written.
    func openForWriting() throws -> Ledger {
        use()
        let ledger = try Ledger(path: path, clock: now)
        try ledger.requireWriting()
        return ledger
    }

    /// Checks the permissions to create or write the ledger, without opening it.
    func requireWritable() throws {
        try Ledger.requireWritable(path)
    }

    /// What the ledger says about the objects on tokens.
    struct ObjectStates {
        /// The numbers of unfinished orders by the SHA-256 hash of the public key, in hexadecimal.
        var unfinishedOrders: [String: Int64] = [:]
        /// The days on which revocations were recorded, as for `Health.revocations`.
        var revocations: [String: String] = [:]
        /// Whether the ledger was searched for revocations; true if there is none.
        var hasRevocations = true
    }

    /// Reads what the ledger says about the objects on tokens. Notes name what cannot be read.
    func objectStates(showingOrders showsOrders: Bool = true) -> ObjectStates {
        func report(_ what: String, _ error: any Error) {
            printError("note: cannot show \(what): " + printable(Failure(error).message))
        }
        var states = ObjectStates()
        do {
            guard let ledger = try openIfThere() else {
                // The standard one does not exist before the first order.
                if self.ledger != nil { noteAbsence() }
                return states
            }
            // One damaged order must not hide the revocations.
            do {
                states.revocations = try Self.revocations(in: ledger)
            } catch {
                states.hasRevocations = false
                report("recorded revocations", error)
            }
            guard showsOrders else { return states }
            do {
                let unfinished = try ledger.orders(unfinishedOnly: true).compactMap { order in
                    order.publicKeyHash.map { ($0, order.number) }
                }
                states.unfinishedOrders = Dictionary(unfinished, uniquingKeysWith: max)
            } catch {
                report("unfinished orders", error)
            }
        } catch {
            states.hasRevocations = false
            report((showsOrders ? "unfinished orders and " : "") + "recorded revocations", error)
        }
        return states
    }

    /// The days on which revocations were recorded, as for `Health.revocations`; none if the ledger does
    /// not exist. Throws if it cannot be read.
    func revocations() throws -> [String: String] {
        guard let ledger = try openIfThere() else {
            if self.ledger != nil { noteAbsence() }
            return [:]
        }
        return try Self.revocations(in: ledger)
    }

    private static func revocations(in ledger: Ledger) throws -> [String: String] {
        try Revocations(in: ledger).times.mapValues { String(timestamp($0).prefix(10)) }
    }

    /// Adds the CA certificates that came with the certificates on a token, and returns which of these have
    /// replaced others. Does nothing if the ledger cannot be read, which is reported elsewhere.
    @discardableResult
    func complete(_ inventory: inout TokenInventory) -> [String: Set<String>] {
        guard let ledger = try? openIfThere() else { return [:] }
        return (try? ledger.complete(&inventory)) ?? [:]
    }

    /// The orders with a valid certificate for a key that has none on the token, by the URIs of the key's
    /// halves; none if the ledger cannot be read, which is reported elsewhere.
    func certifiedOrders(_ inventory: TokenInventory, on token: Token) throws -> [String: Int64] {
        let keys = inventory.keys.filter(\.certificates.isEmpty)
        guard !keys.isEmpty, let ledger = try? openIfThere(),
            let orders = try? ledger.orders(concerning: inventory)
        else { return [:] }
        let certified = CertifiedKeys(orders, on: try PKCS11URI(token: token).description)
        var found: [String: Int64] = [:]
        for key in keys {
            guard let order = key.value.flatMap({ certified.order(of: $0) }),
                order.certified?.notAfter ?? 0 > now()
            else { continue }
            for half in key.halves { found[half.uri] = order.number }
        }
        return found
    }

    /// All orders; none if the ledger does not exist.
    func orders() throws -> [Order] {
        try openIfThere()?.orders() ?? []
    }

    /// All orders if certificates may have been copied, since copies are found by comparing all; else none.
    func ordersIfCopied() throws -> [Order] {
        guard let ledger = try openIfThere(), try ledger.mayHaveCopies() else { return [] }
        return try ledger.orders()
    }

    /// The orders for the keys of certificates, oldest first; none if the ledger does not exist.
    func orders(of certificates: [Certificate]) throws -> [Order] {
        try openIfThere()?.orders(forKeysOf: certificates) ?? []
    }
}
