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

    func printTable(_ style: Style) {
        print("token \"\(printable(token.label))\"  " + style.faint(quoted(token.uri)))
        print("")
        if inventory.keys.isEmpty, inventory.certificates.isEmpty {
            print("no keys or certificates found")
        } else {
            table().print(style)
        }
        if inventory.otherObjects > 0 {
            print("\nand \(inventory.otherObjects) other object(s)")
        }
        if !sawPrivateObjects {
            print("\nTo see private keys, log in: --pin-source prompt")
        }
    }

    private func table() -> Table {
        var table = Table(["KEY", "LABEL", "ID", "CERTIFICATE", "ISSUER", "DAYS LEFT"])
        for key in inventory.keys {
            let uris = [key.privateKey?.uri, key.publicKey?.uri].compactMap { $0 }.map(quoted)
            let kind = Self.name(key.kind)
            let head = [
                key.privateKey == nil ? "\(kind) public" : kind, key.label, hexadecimal(key.id),
            ]
            if key.certificates.isEmpty {
                table.add(head + ["none", "", ""], below: uris + marks(key))
            }
            for (index, entry) in key.certificates.enumerated() {
                table.add(
                    head.map { Table.Cell($0) } + cells(entry),
                    below: (index == 0 ? uris + marks(key) : []) + [quoted(entry.record.uri)]
                        + marks(entry, of: key))
            }
            for entry in key.mismatchedCertificates {
                table.add(
                    row("same id, different key", entry),
                    below: [
                        quoted(entry.record.uri), "! its CKA_ID belongs to a different key",
                    ] + marks(entry, of: key))
            }
        }
        for entry in inventory.certificates {
            table.add(
                row("no key found", entry),
                below: [quoted(entry.record.uri)] + marks(entry, of: nil))
        }
        return table
    }

    private func row(_ head: String, _ entry: CertificateEntry) -> [Table.Cell] {
        [head, entry.record.label, hexadecimal(entry.record.id)].map { Table.Cell($0) }
            + cells(entry)
    }

    private func cells(_ entry: CertificateEntry) -> [Table.Cell] {
        guard let content = entry.content else {
            return [entry.name, "", ""].map { Table.Cell($0) }
        }
        let daysLeft = content.daysLeft(at: now)
        return [
            Table.Cell(content.subjectName), Table.Cell(content.issuerName),
            Table.Cell(
                daysLeft < 0 ? "expired" : "\(daysLeft)", Urgency(daysLeft: daysLeft)),
        ]
    }

    /// The findings of `health` that are more than notices.
    private func marks(_ key: KeyEntry) -> [String] {
        Self.marks(health.findings(key).filter { $0.kind != .mismatch })
    }

    private func marks(_ entry: CertificateEntry, of key: KeyEntry?) -> [String] {
        Self.marks(health.findings(entry, of: key))
    }

    private static func marks(_ findings: [Finding]) -> [String] {
        findings.filter { $0.severity > .notice }.map { "! \($0.text)" }
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
