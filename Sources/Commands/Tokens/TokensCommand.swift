internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertPlatform
internal import TokencertTokens

struct TokensCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens", abstract: "Show modules, slots and tokens.",
        discussion: """
            A token profile describes properties of a token that its module does not report. \
            --profiles shows the built-in profiles and your own, which are JSON files in the \
            folder tokencert/token-profiles of the configuration. To make one, use tokencert probe.

            For example:

              tokencert tokens
              tokencert tokens --verbose --module /usr/lib/softhsm/libsofthsm2.so
            """)

    @Flag(help: "Show the token profiles.")
    var profiles = false

    @OptionGroup(title: "Token") var moduleOptions: ModuleOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        if profiles { return try showProfiles() }
        let tokenOptions = try moduleOptions.tokenOptions()
        let set = try working("starting the modules", onToken: false) {
            try ModuleSet(tokenOptions, nil)
        }
        // The name of a token in the settings may be wrong, so only the command line counts.
        let report = try TokensReport(
            set, tokenOptions.choicesOnCommandLine(),
            profiles: output.isVerbose ? tokenOptions.profiles() : nil)
        if output.isJSON {
            try printJSON(report)
        } else {
            report.printText(try output.style())
        }
    }

    private func showProfiles() throws {
        let profiles = try Profiles.all()
        if output.isJSON { return try printJSON(["profiles": profiles]) }
        var table = Table(["NAME", "FOR", "TESTED WITH"])
        for profile in profiles {
            table.add(
                [profile.name, profile.title, profile.tested],
                below: output.isVerbose ? (profile.notes ?? []).map { "- \($0)" } : [])
        }
        table.print(try output.style())
    }
}

private struct TokensReport: Encodable {
    struct ModuleReport: Encodable {
        let name: String?
        let path: String
        let description: String
        let manufacturer: String
        let version: String
        var slots: [SlotReport] = []
    }

    struct SlotReport: Encodable {
        let id: UInt
        let description: String
        var token: TokenReport?
        /// Why the token cannot be shown.
        var failure: String?
    }

    struct FailureReport: Encodable {
        let name: String
        let reason: String
    }

    var modules: [ModuleReport] = []
    var failures: [FailureReport] = []

    /// Reads all modules at the same time, because some take seconds. With `profiles`, the tokens are
    /// described in detail.
    init(_ set: ModuleSet, _ choices: [TokenChoice], profiles: [TokenProfile]?) {
        let found = sideBySide(set.modules) { Self.read($0, choices, profiles) }
        for (module, result) in zip(set.modules, found) {
            switch result {
            case .success(let report): modules.append(report)
            // Still show the other modules.
            case .failure(let error):
                failures.append(
                    FailureReport(name: module.name ?? module.path, reason: error.plainText))
            }
        }
        failures += set.failures.map { .init(name: $0.name, reason: $0.error.plainText) }
    }

    private static func read(
        _ module: Module, _ choices: [TokenChoice], _ profiles: [TokenProfile]?
    ) -> Result<ModuleReport, CryptokiError> {
        do throws(CryptokiError) {
            var report = ModuleReport(
                name: module.name, path: module.path, description: module.info.libraryDescription,
                manufacturer: module.info.manufacturer, version: module.info.libraryVersion)
            report.slots = try module.slots(tokenPresent: false).map { read($0, choices, profiles) }
            return .success(report)
        } catch {
            return .failure(error)
        }
    }

    private static func read(
        _ slot: Slot, _ choices: [TokenChoice], _ profiles: [TokenProfile]?
    ) -> SlotReport {
        var line = SlotReport(id: slot.id, description: "")
        do throws(CryptokiError) {
            let info = try slot.info()
            line = SlotReport(id: slot.id, description: info.slotDescription)
            guard info.isTokenPresent else { return line }
            let token = try slot.token()
            if try choices.fit(token) { line.token = try TokenReport(token, detailedBy: profiles) }
        } catch {
            line.failure = error.plainText
        }
        return line
    }

    func printText(_ style: Style) {
        for module in modules {
            print(
                style.strong(printable("\(module.description) \(module.version)"))
                    + style.faint("  \(module.path)"))
            let tokens = module.slots.compactMap(\.token)
            var table = Table(["LABEL", "MANUFACTURER", "MODEL", "SERIAL", "STATE"])
            for token in tokens {
                table.add(
                    [
                        token.label, token.manufacturer, token.model, token.serialNumber,
                        token.state.joined(separator: ", "),
                    ], below: token.details)
            }
            let failed = module.slots.compactMap(\.failure)
            if !tokens.isEmpty { table.print(style) }
            for failure in failed { print("cannot read a token: \(failure)") }
            if tokens.isEmpty, failed.isEmpty { print("no token present") }
        }
        for failure in failures {
            print("cannot use module \(failure.name): \(failure.reason)")
        }
        if modules.isEmpty, failures.isEmpty {
            print(
                "p11-kit has no module with tokens configured; to use another module: --module "
                    + "PATH")
        }
    }
}
