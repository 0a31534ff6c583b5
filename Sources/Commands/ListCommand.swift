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
        try prepareProcess(output)
        let uri = try uri.map(parseURI)
        let capabilities = try findToken(tokenOptions, uri)
        let token = capabilities.token
        let source = try tokenOptions.source(uri)
        let needsLogin = token.info.flags.contains(.loginRequired)
        let inventory: TokenInventory
        if source != nil, needsLogin {
            let plan = try PINPlan(
                capabilities, for: [.read], allowingLastTry: tokenOptions.allowsLastTry)
            inventory = try withPINs(plan, tokenOptions, uri) { pins in
                try TokenLogin(capabilities, pins).performing(.read, at: .plan) {
                    () throws(IssuanceError) in Result { try read(capabilities, uri) }
                }.get()
            }
        } else {
            inventory = try read(capabilities, uri)
        }
        let sawAll = !needsLogin || source != nil
        let report = ListReport(
            token: try TokenReport(token), sawPrivateObjects: sawAll, inventory: inventory,
            now: now())
        if output.isJSON {
            try report.printJSON()
        } else {
            report.printTable(try output.style())
        }
    }

    private func read(
        _ capabilities: TokenCapabilities, _ uri: PKCS11URI?
    ) throws -> TokenInventory {
        var session = try capabilities.token.openSession(ReadOnly.self)
        return try TokenInventory(&session, matching: uri, profile: capabilities.profile)
    }
}

/// What `list` shows. There may be many objects, so they are turned into text one by one.
struct ListReport {
    let token: TokenReport
    /// Whether private objects were looked at.
    let sawPrivateObjects: Bool
    let inventory: TokenInventory
    let now: Int64

    /// A key, in the form of its JSON.
    struct Key: Encodable {
        let kind: String
        let label: String
        let id: String
        let privateKey: String?
        let publicKey: String?
        let certificates: [CertificateLine]
        let mismatchedCertificates: [CertificateLine]
    }

    /// A certificate, in the form of its JSON.
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
    }

    /// Prints one JSON object, each key and each certificate on a line of its own.
    func printJSON() throws {
        print("{\"token\":" + (try jsonLine(token)) + ",")
        print("\"sawPrivateObjects\":\(sawPrivateObjects),")
        print("\"otherObjects\":\(inventory.otherObjects),")
        print("\"keys\":[")
        for (index, key) in inventory.keys.enumerated() {
            let comma = index + 1 < inventory.keys.count ? "," : ""
            print(try jsonLine(Key(key, now)) + comma)
        }
        print("],\"certificates\":[")
        for (index, entry) in inventory.certificates.enumerated() {
            let comma = index + 1 < inventory.certificates.count ? "," : ""
            print(try jsonLine(CertificateLine(entry, now)) + comma)
        }
        print("]}")
    }

    func printTable(_ style: Style) {
        print("token “\(printable(token.label))”  " + style.faint(token.uri))
        print("")
        if inventory.keys.isEmpty, inventory.certificates.isEmpty {
            print("no keys and no certificates are seen")
        } else {
            table().print(style)
        }
        if inventory.otherObjects > 0 {
            print("\nand \(inventory.otherObjects) other object(s)")
        }
        if !sawPrivateObjects {
            print("\nPrivate keys are seen only after a login: --pin-source prompt")
        }
    }

    private func table() -> Table {
        var table = Table(["KEY", "LABEL", "ID", "CERTIFICATE", "ISSUER", "DAYS LEFT"])
        for key in inventory.keys {
            let uris = [key.privateKey?.uri, key.publicKey?.uri].compactMap { $0 }
            let kind = Self.name(key.kind)
            let head = [
                key.privateKey == nil ? "\(kind) public" : kind, key.label, hexadecimal(key.id),
            ]
            if key.certificates.isEmpty {
                table.add(head + ["none", "", ""], below: uris)
            }
            for (index, entry) in key.certificates.enumerated() {
                table.add(
                    head + cells(entry), below: (index == 0 ? uris : []) + [entry.record.uri])
            }
            for entry in key.mismatchedCertificates {
                table.add(row("same id, other key", entry), below: [entry.record.uri])
            }
        }
        for entry in inventory.certificates {
            table.add(row("no key seen", entry), below: [entry.record.uri])
        }
        return table
    }

    private func row(_ head: String, _ entry: CertificateEntry) -> [String] {
        [head, entry.record.label, hexadecimal(entry.record.id)] + cells(entry)
    }

    private func cells(_ entry: CertificateEntry) -> [String] {
        guard let content = entry.content else { return ["unreadable", "", ""] }
        let daysLeft = content.daysLeft(at: now)
        return [
            content.subjectName, content.issuerName, daysLeft < 0 ? "expired" : "\(daysLeft)",
        ]
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
    init(_ key: KeyEntry, _ now: Int64) {
        kind = ListReport.name(key.kind)
        label = key.label
        id = hexadecimal(key.id)
        privateKey = key.privateKey?.uri
        publicKey = key.publicKey?.uri
        certificates = key.certificates.map { .init($0, now) }
        mismatchedCertificates = key.mismatchedCertificates.map { .init($0, now) }
    }
}

extension ListReport.CertificateLine {
    init(_ entry: CertificateEntry, _ now: Int64) {
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
    }
}
