internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// The output of `list`. Objects are printed one at a time, since there may be thousands.
struct ListReport {
    let token: TokenReport
    /// Whether the private objects were read.
    let sawPrivateObjects: Bool
    let inventory: TokenInventory
    let now: Int64

    let health: TokenHealth

    /// The JSON of a key.
    struct Key: Encodable {
        let kind: String
        let label: String
        let id: String
        let privateKey: String?
        let publicKey: String?
        /// SHA-256 of the SubjectPublicKeyInfo; nil if the token does not reveal the public key.
        let sha256: String?
        let certificates: [CertificateLine]
        let mismatchedCertificates: [CertificateLine]
        /// The findings of `health`.
        let findings: [Finding.Kind]
    }

    /// The JSON of a certificate.
    struct CertificateLine: Encodable {
        let uri: String
        let label: String
        let id: String
        let subject: String?
        let issuer: String?
        let serialNumber: String?
        let notBefore: String?
        let notAfter: String?
        let daysLeft: Int?
        let keyKind: String?
        /// The findings of `health`.
        let findings: [Finding.Kind]
    }

    /// Prints one JSON object, with each key and each certificate on its own line.
    func printJSON() throws {
        print("{\"token\":" + (try jsonLine(token)) + ",")
        print("\"sawPrivateObjects\":\(sawPrivateObjects),")
        print("\"otherObjects\":\(inventory.otherObjects),")
        print("\"keys\":[")
        for (index, key) in inventory.keys.enumerated() {
            let comma = index + 1 < inventory.keys.count ? "," : ""
            print(try jsonLine(Key(key, now, health)) + comma)
        }
        print("],\"certificates\":[")
        for (index, entry) in inventory.certificates.enumerated() {
            let comma = index + 1 < inventory.certificates.count ? "," : ""
            print(try jsonLine(CertificateLine(entry, of: nil, now, health)) + comma)
        }
        print("]}")
    }

    static func name(_ kind: KeyKind?) -> String {
        switch kind {
        case .rsa(bits: 0): "RSA"
        case let kind?: kind.description
        case nil: "unknown"
        }
    }
}

extension ListReport.Key {
    init(_ key: KeyEntry, _ now: Int64, _ health: TokenHealth) {
        kind = ListReport.name(key.kind)
        label = key.label
        id = hexadecimal(key.id)
        privateKey = key.privateKey?.uri
        publicKey = key.publicKey?.uri
        sha256 = key.value.map { hexadecimal($0.sha256Fingerprint) }
        certificates = key.certificates.map { .init($0, of: key, now, health) }
        mismatchedCertificates = key.mismatchedCertificates.map {
            .init($0, of: key, now, health)
        }
        findings = health.findings(key).map(\.kind)
    }
}

extension ListReport.CertificateLine {
    init(_ entry: CertificateEntry, of key: KeyEntry?, _ now: Int64, _ health: TokenHealth) {
        uri = entry.record.uri
        label = entry.record.label
        id = hexadecimal(entry.record.id)
        subject = entry.content?.subject
        issuer = entry.content?.issuer
        serialNumber = entry.content?.serialNumber
        notBefore = entry.content.map { timestamp($0.notBefore) }
        notAfter = entry.content.map { timestamp($0.notAfter) }
        daysLeft = entry.content?.daysLeft(at: now)
        keyKind = entry.content?.keyKind.description
        findings = health.findings(entry, of: key).map(\.kind)
    }
}
