internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertTokens

struct ProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe", abstract: "Find out what a test token does, and print a profile.",
        discussion: """
            Keys and certificates are made on the token and removed again, so it has to be one that \
            you can do without: a module may overwrite what is there. The profile is printed to \
            standard output; in the folder tokencert/token-profiles of the configuration, with a \
            name that ends in .json, it is used by itself. See tokencert tokens --profiles.

            For example:

              tokencert probe --token empty
            """)

    @Option(
        help: ArgumentHelp(
            "Kinds of keys to try, with commas; else all that the token tells of, RSA up to 3072.",
            valueName: "kinds"))
    var keyType: String?

    @Flag(help: "Do it without being asked.")
    var yes = false

    @Flag(help: "Do it although there are keys or certificates on the token.")
    var notEmpty = false

    @Flag(help: "Do it although the module cannot remove keys, so that those that are made stay.")
    var keysMayStay = false

    @OptionGroup var tokenOptions: TokenOptions
    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let capabilities = try findToken(tokenOptions)
        let kinds = try self.kinds(capabilities)
        let plan = try PINPlan(
            capabilities, for: TokenJob.probe.operations,
            allowingLastTry: tokenOptions.allowsLastTry)
        let label = capabilities.token.info.label
        if capabilities.profile?.keepsDestroyedKeys ?? false, !setting(keysMayStay, .keysMayStay) {
            throw Failure(
                .cannotCreate, "keys that are made on “\(label)” cannot be removed by this module",
                hints: ["--keys-may-stay makes them all the same, one of each kind"])
        }
        if !setting(yes, .yes) {
            let names = kinds.map(\.name).joined(separator: ", ")
            try requireConfirmation(
                "Keys (\(names)) and certificates will be made on “\(printable(label))” and removed.",
                typing: label, hint: "--yes does it without being asked")
        }
        let profile = try withPINs(plan, tokenOptions) { pins in
            var probe = try TokenProbe(
                capabilities, pins, date: String(timestamp(now()).prefix(10)))
            if try !setting(notEmpty, .notEmpty) && probe.hasContent() {
                throw Failure(
                    .cannotCreate, "the token “\(label)” is not empty",
                    hints: [
                        "a module may overwrite what is there: take a token that is empty",
                        "--not-empty does it all the same",
                    ])
            }
            Progress.shared.setInterruptionState(
                "keys and certificates that the probe made may be on the token",
                hints: [
                    "tokencert list --pin-source prompt shows them: “tokencert probe”",
                    "tokencert delete URI removes one",
                ])
            return try working("trying what the token does") {
                try probe.run(kinds) { key, number in
                    try Certificate.throwaway(
                        for: key, "tokencert probe", serialNumber: number, from: now())
                } progress: { finding in
                    printError("… \(printable("\(finding.subject): \(finding.result)"))")
                }
            }
        }
        print(try profile.json())
    }

    private func kinds(_ capabilities: TokenCapabilities) throws -> [KeyKind] {
        guard let text = setting(keyType, .keyType) else {
            let kinds = capabilities.keyKinds.filter { $0 != .rsa(bits: 4096) }
            guard !kinds.isEmpty else {
                let lack =
                    capabilities.missingSupport(for: .rsa(bits: 2048)) ?? "the token makes no keys"
                throw Failure(
                    .cannotCreate, lack,
                    hints: ["tokencert tokens --verbose shows what the token can do"])
            }
            return kinds
        }
        return try text.split(separator: ",").map { name in
            guard let kind = KeyKind(name: String(name)), KeyKind.generated.contains(kind) else {
                throw Failure(
                    .usage, "--key-type does not know “\(name)”",
                    hints: ["--key-type " + KeyKind.generated.map(\.name).joined(separator: ",")])
            }
            return kind
        }
    }
}
