internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertLedger
internal import TokencertTokens

/// What `tokencert` without a command shows at a terminal: what is set up, what is missing, and the
/// next command. It neither logs in nor contacts the CA.
struct Guide {
    var modules: [String] = []
    /// The labels of the tokens that are set up and that the settings select.
    var tokens: [String] = []
    /// Whether a token that is not set up is present.
    var hasNewToken = false
    var authorities: [String] = []
    var username: String?
    var unfinishedOrders: [Int64] = []
    var hasOrders = false

    /// The next command, and what it does.
    var next: (command: String, purpose: String) {
        if modules.isEmpty {
            return ("tokencert doctor", "reports why no PKCS#11 module can be used")
        }
        if authorities.isEmpty {
            return ("tokencert trust fetch", "gets CAcert's root and class 3 certificates")
        }
        if tokens.isEmpty {
            return hasNewToken
                ? (
                    "tokencert token init --label work",
                    "sets up the token that is present and empty"
                )
                : ("tokencert tokens", "lists the tokens; insert yours first")
        }
        if !unfinishedOrders.isEmpty {
            return ("tokencert resume", "shows how to finish the unfinished orders")
        }
        if username == nil {
            return ("export TOKENCERT_USERNAME=ADDRESS", "names your account at the CA")
        }
        return hasOrders
            ? ("tokencert list", "shows the keys and certificates on the token")
            : ("tokencert issue", "generates a key and orders a certificate for it")
    }

    /// The lines for a terminal that is `width` characters wide.
    func lines(_ style: Style, width: Int?) -> [String] {
        let checks: [(String, [String])] = [
            ("PKCS#11 module", modules), ("trusted CA", authorities), ("token", tokens),
            ("CA account", username.map { [$0] } ?? []),
        ]
        let room = max(10, (width ?? 80) - 25)
        var lines: [String] = []
        for (subject, found) in checks {
            let text = fitted(printable(found.joined(separator: ", ")), width: room, style.symbols)
            lines.append(
                found.isEmpty
                    ? style.warning("missing") + "  " + subject
                    : style.good("ok     ") + "  " + padded(subject, 16) + text)
        }
        let orders = fitted(
            unfinishedOrders.map { "\($0)" }.joined(separator: ", "), width: room, style.symbols)
        if !orders.isEmpty {
            lines.append(style.warning("open   ") + "  order           " + orders)
        }
        return lines + [
            "", "Next: " + style.strong(next.command), style.faint("      " + next.purpose), "",
            "To see all commands: tokencert help",
        ]
    }

    /// Looks at this machine, and prints the lines.
    static func show() throws {
        let output = try CommonOptions.parse([])
        try prepareProcess(output)
        let guide = try working("looking for tokens", onToken: false) { try look() }
        for line in guide.lines(try output.style(), width: Output.standardOutput.width) {
            print(line)
        }
    }

    private static func look() throws -> Guide {
        var guide = Guide()
        guide.username = setting(nil, .username)
        let anchors = trustStore.anchorsIfAny(file: setting(nil, .caFile))
        guide.authorities = (anchors?.certificates ?? []).map {
            $0.subject.commonNames.last ?? $0.subject.text
        }
        let ledger = try LedgerOptions.parse([])
        guide.hasOrders = ledger.isFileThere
        let orders = try? ledger.openIfThere()?.orders(unfinishedOnly: true)
        guide.unfinishedOrders = (orders ?? []).map(\.number)
        let options = try TokenOptions.parse([])
        let choices = try options.choices()
        // A module that does not start is what doctor is for.
        for module in (try? ModuleSet(options, nil))?.modules ?? [] {
            guide.modules.append(module.name ?? TrustStore.fileName(module.path))
            let slots = (try? module.slots(tokenPresent: true)) ?? []
            for token in slots.compactMap({ try? $0.token() }) {
                if !token.info.flags.contains(.tokenInitialized) {
                    guide.hasNewToken = true
                } else if (try? choices.fit(token)) == true {
                    guide.tokens.append(token.info.label)
                }
            }
        }
        return guide
    }
}
