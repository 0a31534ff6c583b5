internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertInventory
internal import TokencertIssuance

struct RequestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Make a signed request on a token, for the web form or another CA.",
        discussion: """
            For example:

              tokencert request --email anna@example.org --out mail.csr
            """)

    @OptionGroup var options: RequestOptions
    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var ledgerOptions: LedgerOptions
    @OptionGroup var output: CommonOptions

    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false

    func run() throws {
        try prepareProcess(output)
        let request = try options.request()
        if request.keyURI != nil, options.label != nil {
            throw Failure(
                .usage, "--label is for a new key, and --key names one that is there",
                hints: ["leave one of them out"])
        }
        let file = options.outputFile
        try requireWritable(
            file, keeping: filesInUse(request.keyURI, tokenOptions, nil, ledgerOptions))
        let token = try findToken(tokenOptions, request.keyURI)
        let maker = RequestMaker(
            token, allowsLastTry: tokenOptions.allowsLastTry, progress: tellProgress,
            orderBegun: tellOrder)
        let plan = try maker.plan(request)
        if setting(dryRun, .dryRun) {
            let pins = try maker.pins(for: plan)
            if let uri = request.keyURI { _ = try keySeen(uri, on: token) }
            try ledgerOptions.requireWritable()
            try maker.check(plan, in: ledgerOptions.openIfThere())
            try show(token.token, plan, pins, notChecked(plan, on: token))
            return
        }
        let planOfPINs = try maker.pins(for: plan)
        let ledger = try ledgerOptions.openForWriting()
        let made = try withPINs(planOfPINs, tokenOptions, request.keyURI) { pins in
            try maker.make(plan, request, pins: pins, in: ledger)
        }
        if !Progress.shared.isQuiet {
            for remark in made.key.remarks { printError("note: \(printable(remark))") }
        }
        if let file {
            try writeFile(made.request.pem, file, hints: ["its key: \(quoted(made.key.uri))"])
        }
        if output.isJSON {
            try printJSON(
                Report(
                    request: made.request.pem, key: made.key.uri, id: hexadecimal(made.key.id),
                    keyKind: made.key.publicKey.kind.description, isNewKey: made.key.isNew))
        } else if let file {
            print("The request is in \(file), its key on the token: \(quoted(made.key.uri))")
        } else {
            printError("key: \(quoted(made.key.uri))")
            print(made.request.pem, terminator: "")
        }
        // Nobody but the token could make it again.
        try StandardOutput.shared.flush(showing: file == nil ? made.request.pem : "")
    }

    private func show(
        _ token: Token, _ plan: KeyPlan, _ pins: PINPlan, _ notChecked: [String]
    ) throws {
        let lines = PlanLines(
            token: try TokenReport(token).uri, key: plan, pins: pins, notChecked: notChecked)
        if output.isJSON {
            try printJSON(lines)
        } else {
            for line in lines.lines { print(line) }
        }
    }

    private struct Report: Encodable {
        let request: String
        let key: String
        let id: String
        let keyKind: String
        let isNewKey: Bool
    }
}

extension IssuanceRequest {
    /// The URI of the key that is to be used, or nil for a new one.
    var keyURI: PKCS11URI? {
        if case .existing(let uri, _) = key { uri } else { nil }
    }
}
