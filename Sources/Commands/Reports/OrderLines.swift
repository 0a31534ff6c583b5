internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

/// The JSON of an order in a list.
struct OrderLine: Encodable {
    let order: Int64
    let began: String
    let job: String
    let state: String
    let isFinished: Bool
    let token: String
    let keyID: String
    let keyLabel: String
    let ca: String?
    let account: String?
    let name: String?
    /// The certificate that arrived.
    let certificate: CertificateReport?
    /// When its revocation was recorded, or nil.
    let revoked: String?
    /// The command that continues the order, or nil.
    let next: String?

    init(_ order: Order) {
        self.order = order.number
        began = timestamp(order.events[0].time)
        job = order.beginning.job.name
        state = order.state.name
        isFinished = order.isFinished
        token = order.beginning.token
        keyID = order.beginning.keyID
        keyLabel = text(ofLabel: order.beginning.keyLabelBytes)
        ca = order.beginning.issue?.ca
        account = order.beginning.issue?.account
        name = order.beginning.issue?.name
        let content = order.arrivedContent
        certificate = content.map { CertificateReport($0, uri: order.writtenURI, now()) }
        revoked = content.flatMap {
            order.timeOfRevocation(of: hexadecimal($0.sha256Fingerprint))
        }.map { timestamp($0) }
        isNotReadable = order.unknownEvent != nil
        next =
            switch order.nextAction {
            case .nothing: nil
            case _ where isNotReadable: nil
            case .order, .certificate, .key: "tokencert resume \(order.number)"
            case .decision: "tokencert resume \(order.number) --fetch"
            }
    }

    private let isNotReadable: Bool

    private enum CodingKeys: String, CodingKey {
        case order, began, job, state, isFinished, token, keyID, keyLabel, ca, account, name
        case certificate, revoked, next
    }

    var revocationText: String? {
        revoked.map { "revoked (recorded on \($0.prefix(10)))" }
    }

    var stateText: String {
        if isNotReadable { return "not readable by this version" }
        return switch state {
        case "begun": "nothing ordered yet"
        case "not sent": "nothing ordered, CA not reached"
        case "refused": "refused by the CA"
        case "sending", "unclear": "outcome unknown"
        case "answered": "answer not used"
        case "certified": "certificate not written"
        case "written": "written, not proved"
        case "proved": isFinished ? "done" : "old certificate not removed"
        case "retiring": "old certificate not removed"
        case "closed": "over"
        default: state
        }
    }
}

extension Order {
    /// The contents of the certificate that arrived, or nil.
    var arrivedContent: CertificateEntry.Content? {
        certified.flatMap {
            Certificate.all(inPEM: Array($0.certificate.utf8)).certificates.first
        }.map { CertificateEntry.Content($0) }
    }
}

func showUnfinished(_ orders: [Order], _ ledger: LedgerOptions, _ output: CommonOptions) throws {
    let lines = orders.map { OrderLine($0) }
    if output.isJSON { return try printJSON(["orders": lines]) }
    if lines.isEmpty {
        print("No order is unfinished.")
        ledger.noteAbsence()
        return
    }
    try orderTable(lines).print(output.style())
}

/// A table of orders, each with the command that continues it and with the revocation of its
/// certificate.
func orderTable(_ lines: [OrderLine]) -> Table {
    var table = Table(["ORDER", "BEGAN", "JOB", "KEY", "ID", "STATE"])
    for line in lines {
        table.add(
            [
                "\(line.order)", String(line.began.prefix(16)) + "Z", line.job, line.keyLabel,
                line.keyID, line.stateText,
            ],
            below: [line.revocationText, line.next.map { "to continue: \($0)" }].compactMap { $0 })
    }
    return table
}
