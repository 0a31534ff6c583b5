internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

struct RenewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Get a new certificate for a key that has one.",
        discussion: """
            Name, addresses and code signing are those of the old certificate. It stays on the \
            token unless --retire is given, and always stays in the ledger. --expiring and --all \
            renew each certificate, expired or not, that leads to a trust anchor, unless a newer \
            one on the token covers at least the same. A certificate that should be renewed but \
            cannot be, or a key that has lost the certificate of an order, is reported with the \
            reason, and the exit status is 79. A certificate whose key was never on this token is \
            named and does not change the exit status. If the CA refuses an order, --expiring and \
            --all do not order for that key again for a week; name the key to order earlier.

            For example:

              tokencert renew mail --retire
              tokencert renew --expiring 30d --dry-run
            """)

    @Argument(
        help: .objectName, completion: LiveCompletion.objects)
    var name: String?

    @OptionGroup var serialOption: SerialOption

    @Option(
        help: ArgumentHelp(
            "Renew what expires within so many days, as 30d.", valueName: "days"))
    var expiring: String?

    @Flag(help: "Renew every certificate.")
    var all = false

    @Flag(help: "Make a new key instead of using the old one, which stays on the token.")
    var newKey = false

    @Flag(help: "Remove the old certificate from the token once the new one is proved.")
    var retire = false

    @Flag(help: "Do nothing, and succeed, where no such token is there.")
    var ifPresent = false

    @Flag(help: "Write the certificate although the CA changed what was asked for.")
    var acceptChanges = false

    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var ca: CAOptions
    @OptionGroup var ledgerOptions: LedgerOptions
    @OptionGroup var output: CommonOptions

    func validate() throws {
        if [name != nil, expiring != nil, all].filter({ $0 }).count != 1 {
            throw ValidationError("one of a name, --expiring and --all is needed")
        }
        if serialOption.serial != nil, name == nil {
            throw ValidationError("--serial is about the certificates that a URI names")
        }
    }

    func run() throws {
        try prepareProcess(output)
        let named = try name.map { try ObjectName($0) }
        let wanted = named?.uri
        let days = try expiring.map(Self.days)
        let anchors = try trustStore.anchors(file: setting(ca.caFile, .caFile))
        let isDryRun = setting(dryRun, .dryRun)
        guard let token = try findTokenIfPresent(wanted) else {
            return try Tally(isBatch: name == nil).report(isDryRun, output)
        }
        try useSources(tokenOptions, wanted, ca)
        let candidates = RenewalCandidates(
            anchors: anchors, now: now(), orders: try ledgerOptions.orders(),
            profile: token.profile, removesOld: removesOld(on: token),
            makesKeys: setting(newKey, .newKey))
        func find(seeingPrivateKeys sees: Bool) throws -> Renewals {
            do {
                return try candidates.find(
                    on: token.token,
                    named: named.map { name in
                        { inventory in
                            let target = try name.target(
                                in: inventory, on: token.token,
                                serialNumber: serialOption.digits)
                            return (target.uri, target.serialNumber)
                        }
                    }, expiringWithin: days, seeingPrivateKeys: sees)
            } catch let error as RenewalError {
                throw Failure(renewal: error)
            }
        }
        if isDryRun { return try checkOnly(token, wanted, anchors, find) }
        let account = try openAccount(ca, anchorsPEM: anchors.pem)
        let ledger = try ledgerOptions.openForWriting()
        let plan = try planOfPINs(token)
        let runner = Runner(try issuanceSettings(anchors, ca, tokenOptions), account)
        try withPINs(plan, tokenOptions, wanted) { pins in
            // One login for all, if one role does all.
            var connection = try Connection(token, pins)
            try connection.logInAll(at: .generate)
            let found = try connection.seeingPrivateObjects(at: .plan) {
                try find(seeingPrivateKeys: true)
            }
            try renew(found, runner, ledger, &connection)
        }
    }

    /// Whether old certificates are removed, other than by writing the new ones in their place.
    private func removesOld(on token: TokenCapabilities) -> Bool {
        setting(retire, .retire) && !(token.replacesCertificates && !setting(newKey, .newKey))
    }

    private func planOfPINs(_ token: TokenCapabilities) throws -> PINPlan {
        try PINPlan(
            token,
            for: TokenJob.certify(newKey: setting(newKey, .newKey)).operations,
            allowingLastTry: tokenOptions.allowsLastTry)
    }

    /// The dry run makes the same search. It logs in if --pin-source is given, and queries the
    /// account if --password-source is given.
    private func checkOnly(
        _ token: TokenCapabilities, _ wanted: PKCS11URI?, _ anchors: TrustAnchors,
        _ find: (Bool) throws -> Renewals
    ) throws {
        guard setting(ca.passwordSource, .passwordSource) != nil else {
            let unknown = "what the account may have, since --password-source is not given"
            return try checkOnly(token, wanted, find, notChecked: [unknown]) { _ in }
        }
        let account = try openAccount(ca, anchorsPEM: anchors.pem)
        let runner = Runner(try issuanceSettings(anchors, ca, tokenOptions), account)
        let ledger = try ledgerOptions.openIfThere()
        try checkOnly(token, wanted, find, notChecked: []) { candidate in
            let plan = try runner.plan(request(for: candidate), on: token)
            try runner.check(
                plan, for: setting(newKey, .newKey) ? nil : candidate.entry, in: ledger)
        }
    }

    private func checkOnly(
        _ token: TokenCapabilities, _ wanted: PKCS11URI?, _ find: (Bool) throws -> Renewals,
        notChecked: [String], _ check: (RenewalCandidate) throws -> Void
    ) throws {
        try ledgerOptions.requireWritable()
        let ledger = try ledgerOptions.openIfThere()
        let orders = try ledger?.orders() ?? []
        _ = try planOfPINs(token)
        try requireCertificatesWritable(token, removing: setting(retire, .retire))
        var found = try findLoggingIn(token, wanted, find)
        found.notChecked += notChecked
        let uri = try PKCS11URI(token: token.token)
        var tally = Tally(
            isBatch: name == nil, makesKeys: setting(newKey, .newKey), of: found)
        for candidate in found.candidates {
            if tally.passesOver(candidate, orders) { continue }
            do {
                try requireRemovable(replacement(for: candidate))
                try requireNoOtherOrder(
                    replacing: replacement(for: candidate),
                    keyID: setting(newKey, .newKey) ? nil : candidate.entry.id, on: uri,
                    in: ledger)
                try check(candidate)
                tally.wouldRenew.append(Line(candidate, now()))
            } catch let error as IssuanceError {
                guard tally.take(error, candidate, output) else { break }
            }
        }
        try tally.report(true, output)
    }

    private func findLoggingIn(
        _ token: TokenCapabilities, _ wanted: PKCS11URI?, _ find: (Bool) throws -> Renewals
    ) throws -> Renewals {
        guard token.token.info.flags.contains(.loginRequired) else { return try find(true) }
        guard try tokenOptions.source(wanted) != nil else {
            var found = try find(false)
            found.notChecked.append(
                "whether the private keys are on the token and can sign, since --pin-source is not "
                    + "given")
            return found
        }
        let plan = try PINPlan(
            token, for: TokenJob.look.operations, allowingLastTry: tokenOptions.allowsLastTry)
        return try withPINs(plan, tokenOptions, wanted) { pins in
            var connection = try Connection(token, pins)
            return try connection.seeingPrivateObjects(at: .plan) { try find(true) }
        }
    }

    private func findTokenIfPresent(_ wanted: PKCS11URI?) throws -> TokenCapabilities? {
        do {
            return try findToken(tokenOptions, wanted)
        } catch let failure as Failure
            where failure.isTokenAbsent && setting(ifPresent, .ifPresent)
        {
            printError("note: \(printable(failure.message))")
            return nil
        }
    }

    private func renew(
        _ found: Renewals, _ runner: Runner, _ ledger: Ledger, _ connection: inout Connection
    ) throws {
        var tally = Tally(isBatch: name == nil, makesKeys: setting(newKey, .newKey), of: found)
        for candidate in found.candidates {
            // Another process may have renewed it since, or tried to.
            let orders = try ledgerOptions.orders()
            let outcomes = Replacements(orders).outcomes(for: candidate.certificate)
            if name == nil, !outcomes.isSubset(of: candidate.lostReplacements) {
                let subject = printable(candidate.certificate.subject.text)
                printError("note: another process has renewed \(subject)")
                continue
            }
            if tally.passesOver(candidate, orders) { continue }
            do {
                // A role that has written may keep others from reading.
                try connection.logIn(for: .read, at: .plan)
                let plan = try runner.plan(
                    request(for: candidate), on: connection.capabilities)
                let issued = try runner.issue(plan, in: ledger, over: &connection)
                tally.renewed.append(IssueReport(issued))
                if !output.isJSON { try showIssued(issued, output) }
            } catch let error as IssuanceError {
                guard tally.take(error, candidate, output) else { break }
            }
        }
        try tally.report(false, output)
    }

    private func request(for candidate: RenewalCandidate) -> IssuanceRequest {
        var request = IssuanceRequest()
        let old = candidate.certificate
        request.name = old.subject.commonNames.last
        request.emailAddresses = old.emailAddresses
        request.codeSigning = old.extendedKeyUsages.contains(.codeSigning)
        request.acceptsChanges = setting(acceptChanges, .acceptChanges)
        request.labelBytes = candidate.label
        request.key =
            setting(newKey, .newKey)
            ? .generate(old.publicKey.kind)
            : .existing(candidate.key, publicKey: old.publicKey)
        request.replacement = replacement(for: candidate)
        return request
    }

    private func replacement(for candidate: RenewalCandidate) -> Replacement {
        Replacement(
            candidate.certificate, isRetired: setting(retire, .retire),
            isForced: name != nil || !candidate.lostReplacements.isEmpty,
            isDestroyable: candidate.isDestroyable)
    }

    /// The result for each certificate.
    private struct Tally {
        /// Whether all certificates of a token are renewed, and none was named.
        let isBatch: Bool
        /// Whether each renewed certificate gets a new key.
        let makesKeys: Bool
        var renewed: [IssueReport] = []
        var wouldRenew: [Line] = []
        var failures: [Failure] = []
        var passedOver: [PassedOver]
        let notChecked: [String]
        let count: Int

        init(isBatch: Bool, makesKeys: Bool = false, of found: Renewals = Renewals()) {
            self.isBatch = isBatch
            self.makesKeys = makesKeys
            passedOver = found.passedOver
            notChecked = found.notChecked
            count = found.candidates.count
        }

        /// Passes over a certificate that the user has not named, if the CA has refused the last
        /// order for its key within the last week. A new key is not the one that was refused.
        ///
        /// - Returns: Whether it was passed over.
        mutating func passesOver(_ candidate: RenewalCandidate, _ orders: [Order]) -> Bool {
            let old = candidate.certificate
            guard isBatch, !makesKeys,
                let refusal = RecentRefusal(
                    of: old, in: orders, from: CAcertAccount<CurlTransport>.self, at: now())
            else { return false }
            let isOneOfSeveral = candidate.entry.certificates.count > 1
            passedOver.append(
                PassedOver(
                    candidate,
                    "order \(refusal.order) was refused on \(timestamp(refusal.time)) "
                        + "(\(refusal.reason)), and no other is placed automatically before "
                        + timestamp(refusal.end),
                    advice: .renew(
                        key: candidate.key,
                        serialNumber: isOneOfSeveral ? old.serialNumber : nil)))
            return true
        }

        /// Records a failure.
        ///
        /// - Returns: Whether the renewal may continue with other certificates.
        mutating func take(
            _ error: IssuanceError, _ candidate: RenewalCandidate, _ output: CommonOptions
        ) -> Bool {
            switch error.code {
            case .alreadyReplaced:
                printError("note: \(printable(error.reason))")
                return true
            // This account cannot renew the certificate of another account.
            case .accountLacks where isBatch && error.step == .plan:
                passedOver.append(PassedOver(candidate, error.reason))
                return true
            default:
                let failure = Failure(issuance: error)
                failures.append(failure)
                if count > 1 {
                    let subject = printable(candidate.certificate.subject.text)
                    printError("warning: \(subject) was not renewed: \(printable(failure.message))")
                    printDetails(of: failure)
                }
                return error.concernsOneKey
            }
        }

        /// Reports what was done, and throws unless everything that had to be renewed was renewed.
        func report(_ isDryRun: Bool, _ output: CommonOptions) throws {
            if output.isJSON {
                let failures = failures.map { FailureReport($0) }
                let passedOver = passedOver.map { PassedOverReport($0) }
                if isDryRun {
                    try printJSON(
                        PlanReport(
                            wouldRenew: wouldRenew, failures: failures, passedOver: passedOver,
                            notChecked: notChecked))
                } else {
                    try printJSON(
                        Report(renewed: renewed, failures: failures, passedOver: passedOver))
                }
            } else {
                for line in lines(isDryRun) { print(line) }
            }
            for object in passedOver { printError("note: \(object.text)") }
            if var failure = failures.first {
                if count > 1 {
                    let done = isDryRun ? wouldRenew.count : renewed.count
                    failure = Failure(
                        failure.status,
                        "\(count - done) of \(count) certificates \(isDryRun ? "would not be" : "were not") renewed",
                        hints: [
                            "the warnings say why", "tokencert resume shows what is unfinished",
                        ])
                }
                failure.isInJSON = true
                throw failure
            }
            let open = passedOver.filter(\.needsAction)
            guard !open.isEmpty else { return }
            var failure = Failure(
                .findings, code: "passedOver", PassedOver.count(open),
                hints: ["the notes say why; tokencert health says what can be done"])
            failure.isInJSON = true
            throw failure
        }

        private func lines(_ isDryRun: Bool) -> [String] {
            let isNothingDue = failures.isEmpty && !passedOver.contains(where: \.needsAction)
            guard isDryRun else {
                return renewed.isEmpty && isNothingDue ? ["Nothing has to be renewed."] : []
            }
            return (wouldRenew.isEmpty && isNothingDue ? ["Nothing would be renewed."] : [])
                + wouldRenew.flatMap {
                    [
                        "would renew \(printable($0.subject)), \($0.daysLeft) days left",
                        "  \(quoted(printable($0.key)))",
                    ]
                } + notChecked.map { printable("Not checked: \($0).") }
        }
    }

    private struct Report: Encodable {
        let renewed: [IssueReport]
        let failures: [FailureReport]
        let passedOver: [PassedOverReport]
    }

    private struct PlanReport: Encodable {
        let wouldRenew: [Line]
        let failures: [FailureReport]
        let passedOver: [PassedOverReport]
        let notChecked: [String]
    }

    private struct Line: Encodable {
        let subject: String
        let serialNumber: String
        let daysLeft: Int
        let key: String

        init(_ candidate: RenewalCandidate, _ now: Int64) {
            subject = candidate.certificate.subject.text
            serialNumber = candidate.certificate.serialNumber
            daysLeft = CertificateEntry.Content(candidate.certificate).daysLeft(at: now)
            key = candidate.key.description
        }
    }

    private static func days(_ text: String) throws -> Int {
        let digits = text.hasSuffix("d") ? text.dropLast() : text[...]
        guard let days = Int(digits), (0...36500).contains(days) else {
            throw Failure(.usage, "--expiring takes a number of days", hints: ["--expiring 30d"])
        }
        return days
    }
}

extension IssuanceError {
    /// Whether other keys may be renewed where this one was not.
    fileprivate var concernsOneKey: Bool {
        switch code {
        case .orderRefused, .orderPending, .certificateWrong, .certificateDiffers, .accountLacks,
            .nameNotIssuable, .addressNotIssuable, .issuerNotTrusted,
            .keyNotAccepted, .otherOrderUnfinished, .orderInUse, .badSubject, .noSuchObject,
            .severalObjects, .noRoom, .idTaken, .noSuchPlace, .keyUnusable,
            .notDestroyable:
            true
        default: false
        }
    }
}
