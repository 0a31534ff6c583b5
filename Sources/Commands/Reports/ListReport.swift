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
        let certificates: [CertificateReport]
        let mismatchedCertificates: [CertificateReport]
        /// The findings of `health`.
        let findings: [Finding.Kind]
    }

    /// Prints one JSON object, with each key and each certificate on its own line. A certificate of a
    /// key is in the list of the key and in that of all certificates. A part of the list of several
    /// tokens has no version of its own.
    func printJSON(isPart: Bool) throws {
        print(isPart ? "{" : "{\"schemaVersion\":\(jsonSchemaVersion),")
        print("\"token\":" + (try jsonLine(token)) + ",")
        print("\"sawPrivateObjects\":\(sawPrivateObjects),")
        print("\"otherObjects\":\(inventory.otherObjects),")
        print("\"keys\":[")
        for (index, key) in inventory.keys.enumerated() {
            let comma = index + 1 < inventory.keys.count ? "," : ""
            print(try jsonLine(Key(key, now, health)) + comma)
        }
        print("],\"certificates\":[")
        let keys = inventory.keysShownWith
        var seen: Set<ObjectHandle> = []
        let entries = inventory.entries.filter { seen.insert($0.record.handle).inserted }
        for (index, entry) in entries.enumerated() {
            let comma = index + 1 < entries.count ? "," : ""
            let findings = health.findings(entry, of: keys[entry.record.handle])
            print(try jsonLine(CertificateReport(entry, now, findings)) + comma)
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
        certificates = key.certificates.map {
            CertificateReport($0, now, health.findings($0, of: key))
        }
        mismatchedCertificates = key.mismatchedCertificates.map {
            CertificateReport($0, now, health.findings($0, of: key))
        }
        findings = health.findings(key).map(\.kind)
    }
}
