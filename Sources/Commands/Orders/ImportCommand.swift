internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Write a certificate from a file beside its key.",
        discussion: """
            The key is found by its public half, whatever its label. The certificate is checked \
            before it is written: --ca-file names the anchors of its CA.

            For example:

              tokencert import --cert mail.pem --chain
            """)

    @Option(
        help: ArgumentHelp(
            "The certificate, in PEM or DER, and in PEM others of its chain.", valueName: "file"),
        completion: .file())
    var cert: String

    @Option(
        help: ArgumentHelp("Insist that it is for this key.", valueName: "uri"),
        completion: LiveCompletion.keys)
    var key: String?

    @Option(help: "Label of the certificate; else that of the key.")
    var label: String?

    @Flag(help: "Write the certificates between it and the root, too.")
    var chain = false

    @Flag(help: "Write it although it is for something else than people do with their keys.")
    var acceptChanges = false

    @Option(
        help: ArgumentHelp(
            "Trust anchors, PEM or DER; else the files in the folder anchors of tokencert's data.",
            valueName: "file"), completion: .file())
    var caFile: String?

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var ledgerOptions: LedgerOptions
    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let certificates = try certificates(inFile: cert, option: "--cert")
        let anchors = try trustStore.anchors(file: setting(caFile, .caFile))
        let uri = try setting(key, .key).map(parseURI)
        let token = try findToken(tokenOptions, uri)
        let runner = Runner(try issuanceSettings(anchors, nil, tokenOptions))
        let request = ImportRequest(
            certificates, key: uri, label: setting(label, .label),
            writesChain: setting(chain, .chain),
            acceptsAnyUse: setting(acceptChanges, .acceptChanges))
        let plan = try runner.check(request, on: token)
        let ledger = try ledgerOptions.openForWriting()
        let imported = try withPINs(plan, tokenOptions, uri) { pins in
            var connection = try Connection(token, pins)
            return try runner.import(request, in: ledger, over: &connection)
        }
        try showIssued(imported, output)
    }
}
