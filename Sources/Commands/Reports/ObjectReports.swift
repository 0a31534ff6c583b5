internal import OpenSSLX509
internal import TokencertTokens

/// The JSON that describes a key in full.
struct KeyReport: Encodable {
    let kind: String
    let label: String
    let id: String
    let privateKey: String?
    let publicKey: String?
    /// SHA-256 of the SubjectPublicKeyInfo.
    let sha256: String?
    let publicExponent: String?
    let isLocal: Bool?
    let isSensitive: Bool?
    let isExtractable: Bool?
    let isNeverExtractable: Bool?
    let findings: [String]
    let certificates: [CertificateReport]

    init(_ key: KeyEntry, _ health: TokenHealth) {
        kind = ListReport.name(key.kind)
        label = key.label
        id = hexadecimal(key.id)
        privateKey = key.privateKey?.uri
        publicKey = key.publicKey?.uri
        sha256 = key.value.map { hexadecimal($0.sha256Fingerprint) }
        publicExponent = key.value?.rsaNumbers.map { number in
            number.publicExponent.count <= 8
                ? "\(number.publicExponent.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })"
                : "0x" + hexadecimal(number.publicExponent)
        }
        isLocal = key.protection?.isLocal
        isSensitive = key.protection?.isSensitive
        isExtractable = key.protection?.isExtractable
        isNeverExtractable = key.protection?.isNeverExtractable
        findings = health.findings(key).map(\.text)
        certificates = key.certificates.map { CertificateReport($0, of: key, health) }
    }

    func print(_ style: Style) {
        func line(_ name: String, _ value: String?) {
            guard let value else { return }
            TokencertCommands.print("  " + padded(name, 19) + printable(value))
        }
        func said(_ value: Bool?, _ yes: String, _ no: String) -> String? {
            value.map { $0 ? yes : no }
        }
        TokencertCommands.print(style.strong("key \(kind)"))
        line("label", label)
        line("id", id)
        line("private key", privateKey.map(quoted) ?? "not found")
        line("public key", publicKey.map(quoted))
        line("SHA-256", sha256)
        line("public exponent", publicExponent)
        line("generated", said(isLocal, "on the token", "elsewhere, then imported"))
        // Either attribute prevents it (PKCS#11 v2.40, section 4.9).
        let isClosed = isExtractable == false ? true : isSensitive
        line("readable", said(isClosed, "no", "yes, in plain text"))
        line("extractable", said(isExtractable, "yes, wrapped", "no"))
        line("ever extractable", said(isNeverExtractable, "no", "yes"))
        for finding in findings {
            TokencertCommands.print("  " + style.warning("! \(printable(finding))"))
        }
        for certificate in certificates { certificate.print(style) }
    }
}

/// The JSON that describes a certificate in full.
struct CertificateReport: Encodable {
    let uri: String
    let label: String
    let id: String
    let subject: String?
    let issuer: String?
    let serialNumber: String?
    let notBefore: String?
    let notAfter: String?
    let daysLeft: Int?
    let emailAddresses: [String]?
    let extendedKeyUsages: [String]?
    let isAuthority: Bool?
    let keyKind: String?
    let subjectKeyIdentifier: String?
    let sha256Fingerprint: String?
    let ocsp: [String]?
    let findings: [String]
    let pem: String?
    /// The subject, or a text that replaces it.
    private let title: String

    private enum CodingKeys: String, CodingKey {
        case uri, label, id, subject, issuer, serialNumber, notBefore, notAfter, daysLeft
        case emailAddresses, extendedKeyUsages, isAuthority, keyKind, subjectKeyIdentifier
        case sha256Fingerprint, ocsp, findings, pem
    }

    init(_ entry: CertificateEntry, of key: KeyEntry?, _ health: TokenHealth) {
        let certificate = entry.certificate
        uri = entry.record.uri
        label = entry.record.label
        id = hexadecimal(entry.record.id)
        title = entry.title
        subject = entry.content?.subject
        issuer = certificate?.issuer.text
        serialNumber = certificate?.serialNumber
        notBefore = certificate.map { timestamp($0.notBefore) }
        notAfter = certificate.map { timestamp($0.notAfter) }
        daysLeft = entry.content?.daysLeft(at: health.health.now)
        emailAddresses = certificate?.emailAddresses
        extendedKeyUsages = certificate?.extendedKeyUsages.map(\.description)
        isAuthority = certificate?.isAuthority
        keyKind = certificate?.publicKey.kind.description
        subjectKeyIdentifier = certificate?.subjectKeyIdentifier.map { hexadecimal($0) }
        sha256Fingerprint = certificate.map { hexadecimal($0.sha256Fingerprint) }
        ocsp = certificate?.ocspAddresses
        findings = health.findings(entry, of: key).map(\.text)
        pem = certificate?.pem
    }

    func print(_ style: Style) {
        func line(_ name: String, _ value: String?) {
            guard let value, !value.isEmpty else { return }
            TokencertCommands.print("  " + padded(name, 19) + printable(value))
        }
        TokencertCommands.print(style.strong("certificate"))
        line("subject", title)
        line("addresses", emailAddresses?.joined(separator: ", "))
        line("issuer", issuer)
        line("serial", serialNumber)
        if let notBefore, let notAfter, let daysLeft {
            let left = daysLeft < 0 ? "expired" : "\(daysLeft) days left"
            let valid = "\(notBefore) to \(notAfter), "
            TokencertCommands.print(
                "  " + padded("valid", 19) + valid
                    + style.urgency(Urgency(daysLeft: daysLeft), left))
        }
        line("extended key usage", extendedKeyUsages?.joined(separator: ", "))
        if isAuthority == true { line("CA certificate", "yes") }
        line("key", keyKind)
        line("key identifier", subjectKeyIdentifier)
        line("SHA-256", sha256Fingerprint)
        line("OCSP", ocsp?.joined(separator: ", "))
        line("label", label)
        line("id", id)
        line("URI", quoted(uri))
        for finding in findings {
            TokencertCommands.print("  " + style.warning("! \(printable(finding))"))
        }
    }
}

/// Pads a text with spaces to a number of cells, with one space at least.
func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - displayWidth(text)))
}
