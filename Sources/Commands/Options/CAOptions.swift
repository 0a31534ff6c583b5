internal import ArgumentParser
internal import TokencertIssuance
internal import TokencertPlatform

/// Which CA, and which account there.
struct CAOptions: ParsableArguments {
    @Option(
        name: .customLong("ca-url"),
        help: ArgumentHelp("Where the CA is; default https://www.cacert.org.", valueName: "url"))
    var caURL: String?

    @Option(
        help: ArgumentHelp(
            "Trust anchors, PEM or DER; else the files in the folder anchors of tokencert's data.",
            valueName: "file"), completion: .file())
    var caFile: String?

    @Option(
        help: ArgumentHelp(
            "Kinds of keys that the CA signs: rsa (default), ec, ed25519, with commas.",
            valueName: "kinds"))
    var caAccepts: String?

    @Option(help: ArgumentHelp("The account's e-mail address.", valueName: "address"))
    var username: String?

    @Option(
        help: ArgumentHelp(
            "Where the password comes from: \(sourcesOfSecrets).",
            valueName: "source"))
    var passwordSource: String?

    @Option(
        help: ArgumentHelp(
            "Seconds for one request to the CA; default 120.", valueName: "seconds"))
    var timeout: String?

    func baseURL() throws -> String {
        let url = setting(caURL, .caURL) ?? "https://www.cacert.org"
        guard namesHostOnly(url, schemes: ["https://"]) else {
            throw Failure(
                .usage,
                "--ca-url has to be an https:// address with a host, without a user, a query or "
                    + "blanks",
                hints: ["the default is https://www.cacert.org"])
        }
        return url
    }

    func accountName() throws -> String {
        guard let name = setting(username, .username) else {
            throw Failure(
                .usage, "no account is named",
                hints: ["--username ADDRESS, or TOKENCERT_USERNAME in the environment"])
        }
        return name
    }

    func source() throws -> SecretSource {
        try setting(passwordSource, .passwordSource).map { try SecretSource($0) } ?? .prompt
    }

    func seconds() throws -> Int {
        guard let text = setting(timeout, .timeout) else { return 120 }
        // CAcert's server sleeps for ten seconds before it answers any order.
        let host = try baseURL().dropFirst("https://".count).prefix { $0 != ":" && $0 != "/" }
        let isAddress = host.allSatisfy { $0.isNumber || $0 == "." }
        let isHere =
            host == "localhost" || host.hasPrefix("127.") && isAddress
            || host.hasSuffix(".localhost")
        let least = isHere ? 1 : 30
        guard let seconds = Int(text), (least...3600).contains(seconds) else {
            throw Failure(
                .usage, "--timeout takes \(least) to 3600 seconds",
                hints: ["the CA sleeps ten seconds before it answers an order"])
        }
        return seconds
    }

    func acceptance() throws -> KeyAcceptance {
        guard let text = setting(caAccepts, .caAccepts) else { return .cacert }
        var acceptance = KeyAcceptance.cacert
        acceptance.rsa = false
        for kind in text.split(separator: ",") {
            switch kind {
            case "rsa": acceptance.rsa = true
            case "ec": acceptance.ec = true
            case "ed25519": acceptance.ed25519 = true
            default:
                throw Failure(
                    .usage, "--ca-accepts does not know “\(kind)”",
                    hints: ["--ca-accepts rsa,ec,ed25519"])
            }
        }
        return acceptance
    }
}

/// Whether an address has one of some schemes and a host, and neither a user, a query, a fragment,
/// nor blanks.
func namesHostOnly(_ url: String, schemes: [String]) -> Bool {
    let start = url.lowercased()
    guard let scheme = schemes.first(where: { start.hasPrefix($0) }) else { return false }
    let rest = url.dropFirst(scheme.count)
    return !rest.prefix { $0 != ":" && $0 != "/" }.isEmpty
        && !rest.contains { "?#@".contains($0) }
        && rest.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
}
