internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertPlatform
internal import TokencertTokens

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Find problems with the setup and show how to fix them.",
        discussion: """
            Checks the configuration, modules, card readers, tokens, trust anchors, the CA and the \
            ledger, in this order, and shows how to fix problems. It changes nothing and asks for no \
            PIN or password. The exit status is 79 if a problem keeps tokencert from working.

            For example:

              tokencert doctor --offline
            """)

    @Flag(help: "Do not connect to the CA.")
    var offline = false

    @OptionGroup(title: "Token") var moduleOptions: ModuleOptions
    @OptionGroup(title: "CA") var ca: CAOptions
    @OptionGroup(title: "General") var ledgerOptions: LedgerOptions
    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        var doctorReport = DoctorReport()
        do {
            try prepareProcess(output)
            let configuration = ConfigurationFile.current
            let profile = configuration.profile.map { ", profile \($0)" } ?? ""
            doctorReport.ok(
                "configuration",
                configuration.isFileThere
                    ? configuration.path + profile : "no configuration file (none is needed)")
        } catch let failure as Failure
            where failure.status == .configuration && failure.code != "noHome"
        {
            // Without a home folder, all other paths would be wrong.
            doctorReport.fail("configuration", failure)
            // The rest of what `prepareProcess` does before a module is loaded.
            OpenSSL.startWithoutConfiguration()
            protectProcessMemory()
        }
        doctorReport.lookAtHooks()
        let tokenOptions = try moduleOptions.tokenOptions()
        let modules = working("checking the modules", onToken: false) {
            ModuleChecks(options: tokenOptions).look(&doctorReport)
        }
        MachineChecks(modulePaths: modules.paths, loadedPaths: modules.loaded.map(\.path))
            .look(&doctorReport)
        let profiles = doctorReport.result("tokens") { try tokenOptions.profiles() }
        let choices = doctorReport.result("tokens") { try tokenOptions.choices() }
        working("checking the tokens") {
            TokenChecks(modules: modules.loaded, profiles: profiles ?? [], choices: choices ?? [])
                .look(&doctorReport)
        }
        TokenChecks.lookAtRefusedPINs(inFolder: stateFolder, &doctorReport)
        let anchors = TrustChecks(ca: ca).look(&doctorReport)
        if !offline {
            working("checking the CA", onToken: false) {
                CAChecks(ca: ca, anchors: anchors).look(&doctorReport)
            }
        }
        LedgerChecks(options: ledgerOptions).look(&doctorReport)
        if output.isJSON {
            try printJSON(Report(isFine: !doctorReport.hasFailed, checks: doctorReport.checks))
        } else {
            doctorReport.printLines(try output.style())
        }
        if doctorReport.hasFailed { throw Findings() }
    }

    private struct Report: Encodable {
        let isFine: Bool
        let checks: [DoctorReport.Check]
    }
}
