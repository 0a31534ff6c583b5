internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertPlatform
internal import TokencertTokens

struct RequestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "request",
        abstract: "Create a certificate signing request, for the CA's web form or another CA.",
        discussion: """
            For example:

              tokencert request --email anna@example.org --out mail.csr
            """)

    @OptionGroup(title: "Certificate") var options: RequestOptions
    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    @Flag(help: "Show what would be done, without doing it.")
    var dryRun = false

    func run() throws {
        try prepareProcess(output)
        let keyName = try options.keyName()
        var request = try options.request()
        if keyName != nil, options.label != nil {
            throw Failure(
                .usage, "--label is for a new key, but --key names an existing one",
                hints: ["omit one of them"])
        }
        let file = options.outputFile
        try requireWritable(
            file, keeping: filesInUse(keyName?.uri, tokenOptions, nil, ledgerOptions))
        let token = try findToken(tokenOptions, keyName?.uri)
        if let keyName { request.key = .existing(try keyName.keyURI(on: token)) }
        let runner = Runner(try issuanceSettings(TrustAnchors([]), nil, tokenOptions))
        let plan = try runner.planKey(request, on: token)
        let pins = try runner.pins(for: plan, on: token)
        if setting(dryRun, .dryRun) {
            let key = try request.keyURI.flatMap { try keySeen($0, on: token) }
            try ledgerOptions.requireWritable()
            try runner.check(plan, on: token, in: ledgerOptions.openIfThere())
            notePINs(pins, tokenOptions, keyName?.uri)
            printNotes(runner.labelRemarks(request, plan))
            var lines = PlanLines(
                token: try TokenReport(token.token).uri, key: plan, pins: pins,
                notChecked: notChecked(plan, on: token))
            lines.seenKey = key
            try lines.show(output)
            return
        }
        let ledger = try ledgerOptions.openForWriting()
        let made = try withPINs(pins, tokenOptions, keyName?.uri) { pins in
            var connection = try Connection(token, pins)
            connection.possibleKeyID = keyName?.possibleID
            return try runner.request(request, plan, in: ledger, over: &connection)
        }
        printNotes(made.key.remarks)
        let title = printable(
            made.key.title + (output.isVerbose ? ": \(quoted(made.key.uri))" : ""))
        if let file {
            try writeFile(made.pem, file, hints: ["its key is \(title)"])
        }
        if output.isJSON {
            try printJSON(
                Report(
                    request: made.pem, key: made.key.uri, id: hexadecimal(made.key.id),
                    keyKind: made.key.publicKey.kind.description, isNewKey: made.key.isNew))
        } else if let file {
            print("The request is in \(file).")
            print("Its key on the token: \(title)")
        } else {
            printError("key: \(title)")
            print(made.pem, terminator: "")
        }
        // The request is shown if it was printed and lost: only the token can create it again.
        try StandardOutput.shared.flush(showing: file == nil ? made.pem : "")
        try output.printNext(.submitRequest(file: file))
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
    /// The URI of the existing key to use, or nil for a new key.
    var keyURI: PKCS11URI? {
        if case .existing(let uri, _) = key { uri } else { nil }
    }
}
