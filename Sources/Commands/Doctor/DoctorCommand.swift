internal import ArgumentParser
internal import Cryptoki
internal import OpenSSLX509
internal import TokencertPlatform
internal import TokencertTokens

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
        var doctorReport = DoctorReport()
        do {
            try prepareProcess(output)
            let configuration = ConfigurationFile.current
            let profile = configuration.profile.map { ", profile \($0)" } ?? ""
            doctorReport.ok(
                "configuration",
                configuration.isFileThere
                    ? configuration.path + profile : "no configuration file; none is needed")
        } catch let failure as Failure
            where failure.status == .configuration && failure.code != "noHome"
        {
            // Without a home folder, none of the other paths would be right.
            doctorReport.fail("configuration", failure.message, failure.hints)
            // What every command does before it loads a module.
            OpenSSL.startWithoutConfiguration()
            protectProcessMemory()
        }
        let tokenOptions = try moduleOptions.tokenOptions()
        let modules = working("looking at the modules", onToken: false) {
            ModuleChecks(options: tokenOptions).look(&doctorReport)
        }
        MachineChecks(modulePaths: modules.paths, loadedPaths: modules.loaded.map(\.path))
            .look(&doctorReport)
        working("looking at the tokens") {
            TokenChecks(
                modules: modules.loaded, profiles: (try? tokenOptions.profiles()) ?? [],
                choices: (try? tokenOptions.choices()) ?? []
            ).look(&doctorReport)
        }
        let anchors = TrustChecks(ca: ca).look(&doctorReport)
        if !offline {
            working("asking the CA", onToken: false) {
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
