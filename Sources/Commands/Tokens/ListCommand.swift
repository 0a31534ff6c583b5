internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
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

    @Argument(help: .objectNames, completion: .live(.objects))
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
        let tokens = try PresentTokens(tokenOptions, name, for: .list)
        var read: LedgerOptions.ObjectStates?
        let outcome = try tokens.forEach(output) { token in
            try list(token, name, among: tokens) {
                let states =
                    read
                    ?? ledgerOptions.objectStates(
                        showingOrders: !output.isJSON && !setting(tree, .tree))
                read = states
                return states
            }
        }
        if tokens.areSeveral, !output.isJSON, !tokens.hasPINsOfAll, !setting(tree, .tree) {
            printHowToSeeAll()
        }
        try outcome.requireSuccess()
    }

    private func printHowToSeeAll() {
        print("")
        print("To see private objects, too: tokencert list --pin-source prompt")
    }

    private func list(
        _ capabilities: TokenCapabilities, _ name: ObjectName?,
        among tokens: PresentTokens, readLedger: () -> LedgerOptions.ObjectStates
    ) throws {
        let isTree = setting(tree, .tree)
        let anchors = usableAnchors()
        var health = Health(
            now: now(), days: try daysOfWarning(), anchors: anchors, sawPrivateObjects: false)
        var read = try read(
            capabilities, tokenOptions, name?.uri,
            keepingCertificates: { [health] certificate in
                // A token may have thousands, of which most are needed only once.
                isTree || certificate.isAuthority || !health.knowsIssuer(of: certificate)
            }, loggingIn: tokens.logsIn)
        health.replacements = ledgerOptions.complete(&read.inventory)
        let issuers = read.inventory.issuersElsewhere
        if let name, name.uri == nil {
            let target = try name.target(in: read.inventory, on: read.token)
            let named = read.inventory.limited(to: target)
            guard !named.isEmpty else {
                throw noSuchObject("key or certificate", target, on: read.inventory)
            }
            read.inventory = named
            read.inventory.issuersElsewhere = issuers
        }
        if let name, name.uri?.namesObject ?? true {
            // If only a part of the token is listed, missing objects cannot be detected.
            health.anchors = nil
        } else {
            health.sawPrivateObjects = read.sawPrivateObjects
        }
        let states = readLedger()
        health.revocations = states.revocations
        let report = ListReport(
            token: try TokenReport(read.token), sawPrivateObjects: read.sawPrivateObjects,
            inventory: read.inventory, health: health.of(read.inventory))
        if output.isJSON {
            try report.printJSON(isPart: tokens.areSeveral)
        } else if isTree {
            ListTree(read, anchors, report.health).print(try output.style())
        } else {
            let table = ListTable(
                title: tokens.title(of: capabilities), uri: report.token.uri,
                inventory: report.inventory, health: report.health,
                sawPrivateObjects: report.sawPrivateObjects,
                unfinishedOrders: states.unfinishedOrders, showsURIs: uris || output.isVerbose)
            let width = Output.standardOutput.width
            for line in table.lines(try output.style(), width: width) { print(line) }
            if !tokens.areSeveral, !read.sawPrivateObjects { printHowToSeeAll() }
        }
    }
}
