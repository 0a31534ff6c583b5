internal import Cryptoki
internal import OpenSSLX509
internal import TokencertInventory

/// A certificate that is not renewed although it expires, or a key that has lost its certificate.
struct PassedOver: Encodable {
    /// The subject in one line, or nil if there is no certificate or it cannot be read.
    let subject: String?
    let serialNumber: String?
    /// The certificate's URI, or nil if the key has none.
    let certificate: String?
    /// The URI of a key without a certificate, else nil.
    let key: String?
    let reason: String
    /// What to type, if that is known.
    let advice: String?
    /// Whether the exit status counts it. A certificate that is for no key of the token is only named.
    let needsAction: Bool
    /// Whether a new key could be certified in its place.
    var needsNewKey = false

    private enum CodingKeys: String, CodingKey {
        case subject, serialNumber, certificate, key, reason, advice, needsAction
    }

    init(
        _ entry: CertificateEntry, _ reason: String, advice: String? = nil,
        needsAction: Bool = true
    ) {
        subject = entry.content?.subject
        serialNumber = entry.content?.serialNumber
        certificate = entry.record.uri
        key = nil
        self.reason = reason
        self.advice = advice
        self.needsAction = needsAction
    }

    init(_ candidate: RenewalCandidate, _ reason: String, advice: String? = nil) {
        subject = candidate.certificate.subject.text
        serialNumber = candidate.certificate.serialNumber
        certificate = candidate.uri
        key = nil
        self.reason = reason
        self.advice = advice
        needsAction = true
    }

    init(key: PKCS11URI, _ reason: String, advice: String) {
        subject = nil
        serialNumber = nil
        certificate = nil
        self.key = key.description
        self.reason = reason
        self.advice = advice
        needsAction = true
    }

    /// The text that is printed.
    var text: String {
        let name = subject == nil ? self.name : "\(self.name),"
        return printable(
            "\(name) was passed over: \(reason)" + (advice.map { "; \($0)" } ?? ""))
    }

    private var name: String {
        if let subject {
            "\(subject), serial number \(serialNumber ?? "")"
        } else if let key {
            "the key \(quoted(key))"
        } else {
            quoted(certificate ?? "")
        }
    }

    /// The failure if it is the one that was named.
    var failure: Failure {
        Failure(
            needsNewKey ? .cannotCreate : .noSuchObject, code: needsNewKey ? "keyUnusable" : nil,
            "cannot renew \(name): \(reason)",
            hints: (needsNewKey
                ? [
                    "--new-key makes a new key for the renewed certificate",
                    "tokencert import writes a certificate that was ordered otherwise",
                ] : []) + ["tokencert list --pin-source prompt shows all with their URIs"])
    }

    /// How many certificates and keys were passed over, in words.
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
