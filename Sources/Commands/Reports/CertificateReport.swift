internal import Cryptoki
internal import OpenSSLX509
internal import TokencertPlatform
internal import TokencertTokens

/// The JSON that describes a certificate, the same in the output of every command. What is unknown is
/// absent, such as the URI of a certificate that is not on a token.
struct CertificateReport: Encodable {
    private(set) var uri: String?
    private(set) var label: String?
    private(set) var id: String?
    let subject: String?
    let issuer: String?
    let serialNumber: String?
    let notBefore: String?
    let notAfter: String?
    let daysLeft: Int?
    let emailAddresses: [String]?
    let isAuthority: Bool?
    let keyKind: String?
    let sha256Fingerprint: String?
    // In full only:
    let extendedKeyUsages: [String]?
    let subjectKeyIdentifier: String?
    let ocsp: [String]?
    let pem: String?
    /// The findings of `health`, if they were looked for.
    private(set) var findings: [Finding.Kind]?
    /// True if a newer certificate on the token has replaced it; otherwise nil.
    private var isReplaced: Bool?
    /// The findings as text.
    private var notes: [String] = []
    /// The subject, or a text that replaces it.
    private var title = ""

    private enum CodingKeys: String, CodingKey {
        case uri, label, id, subject, issuer, serialNumber, notBefore, notAfter, daysLeft
        case emailAddresses, isAuthority, keyKind, sha256Fingerprint, extendedKeyUsages
        case subjectKeyIdentifier, ocsp, pem, findings, isReplaced
    }

    private init(content: CertificateEntry.Content?, _ certificate: Certificate?, _ now: Int64) {
        subject = content?.subject
        issuer = content?.issuer
        serialNumber = content?.serialNumber
        notBefore = content.map { timestamp($0.notBefore) }
        notAfter = content.map { timestamp($0.notAfter) }
        daysLeft = content?.daysLeft(at: now)
        emailAddresses = content?.emailAddresses
        isAuthority = content?.isAuthority
        keyKind = content?.keyKind.description
        sha256Fingerprint = content.map { hexadecimal($0.sha256Fingerprint) }
        extendedKeyUsages = certificate?.extendedKeyUsages.map(\.description)
        subjectKeyIdentifier = certificate?.subjectKeyIdentifier.map { hexadecimal($0) }
        ocsp = certificate?.ocspAddresses
        pem = certificate?.pem
    }

    /// A certificate on a token, with what was found about it, and the key under which it is listed.
    init(
        _ entry: CertificateEntry, _ health: TokenHealth, of key: KeyEntry?, isInFull: Bool = false
    ) {
        self.init(entry, health.health.now, health.findings(entry, of: key), isInFull: isInFull)
        isReplaced = health.isReplaced(entry) ? true : nil
    }

    init(
        _ entry: CertificateEntry, _ now: Int64, _ findings: [Finding]? = nil,
        isInFull: Bool = false
    ) {
        self.init(content: entry.content, isInFull ? entry.certificate : nil, now)
        uri = entry.record.uri
        label = entry.record.label
        id = hexadecimal(entry.record.id)
        self.findings = findings?.map(\.kind)
        notes = findings?.map(\.text) ?? []
        title = entry.title
    }

    /// A certificate of which only the contents are known, and the URI if it was written to a token.
    init(_ content: CertificateEntry.Content?, uri: String?, _ now: Int64) {
        self.init(content: content, nil, now)
        take(uri)
    }

    /// A certificate in full, with its URI if it is on a token, and its label if the URI lacks it.
    init(_ certificate: Certificate, uri: String? = nil, label: String? = nil, _ now: Int64) {
        self.init(content: CertificateEntry.Content(certificate), certificate, now)
        take(uri)
        if let label { self.label = label }
    }

    /// Sets the URI, and the label and the id that it contains.
    private mutating func take(_ uri: String?) {
        self.uri = uri
        guard let uri, let parsed = try? PKCS11URI(parsing: uri) else { return }
        let labelBytes: [UInt8]? = parsed.objectAttributes[.labelBytes]
        let idBytes: [UInt8]? = parsed.objectAttributes[.id]
        label = text(ofLabel: labelBytes ?? [])
        id = hexadecimal(idBytes ?? [])
    }

    /// Prints the report, with the URI if it is wanted or fits.
    func print(_ style: Style, showingURIs showsURIs: Bool) {
        func line(_ name: String, _ value: String?) {
            guard let value, !value.isEmpty else { return }
            printFolded(["  " + padded(name, 19) + printable(value)], at: 21)
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
        if showsURIs || fitsTerminal(uri) { line("URI", uri.map(quoted)) }
        for note in notes {
            TokencertCommands.print("  " + style.warning("! \(printable(note))"))
        }
    }
}

/// Whether a URI and the quotation marks fit in a line of the terminal, or there is no terminal. A broken
/// URI could not be copied.
func fitsTerminal(_ uri: String?) -> Bool {
    guard let uri, let width = Output.standardOutput.width else { return true }
    return displayWidth(printable(quoted(uri))) + 4 <= width
}
