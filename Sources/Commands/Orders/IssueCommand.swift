internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance
internal import TokencertTokens

struct IssueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue",
        abstract: "Generate a key on a token and have the CA issue a certificate for it.",
        discussion: """
            If you leave out the name or the addresses, they are taken from the account, if it \
            offers only one choice. The order is sent once. The certificate is verified before it \
            is written, and the token must prove that it holds the key. The ledger records the \
            order before it is sent and the result of every step, so tokencert resume can continue \
            after an interruption.

            For example:

              tokencert issue --username anna@example.org --label mail
              tokencert issue --key mail --dry-run
            """)

    @OptionGroup(title: "Certificate") var options: RequestOptions
    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "CA") var ca: CAOptions
    @OptionGroup(title: "CA") var fetchOptions: FetchOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    @Flag(help: "Write the certificate even if the CA changed what you asked for.")
    var acceptChanges = false

    @Flag(help: "Show what would be done, without doing it.")
    var dryRun = false

    func run() throws {
        try prepareProcess(output)
        let keyName = try options.keyName()
        var request = try options.request()
        request.acceptsChanges = setting(acceptChanges, .acceptChanges)
        let isDryRun = setting(dryRun, .dryRun)
        try requireWritable(
            options.outputFile, keeping: filesInUse(keyName?.uri, tokenOptions, ca, ledgerOptions))
        let waitingTime = try fetchOptions.agreedWaitingTime(ca, isDryRun: isDryRun)
        let anchors = try trustStore.anchors(file: setting(ca.caFile, .caFile))
        try prepareAuthority(ca)
        let token = try findToken(tokenOptions, keyName?.uri)
        if let keyName { request.key = .existing(try keyName.keyURI(on: token)) }
        try useSources(tokenOptions, keyName?.uri, of: token.token, ca)
        let runner = Runner(
            try issuanceSettings(anchors, ca, tokenOptions),
            try openAuthority(ca, anchorsPEM: anchors.pem, waitingTime: waitingTime))
        // A hook is asked only about an order that passes all checks.
        let isChecked = isDryRun || Hooks.isSet(.beforeOrder)
        // The label without its number would be that of another key.
        let showsLabel = isChecked || Hooks.isSet(.onFailure)
        var planned: Result<Plan, any Error>
        repeat {
            planned = Result { try runner.plan(request, on: token, choosingLabel: showsLabel) }
        } while request.complete(after: planned)
        let plan = try planned.get()
        if isChecked {
            let key = try request.keyURI.flatMap { try keySeen($0, on: token) }
            try ledgerOptions.requireWritable()
            try runner.check(plan, for: key, in: ledgerOptions.openIfThere())
            if isDryRun {
                notePINs(plan.pins, tokenOptions, keyName?.uri)
                printNotes(plan.labelRemarks)
                return try showPlan(plan, key, on: token, ca: ca.address(), output)
            }
        }
        printNotes(notChecked(plan.grant.name).map { "not checked: \($0)" })
        try Hooks.beforeOrder(HookFacts(plan))
        let ledger = try ledgerOptions.openForWriting()
        let issued = try withPINs(plan.pins, tokenOptions, keyName?.uri) { pins in
            var connection = try Connection(token, pins)
            connection.possibleKeyID = keyName?.possibleID
            return try runner.issue(plan, in: ledger, over: &connection)
        }
        Hooks.after(.afterIssue, issued)
        if !output.isJSON { try showIssued(issued, output) }
        if let file = options.outputFile {
            try writeFile(
                issued.certificate.pem, file,
                hints: [
                    "do not order it again: the certificate is on the token",
                    "to read it from the token: tokencert show --pem "
                        + issued.certificate.serialNumber
                        + tokenOptions.selection(keyName?.uri, token.token) + " > FILE",
                ])
        }
        if output.isJSON { try showIssued(issued, output) }
        try output.printNext(.useInstalled)
    }
}

extension IssuanceRequest {
    /// Lets the user choose what the account has several of. Returns false if nothing is chosen.
    fileprivate mutating func complete(after planned: Result<Plan, any Error>) -> Bool {
        guard case .failure(let error as IssuanceError) = planned, let missing = error.missing,
            let index = numberChosen("For the certificate, \(error.reason):", among: error.choices)
        else { return false }
        switch missing {
        case .name: name = error.choices[index]
        case .emailAddress: emailAddresses = [error.choices[index]]
        }
        return true
    }
}
