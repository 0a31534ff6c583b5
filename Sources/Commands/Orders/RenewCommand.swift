internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

struct RenewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Get a new certificate for a key that has one.",
        discussion: """
            The new certificate has the name, addresses and code signing flag of the old one. \
            Unless you use --retire, the old one stays on tokens that can hold both. It stays in \
            the ledger. --expiring and --all renew every certificate, expired or not, that chains \
            to a trust anchor, unless a newer one on the token covers at least the same. Without \
            --token, they process all tokens that are present, and ask for the PIN of each that \
            has such a certificate; a PIN from another source belongs to one token, so it requires \
            --token. If a certificate should be renewed but cannot be, or a key has lost the \
            certificate of an order, the reason is reported and the exit status is 79. A \
            certificate whose key was never on this token is reported, too, but does not change \
            the exit status. After the CA refuses an order, --expiring and --all place no order \
            for that key for a week; to order earlier, name the key.

            With --copy-to, nothing is renewed: a certificate with the same content is ordered for a \
            new key on another token, whose PIN is asked for or comes from --pin-source. From then \
            on, the two are renewed together if both tokens are present.

            For example:

              tokencert renew mail --retire
              tokencert renew --expiring 30d --dry-run
              tokencert renew mail --copy-to backup
            """)

    @Argument(help: .objectName, completion: .live(.objects))
    var name: String?

    @OptionGroup var serialOption: SerialOption

    @Option(
        help: ArgumentHelp(
            "Renew certificates that expire within this many days, such as 30d.",
            valueName: "days"))
    var expiring: String?

    @Flag(help: "Renew every certificate.")
    var all = false

    @Flag(
        help: """
            Generate a new key, at least as strong as the old one; the old one stays on the token.
            """)
    var newKey = false

    @Option(
        help: ArgumentHelp(
            "Generate a new key of this kind, such as rsa:4096, even if it is weaker.",
            valueName: "kind"), completion: .list(KeyKind.generated.map(\.name)))
    var keyType: String?

    @Option(
        help: ArgumentHelp(
            "Order the same certificate for a new key on this token instead: its label, serial "
                + "number or URI.",
            valueName: "token"), completion: .live(.tokens))
    var copyTo: String?

    @Flag(help: "Remove the old certificate after the token has proved the key of the new one.")
    var retire = false

    @Flag(help: "Do nothing and succeed if the token is not present.")
    var ifPresent = false

    @Flag(help: "Write the certificate even if the CA changed what you asked for.")
    var acceptChanges = false

    @Flag(help: "Show what would be done, without doing it.")
    var dryRun = false

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "CA") var ca: CAOptions
    @OptionGroup(title: "CA") var fetchOptions: FetchOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func validate() throws {
        if [name != nil, expiring != nil, all].filter({ $0 }).count != 1 {
            throw ValidationError("specify exactly one of a name, --expiring and --all")
        }
        if serialOption.serial != nil, name == nil {
            throw ValidationError("--serial requires the name of a key or a certificate")
        }
        if copyTo != nil, name == nil {
            throw ValidationError("--copy-to requires the name of a key or a certificate")
        }
        if copyTo != nil, retire || newKey || ifPresent {
            throw ValidationError(
                "--copy-to cannot be combined with --retire, --new-key or --if-present")
        }
    }

    func run() throws {
        try prepareProcess(output)
        let named = try name.map { try ObjectName($0) }
        let days = try expiring.map(Self.days)
        let wishes = try RenewalWishes(self)
        let anchors = try trustStore.anchors(file: setting(ca.caFile, .caFile))
        try prepareAuthority(ca)
        let isDryRun = setting(dryRun, .dryRun)
        if let copyTo, let named {
            let copy = CertificateCopy(command: self, wishes: wishes, anchors: anchors)
            return try copy.run(named, to: copyTo)
        }
        var report = RenewalReport(isBatch: name == nil, isDryRun: isDryRun)
        guard let present = try presentTokens(named) else { return try report.print(output) }
        let only = present.areSeveral ? nil : present.tokens[0].token
        try useSources(tokenOptions, named?.uri, of: only, ca)
        let renewals = present.tokens.map { token in
            TokenRenewal(
                command: self, wishes: wishes, anchors: anchors, token: token,
                selection: named.map { .named($0) } ?? .due(days: days),
                place: .init(
                    selection: present.selection(of: token), name: token.token.info.label,
                    isOneOfSeveral: present.areSeveral))
        }
        let job = try isDryRun ? checking(anchors) : renewing(anchors)
        let copies = CopiedCertificates(try ledgerOptions.ordersIfCopied())
        var waiting: [CopiedCertificate] = []
        var failed: [String] = []
        for renewal in try present.areSeveral ? concerned(renewals, copies) : renewals {
            let token = try PKCS11URI(token: renewal.token.token).description
            do {
                let tally = try job.run(renewal)
                report.add(tally)
                waiting += tally.done.flatMap { copies.copies(of: $0, on: token) }
            } catch {
                guard present.areSeveral, !isInterruption(error) else { throw error }
                report.add(error, ofToken: renewal.place.name)
                failed.append(token)
            }
        }
        // A refused PIN is not asked for again.
        waiting.removeAll { copy in failed.contains { isSameToken($0, copy.token) } }
        if let unseen = present.unseen { report.add(unseen, ofToken: nil) }
        for group in grouped(waiting, besides: report) {
            try renew(group, wishes, anchors, job, &report)
        }
        try report.print(output)
        try printNext(after: report, on: renewals)
    }

    // MARK: Tokens

    private func presentTokens(_ named: ObjectName?) throws -> PresentTokens? {
        do {
            return try PresentTokens(tokenOptions, named, for: .renew)
        } catch let failure as Failure
            where failure.isTokenAbsent && setting(ifPresent, .ifPresent)
        {
            printError("note: \(printable(failure.message))")
            return nil
        }
    }

    /// The renewals on the tokens that may have something to renew, as far as can be seen without a login.
    /// The PIN of no other token is asked for.
    private func concerned(
        _ renewals: [TokenRenewal], _ copies: CopiedCertificates
    ) throws -> [TokenRenewal] {
        let expiring = try TokenRenewal.expiring(renewals[0].selection, ledgerOptions)
        var renewals = renewals
        var together: [CopiedCertificate] = []
        for (index, renewal) in renewals.enumerated() {
            // The failure of a token is reported in its turn.
            guard let seen = try? renewal.find(seeingPrivateKeys: false) else { continue }
            let token = try PKCS11URI(token: renewal.token.token).description
            together += seen.candidates.flatMap { copies.copies(of: $0.certificate, on: token) }
            if seen.candidates.isEmpty, seen.notChecked.isEmpty,
                !expiring.contains(where: { $0.order.isFor(token) })
            {
                renewals[index].seen = seen
            }
        }
        for (index, renewal) in renewals.enumerated() {
            let token = try PKCS11URI(token: renewal.token.token).description
            let own = together.filter { mayBeSameToken($0.token, token) }.map(\.certificate)
            guard !own.isEmpty else { continue }
            renewals[index].copies = Set(own)
            renewals[index].seen = nil
        }
        return renewals
    }

    // MARK: Jobs

    private func renewing(_ anchors: TrustAnchors) throws -> RenewalJob {
        let account = try openAuthority(
            ca, anchorsPEM: anchors.pem, waitingTime: fetchOptions.agreedWaitingTime(ca))
        let ledger = try ledgerOptions.openForWriting()
        return .renew(Runner(try issuanceSettings(anchors, ca, tokenOptions), account), ledger)
    }

    /// A dry run; the account is asked only if `--password-source` is given.
    private func checking(_ anchors: TrustAnchors) throws -> RenewalJob {
        try ledgerOptions.requireWritable()
        _ = try fetchOptions.agreedWaitingTime(ca, isDryRun: true)
        guard try ca.command() != nil || setting(ca.passwordSource, .passwordSource) != nil else {
            return .check(nil)
        }
        let account = try openAuthority(ca, anchorsPEM: anchors.pem)
        return .check(Runner(try issuanceSettings(anchors, ca, tokenOptions), account))
    }

    // MARK: Copies

    /// The copies that were not tried yet, by their tokens.
    private func grouped(
        _ copies: [CopiedCertificate], besides report: RenewalReport
    ) -> [[CopiedCertificate]] {
        let tried = Set(report.tallies.flatMap(\.candidates).map(\.certificate))
        var groups: [[CopiedCertificate]] = []
        for copy in copies where !tried.contains(copy.certificate) {
            let place = groups.firstIndex { isSameToken($0[0].token, copy.token) }
            if let place {
                if !groups[place].contains(where: { $0.certificate == copy.certificate }) {
                    groups[place].append(copy)
                }
            } else {
                groups.append([copy])
            }
        }
        return groups
    }

    /// Renews the copies on one token, if it is present and its PIN can be asked for.
    private func renew(
        _ copies: [CopiedCertificate], _ wishes: RenewalWishes, _ anchors: TrustAnchors,
        _ job: RenewalJob, _ report: inout RenewalReport
    ) throws {
        let name = NamedToken(uri: copies[0].token)
        let selection = name.option(among: nil)
        var advice: (CopiedCertificate) -> PassedOver.Advice? = {
            .renewWhenPresent(serialNumber: $0.certificate.serialNumber, selection: selection)
        }
        let reason: String
        switch Result(catching: { try renewal(of: copies, wishes, anchors) }) {
        case .success(let renewal?):
            guard renewal.hasCopies else {
                reason = "its certificate is not on the token"
                advice = { _ in nil }
                break
            }
            do {
                report.add(try job.run(renewal))
            } catch {
                guard !isInterruption(error) else { throw error }
                report.add(error, ofToken: renewal.place.name)
            }
            return
        case .success(nil):
            advice = {
                .renewTypingPIN(serialNumber: $0.certificate.serialNumber, selection: selection)
            }
            reason = "the source of the PIN is for one token only"
        case .failure(let error):
            let failure = Failure(error)
            reason = failure.isTokenAbsent ? "the token is not present" : failure.message
        }
        for copy in copies {
            let label = copy.order.map { text(ofLabel: $0.beginning.keyLabelBytes) } ?? ""
            let what = label.isEmpty ? copy.certificate.subject.text : label
            report.add(
                PassedOver(
                    copy, reason, title: "\(what) on token \(name.title)", advice: advice(copy)))
        }
    }

    /// The renewal of copies on one token; nil if it needs a PIN whose source is for a single token.
    private func renewal(
        of copies: [CopiedCertificate], _ wishes: RenewalWishes, _ anchors: TrustAnchors
    ) throws -> TokenRenewal? {
        let token = try findToken(ofCopies: copies)
        let selection = NamedToken(uri: copies[0].token).option(among: nil)
        let renewal = TokenRenewal(
            command: self, wishes: wishes, anchors: anchors, token: token, selection: .noOther,
            copies: Set(copies.map(\.certificate)),
            place: .init(
                selection: " " + selection, name: token.token.info.label, isOneOfSeveral: true))
        let plan = try renewal.pins()
        guard plan.needsPINs, !plan.hasReaderKeys else { return renewal }
        let isTyped = try [
            UserType.user: tokenOptions.source(nil)?.asksPerson ?? true,
            .securityOfficer: tokenOptions.securityOfficerSource().asksPerson,
        ]
        return plan.roles.allSatisfy { isTyped[$0] ?? true } ? renewal : nil
    }

    private func findToken(ofCopies copies: [CopiedCertificate]) throws -> TokenCapabilities {
        var options = tokenOptions
        // These select the token of the certificate that was renewed first.
        options.moduleOptions.token = nil
        options.wait = nil
        if setting(options.module, .module) == nil,
            let module = copies.lazy.compactMap(\.order).first?.beginning.module
        {
            options.useModule(module)
        }
        return try TokencertCommands.findToken(ofLedger: copies[0].token, options)
    }

    private func printNext(after report: RenewalReport, on renewals: [TokenRenewal]) throws {
        guard !report.isNothingRenewed, let token = renewals.first?.token else { return }
        let makesKeys = report.tallies[0].makesKeys
        // Some tokens replace the old certificate by the new one.
        let isOldRemoved = setting(retire, .retire) || token.replacesCertificates && !makesKeys
        if name != nil, !isOldRemoved, let old = report.tallies[0].nameOfFirst {
            try output.printNext(.deleteOld(old + report.tallies[0].titles.selection))
        } else {
            try output.printNext(.list)
        }
    }

    private static func days(_ text: String) throws -> Int {
        let digits = text.hasSuffix("d") ? text.dropLast() : text[...]
        guard let days = Int(digits), (0...36500).contains(days) else {
            throw Failure(
                .usage, "--expiring requires a number of days", hints: ["use --expiring 30d"])
        }
        return days
    }
}

/// What is done for the certificates of each token.
enum RenewalJob {
    /// A dry run; nil if the account is not asked what it may order.
    case check(Runner?)
    case renew(Runner, Ledger)

    func run(_ renewal: TokenRenewal) throws -> RenewalTally {
        if let seen = renewal.seen {
            return RenewalTally(of: seen, makesKeys: renewal.wishes.makesKeys, on: renewal.place)
        }
        return switch self {
        case .check(let runner): try renewal.check(runner)
        case .renew(let runner, let ledger): try renewal.renew(runner, in: ledger)
        }
    }
}

/// Whether the user has interrupted a prompt.
private func isInterruption(_ error: any Error) -> Bool {
    (error as? SecretError)?.code == .interrupted
}
