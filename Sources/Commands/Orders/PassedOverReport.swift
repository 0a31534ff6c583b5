internal import Cryptoki
internal import TokencertIssuance
internal import TokencertTokens

/// The JSON of a certificate or key that was passed over.
struct PassedOverReport: Encodable {
    let subject: String?
    let serialNumber: String?
    let certificate: String?
    let key: String?
    let reason: String
    let advice: String?
    let needsAction: Bool

    init(_ passedOver: PassedOver) {
        subject = passedOver.subject
        serialNumber = passedOver.serialNumber
        certificate = passedOver.certificate
        key = passedOver.key
        reason = passedOver.reason
        advice = passedOver.advice?.text
        needsAction = passedOver.needsAction
    }
}

extension PassedOver.Advice {
    /// The command to type.
    var text: String {
        switch self {
        case .readElsewhere(let uri, let token): readingAdvice(uri, on: token)
        case .issue: "to get a new key and certificate: tokencert issue"
        case .resume(let order): "to finish its order: tokencert resume \(order)"
        case .certify(let key):
            "to write its certificate again from a file: tokencert import --cert FILE; "
                + "to get a new one: tokencert issue --key \(quoted(key.description))"
        case .renew(let key, let serialNumber):
            "to order now: tokencert renew \(quoted(key.description))"
                + (serialNumber.map { " --serial \($0)" } ?? "")
        }
    }
}

extension PassedOver {
    /// The text that is printed.
    var text: String {
        let name = subject == nil ? self.name : "\(self.name),"
        return printable(
            "\(name) was passed over: \(reason)" + (advice.map { "; \($0.text)" } ?? ""))
    }

    fileprivate var name: String {
        if let subject {
            "\(subject), serial number \(serialNumber ?? "")"
        } else if let key {
            "the key \(quoted(key))"
        } else {
            quoted(certificate ?? "")
        }
    }

    /// The number of certificates and keys that were passed over, as a sentence.
    static func count(_ all: [PassedOver]) -> String {
        let keys = all.filter { $0.key != nil }.count
        let certificates = all.count - keys
        var parts: [String] = []
        if certificates > 0 {
            parts.append(certificates == 1 ? "1 certificate" : "\(certificates) certificates")
        }
        if keys > 0 {
            parts.append(
                keys == 1 ? "1 key without a certificate" : "\(keys) keys without a certificate")
        }
        return parts.joined(separator: " and ") + (all.count == 1 ? " was" : " were")
            + " passed over"
    }
}

extension Failure {
    /// The failure if a URI does not name exactly one certificate that can be renewed.
    init(renewal error: RenewalError) {
        switch error {
        case .passedOver(let passedOver):
            let needsNewKey = passedOver.needsNewKey
            self.init(
                needsNewKey ? .cannotCreate : .noSuchObject,
                code: needsNewKey ? "keyUnusable" : nil,
                "cannot renew \(passedOver.name): \(passedOver.reason)",
                hints: (needsNewKey
                    ? [
                        "to generate a new key for the renewed certificate: add --new-key",
                        "to write a certificate from elsewhere: tokencert import --cert FILE",
                    ] : []) + ["to list all URIs: tokencert list --pin-source prompt"])
        case .noneFits(let uri, let passedOver, let keys):
            self.init(
                .noSuchObject, "no certificate with its key on the token matches \(uri)",
                hints: passedOver.map(\.text) + objectHints(uri, among: keys)
                    + ["to list all URIs: tokencert list --pin-source prompt"])
        case .severalKeys(let keys):
            self.init(
                .noSuchObject, "more than one key matches",
                hints: several(keys.map { quoted($0.description) }))
        case .severalCertificates(let found, let uri):
            self = severalCertificates(
                found, ObjectTarget(uri),
                on: TokenInventory(keys: [], certificates: found, otherObjects: 0))
        }
    }
}
