internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Report problems with keys and certificates.",
        discussion: """
            Reports certificates that expire, keys without a certificate, certificates without a \
            key, duplicate ids, keys that can be extracted or were imported, weak keys, weak \
            signatures, unknown issuers and certificates that "tokencert revoke" has revoked. \
            Private keys are visible only after a login (--pin-source). For monitoring, the exit \
            status is 79 if there is a warning or a problem; notices do not count.

            Without --token, all tokens that are present are checked. A PIN that you do not type is \
            sent only if there is one token.

            For example:

              tokencert health --pin-source prompt --online
              tokencert health --days 14 --quiet
            """)

    @Argument(help: .objectNames, completion: .live(.objects))
    var name: String?

    @Option(
        help: ArgumentHelp(
            "Warn if a certificate expires within this number of days; default 30.",
            valueName: "days"))
    var days: String?

    @Flag(help: "Ask the CAs whether certificates are revoked (OCSP, revocation lists).")
    var online = false

    @Option(
        help: ArgumentHelp(
            "Trust anchors in PEM or DER; default: the files in the folder anchors of tokencert's "
                + "data.",
            valueName: "file"), completion: .file())
    var caFile: String?

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let name = try name.map { try ObjectName(orToken: $0) }
        let days = try daysOfWarning(days)
        let file = setting(caFile, .caFile)
        // If anchors exist but cannot be read, fail instead of skipping the check of issuers.
        let anchors =
            try file == nil && trustStore.files().isEmpty
            ? nil : trustStore.anchors(file: file)
        let tokens = try PresentTokens(tokenOptions, name, for: .check)
        let revocation = try setting(online, .online) ? RevocationCheck(anchors) : nil
        var health = Health(now: now(), days: days, anchors: anchors, sawPrivateObjects: false)
        let states = ledgerOptions.objectStates()
        health.revocations = states.revocations
        var hasSeenAll = true
        let outcome = try tokens.forEach(output) { token in
            var content = try read(
                token, tokenOptions, name?.uri, readingAll: true,
                keepingCertificates: { _ in true }, loggingIn: tokens.logsIn)
            health.replacements = ledgerOptions.complete(&content.inventory)
            let found = try findings(on: content, name, health, revocation)
            try show(found, content, states, among: tokens, checkedIssuers: anchors != nil)
            if !content.sawPrivateObjects { hasSeenAll = false }
            if found.contains(where: { $0.severity > .notice }) { throw Findings() }
        }
        if !output.isJSON {
            // After an empty line, as between tokens: the hints are about all of them.
            if tokens.areSeveral, !hasSeenAll || anchors == nil { print("") }
            if !hasSeenAll { print("To see private keys, log in: --pin-source prompt") }
            if anchors == nil {
                print("To check issuers, get the trust anchors: tokencert trust fetch")
            }
        }
        try outcome.requireSuccess()
    }

    /// The findings on a token, or only those about the objects that have the name.
    private func findings(
        on read: ReadToken, _ name: ObjectName?, _ health: Health, _ revocation: RevocationCheck?
    ) throws -> [Finding] {
        var health = health
        health.sawPrivateObjects = read.sawPrivateObjects
        let tokenHealth = health.of(read.inventory)
        var findings = tokenHealth.findings
        var entries = read.inventory.entries
        if let name, name.uri?.namesObject ?? true {
            let target = try name.target(in: read.inventory, on: read.token)
            let named = read.inventory.named(target)
            let ofKeys = named.keys.flatMap { $0.certificates + $0.mismatchedCertificates }
            var seen: Set<ObjectHandle> = []
            entries = (named.certificates + ofKeys).filter {
                seen.insert($0.record.handle).inserted
            }
            let uris = Set(named.keys.map(\.uri) + entries.map(\.record.uri))
            guard !uris.isEmpty else {
                throw noSuchObject("key or certificate", target, on: read.inventory)
            }
            findings.removeAll { finding in
                // Certificates of one key usually have the same URI.
                guard let serialNumber = finding.serialNumber else {
                    return !uris.contains(finding.uri)
                }
                return !entries.contains {
                    $0.record.uri == finding.uri && $0.content?.serialNumber == serialNumber
                }
            }
        }
        guard let revocation else { return findings }
        let online = revocation.findings(entries, among: read.inventory, tokenHealth)
        // The CA's answer says more than the ledger.
        findings.removeAll { known in
            known.kind == .revoked
                && online.contains {
                    $0.kind == .revoked && $0.uri == known.uri
                        && $0.serialNumber == known.serialNumber
                }
        }
        return findings + online
    }

    private func show(
        _ findings: [Finding], _ read: ReadToken, _ states: LedgerOptions.ObjectStates,
        among tokens: PresentTokens, checkedIssuers: Bool
    ) throws {
        let orders = Self.ordersByURI(states.unfinishedOrders, read.inventory)
        let certified = try ledgerOptions.certifiedOrders(read.inventory, on: read.token)
        let selection = tokens.selection(of: read.capabilities)
        // Among several tokens, a command must select one even if it names no object.
        let option = tokens.areSeveral ? selection : ""
        if output.isJSON {
            let entries = Dictionary(grouping: read.inventory.entries) { $0.record.uri }
            let report = Report(
                token: try TokenReport(read.token),
                sawPrivateObjects: read.sawPrivateObjects, checkedIssuers: checkedIssuers,
                checkedRevocations: states.hasRevocations,
                isFine: !findings.contains { $0.severity > .notice },
                findings: findings.map { finding in
                    let entry = entries[finding.uri]?.first {
                        finding.serialNumber == nil
                            || $0.content?.serialNumber == finding.serialNumber
                    }
                    return Report.Line(
                        finding, entry,
                        advice: finding.advice(
                            on: read.token, order: orders[finding.uri],
                            certified: certified[finding.uri], selection: option))
                })
            if tokens.areSeveral { return print(try jsonText(report)) }
            return try printJSON(report)
        }
        if tokens.areSeveral { print(tokens.title(of: read.capabilities)) }
        let style = try output.style()
        if findings.isEmpty {
            print(style.good("No problems") + " found on the token.")
        }
        let titles = TitlesByURI(read.inventory, selection: selection)
        for finding in findings.sorted(by: { $0.severity > $1.severity }) {
            let head =
                switch finding.severity {
                case .problem: style.bad("problem")
                case .warning: style.warning("warning")
                case .notice: "notice "
                }
            print("\(head)  \(printable(finding.text))")
            let title = titles.title(finding.uri, serialNumber: finding.serialNumber)
            printFolded(["         " + printable(title ?? objectTitle(ofURI: finding.uri))], at: 9)
            let advice = finding.advice(
                on: read.token, titles, order: orders[finding.uri],
                certified: certified[finding.uri], selection: option)
            printMessage(advice, after: "         ")
        }
    }

    /// The numbers of unfinished orders by the URIs of their keys and of the keys' certificates, from those
    /// by the SHA-256 hash of the public key.
    private static func ordersByURI(
        _ orders: [String: Int64], _ inventory: TokenInventory
    ) -> [String: Int64] {
        var found: [String: Int64] = [:]
        for key in inventory.keys {
            guard let value = key.value, let order = orders[hexadecimal(value.sha256Fingerprint)]
            else { continue }
            for record in key.halves + key.certificates.map(\.record) { found[record.uri] = order }
        }
        return found
    }

    private struct Report: Encodable {
        struct Line: Encodable {
            let kind: Finding.Kind
            let severity: Finding.Severity
            let uri: String
            let certificate: CertificateReport?
            let message: String
            let advice: String

            /// `entry` is the certificate that the finding is about, or nil.
            init(_ finding: Finding, _ entry: CertificateEntry?, advice: String) {
                kind = finding.kind
                severity = finding.severity
                uri = finding.uri
                certificate = entry.map { CertificateReport($0, now()) }
                message = finding.text
                self.advice = advice
            }
        }

        let token: TokenReport
        let sawPrivateObjects: Bool
        /// Whether there are trust anchors, so that the issuers were checked.
        let checkedIssuers: Bool
        /// Whether the ledger was searched for revocations; true if there is none.
        let checkedRevocations: Bool
        let isFine: Bool
        let findings: [Line]
    }
}

/// Asks CAs about the certificates on one token after the other, over the same connections and with
/// the same kept revocation lists.
final class RevocationCheck {
    private let revocation: Revocation
    private var client: RevocationClient

    /// Creates a check without sending anything.
    init(_ anchors: TrustAnchors?) throws {
        let cache = RevocationListCache(folder: revocationListFolder)
        revocation = Revocation(anchors: anchors, cache: cache, now: now()) { reason in
            if !Progress.shared.isQuiet { printError("note: \(printable(reason))") }
        }
        client = try RevocationClient()
    }

    /// The findings about the revocation of certificates on a token. Issuers are also searched for in the
    /// inventory, which is that of the whole token.
    func findings(
        _ entries: [CertificateEntry], among inventory: TokenInventory, _ health: TokenHealth
    ) -> [Finding] {
        revocation.findings(
            entries, among: inventory, through: &client,
            serialNumber: health.distinctiveSerialNumber)
    }
}

/// The number of days before its end at which a certificate counts as expiring.
func daysOfWarning(_ option: String? = nil) throws -> Int {
    guard let text = setting(option, .days) else { return 30 }
    guard let days = Int(text), (0...36500).contains(days) else {
        throw Failure(.usage, "--days requires a number of days", hints: ["for example: --days 30"])
    }
    return days
}

extension Finding {
    /// What the user can do about the finding. `order` is an unfinished order for the key, and `certified`
    /// one with a valid certificate: a second order might have to be paid for. `selection` has the options
    /// that commands without a name need, after a space.
    func advice(
        on token: Token, _ titles: TitlesByURI = TitlesByURI(), order: Int64? = nil,
        certified: Int64? = nil, selection: String = ""
    ) -> String {
        if let order, [.expiring, .expired, .keyWithoutCertificate, .weakSignature].contains(kind) {
            return "to finish its order: tokencert resume \(order)"
        }
        let name = titles.argument(uri, serialNumber: serialNumber)
        return switch kind {
        case .expiring where isKeyMissing, .expired where isKeyMissing:
            "it cannot be renewed, since its private key was not found on the token; if it is yours, "
                + "get a new key and certificate: tokencert issue\(selection)"
        case .expiring where isUntrusted, .expired where isUntrusted:
            "get a new certificate for its key from its issuer, then: tokencert import --cert FILE"
        case .expiring, .expired: "to renew it: tokencert renew \(name)"
        case .notYetValid: "wait, or check this machine's clock: tokencert doctor"
        case .unreadable: readingAdvice(uri, on: token)
        case .unsupported: "tokencert does not use it; another program may"
        case .keyWithoutCertificate where certified != nil:
            "order \(certified ?? 0) produced a valid certificate for it; to write it from a file: "
                + "tokencert import --cert FILE"
        case .keyWithoutCertificate: "to get one: tokencert issue --key \(name)"
        case .certificateWithoutKey: "its key may be on another token"
        case .mismatch where !isKeyMissing:
            "programs that select by CKA_ID use the wrong key; to change the id: pkcs11-tool "
                + "--set-id"
        case .mismatch:
            "programs that select by CKA_ID use the wrong key; its key may be on another token"
        case .duplicateID:
            "programs that select by id confuse the two; replace one of them: "
                + "tokencert issue\(selection)"
        case .exportable, .imported, .shortKey, .roca:
            "make a new key: tokencert issue\(selection); have the old certificate revoked"
        case .weakSignature where isKeyMissing:
            "programs may reject it; replace it with the CA's current certificate"
        case .weakSignature: "to renew it: tokencert renew \(name)"
        case .smallExponent: "make a new key soon: tokencert issue\(selection)"
        case .unknownIssuer where isChainRejected:
            "other programs may reject it, too; get a new certificate from its CA"
        case .unknownIssuer: "to trust the issuer: tokencert trust add FILE"
        case .revoked where isKeyMissing || isUntrusted:
            "make a new key: tokencert issue\(selection)"
        case .revoked:
            "to get a certificate for a new key: tokencert renew \(name) --new-key"
        case .replaced:
            isDisposable
                ? "keep it while old mail needs it, then: tokencert delete \(name) --cert"
                : "keep it while old mail needs it"
        case .revocationUnknown: "try again later"
        case .revocationUnchecked: "check the CA's revocation list or web site"
        }
    }
}
