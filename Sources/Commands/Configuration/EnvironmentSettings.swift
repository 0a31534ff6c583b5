internal import Synchronization
internal import TokencertPlatform

/// The settings in the environment, which are those of the configuration file. All are checked before
/// any is used. Options for a single order, and those that disable a safeguard, are accepted on the
/// command line only.
struct EnvironmentSettings: Sendable {
    private var values: [Setting: ConfigurationFile.Content] = [:]

    private static let loaded = Mutex(EnvironmentSettings())

    /// The settings of this run of the program.
    static var current: EnvironmentSettings { loaded.withLock { $0 } }

    /// The variables that are not named after a setting.
    static let others = ["TOKENCERT_CONFIG", "TOKENCERT_PROFILE"]

    /// The beginning of the variables that tokencert sets for hooks, which may run tokencert themselves.
    private static let ofHooks = "TOKENCERT_HOOK"

    /// Reads the environment for this run of the program. `isOption` tells whether any command has an
    /// option with a name. Throws ``Failure`` for the first variable that is not valid.
    static func load(isOption: (String) -> Bool) throws {
        var settings = EnvironmentSettings()
        for name in environmentVariableNames(beginningWith: prefix) {
            // Scripts and service files pass on empty variables, so these count as not set.
            guard let text = environmentVariable(name) else { continue }
            let known = Setting.allCases.first { $0.variable == name }
            // Another variable may be a secret, which is read byte by byte.
            if known != nil || others.contains(name), !isEnvironmentVariableUTF8(name) {
                throw Failure(
                    .usage, code: "environmentInvalid",
                    "\(name) in the environment is not valid UTF-8",
                    hints: ["set it to another value, or unset \(name)"])
            }
            if others.contains(name) {
                guard !ConfigurationFile.Content.text(text).isBlank else { throw blank(name) }
                continue
            }
            guard let setting = known else {
                try look(atUnknown: name, isOption)
                continue
            }
            guard setting.isConfigurable else { throw onCommandLineOnly(name, setting.rawValue) }
            settings.values[setting] = try content(setting, text)
        }
        loaded.withLock { [settings] in $0 = settings }
    }

    func content(_ setting: Setting) -> ConfigurationFile.Content? { values[setting] }

    private static let prefix = "TOKENCERT_"

    private static func content(
        _ setting: Setting, _ text: String
    ) throws -> ConfigurationFile.Content {
        switch setting.kind {
        case .text:
            guard !ConfigurationFile.Content.text(text).isBlank else {
                throw blank(setting.variable)
            }
            return .text(
                try standing(text, as: setting.form, status: .usage, place: setting.variable))
        case .texts:
            let texts = ConfigurationFile.Content.texts(
                text.filter { !$0.isWhitespace }.split(separator: ",").map { String($0) })
            guard !texts.isBlank else { throw blank(setting.variable) }
            return texts
        case .flag:
            switch trimmed(text[...]).lowercased() {
            case "1", "true", "yes", "on": return .flag(true)
            case "0", "false", "no", "off": return .flag(false)
            default:
                throw Failure(
                    .usage, code: "environmentInvalid",
                    "\(setting.variable)=\(text) in the environment is not a valid value",
                    hints: [
                        "use 1, true, yes or on to set --\(setting.rawValue), or 0, false, no or off",
                        "or unset \(setting.variable)",
                    ])
            }
        }
    }

    private static func blank(_ name: String) -> Failure {
        Failure(
            .usage, code: "environmentInvalid", "\(name) in the environment is blank",
            hints: ["set a value, or unset \(name)"])
    }

    private static func onCommandLineOnly(_ name: String, _ option: String) -> Failure {
        Failure(
            .usage, code: "environmentInvalid",
            "\(name) is set in the environment, but --\(option) works on the command line only",
            hints: ["unset \(name), and use --\(option) with each command that needs it"])
    }

    /// Checks a variable that is not a setting, since a variable without effect misleads the user.
    /// Throws if it is named like an option, and warns if it seems misspelt.
    private static func look(atUnknown name: String, _ isOption: (String) -> Bool) throws {
        guard !name.hasPrefix(ofHooks) else { return }
        let word = option(name)
        // CI systems set such a variable to the version of the program.
        if !["help", "version"].contains(word), isOption(word) {
            throw onCommandLineOnly(name, word)
        }
        let known = Setting.allCases.map(\.variable) + others
        guard
            let meant = suggestions(for: word, among: known.map(option)).first.flatMap({ word in
                known.first { option($0) == word }
            })
        else { return }
        if let setting = Setting.allCases.first(where: { $0.variable == meant }),
            !setting.isConfigurable
        {
            throw onCommandLineOnly(name, setting.rawValue)
        }
        printError(
            "warning: \(printable(name)) in the environment has no effect; did you mean \(meant)?")
    }

    private static func option(_ variable: String) -> String {
        variable.dropFirst(prefix.count).lowercased().map { $0 == "_" ? "-" : String($0) }.joined()
    }
}
