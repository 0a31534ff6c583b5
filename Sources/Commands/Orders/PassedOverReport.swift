internal import Cryptoki
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

/// The JSON of a certificate or key that was skipped.
struct PassedOverReport: Encodable {
    let certificate: CertificateReport?
    let key: String?
    let reason: String
    let advice: String?
    let needsAction: Bool

    init(_ passedOver: PassedOver) {
        let hasCertificate = passedOver.content != nil || passedOver.certificate != nil
        certificate =
            hasCertificate
            ? CertificateReport(passedOver.content, uri: passedOver.certificate, now()) : nil
        key = passedOver.key
        reason = passedOver.reason
        advice = passedOver.advice?.text(TitlesByURI())
        needsAction = passedOver.needsAction
    }
}

extension PassedOver.Advice {
    /// The command to type. Without a title, it names the key by its URI.
    func text(_ titles: TitlesByURI) -> String {
        func name(_ key: PKCS11URI) -> String { titles.argument("\(key)") }
        switch self {
        case .readElsewhere(let uri, let token): return readingAdvice(uri, on: token)
        case .issue: return "to get a new key and certificate: tokencert issue"
        case .resume(let order): return "to finish its order: tokencert resume \(order)"
        case .certify(let key):
            return "to write its certificate again from a file: tokencert import --cert FILE; "
                + "to get a new one: tokencert issue --key \(name(key))"
        case .renewWhenPresent(let serialNumber, let selection):
            return "when it is present: tokencert renew \(serialNumber) \(selection)"
        case .renewTypingPIN(let serialNumber, let selection):
            return "to type its PIN: tokencert renew \(serialNumber) \(selection) "
                + "--pin-source prompt"
        case .renewAnyway(let key, let serialNumber):
            return "to order one from the configured CA: tokencert renew \(name(key)) "
                + "--serial \(serialNumber)"
        case .renew(let key, let serialNumber):
            return "to order now: tokencert renew \(name(key))"
                + (serialNumber.map { " --serial \($0)" } ?? "")
        }
    }
}

extension PassedOver {
    func text(_ titles: TitlesByURI) -> String {
        printable(
            "\(name(titles)) was skipped: \(reason)"
                + (advice.map { "; \($0.text(titles))" } ?? ""))
    }

    /// Its title or, if the inventory does not have it, what else is known about it.
    func name(_ titles: TitlesByURI) -> String {
        if let title { return title }
        let uri = certificate ?? key ?? ""
        if let title = titles.title(uri, serialNumber: content?.serialNumber) { return title }
        if let content { return "\(content.subject) (serial number \(content.serialNumber))" }
        let title = objectTitle(ofURI: uri)
        return key == nil ? title : "the key \(title)"
    }

    /// The number of certificates and keys that were skipped, as a sentence.
    static func count(_ all: [PassedOver]) -> String {
        func count(_ number: Int, _ what: String, _ end: String) -> [String] {
            number == 0 ? [] : ["\(number) \(what)\(number == 1 ? "" : "s")\(end)"]
        }
        let keys = all.filter { $0.key != nil }.count
        let parts =
            count(all.count - keys, "certificate", "")
            + count(keys, "key", " without a certificate")
        return parts.joined(separator: " and ") + (all.count == 1 ? " was" : " were")
            + " skipped"
    }
}

extension Failure {
    /// The failure if a name does not mean exactly one certificate that can be renewed. `named` is how the
    /// user has named it, if that is known.
    init(renewal error: RenewalError, _ titles: TitlesByURI, named: ObjectTarget? = nil) {
        switch error {
        case .passedOver(let passedOver):
            let needsNewKey = passedOver.needsNewKey
            var hints: [String] = []
            if needsNewKey {
                hints.append("to generate a new key for the renewed certificate: add --new-key")
            }
            // A key that may be compromised must not get another certificate.
            if needsNewKey, !passedOver.isRevoked {
                hints.append("to write a certificate from elsewhere: tokencert import --cert FILE")
            }
            self.init(
                needsNewKey ? .cannotCreate : .noSuchObject,
                code: needsNewKey ? "keyUnusable" : nil,
                "cannot renew \(passedOver.name(titles)): \(passedOver.reason)",
                hints: hints + ["to list all objects: tokencert list --pin-source prompt"])
        case .noneFits(let uri, let passedOver, let keys):
            self.init(
                .noSuchObject,
                "no certificate with its key on the token matches \(named ?? ObjectTarget(uri))",
                hints: passedOver.map { $0.text(titles) } + objectHints(uri, among: keys)
                    + ["to list all objects: tokencert list --pin-source prompt"])
        case .severalKeys(let keys):
            self.init(
                .noSuchObject, "more than one key matches",
                hints: several(
                    keys.map { titles.title($0.description) ?? quoted($0.description) }))
        case .severalCertificates(let found, let uri):
            self = severalCertificates(
                found, named ?? ObjectTarget(uri),
                on: TokenInventory(keys: [], certificates: found, otherObjects: 0))
        }
    }
}
