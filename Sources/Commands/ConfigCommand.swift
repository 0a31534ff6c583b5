internal import ArgumentParser
internal import Files
internal import Secrets

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show what is set, and where.",
        discussion: """
            What stands on the command line comes first, then the environment, then the chosen \
            profile of the configuration file, then what stands in the file outside of profiles. The \
            file is config.json in the folder tokencert of the configuration \
            (~/.config/tokencert/config.json); it has the options by their names, and no secret:

            {
              "username": "anna@example.org",
              "profile": "work",
              "profiles": {
                "work": {"token": "work", "pin-source": "pinentry"},
                "tests": {"ca-url": "https://localhost:8443", "ca-file": "/tmp/ca/root.pem"}
              }
            }
            """)

    @OptionGroup var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let report = Report()
        if output.isJSON {
            try printJSON(report)
            return
        }
        let there = report.isThere ? "" : ", which is not there"
        print("file      \(printable(report.file))\(there)")
        print("profile   \(printable(report.profile ?? "none"))")
        if !report.profiles.isEmpty {
            print("profiles  \(printable(report.profiles.joined(separator: ", ")))")
        }
        print("")
        var table = Table(["SETTING", "VALUE", "FROM"])
        for line in report.settings {
            table.add([line.name, line.value ?? "", line.from])
        }
        table.print(try output.style())
    }

    /// What is in force, in the form of its JSON.
    private struct Report: Encodable {
        struct Line: Encodable {
            let name: String
            let value: String?
            let from: String
        }

        let file: String
        let isThere: Bool
        let profile: String?
        let profiles: [String]
        let settings: [Line]

        init() {
            let configuration = ConfigurationFile.current
            file = configuration.path
            isThere = isReadableFile(configuration.path)
            profile = configuration.profile
            profiles = configuration.profiles
            settings = Setting.allCases.compactMap { setting in
                if let text = environmentVariable(setting.variable) {
                    return Line(name: setting.rawValue, value: text, from: setting.variable)
                }
                if let value = configuration.value(setting) {
                    return Line(
                        name: setting.rawValue, value: value.content.text,
                        from: value.profile.map { "profile \($0)" } ?? "file")
                }
                guard setting.isConfigurable else { return nil }
                return Line(
                    name: setting.rawValue, value: setting.standard,
                    from: setting.standard == nil ? "not set" : "default")
            }
        }
    }
}
