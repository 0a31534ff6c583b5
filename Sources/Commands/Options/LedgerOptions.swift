internal import ArgumentParser
internal import Files
internal import Ledger

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

    func open() throws -> Ledger {
        try Ledger(path: path, clock: now)
    }

    /// Opens the ledger and insists that it can be written, while nothing has happened yet.
    func openForWriting() throws -> Ledger {
        let ledger = try open()
        try ledger.rehearse()
        return ledger
    }

    /// The certificates that others have replaced, in PEM; none where there is no ledger yet.
    func replacedCertificates() throws -> Set<String> {
        guard isThere else { return [] }
        return Set(
            try open().orders().filter(\.isProved)
                .compactMap(\.beginning.replacedCertificate))
    }
}
