internal import TokencertLedger

/// Checks that the ledger is intact, and reports unfinished orders.
struct LedgerChecks {
    let options: LedgerOptions

    /// The number of events that are checked. All are checked if there are no more.
    private static let most = 1000

    func look(_ doctorReport: inout DoctorReport) {
        let area = "ledger"
        guard options.isFileThere else {
            doctorReport.ok(area, "no ledger yet; the first order creates it")
            return
        }
        do {
            let ledger = try options.open()
            let newest = try ledger.verify(newest: Self.most)
            let findings = try newest.older == 0 ? ledger.verify() : newest.findings
            guard findings.isEmpty else {
                doctorReport.fail(
                    area, "\(options.path) is not intact: \(findings[0])",
                    ["keep a copy of the file", "to see all faults: tokencert history verify"])
                return
            }
            doctorReport.ok(
                area,
                newest.older == 0
                    ? "\(options.path) is intact"
                    : "the newest \(Self.most) events in \(options.path) are intact; to check all: "
                        + "tokencert history verify")
            let unfinished = try ledger.orders(unfinishedOnly: true)
            guard !unfinished.isEmpty else { return }
            doctorReport.warn(
                area,
                unfinished.count == 1
                    ? "1 order is unfinished" : "\(unfinished.count) orders are unfinished",
                ["to see how to continue them: tokencert resume"])
        } catch {
            let failure = Failure(error)
            doctorReport.fail(area, failure.message, failure.hints)
        }
    }
}
