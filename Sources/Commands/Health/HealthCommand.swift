internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertTokens

struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Tell what is wrong with keys and certificates.",
        discussion: """
            Looks for certificates that expire, keys without a certificate and the other way round, \
            ids that are used twice, keys that may leave the token or were not made on it, weak \
            keys, and issuers that are not known. Without a login private keys are not seen: \
            --pin-source. The status is 79 where something has to be done, so that monitoring can \
            ask; what is only worth to know does not count.

            For example:

              tokencert health --pin-source prompt --online
              tokencert health --days 14 --quiet
            """)

    @Argument(
        help: .objectNames, completion: LiveCompletion.objects)
    var name: String?

    @Option(
        help: ArgumentHelp(
            "From how many days left on a certificate expires soon; default 30.",
            valueName: "days"))
    var days: String?

    @Flag(help: "Ask the CAs whether they have revoked their certificates (OCSP).")
    var online = false

    @Option(
        help: ArgumentHelp(
            "Trust anchors, PEM or DER; else the files in the folder anchors of tokencert's data.",
            valueName: "file"), completion: .file())
    var caFile: String?

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let name = try name.map { try ObjectName(orToken: $0) }
        let days = try daysOfWarning(days)
        let file = setting(caFile, .caFile)
        // Anchors that cannot be read are no reason to trust every CA.
        let anchors =
            try file == nil && trustStore.files().isEmpty
            ? nil : trustStore.anchors(file: file)
        let read = try readToken(
            tokenOptions, name?.uri, readingAll: true, keepingCertificates: { _ in true })
        let health = Health(
            now: now(), days: days, anchors: anchors, sawPrivateObjects: read.sawPrivateObjects)
        let tokenHealth = health.of(read.inventory)
        var findings = tokenHealth.findings
        var entries = read.inventory.entries
        if let name, name.uri?.namesObject ?? true {
            let target = try name.target(in: read.inventory, on: read.token)
            let named = read.inventory.named(target)
            entries =
                named.certificates
                + named.keys.flatMap { $0.certificates + $0.mismatchedCertificates }
            let uris = Set(named.keys.map(\.uri) + entries.map(\.record.uri))
            guard !uris.isEmpty else {
                throw noSuchObject("key or certificate", target, on: read.inventory)
            }
            findings.removeAll { !uris.contains($0.uri) }
        }
        if setting(online, .online) {
            let revocation = Revocation(anchors: anchors, now: now()) { reason in
                if !Progress.shared.isQuiet { printError("note: \(printable(reason))") }
            }
            var client = try OCSPClient()
            findings += revocation.findings(
                entries, among: read.inventory, through: &client,
                serialNumber: tokenHealth.distinctiveSerialNumber)
        }
        try show(findings, read, checkedIssuers: anchors != nil)
        if findings.contains(where: { $0.severity > .notice }) { throw Findings() }
    }

    private func show(
        _ findings: [Finding], _ read: ReadToken, checkedIssuers: Bool
    ) throws {
        if output.isJSON {
            try printJSON(
                Report(
                    token: try TokenReport(read.token),
                    sawPrivateObjects: read.sawPrivateObjects, checkedIssuers: checkedIssuers,
                    isFine: !findings.contains { $0.severity > .notice },
                    findings: findings.map { .init($0, on: read.token) }))
            return
        }
        let style = try output.style()
        if findings.isEmpty {
            print(style.good("Nothing is wrong") + " with what is seen on the token.")
        }
        for finding in findings.sorted(by: { $0.severity > $1.severity }) {
            let head =
                switch finding.severity {
                case .problem: style.bad("problem")
                case .warning: style.warning("warning")
                case .notice: "notice "
                }
            print("\(head)  \(printable(finding.text))")
            print("         " + style.faint(printable(finding.name)))
            print("         \(printable(finding.advice(on: read.token)))")
        }
        if !read.sawPrivateObjects {
            print("Private keys are seen only after a login: --pin-source prompt")
        }
        if !checkedIssuers {
            print("Without trust anchors nobody knows the issuers: tokencert trust fetch")
        }
    }

    private struct Report: Encodable {
        struct Line: Encodable {
            let kind: Finding.Kind
            let severity: Finding.Severity
            let uri: String
            let serialNumber: String?
            let message: String
            let advice: String

            init(_ finding: Finding, on token: Token) {
                kind = finding.kind
                severity = finding.severity
                uri = finding.uri
                serialNumber = finding.serialNumber
                message = finding.text
                advice = finding.advice(on: token)
            }
        }

        let token: TokenReport
        let sawPrivateObjects: Bool
        /// Whether there are anchors, so that it was looked where certificates lead to.
        let checkedIssuers: Bool
        let isFine: Bool
        let findings: [Line]
    }
}

/// From how many days left on a certificate is said to expire soon.
func daysOfWarning(_ option: String? = nil) throws -> Int {
    guard let text = setting(option, .days) else { return 30 }
    guard let days = Int(text), (0...36500).contains(days) else {
        throw Failure(.usage, "--days takes a number of days", hints: ["--days 30"])
    }
    return days
}

extension Finding {
    /// What to do about it.
    func advice(on token: Token) -> String {
        switch kind {
        case .expiring where isKeyMissing, .expired where isKeyMissing:
            "renew finds no private key for it on the token; if it is yours, "
                + "for a new key with a certificate: tokencert issue"
        case .expiring, .expired: "tokencert renew \(name)"
        case .notYetValid: "wait; or the clock of this machine is wrong: tokencert doctor"
        case .unreadable: readingAdvice(uri, on: token)
        case .unsupported: "tokencert leaves it alone; another program may use it"
        case .keyWithoutCertificate: "tokencert issue --key \(quoted(uri)) gets one"
        case .certificateWithoutKey: "its key may be on another token"
        case .mismatch:
            "programs that select by CKA_ID take the wrong key; its own may be on another token"
        case .duplicateID: "programs that go by the id take one for the other; renew one of them"
        case .exportable, .imported, .shortKey, .roca:
            "make a new key: tokencert issue; have the old certificate revoked"
        case .smallExponent: "make a new key before long: tokencert issue"
        case .unknownIssuer: "where the issuer is to be trusted: tokencert trust add FILE"
        case .revoked: "make a new key: tokencert issue"
        case .replaced:
            "programs may need it to read old messages"
                + (isDisposable ? "; if none does: tokencert delete \(name)" : "")
        case .revocationUnknown: "try again later"
        case .revocationUnchecked: "the CA's revocation list, or its web site, may tell"
        }
    }

    /// As a command takes it.
    fileprivate var name: String {
        quoted(uri) + (serialNumber.map { " --serial \($0)" } ?? "")
    }
}
