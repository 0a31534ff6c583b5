internal import ArgumentParser
internal import CAcert
internal import OpenSSLX509

struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Show what your account at the CA may have.",
        discussion: """
            For example:

              tokencert account --username anna@example.org
            """)

    @OptionGroup var ca: CAOptions
    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let anchors = try TrustStore.anchors(file: setting(ca.caFile, .caFile))
        var api = try openAPI(ca, anchorsPEM: anchors.pem)
        let status = try working("asking the CA", onToken: false) { try api.accountStatus() }
        if output.isJSON {
            try printJSON(
                Report(
                    username: try ca.accountName(), names: status.names.map(\.text),
                    emailAddresses: status.emailAddresses,
                    codeSigning: status.mayRequestCodeSigning))
            return
        }
        print("account        \(printable(try ca.accountName())) at \(try ca.baseURL())")
        let names =
            status.names.isEmpty
            ? ["none below 50 assurance points, so “\(AccountStatus.anonymousName.text)”"]
            : status.names.map(\.text)
        for (index, name) in names.enumerated() {
            print((index == 0 ? "names          " : "               ") + printable(name))
        }
        for (index, address) in status.emailAddresses.enumerated() {
            print((index == 0 ? "addresses      " : "               ") + printable(address))
        }
        print("code signing   \(status.mayRequestCodeSigning ? "yes" : "no")")
    }

    private struct Report: Encodable {
        let username: String
        let names: [String]
        let emailAddresses: [String]
        let codeSigning: Bool
    }
}
