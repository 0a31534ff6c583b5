internal import ArgumentParser
internal import Cryptoki
internal import Inventory
internal import Issuance
internal import OpenSSLX509

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the keys and certificates on a token.",
        discussion: """
            Without a PIN only what is public is shown. --pin-source logs in and shows all.
            """)

    @Argument(
        help: ArgumentHelp("Only what fits this PKCS#11 URI.", valueName: "uri"))
    var uri: String?

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var output: OutputOptions

    func run() throws {
        prepareProcess(output)
        let uri = try uri.map(parseURI)
        let token = try findToken(tokenOptions, uri)
        let source = try tokenOptions.source(uri)
        let needsLogin = token.info.flags.contains(.loginRequired)
        let inventory: TokenInventory
        if let source, needsLogin {
            try requireUsablePIN(token, allowingLastTry: tokenOptions.allowsLastTry)
            let pin = try readPIN(token, source)
            inventory = try token.withLogin(as: .user, pin: pin) { try read(token, uri) }
        } else {
            inventory = try read(token, uri)
        }
        let sawAll = !needsLogin || source != nil
        let report = try ListReport(token, inventory, sawAll: sawAll, now: now())
        if output.isJSON {
            try printJSON(report)
        } else {
            for line in report.lines(output.style) { print(line) }
        }
    }

    private func read(_ token: Token, _ uri: PKCS11URI?) throws -> TokenInventory {
        var session = try token.openSession(ReadOnly.self)
        return try TokenInventory(&session, matching: uri)
    }
}

/// What `list` shows, in the form of its JSON.
struct ListReport: Encodable {
    struct Key: Encodable {
        let kind: String
        let label: String
        let id: String
        let privateKey: String?
        let publicKey: String?
        let certificates: [CertificateLine]
        let mismatchedCertificates: [CertificateLine]
    }

    struct CertificateLine: Encodable {
        let uri: String
        let label: String
        let id: String
        let subject: String?
        let issuer: String?
        let subjectName: String?
        let issuerName: String?
        let serialNumber: String?
        let notBefore: String?
        let notAfter: String?
        let daysLeft: Int?
        let keyKind: String?
    }

    let token: TokenReport
    /// Whether private objects were looked at.
    let sawPrivateObjects: Bool
    let keys: [Key]
    let certificates: [CertificateLine]
    let otherObjects: Int

    init(_ token: Token, _ inventory: TokenInventory, sawAll: Bool, now: Int64) throws {
        self.token = try TokenReport(token)
        sawPrivateObjects = sawAll
        keys = inventory.keys.map { key in
            Key(
                kind: Self.name(key.kind), label: key.label, id: hexadecimal(key.id),
                privateKey: key.privateKey?.uri, publicKey: key.publicKey?.uri,
                certificates: key.certificates.map { .init($0, now) },
                mismatchedCertificates: key.mismatchedCertificates.map { .init($0, now) })
        }
        certificates = inventory.certificates.map { .init($0, now) }
        otherObjects = inventory.otherObjects
    }

    private static func name(_ kind: KeyKind?) -> String {
        switch kind {
        case .rsa(bits: 0): "RSA"
        case let kind?: kind.description
        case nil: "unknown"
        }
    }
}

extension ListReport.CertificateLine {
    init(_ entry: CertificateEntry, _ now: Int64) {
        uri = entry.record.uri
        label = entry.record.label
        id = hexadecimal(entry.record.id)
        subject = entry.content?.subject
        issuer = entry.content?.issuer
        subjectName = entry.content?.subjectName
        issuerName = entry.content?.issuerName
        serialNumber = entry.content?.serialNumber
        notBefore = entry.content.map { timestamp($0.notBefore) }
        notAfter = entry.content.map { timestamp($0.notAfter) }
        daysLeft = entry.content?.daysLeft(at: now)
        keyKind = entry.content?.keyKind.description
    }

    func validity(_ style: Style) -> String {
        guard let daysLeft else { return "unreadable" }
        if daysLeft < 0 { return "expired" }
        return "\(daysLeft)"
    }
}

extension ListReport {
    func lines(_ style: Style) -> [String] {
        var lines = ["token “\(printable(token.label))”  " + style.faint(token.uri), ""]
        var table = Table(["KEY", "LABEL", "ID", "CERTIFICATE", "ISSUER", "DAYS LEFT"])
        for key in keys {
            let uris = [key.privateKey, key.publicKey].compactMap { $0 }
            let name = key.privateKey == nil ? "\(key.kind) public" : key.kind
            if key.certificates.isEmpty {
                table.add([name, key.label, key.id, "none", "", ""], below: uris)
            }
            for (index, certificate) in key.certificates.enumerated() {
                table.add(
                    [name, key.label, key.id] + cells(certificate, style),
                    below: (index == 0 ? uris : []) + [certificate.uri])
            }
            for certificate in key.mismatchedCertificates {
                table.add(
                    ["same id, other key", certificate.label, certificate.id]
                        + cells(certificate, style), below: [certificate.uri])
            }
        }
        for certificate in certificates {
            table.add(
                ["no key seen", certificate.label, certificate.id] + cells(certificate, style),
                below: [certificate.uri])
        }
        lines +=
            keys.isEmpty && certificates.isEmpty
            ? ["no keys and no certificates are seen"] : table.lines(style)
        if otherObjects > 0 { lines += ["", "and \(otherObjects) other object(s)"] }
        if !sawPrivateObjects {
            lines += ["", "Private keys are seen only after a login: --pin-source prompt"]
        }
        return lines
    }

    private func cells(_ certificate: CertificateLine, _ style: Style) -> [String] {
        [
            certificate.subjectName ?? "unreadable", certificate.issuerName ?? "",
            certificate.validity(style),
        ]
    }
}
