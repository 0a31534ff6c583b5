internal import ArgumentParser
internal import TokencertPlatform

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show all settings, and where they are set.",
        discussion: """
            Settings are read in this order: command line, environment, selected profile of the \
            configuration file, configuration file outside of profiles. The environment and the \
            file accept the same settings: --ca-url is the variable TOKENCERT_CA_URL, and a flag \
            is true or false (in the environment also 1, yes, on, 0, no or off). Other options in \
            either place are an error. An empty variable counts as not set; an empty value in the \
            file is an error. Paths must be absolute or begin with ~/. The configuration file, \
            ~/.config/tokencert/config.json, contains options by their names, and no secrets. The \
            object hooks, in the file or in a profile, names programs that tokencert runs at \
            certain times:

            {
              "username": "anna@example.org",
              "profile": "work",
              "profiles": {
                "work": {"token": "work", "pin-source": "pinentry"},
                "tests": {"ca-url": "https://localhost:8443", "ca-file": "/tmp/ca/root.pem"}
              },
              "hooks": {"after-renew": "~/bin/tell-me"}
            }
            """)

    @OptionGroup(title: "General") var output: CommonOptions

    func run() throws {
        try prepareProcess(output)
        let report = Report()
        if output.isJSON { return try printJSON(report) }
        let there = report.isFileThere ? "" : " (does not exist)"
        print("file      \(printable(report.file))\(there)")
        print("profile   \(printable(report.profile ?? "none"))")
        if !report.profiles.isEmpty {
            print("profiles  \(printable(report.profiles.joined(separator: ", ")))")
        }
        print("")
        var table = Table(["SETTING", "VALUE", "FROM"])
        for line in report.settings + report.hooks {
            table.add([line.name, line.value ?? "", line.from])
        }
        table.print(try output.style())
    }

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
        let hooks: [Line]

        private enum CodingKeys: String, CodingKey {
            case file
            case isFileThere = "isThere"
            case profile, profiles, settings, hooks
        }

        /// The value for display. An invalid value is hidden, since it may be a misplaced secret.
        private static func shown(_ setting: Setting, _ text: String) -> String {
            let unusable = "(not shown: invalid value)"
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
            hooks = Hook.allCases.map { hook in
                let command = configuration.hooks[hook]
                let profile = command?.profile.map { "profile \($0)" }
                return Line(
                    name: hook.place, value: command?.text,
                    from: command == nil ? "not set" : profile ?? "file")
            }
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
