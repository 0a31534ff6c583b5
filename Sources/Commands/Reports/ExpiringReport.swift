internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

struct ExpiringReport: Encodable {
    /// The number of days that count as soon.
    let days: Int
    let expiring: [ExpiringLine]
}

/// A certificate that expires soon or has expired, with the command that renews it.
struct ExpiringLine: Encodable {
    let certificate: CertificateReport
    /// The number of the order that put it on the token.
    let order: Int64
    /// The URI of the token.
    let token: String
    /// The number of an unfinished order for it or its key, or nil.
    let unfinishedOrder: Int64?
    /// The command that renews it or finishes the order.
    let next: String
    /// How it is named for the user, with its token.
    let title: String
    /// When it expires or has expired, relative to now.
    let expiry: String
    private let urgency: Urgency
    /// Whether the certificate came from elsewhere; tokencert cannot renew it.
    private let isImported: Bool

    private enum CodingKeys: String, CodingKey {
        case certificate, order, token, unfinishedOrder, next
    }

    /// Describes a certificate at a time in seconds since 1970-01-01 00:00 UTC, with all its details if
    /// `isInFull`.
    init(_ expiring: ExpiringCertificate, at time: Int64, isInFull: Bool = false) {
        let content = CertificateEntry.Content(expiring.certificate)
        let beginning = expiring.order.beginning
        let uri = expiring.order.writtenURI
        certificate =
            isInFull
            ? CertificateReport(expiring.certificate, uri: uri, time)
            : CertificateReport(content, uri: uri, time)
        order = expiring.order.number
        token = beginning.token
        unfinishedOrder = expiring.unfinishedOrder?.number
        let name = Self.name(expiring)
        isImported = beginning.imported != nil
        next =
            expiring.unfinishedOrder.flatMap { OrderLine($0).next }
            ?? (beginning.imported != nil
                ? "tokencert import --cert FILE"
                : "tokencert renew \(name)\(NamedToken.option(ofObject: beginning.tokenURI))")
        title =
            "\(name) (\(ObjectTitles.summary(content))) on token "
            + NamedToken(uri: beginning.tokenURI).labelOrTitle
        expiry = Self.expiry(content.notAfter, at: time)
        urgency = Urgency(daysLeft: content.daysLeft(at: time))
    }

    /// What to do, as a message that ends in the command.
    var advice: String {
        if let unfinishedOrder {
            return "order \(unfinishedOrder) for it is unfinished; to continue: \(next)"
        }
        return isImported
            ? "get a new certificate for its key from its issuer, then: \(next)"
            : "insert the token and run: \(next)"
    }

    /// Prints when the certificate expires, which one it is, and what to do.
    func print(_ style: Style) {
        TokencertCommands.print(style.urgency(urgency, expiry))
        printFolded(["  " + printable(title)], at: 2)
        printMessage(advice, after: "  ")
    }

    /// The name of the certificate as a word for the shell: the label of its key if that names only
    /// this certificate and can be typed, else its serial number.
    private static func name(_ expiring: ExpiringCertificate) -> String {
        let label = String(validating: expiring.order.beginning.keyLabelBytes, as: UTF8.self) ?? ""
        let isTypable =
            !label.isEmpty && printable(label) == label && !looksLikeURI(label)
            && !label.hasPrefix("-")
        return shellWord(
            expiring.isNamedByLabel && isTypable ? label : expiring.certificate.serialNumber)
    }

    /// When a certificate expires or has expired. Its last second is still valid.
    static func expiry(_ notAfter: Int64, at time: Int64) -> String {
        let days = abs(notAfter - time) / 86_400
        let count = days == 0 ? "less than a day" : days == 1 ? "1 day" : "\(days) days"
        return notAfter < time ? "expired \(count) ago" : "expires in \(count)"
    }
}
