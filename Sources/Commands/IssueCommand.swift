internal import ArgumentParser
internal import CAcert
internal import Cryptoki
internal import Issuance
internal import OpenSSLX509

struct IssueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue",
        abstract: "Make a key on a token and have the CA issue a certificate for it.",
        discussion: """
            Name and addresses that are left out are taken from the account where there is one \
            choice. The order is sent once; what comes back is checked before it is written, and \
            the token has to prove that it holds the key.
            """)

    @OptionGroup var options: RequestOptions
    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var ca: CAOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Write the certificate although the CA changed what was asked for.")
    var acceptChanges = false

    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false

    func run() throws {
        try prepareProcess(output)
        var request = try options.request()
        request.acceptsChanges = setting(acceptChanges, "ACCEPT_CHANGES")
        let isDryRun = setting(dryRun, "DRY_RUN")
        try requireWritable(options.outputFile)
        let anchors = try TrustStore.anchors(file: setting(ca.caFile, "CA_FILE"))
        let token = try findToken(tokenOptions, request.keyURI)
        let pinSource = try tokenOptions.source(request.keyURI)
        let settings = IssuanceSettings(
            anchors: anchors, acceptance: try ca.acceptance(),
            allowsLastTry: tokenOptions.allowsLastTry, clock: now,
            keepAnswer: try answerKeeper(isDryRun), progress: tellProgress, keyReady: tellKey)
        var issuer = Issuer(
            token: token, api: try openAPI(ca, anchorsPEM: anchors.pem), settings: settings)
        let plan = try issuer.plan(request)
        if isDryRun {
            try show(plan)
            return
        }
        let pin = try readPIN(token, pinSource)
        let issued = try issuer.issue(plan, pin: pin)
        if issued.answer.file == nil {
            printError("warning: what the CA answered could not be kept in \(stateFolder)")
        }
        try show(issued)
        if let file = options.outputFile {
            try writeFile(
                issued.certificate.pem, file,
                hints: ["the certificate is on the token: do not order it again"])
        }
    }

    private func answerKeeper(
        _ isDryRun: Bool
    ) throws -> @Sendable ([UInt8], TokenKey) throws -> String {
        if isDryRun { return { _, _ in "" } }
        let answers = try KeptAnswers()
        return { answer, key in
            let time = timestamp(now()).filter { $0 != ":" }
            return try answers.keep(answer, name: "\(time)-\(hexadecimal(key.id))")
        }
    }

    private func show(_ plan: Plan) throws {
        let lines = PlanLines(
            token: plan.tokenURI.description, key: plan.key, name: plan.name.text,
            emailAddresses: plan.emailAddresses, codeSigning: plan.codeSigning,
            ca: try ca.baseURL())
        if output.isJSON {
            try printJSON(lines)
        } else {
            for line in lines.lines { print(line) }
        }
    }

    private func show(_ issued: IssuedCertificate) throws {
        let report = IssueReport(issued)
        if output.isJSON {
            try printJSON(report)
        } else {
            for line in report.lines { print(line) }
        }
    }
}

/// What `issue` did, in the form of its JSON.
private struct IssueReport: Encodable {
    struct Change: Encodable {
        let subject: String
        let asked: String
        let got: String
    }

    let subject: String
    let issuer: String
    let serialNumber: String
    let notBefore: String
    let notAfter: String
    let sha256Fingerprint: String
    let id: String
    let label: String
    let keyKind: String
    let isNewKey: Bool
    let key: String
    let certificate: String
    let changes: [Change]
    let pem: String

    init(_ issued: IssuedCertificate) {
        subject = issued.certificate.subject.text
        issuer = issued.certificate.issuer.text
        serialNumber = issued.certificate.serialNumber
        notBefore = timestamp(issued.certificate.notBefore)
        notAfter = timestamp(issued.certificate.notAfter)
        sha256Fingerprint = hexadecimal(issued.certificate.sha256Fingerprint)
        id = hexadecimal(issued.key.id)
        label = issued.key.label
        keyKind = issued.key.publicKey.kind.description
        isNewKey = issued.key.isNew
        key = issued.key.uri
        certificate = issued.uri
        changes = issued.differences.map {
            Change(subject: $0.subject, asked: $0.asked, got: $0.got)
        }
        pem = issued.certificate.pem
    }

    var lines: [String] {
        [
            "The certificate is on the token, and the token has proved that it holds its key.",
            "  subject      \(printable(subject))",
            "  issuer       \(printable(issuer))",
            "  serial       \(serialNumber)",
            "  valid        \(notBefore) to \(notAfter)",
            "  key          \(keyKind), id \(id)",
            "  private key  \(key)",
            "  certificate  \(certificate)",
        ]
            + changes.map {
                printable("  changed      \($0.subject): asked “\($0.asked)”, got “\($0.got)”")
            }
    }
}

/// What would be done, in the form of its JSON.
struct PlanLines: Encodable {
    let token: String
    let keyKind: String?
    let id: String?
    let label: String?
    let key: String?
    let name: String?
    let emailAddresses: [String]?
    let codeSigning: Bool?
    let ca: String?

    init(
        token: String, key: KeyPlan, name: String? = nil, emailAddresses: [String]? = nil,
        codeSigning: Bool? = nil, ca: String? = nil
    ) {
        self.token = token
        switch key {
        case .generate(let kind, let id, let label):
            keyKind = kind.description
            self.id = hexadecimal(id)
            self.label = label
            self.key = nil
        case .existing(let uri):
            (keyKind, id, label) = (nil, nil, nil)
            self.key = uri.description
        }
        self.name = name
        self.emailAddresses = emailAddresses
        self.codeSigning = codeSigning
        self.ca = ca
    }

    var lines: [String] {
        var lines = ["This would be done; nothing was changed and no PIN was sent."]
        lines.append("  token         \(printable(token))")
        if let keyKind, let id, let label {
            lines.append("  new key       \(keyKind), id \(id), label “\(printable(label))”")
        }
        if let key { lines.append("  key           \(printable(key))") }
        if let ca { lines.append("  CA            \(ca)") }
        if let name { lines.append("  name          \(printable(name))") }
        for address in emailAddresses ?? [] {
            lines.append("  address       \(printable(address))")
        }
        if let codeSigning { lines.append("  code signing  \(codeSigning ? "yes" : "no")") }
        return lines
    }
}
