internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertInventory
internal import TokencertPlatform

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Find out why something does not work, and what to do.",
        discussion: """
            Looks at the configuration, modules, card readers, tokens, trust anchors, the CA and the \
            ledger, in this order, and tells of each how it is and what to do. It changes nothing and \
            asks for no secret. The status is 79 where something keeps tokencert from working.

            For example:

              tokencert doctor --offline
            """)

    @Flag(help: "Do not ask the CA.")
    var offline = false

    @OptionGroup var moduleOptions: ModuleOptions
    @OptionGroup var ca: CAOptions
    @OptionGroup var ledgerOptions: LedgerOptions
    @OptionGroup var output: CommonOptions

    func run() throws {
        var examination = Examination()
        do {
            try prepareProcess(output)
            let configuration = ConfigurationFile.current
            let profile = configuration.profile.map { ", profile \($0)" } ?? ""
            examination.ok(
                "configuration",
                configuration.isThere
                    ? configuration.path + profile : "no configuration file; none is needed")
        } catch let failure as Failure
            where failure.status == .configuration && failure.code != "noHome"
        {
            // Without a home folder, none of the other paths would be right.
            examination.fail("configuration", failure.message, failure.hints)
            // What every command does before it loads a module.
            OpenSSL.startWithoutConfiguration()
            protectProcessMemory()
        }
        let tokenOptions = try moduleOptions.tokenOptions()
        let modules = working("looking at the modules", onToken: false) {
            ModuleChecks(options: tokenOptions).look(&examination)
        }
        MachineChecks(modulePaths: modules.paths, loadedPaths: modules.loaded.map(\.path))
            .look(&examination)
        working("looking at the tokens") {
            TokenChecks(
                modules: modules.loaded, profiles: (try? tokenOptions.profiles()) ?? [],
                choices: (try? tokenOptions.choices()) ?? []
            ).look(&examination)
        }
        let anchors = TrustChecks(ca: ca).look(&examination)
        if !offline {
            working("asking the CA", onToken: false) {
                CAChecks(ca: ca, anchors: anchors).look(&examination)
            }
        }
        LedgerChecks(options: ledgerOptions).look(&examination)
        if output.isJSON {
            try printJSON(Report(isFine: !examination.hasFailed, checks: examination.checks))
        } else {
            examination.printLines(try output.style())
        }
        if examination.hasFailed { throw Findings() }
    }

    private struct Report: Encodable {
        let isFine: Bool
        let checks: [Examination.Check]
    }
}
