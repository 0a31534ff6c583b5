internal import ArgumentParser
internal import Cryptoki
internal import Inventory
internal import Issuance
internal import Ledger
internal import OpenSSLX509

struct RenewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew", abstract: "Get a new certificate for a key that has one.",
        discussion: """
            Name, addresses and code signing are those of the old certificate. It stays on the \
            token unless --retire is given, and always stays in the ledger. Where a key is named, \
            and with --expiring and --all, the newest certificate of a key that leads to a trust \
            anchor is taken.

            For example:

              tokencert renew 'pkcs11:object=mail' --retire
              tokencert renew --expiring 30d --dry-run
            """)

    @Argument(
        help: ArgumentHelp("The key or the certificate, by its URI.", valueName: "uri"),
        completion: LiveCompletion.objects)
    var uri: String?

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
        if [uri != nil, expiring != nil, all].filter({ $0 }).count != 1 {
            throw ValidationError("one of a URI, --expiring and --all is needed")
        }
        if serialOption.serial != nil, uri == nil {
            throw ValidationError("--serial is about the certificates that a URI names")
        }
    }

    func run() throws {
        try prepareProcess(output)
        let wanted = try uri.map(parseURI)
        let days = try expiring.map(Self.days)
        let anchors = try TrustStore.anchors(file: setting(ca.caFile, .caFile))
        guard let token = try findTokenIfPresent(wanted) else {
            return setting(dryRun, .dryRun) ? try showCandidates([]) : try report([])
        }
        try useSources(tokenOptions, wanted, ca)
        if let wanted, !wanted.namesObject {
            throw Failure(
                .usage, "the URI \(wanted) names no key and no certificate",
                hints: ["tokencert list shows them", "--all renews all of a token"])
        }
        let candidates = RenewalCandidates(
            anchors: anchors, now: now(), replaced: try ledgerOptions.replacedCertificates(),
            profile: token.profile)
        if setting(dryRun, .dryRun) {
            try showCandidates(
                try candidates.find(
                    on: token.token, wanted, serial: serialOption.digits, expiringWithin: days,
                    seeingPrivateKeys: false))
            return
        }
        let api = try openAPI(ca, anchorsPEM: anchors.pem)
        let ledger = try ledgerOptions.openForWriting()
        let plan = try PINPlan(
            token, for: setting(newKey, .newKey) ? Set(Duty.allCases) : [.read, .sign, .write],
            allowingLastTry: tokenOptions.allowsLastTry)
        var issuer = Issuer(
            token, api: api, settings: try issuanceSettings(anchors, ca, tokenOptions))
        try withPINs(plan, tokenOptions, wanted) { pins in
            // One login for all, where one role does all.
            let login = TokenLogin(token, pins)
            try throwing { () throws(IssuanceError) in
                try login.holding { () throws(IssuanceError) in
                    let found = try login.performing(.read, at: .plan) { () throws(IssuanceError) in
                        Result {
                            try candidates.find(
                                on: token.token, wanted, serial: serialOption.digits,
                                expiringWithin: days, seeingPrivateKeys: true)
                        }
                    }
                    return Result {
                        try renew(found.get(), &issuer, pins, ledger)
                    }
                }
            }
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

    /// Does something that fails in two ways.
    private func throwing(
        _ body: () throws(IssuanceError) -> Result<Void, any Error>
    ) throws {
        try body().get()
    }

    private func renew(
        _ candidates: [RenewalCandidate], _ issuer: inout Issuer<CurlTransport>,
        _ pins: TokenPINs, _ ledger: Ledger
    ) throws {
        guard !candidates.isEmpty else { return try report([]) }
        var renewed: [IssueReport] = []
        var failures: [Failure] = []
        for candidate in candidates {
            do {
                let plan = try issuer.plan(request(for: candidate))
                let issued = try issuer.issue(plan, pins: pins, in: ledger)
                renewed.append(IssueReport(issued))
                if !output.isJSON { try showIssued(issued, output) }
            } catch let error as IssuanceError where error.code == .alreadyReplaced {
                printError("note: \(printable(error.reason))")
            } catch let error as IssuanceError {
                let failure = Failure(issuance: error)
                failures.append(failure)
                if candidates.count > 1 {
                    let subject = printable(candidate.certificate.subject.text)
                    printError("warning: \(subject) was not renewed: \(printable(failure.message))")
                    printDetails(of: failure)
                }
                if !error.concernsOneKey { break }
            }
        }
        if output.isJSON { try report(renewed, failures) }
        guard var first = failures.first else { return }
        guard candidates.count > 1 else {
            first.isInJSON = true
            throw first
        }
        var summary = Failure(
            first.status,
            "\(candidates.count - renewed.count) of \(candidates.count) certificates were not renewed",
            hints: ["the warnings say why", "tokencert resume shows what is unfinished"])
        summary.isInJSON = true
        throw summary
    }

    private func request(for candidate: RenewalCandidate) -> IssuanceRequest {
        var request = IssuanceRequest()
        let old = candidate.certificate
        request.name = old.subject.commonNames.last
        request.emailAddresses = old.emailAddresses
        request.codeSigning = old.extendedKeyUsages.contains(.codeSigning)
        request.acceptsChanges = setting(acceptChanges, .acceptChanges)
        request.label = candidate.label
        request.key =
            setting(newKey, .newKey)
            ? .generate(old.publicKey.kind) : .existing(candidate.key)
        request.replacement = Replacement(
            old, isRetired: setting(retire, .retire), isDemanded: uri != nil)
        return request
    }

    private func showCandidates(_ candidates: [RenewalCandidate]) throws {
        if output.isJSON {
            try printJSON(["wouldRenew": candidates.map { Line($0, now()) }])
            return
        }
        if candidates.isEmpty { print("Nothing would be renewed.") }
        for candidate in candidates {
            let line = Line(candidate, now())
            print("would renew \(printable(line.subject)), \(line.daysLeft) days left")
            print("  \(printable(line.key))")
        }
    }

    private func report(_ renewed: [IssueReport], _ failures: [Failure] = []) throws {
        if output.isJSON {
            try printJSON(Report(renewed: renewed, failures: failures.map { FailureReport($0) }))
        } else {
            print("Nothing has to be renewed.")
        }
    }

    private struct Report: Encodable {
        let renewed: [IssueReport]
        let failures: [FailureReport]
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
            .severalObjects, .noRoom, .idTaken, .noSuchPlace:
            true
        default: false
        }
    }
}
