internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger

/// Records in the ledger that the CA has revoked certificates. Then they are neither reported as
/// expiring nor renewed with the same key.
struct RevocationRecord {
    let ledger: LedgerOptions
    /// The address of the CA.
    let ca: String

    /// Records the revocations that the list of the account has confirmed, now or before.
    ///
    /// A failure is only a warning, because the certificates are revoked anyway.
    func record(_ certificates: [Certificate]) {
        var unrecorded = certificates
        var reason = ""
        do {
            let orders = try ledger.orders(of: certificates)
            unrecorded = certificates.filter {
                Revocations.orderToRecord($0, among: orders) != nil
            }
            // A ledger without these certificates is not opened for writing.
            guard !unrecorded.isEmpty else { return }
            let opened = try ledger.openToResume()
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
