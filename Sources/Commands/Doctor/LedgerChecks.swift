internal import TokencertLedger

/// Checks that the ledger is intact and can be written, and reports unfinished orders.
struct LedgerChecks {
    let options: LedgerOptions

    private static let area = "ledger"
    /// The number of events that are checked. All are checked if there are no more.
    private static let most = 1000

    func look(_ doctorReport: inout DoctorReport) {
        do {
            try lookInside(&doctorReport)
            // Commands that order, renew or import write to it first.
            try options.requireWritable()
        } catch {
            doctorReport.fail(Self.area, error)
        }
    }

    private func lookInside(_ doctorReport: inout DoctorReport) throws {
        guard let ledger = try options.openIfThere() else {
            return doctorReport.ok(Self.area, "no ledger yet; the first order creates it")
        }
        let newest = try ledger.verify(newest: Self.most)
        let findings = try newest.older == 0 ? ledger.verify() : newest.findings
        guard findings.isEmpty else {
            return doctorReport.fail(
                Self.area, "\(options.path) is not intact: \(findings[0])",
                ["keep a copy of the file", "to see all faults: tokencert history verify"])
        }
        doctorReport.ok(
            Self.area,
            newest.older == 0
                ? "\(options.path) is intact"
                : "the newest \(Self.most) events in \(options.path) are intact; to check all: "
                    + "tokencert history verify")
        let unfinished = try ledger.orders(unfinishedOnly: true)
        guard !unfinished.isEmpty else { return }
        doctorReport.warn(
            Self.area,
            unfinished.count == 1
                ? "1 order is unfinished" : "\(unfinished.count) orders are unfinished",
            ["to see how to continue them: tokencert resume"])
    }
}
