internal import Cryptoki
internal import OpenSSLX509
internal import TokencertPlatform
internal import TokencertTokens

/// The output of `list`. Objects are printed in parts, since there may be thousands.
struct ListReport {
    let token: TokenReport
    let sawPrivateObjects: Bool
    let inventory: TokenInventory
    let health: TokenHealth

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
        if !isPart { tellJSONPrinted() }
        print(isPart ? "{" : "{\"schemaVersion\":\(jsonSchemaVersion),")
        print("\"token\":" + (try jsonLine(token)) + ",")
        print("\"sawPrivateObjects\":\(sawPrivateObjects),")
        print("\"otherObjects\":\(inventory.otherObjects),")
        print("\"keys\":[")
        try printLines(inventory.keys) { [health] in try jsonLine(Key($0, health)) }
        print("],\"certificates\":[")
        let keys = inventory.keysShownWith
        var seen: Set<ObjectHandle> = []
        let entries = inventory.entries.filter { seen.insert($0.record.handle).inserted }
        try printLines(entries) { [health] entry in
            try jsonLine(CertificateReport(entry, health, of: keys[entry.record.handle]))
        }
        print("]}")
    }

    /// Prints the elements of a JSON array, one on each line.
    private func printLines<Element: Sendable>(
        _ elements: [Element], _ json: @escaping @Sendable (Element) throws -> String
    ) throws {
        // In parts, so that not all lines are in memory.
        for start in stride(from: 0, to: elements.count, by: 1000) {
            let end = min(start + 1000, elements.count)
            let lines = mapSideBySide(Array(elements[start..<end])) { element in
                Result { try json(element) }
            }
            for (index, line) in zip(start..., lines) {
                print(try line.get() + (index + 1 < elements.count ? "," : ""))
            }
        }
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
    init(_ key: KeyEntry, _ health: TokenHealth) {
        kind = ListReport.name(key.kind)
        label = key.label
        id = hexadecimal(key.id)
        privateKey = key.privateKey?.uri
        publicKey = key.publicKey?.uri
        sha256 = key.value.map { hexadecimal($0.sha256Fingerprint) }
        certificates = key.certificates.map { CertificateReport($0, health, of: key) }
        mismatchedCertificates = key.mismatchedCertificates.map {
            CertificateReport($0, health, of: key)
        }
        findings = health.findings(key).map(\.kind)
    }
}
