internal import ArgumentParser
internal import Files
internal import Ledger
internal import OpenSSLX509

/// Where it is remembered what was ordered.
struct LedgerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The ledger of all orders; default ledger.sqlite in tokencert's state folder.",
            valueName: "path"))
    var ledger: String?

    var path: String { setting(ledger, .ledger) ?? stateFolder + "/ledger.sqlite" }

    /// Whether there is a ledger yet. If that cannot be found out, opening it tells why.
    var isThere: Bool { (try? isPresent(path)) ?? true }

    /// Opens the ledger to read it; nothing is made or changed.
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

    /// Says that there is no ledger, if so: its name may be a slip.
    func noteAbsence() {
        if !isThere { printError("note: there is no ledger at \(printable(path)) yet") }
    }

    /// Opens the ledger to go on with one of its orders.
    func openToResume() throws -> Ledger {
        _ = try open()
        return try Ledger(path: path, clock: now)
    }

    /// Opens the ledger, or makes it, and insists that it can be written, while nothing has happened
    /// yet.
    func openForWriting() throws -> Ledger {
        let ledger = try Ledger(path: path, clock: now)
        try ledger.rehearse()
        return ledger
    }

    /// Insists that the ledger can be made or written, as far as the permissions tell.
    func requireWritable() throws {
        try Ledger.requireWritable(path)
    }

    /// Which certificates others have replaced; none if there is no ledger yet.
    func replacements() throws -> Replacements {
        try Replacements(openIfThere()?.orders() ?? [])
    }
}

/// Which certificates have replaced others, by what the ledger says.
struct Replacements {
    /// SHA-256 of what has replaced a certificate, in hexadecimal, by the certificate in PEM.
    private var outcomes: [String: Set<String>] = [:]

    init(_ orders: [Order]) {
        for order in orders {
            if let old = order.beginning.replacedCertificate, let new = order.provedFingerprint {
                outcomes[old, default: []].insert(new)
            }
        }
    }

    /// What has replaced a certificate, by SHA-256 in hexadecimal.
    func outcomes(for certificate: Certificate) -> Set<String> {
        outcomes[certificate.pem] ?? []
    }
}
