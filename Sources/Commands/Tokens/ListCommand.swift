internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertTokens

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the keys and certificates on a token.",
        discussion: """
            Without a PIN only what is public is shown. --pin-source logs in and shows all.

            For example:

              tokencert list --pin-source prompt
              tokencert list --tree --token work
            """)

    @Argument(
        help: .objectNames, completion: LiveCompletion.objects)
    var name: String?

    @Flag(help: "Show module, token, keys, certificates and issuers as a tree.")
    var tree = false

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let isTree = setting(tree, .tree)
        let anchors = trustStore.anchorsIfAny(file: setting(nil, .caFile))
        let name = try name.map { try ObjectName(orToken: $0) }
        var health = Health(
            now: now(), days: try daysOfWarning(), anchors: anchors, sawPrivateObjects: false)
        var read = try readToken(tokenOptions, name?.uri) { certificate in
            // There may be thousands: most need not be looked at a second time.
            isTree || certificate.isAuthority || !health.knowsIssuer(of: certificate)
        }
        if let name, name.uri == nil {
            let target = try name.target(in: read.inventory, on: read.token)
            read.inventory = read.inventory.limited(to: target)
            guard !read.inventory.isEmpty else {
                throw noSuchObject("key or certificate", target, on: read.inventory)
            }
        }
        if let name, name.uri?.namesObject ?? true {
            // Of a part of a token nobody can tell what is missing.
            health.anchors = nil
        } else {
            health.sawPrivateObjects = read.sawPrivateObjects
        }
        let report = ListReport(
            token: try TokenReport(read.token), sawPrivateObjects: read.sawPrivateObjects,
            inventory: read.inventory, now: health.now, health: health.of(read.inventory))
        if output.isJSON {
            try report.printJSON()
        } else if isTree {
            ListTree(read, anchors, report.health).print(try output.style())
        } else {
            report.printTable(try output.style())
        }
    }
}
