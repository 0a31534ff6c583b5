internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertIssuance

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Write a certificate from a file to the token that has its key.",
        discussion: """
            The key is found by its public key, whatever its label. The certificate is verified \
            before it is written; use --ca-file to name the trust anchors of another CA.

            For example:

              tokencert import --cert mail.pem --chain
            """)

    @Option(
        help: ArgumentHelp(
            "The certificate, in PEM or DER; a PEM file may also contain its chain.",
            valueName: "file"),
        completion: .file())
    var cert: String

    @Option(
        help: ArgumentHelp("Fail unless the certificate is for this key.", valueName: "key"),
        completion: .live(.keys))
    var key: String?

    @Option(help: "Label of the certificate; default: the label of the key.")
    var label: String?

    @Flag(help: "Also write the intermediate certificates.")
    var chain = false

    @Flag(help: "Import it even if it is not for client authentication, e-mail or code signing.")
    var acceptChanges = false

    @Option(
        help: ArgumentHelp(
            "File of trust anchors, in PEM or DER, to use instead of those of tokencert trust.",
            valueName: "file"), completion: .file())
    var caFile: String?

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let certificates = try certificates(inFile: cert, option: "--cert")
        let anchors = try trustStore.anchors(file: setting(caFile, .caFile))
        let keyName = try setting(key, .key).map { try ObjectName($0) }
        let token = try findToken(tokenOptions, keyName?.uri)
        let uri = try keyName?.keyURI(on: token)
        let runner = Runner(try issuanceSettings(anchors, nil, tokenOptions))
        let request = ImportRequest(
            certificates, key: uri, label: setting(label, .label),
            writesChain: setting(chain, .chain),
            acceptsAnyUse: setting(acceptChanges, .acceptChanges))
        let plan = try runner.check(request, on: token)
        let ledger = try ledgerOptions.openForWriting()
        let imported = try withPINs(plan, tokenOptions, keyName?.uri) { pins in
            var connection = try Connection(token, pins)
            connection.possibleKeyID = keyName?.possibleID
            return try runner.import(request, in: ledger, over: &connection)
        }
        Hooks.after(.afterIssue, imported)
        try showIssued(imported, output)
        try output.printNext(.list)
    }
}
