internal import OpenSSLX509
internal import TokencertPlatform
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
    let findings: [Finding.Kind]
    let certificates: [CertificateReport]
    /// The findings as text.
    private let notes: [String]

    private enum CodingKeys: String, CodingKey {
        case kind, label, id, privateKey, publicKey, sha256, publicExponent, isLocal, isSensitive
        case isExtractable, isNeverExtractable, findings, certificates
    }

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
        let findings = health.findings(key)
        self.findings = findings.map(\.kind)
        notes = findings.map(\.text)
        certificates = key.certificates.map {
            CertificateReport($0, health, of: key, isInFull: true)
        }
    }

    /// Prints the report, with the URIs if they are wanted or fit. `isHidden`: whether the token shows
    /// private keys only after a login.
    func print(_ style: Style, showingURIs showsURIs: Bool, hidingPrivateKeys isHidden: Bool) {
        func line(_ name: String, _ value: String?) {
            guard let value else { return }
            printFolded(["  " + padded(name, 19) + printable(value)], at: 21)
        }
        func said(_ value: Bool?, _ yes: String, _ no: String) -> String? {
            value.map { $0 ? yes : no }
        }
        TokencertCommands.print(style.strong("key \(kind)"))
        line("label", label)
        line("id", id)
        if privateKey == nil { line("private key", isHidden ? "not visible" : "not found") }
        for (name, uri) in [("private key", privateKey), ("public key", publicKey)]
        where showsURIs || fitsTerminal(uri) {
            line(name, uri.map(quoted))
        }
        line("SHA-256", sha256)
        line("public exponent", publicExponent)
        line("generated", said(isLocal, "on the token", "elsewhere, then imported"))
        // Either attribute prevents it (PKCS#11 v2.40, section 4.9).
        let isClosed = isExtractable == false ? true : isSensitive
        line("readable", said(isClosed, "no", "yes, in plain text"))
        line("extractable", said(isExtractable, "yes, wrapped", "no"))
        line("ever extractable", said(isNeverExtractable, "no", "yes"))
        for note in notes {
            TokencertCommands.print("  " + style.warning("! \(printable(note))"))
        }
        for certificate in certificates { certificate.print(style, showingURIs: showsURIs) }
    }
}

/// Pads a text with spaces to a number of cells, with one space at least.
func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - displayWidth(text)))
}
