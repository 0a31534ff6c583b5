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
            The new certificate has the name, addresses and code signing flag of the old one. The \
            old one stays on the token unless you use --retire, and always stays in the ledger. \
            --expiring and --all renew every certificate, expired or not, that chains to a trust \
            anchor, unless a newer one on the token covers at least the same. If a certificate \
            should be renewed but cannot be, or a key has lost the certificate of an order, the \
            reason is reported and the exit status is 79. A certificate whose key was never on \
            this token is reported, too, but does not change the exit status. After the CA refuses \
            an order, --expiring and --all place no order for that key for a week; to order \
            earlier, name the key.

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
            "Renew certificates that expire within this many days, such as 30d.",
            valueName: "days"))
    var expiring: String?

    @Flag(help: "Renew every certificate.")
    var all = false

    @Flag(help: "Generate a new key; the old one stays on the token.")
    var newKey = false

    @Flag(
        help: "Remove the old certificate after the token has proved the key of the new one.")
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
    }

    func run() throws {
        try prepareProcess(output)
        let named = try name.map { try ObjectName($0) }
        let wanted = named?.uri
        let days = try expiring.map(Self.days)
        let anchors = try trustStore.anchors(file: setting(ca.caFile, .caFile))
        let isDryRun = setting(dryRun, .dryRun)
        guard let token = try findTokenIfPresent(wanted) else {
            return try RenewalTally(isBatch: name == nil).report(isDryRun, output)
        }
        try useSources(tokenOptions, wanted, ca)
        let candidates = RenewalCandidates(
            anchors: anchors, now: now(), orders: try ledgerOptions.orders(),
            profile: token.profile, removesOld: removesOld(on: token),
            makesKeys: setting(newKey, .newKey))
        func find(seeingPrivateKeys sees: Bool) throws -> Renewals {
            // Errors name what was found among these objects.
            var seen = Renewals().inventory
            var wantedObject: ObjectTarget?
            do {
                return try candidates.find(
                    on: token.token,
                    named: named.map { name in
                        { inventory in
                            seen = inventory
                            try name.requireWhole(in: inventory)
                            let target = try name.target(
                                in: inventory, on: token.token,
                                serialNumber: serialOption.digits)
                            wantedObject = target
                            return (target.uri, target.serialNumber)
                        }
                    }, expiringWithin: days, seeingPrivateKeys: sees)
            } catch let error as RenewalError {
                throw Failure(
                    renewal: error,
                    TitlesByURI(seen, selection: tokenOptions.selection(wanted, token.token)),
                    named: wantedObject)
            }
        }
        if isDryRun { return try checkOnly(token, wanted, anchors, find) }
        let account = try openAuthority(
            ca, anchorsPEM: anchors.pem, fetch: fetchOptions.agreement(ca))
        let ledger = try ledgerOptions.openForWriting()
        let plan = try planOfPINs(token)
        let runner = Runner(try issuanceSettings(anchors, ca, tokenOptions), account)
        try withPINs(plan, tokenOptions, wanted) { pins in
            // A single login suffices if one role performs all operations.
            var connection = try Connection(token, pins)
            try connection.logInAll(at: .generate)
            let found = try connection.seeingPrivateObjects(at: .plan) {
                try find(seeingPrivateKeys: true)
            }
            try renew(found, newTally(found, on: token, wanted), runner, ledger, &connection)
        }
    }

    /// Whether old certificates are removed, rather than replaced in their slot.
    private func removesOld(on token: TokenCapabilities) -> Bool {
        setting(retire, .retire) && !(token.replacesCertificates && !setting(newKey, .newKey))
    }

    private func planOfPINs(_ token: TokenCapabilities) throws -> PINPlan {
        try PINPlan(
            token,
            for: TokenJob.certify(newKey: setting(newKey, .newKey)).operations,
            allowingLastTry: tokenOptions.allowsLastTry)
    }

    /// Performs a dry run: the same search, with a login only if `--pin-source` is given, and with
    /// a query of the account only if `--password-source` is given.
    private func checkOnly(
        _ token: TokenCapabilities, _ wanted: PKCS11URI?, _ anchors: TrustAnchors,
        _ find: (Bool) throws -> Renewals
    ) throws {
        guard try ca.command() != nil || setting(ca.passwordSource, .passwordSource) != nil else {
            let unknown = "what the account may order, since --password-source is not given"
            return try checkOnly(token, wanted, find, notChecked: [unknown]) { _ in }
        }
        let account = try openAuthority(ca, anchorsPEM: anchors.pem)
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
        var tally = newTally(found, on: token, wanted)
        for candidate in found.candidates {
            if tally.passesOver(candidate, orders) { continue }
            do {
                try requireRemovable(replacement(for: candidate))
                try requireNoOtherOrder(
                    replacing: replacement(for: candidate),
                    keyID: setting(newKey, .newKey) ? nil : candidate.entry.id, on: uri,
                    in: ledger)
                try check(candidate)
                tally.wouldRenew.append(
                    RenewalTally.Line(candidate, now(), title: tally.title(candidate)))
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
        _ found: Renewals, _ tally: RenewalTally, _ runner: Runner, _ ledger: Ledger,
        _ connection: inout Connection
    ) throws {
        var tally = tally
        for (index, candidate) in found.candidates.enumerated() {
            // Another process may have renewed it in the meantime, or tried to.
            let orders = try ledgerOptions.orders()
            let outcomes = Replacements(orders).outcomes(for: candidate.certificate)
            if name == nil, !outcomes.isSubset(of: candidate.lostReplacements) {
                let title = printable(tally.title(candidate))
                printError("note: another process has renewed \(title)")
                continue
            }
            if tally.passesOver(candidate, orders) { continue }
            do {
                // The role that is logged in to write may not see what has to be read.
                try connection.logIn(for: .read, at: .plan)
                let plan = try runner.plan(
                    request(for: candidate), on: connection.capabilities)
                let issued = try runner.issue(plan, in: ledger, over: &connection)
                tally.renewed.append((tally.title(candidate), IssueReport(issued)))
                if !output.isJSON { try showIssued(issued, output) }
            } catch let error as IssuanceError {
                guard tally.take(error, candidate, output) else {
                    tally.untried = found.candidates.dropFirst(index + 1).map(tally.title)
                    break
                }
            }
        }
        try tally.report(false, output)
        guard !tally.renewed.isEmpty, let renewed = found.candidates.first else { return }
        // Some tokens replace the old certificate by the new one.
        let isOldRemoved =
            setting(retire, .retire)
            || connection.capabilities.replacesCertificates && !setting(newKey, .newKey)
        if name != nil, !isOldRemoved,
            let old = ObjectTitles(found.inventory).shortName(of: renewed.certificate)
        {
            try output.printNext(.deleteOld(old + tally.titles.selection))
        } else {
            try output.printNext(.list)
        }
    }

    private func newTally(
        _ found: Renewals, on token: TokenCapabilities, _ wanted: PKCS11URI?
    ) -> RenewalTally {
        RenewalTally(
            isBatch: name == nil, makesKeys: setting(newKey, .newKey), of: found,
            selection: tokenOptions.selection(wanted, token.token))
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

    private static func days(_ text: String) throws -> Int {
        let digits = text.hasSuffix("d") ? text.dropLast() : text[...]
        guard let days = Int(digits), (0...36500).contains(days) else {
            throw Failure(
                .usage, "--expiring requires a number of days", hints: ["use --expiring 30d"])
        }
        return days
    }
}
