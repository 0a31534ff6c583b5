internal import FoundationEssentials

/// The page of the web account that sends one certificate.
struct CertificateDownload: Sendable {
    static let contentType = "application/pkix-cert"

    let configuration: StandInConfiguration
    let authority: Authority
    let orders: Orders
    let now: @Sendable () -> Int64

    /// Answers with the certificate of an order, or with empty content if it is not signed yet.
    func reply(_ fields: FormFields, of account: Account) -> Reply {
        guard let number = UInt64(fields["cert"] ?? ""), let order = orders[number],
            order.username == account.username
        else {
            return Self.page("No such certificate attached to your account.")
        }
        let format = fields["format"] ?? ""
        guard ["pem", "der"].contains(format) else {
            return Self.page("Select a format for the certificate.")
        }
        guard let certificate = order.certificate else {
            return Reply(answer: .status(200, body: []), contentType: Self.contentType)
        }
        do {
            var pem = try orders.certificates.pem(certificate.serialNumber)
            if configuration.webFault == .otherCertificate {
                pem = try otherCertificate(than: pem, order, account)
            }
            let bytes = format == "der" ? Self.der(pem) : Array(pem.utf8)
            return Reply(answer: .status(200, body: bytes), contentType: Self.contentType)
        } catch {
            return Reply(answer: .status(500, body: Array("the stand-in failed: \(error)".utf8)))
        }
    }

    private static func page(_ text: String) -> Reply {
        Reply(answer: .body(HTML.page("Client Certificate", "<p>\(text)</p>").bytes))
    }

    /// The bytes between the lines of a PEM text.
    private static func der(_ pem: String) -> [UInt8] {
        let lines = pem.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }
        return Data(base64Encoded: lines.joined()).map { Array($0) } ?? []
    }

    /// A certificate of the account for a different key, or a new one if the account has none.
    private func otherCertificate(
        than pem: String, _ order: Order, _ account: Account
    ) throws(StandInError) -> String {
        let key = try Certificate(pem: pem).key()
        for other in orders.ofAccount(account.username) {
            guard let certificate = other.certificate else { continue }
            let candidate = try orders.certificates.pem(certificate.serialNumber)
            let isSame = try Certificate(pem: candidate).key().isSamePublicKey(as: key)
            if !isSame { return candidate }
        }
        let grant = Grant(
            name: Account.anonymousName, emails: [order.address], codeSigning: false,
            validityDays: account.validityDays)
        // The serial numbers of orders start below 700000.
        return try authority.sign(
            grant, for: .generate(.rsa2048), serialNumber: "7F0001", at: now(), configuration
        ).pem
    }
}
