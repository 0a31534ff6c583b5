internal import TokencertLedger

/// Whether the ledger is as it was written, and what is unfinished.
struct LedgerChecks {
    let options: LedgerOptions

    func look(_ doctorReport: inout DoctorReport) {
        let area = "ledger"
        guard options.isFileThere else {
            doctorReport.ok(area, "there is none yet; the first order creates it")
            return
        }
        do {
            let ledger = try options.open()
            let findings = try ledger.verify()
            guard findings.isEmpty else {
                doctorReport.fail(
                    area, "\(options.path) is not what was written: \(findings[0])",
                    ["keep a copy; tokencert history verify shows all"])
                return
            }
            doctorReport.ok(area, "\(options.path) is as it was written")
            let unfinished = try ledger.orders(unfinishedOnly: true)
            guard !unfinished.isEmpty else { return }
            doctorReport.warn(
                area, "\(unfinished.count) orders are unfinished",
                ["tokencert resume shows them, and what to type"])
        } catch {
            let failure = Failure(error)
            doctorReport.fail(area, failure.message, failure.hints)
        }
    }
}
