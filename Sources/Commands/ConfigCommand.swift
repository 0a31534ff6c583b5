internal import ArgumentParser
internal import TokencertPlatform

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show what is set, and where.",
        discussion: """
            What stands on the command line comes first, then the environment, then the chosen \
            profile of the configuration file, then what stands in the file outside of profiles. The \
            environment takes what the file takes, --ca-url as TOKENCERT_CA_URL and a flag as true or \
            false; any other option there is an error. An empty variable counts as not set; an empty \
            value in the file is an error. Paths in both are absolute or begin with ~/. The \
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
        let there = report.isFileThere ? "" : ", which is not there"
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
        let isFileThere: Bool
        let profile: String?
        let profiles: [String]
        let settings: [Line]

        private enum CodingKeys: String, CodingKey {
            case file
            case isFileThere = "isThere"
            case profile, profiles, settings
        }

        /// The value as it may be shown: what is not in its form may be a secret in the wrong place.
        private static func shown(_ setting: Setting, _ text: String) -> String {
            let unusable = "(not shown: not in a form that is taken)"
            switch setting {
            case .pinSource, .securityOfficerPINSource, .newPINSource, .passwordSource:
                return (try? SecretSource(text)).map { "\($0)" } ?? unusable
            case .token where looksLikeURI(text), .key:
                return (try? parseURI(text)).map { "\($0)" } ?? unusable
            case .caURL where text.contains("@"):
                return unusable
            default:
                return text
            }
        }

        init() {
            let configuration = ConfigurationFile.current
            file = configuration.path
            isFileThere = configuration.isFileThere
            profile = configuration.profile
            profiles = configuration.profiles
            settings = Setting.allCases.compactMap { setting in
                if let content = EnvironmentSettings.current.content(setting) {
                    return Line(
                        name: setting.rawValue, value: Self.shown(setting, content.text),
                        from: setting.variable)
                }
                if let value = configuration.value(setting) {
                    return Line(
                        name: setting.rawValue, value: Self.shown(setting, value.content.text),
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
