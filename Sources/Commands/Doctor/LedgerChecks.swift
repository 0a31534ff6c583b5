internal import TokencertLedger

/// Checks that the ledger is intact, and reports unfinished orders.
struct LedgerChecks {
    let options: LedgerOptions

    func look(_ doctorReport: inout DoctorReport) {
        let area = "ledger"
        guard options.isFileThere else {
            doctorReport.ok(area, "no ledger yet; the first order creates it")
            return
        }
        do {
            let ledger = try options.open()
            let findings = try ledger.verify()
            guard findings.isEmpty else {
                doctorReport.fail(
                    area, "\(options.path) is not intact: \(findings[0])",
                    ["keep a copy of the file", "to see all faults: tokencert history verify"])
                return
            }
            doctorReport.ok(area, "\(options.path) is intact")
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
