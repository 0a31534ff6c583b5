internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertPlatform
internal import TokencertTokens

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the keys and certificates on a token.",
        discussion: """
            Without --token, all tokens that are present are listed. Without a login only public \
            objects are shown. To see all objects, use --pin-source.

            For example:

              tokencert list --pin-source prompt
              tokencert list --tree --token work
            """)

    @Argument(
        help: .objectNames, completion: LiveCompletion.objects)
    var name: String?

    @Flag(help: "Show module, token, keys, certificates and issuers as a tree.")
    var tree = false

    @Flag(help: "Show the URIs of all objects, too.")
    var uris = false

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let name = try name.map { try ObjectName(orToken: $0) }
        let tokens = try name == nil ? tokens() : [findToken(name)]
        guard tokens.count > 1 else { return try list(tokens[0], name) }
        if output.isJSON { print("{\"schemaVersion\":\(jsonSchemaVersion),\"tokens\":[") }
        var failures: [Failure] = []
        for (index, token) in tokens.enumerated() {
            if index > 0 { print(output.isJSON ? "," : "") }
            do {
                try list(token, nil, among: tokens)
            } catch let error as SecretError where error.code == .interrupted {
                throw error
            } catch {
                let failure = Failure(error)
                failures.append(failure)
                try report(failure, token)
            }
        }
        if output.isJSON {
            print("]}")
        } else if !hasPINsOfAll, !setting(tree, .tree) {
            printHowToSeeAll()
        }
        guard let first = failures.first else { return }
        var failure = Failure(
            first.status, code: first.code,
            "\(failures.count) of \(tokens.count) tokens cannot be listed", hints: first.hints)
        failure.isInJSON = true
        throw failure
    }

    private func findToken(_ name: ObjectName?) throws -> TokenCapabilities {
        let asksForPIN = (try? tokenOptions.source(name?.uri)) != nil
        return try TokencertCommands.findToken(
            tokenOptions, name?.uri, onlyReading: !asksForPIN)
    }

    /// The token that is selected or, if none is, all that are present. A PIN from a file, a variable or
    /// a program belongs to one token: with `--pin-source`, one must be selected; with a setting, no PIN
    /// is sent to several tokens.
    private func tokens() throws -> [TokenCapabilities] {
        guard setting(tokenOptions.token, .token) == nil,
            tokenOptions.pinSource == nil || hasPINsOfAll
        else { return [try findToken(nil)] }
        return try findTokens(tokenOptions, onlyReading: try tokenOptions.source(nil) == nil) {
            error in
            if let trouble = error.trouble {
                printError(
                    "warning: a token is not listed: \(printable(Failure(trouble).message))")
            }
            return error.candidates
        }
    }

    private func printHowToSeeAll() {
        print("")
        print("To see also what the PIN hides: tokencert list --pin-source prompt")
    }

    /// Whether the user types the PIN of each token.
    private var hasPINsOfAll: Bool {
        ((try? tokenOptions.source(nil)) ?? nil)?.asksPerson ?? false
    }

    /// Shows in place of the content of a token why it cannot be listed.
    private func report(_ failure: Failure, _ token: TokenCapabilities) throws {
        guard output.isJSON else {
            print(
                "token \"\(printable(token.token.info.label))\" cannot be listed: "
                    + printable(failure.message))
            return
        }
        print(
            try jsonLine(Unlisted(token: TokenReport(token.token), error: FailureReport(failure))))
    }

    private struct Unlisted: Encodable {
        let token: TokenReport
        let error: FailureReport
    }

    private func list(
        _ capabilities: TokenCapabilities, _ name: ObjectName?,
        among tokens: [TokenCapabilities] = []
    ) throws {
        let isTree = setting(tree, .tree)
        let anchors = trustStore.anchorsIfAny(file: setting(nil, .caFile))
        var health = Health(
            now: now(), days: try daysOfWarning(), anchors: anchors, sawPrivateObjects: false)
        var read = try read(
            capabilities, tokenOptions, name?.uri,
            keepingCertificates: { certificate in
                // A token may have thousands, of which most are needed only once.
                isTree || certificate.isAuthority || !health.knowsIssuer(of: certificate)
            }, loggingIn: tokens.isEmpty ? nil : hasPINsOfAll)
        if let name, name.uri == nil {
            let target = try name.target(in: read.inventory, on: read.token)
            let named = read.inventory.limited(to: target)
            guard !named.isEmpty else {
                throw noSuchObject("key or certificate", target, on: read.inventory)
            }
            read.inventory = named
        }
        if let name, name.uri?.namesObject ?? true {
            // If only a part of the token is listed, missing objects cannot be detected.
            health.anchors = nil
        } else {
            health.sawPrivateObjects = read.sawPrivateObjects
        }
        let report = ListReport(
            token: try TokenReport(read.token), sawPrivateObjects: read.sawPrivateObjects,
            inventory: read.inventory, now: health.now, health: health.of(read.inventory))
        if output.isJSON {
            try report.printJSON(isPart: !tokens.isEmpty)
        } else if isTree {
            ListTree(read, anchors, report.health).print(try output.style())
        } else {
            let info = capabilities.token.info
            let place =
                tokens.isEmpty
                ? ""
                : printable(" (\(info.model), serial \(info.serialNumber))")
                    + (Set(tokens.map(\.token.module.path)).count > 1
                        ? ", \(capabilities.token.module.options)" : "")
            ListTable(
                title: "token \"\(printable(report.token.label))\"\(place)",
                uri: report.token.uri, inventory: report.inventory,
                health: report.health, sawPrivateObjects: report.sawPrivateObjects,
                unfinishedOrders: ledgerOptions.unfinishedOrders(),
                showsURIs: uris || output.isVerbose
            ).print(try output.style())
            if tokens.isEmpty, !read.sawPrivateObjects { printHowToSeeAll() }
        }
    }
}
