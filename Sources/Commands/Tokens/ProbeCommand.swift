internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertTokens

struct ProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe", abstract: "Test what a token can do, and print a token profile.",
        discussion: """
            Makes keys and certificates on the token and removes them again. Use a token that you \
            can spare: its module may overwrite existing objects. The profile is printed to \
            standard output. To have it used automatically, save it in the folder \
            tokencert/token-profiles of the configuration, with a name that ends in .json. See \
            tokencert tokens --profiles.

            For example:

              tokencert probe --token empty
            """)

    @Option(
        help: ArgumentHelp(
            "Kinds of keys to test, separated by commas; default: all that the token reports, RSA "
                + "only up to 3072 bits.",
            valueName: "kinds"))
    var keyType: String?

    @Flag(help: "Do not ask for confirmation.")
    var yes = false

    @Flag(help: "Continue even if the token has keys or certificates.")
    var notEmpty = false

    @Flag(help: "Continue even if the module cannot remove keys, so that the test keys stay.")
    var keysMayStay = false

    @OptionGroup(title: "Token and PINs") var tokenOptions: TokenOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let capabilities = try findToken(tokenOptions, asking: !setting(yes, .yes))
        let kinds = try self.kinds(capabilities)
        let plan = try PINPlan(
            capabilities, for: .probe, allowingLastTry: tokenOptions.allowsLastTry)
        let label = capabilities.token.info.label
        if capabilities.profile?.keepsDestroyedKeys ?? false, !setting(keysMayStay, .keysMayStay) {
            throw Failure(
                .cannotCreate, "the module of token \"\(label)\" cannot remove the test keys",
                hints: ["to make them anyway, one of each kind: --keys-may-stay"])
        }
        if !setting(yes, .yes) {
            let names = kinds.map(\.name).joined(separator: ", ")
            try requireConfirmation(
                [
                    "This makes keys (\(names)) and certificates on \"\(printable(label))\", "
                        + "then removes them."
                ],
                typing: label, to: "continue", hint: "to skip the question: --yes")
        }
        let profile = try withPINs(plan, tokenOptions) { pins in
            var probe = try TokenProbe(
                capabilities, pins, date: String(timestamp(now()).prefix(10)))
            if try !setting(notEmpty, .notEmpty) && probe.hasContent() {
                throw Failure(
                    .cannotCreate, "the token \"\(label)\" is not empty",
                    hints: [
                        "use an empty token: the module may overwrite existing objects",
                        "to use this token anyway: --not-empty",
                    ])
            }
            Progress.shared.setInterruptionState(
                "test keys and certificates may be left on the token",
                hints: [
                    "to see those with the label \"tokencert probe\": "
                        + "tokencert list --pin-source prompt",
                    "to remove one: tokencert delete URI",
                ])
            return try working("testing the token") { try run(&probe, kinds) }
        }
        if output.isJSON {
            try printJSON(["profile": profile])
        } else {
            print(try profile.json())
        }
    }

    private func run(_ probe: inout TokenProbe, _ kinds: [KeyKind]) throws -> TokenProfile {
        do throws(IssuanceError) {
            return try probe.run(kinds, keysMayStay: setting(keysMayStay, .keysMayStay)) {
                key, number in
                try Certificate.throwaway(
                    for: key, "tokencert probe", serialNumber: number, from: now())
            } progress: { finding in
                printError("... \(printable("\(finding.subject): \(finding.result)"))")
            }
        } catch {
            guard error.code == .notDestroyable else { throw error }
            throw Failure(
                .cannotCreate, code: "\(error.code)", error.text,
                hints: [
                    "to see what stays: tokencert list --pin-source prompt",
                    "to remove it: tokencert delete URI",
                    "to test the other kinds of keys, too: --keys-may-stay",
                ])
        }
    }

    private func kinds(_ capabilities: TokenCapabilities) throws -> [KeyKind] {
        guard let text = setting(keyType, .keyType) else {
            let kinds = capabilities.keyKinds.filter { $0 != .rsa(bits: 4096) }
            guard !kinds.isEmpty else {
                let lack =
                    capabilities.missingSupport(for: .rsa(bits: 2048))
                    ?? "the token cannot generate keys"
                throw Failure(
                    .cannotCreate, lack,
                    hints: ["to see what the token can do: tokencert tokens --verbose"])
            }
            return kinds
        }
        return try text.split(separator: ",").map { name in
            guard let kind = KeyKind(name: String(name)), KeyKind.generated.contains(kind) else {
                throw Failure(
                    .usage, "unknown kind of key for --key-type: \"\(name)\"",
                    hints: [
                        "use any of: --key-type "
                            + KeyKind.generated.map(\.name).joined(separator: ",")
                    ])
            }
            return kind
        }
    }
}
