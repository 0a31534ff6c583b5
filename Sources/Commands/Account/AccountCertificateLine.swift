internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

/// A token that has a certificate, according to the ledger.
struct CertificatePlace: Encodable {
    /// The URI of the token.
    let token: String
    /// The number of the last order with which the token proved the certificate.
    let order: Int64

    init(_ order: Order) {
        token = order.beginning.token
        self.order = order.number
    }

    var name: String { NamedToken(uri: token).labelOrTitle }
}

/// A certificate of the account, in the output of `certificates`.
struct AccountCertificateLine: Encodable {
    /// The CA's number of the certificate.
    let number: String
    let state: String
    let serialNumber: String?
    let emailAddress: String?
    let expiry: String?
    let certificate: CertificateReport?
    let tokens: [CertificatePlace]
    let isInLedger: Bool
    let unfinishedOrder: Int64?
    /// The command that writes it to the token, or nil.
    let next: String?

    init(_ joined: AccountCertificate, at time: Int64) {
        number = joined.listed.number
        state = joined.state.rawValue
        serialNumber = joined.listed.plainSerialNumber
        emailAddress = joined.listed.emailAddress
        expiry = joined.listed.expiryTime.map { timestamp($0) }
        certificate = joined.known.map {
            CertificateReport(CertificateEntry.Content($0.certificate), uri: nil, time)
        }
        tokens = (joined.known?.places ?? []).map { CertificatePlace($0) }
        isInLedger = joined.isInLedger
        unfinishedOrder = joined.unfinishedOrder
        // A revoked or expired certificate is not worth writing.
        next =
            joined.state != .valid
            ? nil
            : joined.unfinishedOrder.map {
                "tokencert resume \($0)" + (joined.isToBeFetched ? " --fetch" : "")
            }
    }

    /// Where the certificate is, according to the ledger.
    var place: String {
        if !tokens.isEmpty { return tokens.map(\.name).joined(separator: ", ") }
        if let unfinishedOrder { return "order \(unfinishedOrder)" }
        return isInLedger ? "on no token" : "not in the ledger"
    }
}
