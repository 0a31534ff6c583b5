internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger

extension LedgerOptions {
    /// Records that the CA at an address has revoked certificates, so that they are neither reported as
    /// expiring nor renewed with the same key. A failure is only a warning, because they are revoked anyway.
    func recordRevocations(of certificates: [Certificate], by ca: String) {
        var unrecorded = certificates
        var reason = ""
        do {
            let orders = try orders(of: certificates)
            unrecorded = certificates.filter {
                Revocations.orderToRecord($0, among: orders) != nil
            }
            // A ledger without these certificates is not opened for writing.
            guard !unrecorded.isEmpty else { return }
            let opened = try openToResume()
            for certificate in unrecorded {
                do throws(LedgerError) {
                    try opened.recordRevocation(of: certificate, by: ca)
                    unrecorded.removeAll { $0 == certificate }
                } catch {
                    // These concern one order only.
                    guard error.code == .inUse || error.code == .newer else { throw error }
                    reason = error.reason
                }
            }
        } catch {
            reason = Failure(error).message
        }
        guard !unrecorded.isEmpty else { return }
        let numbers = unrecorded.map(\.serialNumber).joined(separator: ", ")
        printError(
            "warning: "
                + printable(
                    "the revocation of serial \(numbers) is not recorded in the ledger: \(reason); "
                        + "to record it, run the same command again"))
    }
}
