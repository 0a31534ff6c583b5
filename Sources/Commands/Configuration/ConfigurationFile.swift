internal import FoundationEssentials
internal import Synchronization
internal import TokencertPlatform

/// The configuration file, `config.json`: settings by the names of their options, and profiles,
/// which are groups of settings selected by `--profile`. It contains no secrets, only their sources.
struct ConfigurationFile: Sendable {
    let path: String
    let profile: String?
    let profiles: [String]
    let isFileThere: Bool

    private var values: [Setting: Value] = [:]
    /// The hooks that are set, or that the profile turns off.
    var hooks: [Hook: HookCommand] = [:]

    struct Value {
        let content: Content
        /// The profile that sets it, or nil if it is set outside of profiles.
        let profile: String?
    }

    enum Content: Equatable {
        case text(String)
        case texts([String])
        case flag(Bool)

        var text: String {
            switch self {
            case .text(let text): text
            case .texts(let texts): texts.joined(separator: ",")
            case .flag(let isSet): isSet ? "true" : "false"
            }
        }

        var isEmpty: Bool { self == .text("") || self == .texts([]) }

        /// Whether it is blank, an empty list, or a list with a blank element. Such a value is
        /// refused, since it could mean the default, everything, or a name that does not exist.
        var isBlank: Bool {
            func isBlank(_ text: String) -> Bool { text.allSatisfy(\.isWhitespace) }
            return switch self {
            case .text(let text): isBlank(text)
            case .texts(let texts): texts.isEmpty || texts.contains(where: isBlank)
            case .flag: false
            }
        }
    }

    private static let loaded = Mutex(ConfigurationFile(empty: ""))

    /// The configuration of this run of the program.
    static var current: ConfigurationFile { loaded.withLock { $0 } }

    /// Reads the file for this run of the program. A nil file means the default file, which need not
    /// exist; a nil profile means the one that the file selects.
    static func load(file: String?, profile: String?) throws {
        let variable = "TOKENCERT_CONFIG"
        let named =
            try file
            ?? environmentVariable(variable).map {
                try standing($0, as: .path, status: .usage, place: variable)
            }
        let path = named ?? usualPath
        let wanted = profile ?? environmentVariable("TOKENCERT_PROFILE")
        guard try named != nil || isInUsualPlace(path) else {
            if let wanted {
                throw Failure(
                    .configuration, code: "noProfile",
                    "there is no profile \"\(wanted)\": \(path) does not exist",
                    hints: [example])
            }
            return loaded.withLock { $0 = ConfigurationFile(empty: path) }
        }
        let configuration = try ConfigurationFile(reading: path, profile: wanted)
        loaded.withLock { $0 = configuration }
    }

    /// Whether the default file exists. Throws if that is unknown: to ignore the file could mean to
    /// order from the wrong CA.
    private static func isInUsualPlace(_ path: String) throws -> Bool {
        // Only a file that is named may be a pipe: --config <(COMMAND).
        guard !isSpecialFile(path) else {
            throw Failure(
                .configuration, code: "configurationUnreadable",
                "the configuration file \(path) is not a regular file",
                hints: ["move it away: mv \(quoted(path)) \(quoted(path + ".old"))"])
        }
        do throws(FileError) {
            return try isPresent(path)
        } catch {
            throw unreadable(error)
        }
    }

    private static func unreadable(_ error: FileError) -> Failure {
        Failure(
            .configuration, code: "configurationUnreadable", "\(error)",
            hints: advice(error) + ["use --config or TOKENCERT_CONFIG to name another file"])
    }

    static var usualPath: String { configurationFolder + "/config.json" }

    private init(empty path: String) {
        self.path = path
        profile = nil
        profiles = []
        isFileThere = false
    }

    private init(reading path: String, profile wanted: String?) throws {
        let bytes = try Self.read(path)
        var settings: [String: JSONValue]
        var groups: [String: [String: JSONValue]] = [:]
        do {
            settings = try JSONDecoder().decode([String: JSONValue].self, from: Data(bytes))
            for (name, group) in try settings.removeValue(forKey: "profiles")?
                .members("profiles") ?? [:]
            {
                groups[name] = try group.members("profiles.\(name)")
            }
        } catch {
            throw Failure(
                .configuration, code: "configurationUnreadable",
                "cannot read the configuration file \(path): \(Self.reason(error))",
                hints: [Self.example])
        }
        if let key = repeatedKey(inJSON: bytes) {
            throw Self.invalid("\"\(key)\" is set twice in \(path)", ["remove one of them"])
        }
        profiles = groups.keys.sorted()
        let usual = try Self.profile(settings.removeValue(forKey: "profile"), path)
        let chosen = wanted ?? usual
        if let chosen, groups[chosen] == nil {
            throw Failure(
                .configuration, code: "noProfile", "there is no profile \"\(chosen)\" in \(path)",
                hints: suggestions(for: chosen, among: profiles).map { "did you mean \($0)?" }
                    + [
                        profiles.isEmpty
                            ? "to see an example of a profile: tokencert config --help"
                            : "use one of " + profiles.joined(separator: ", ")
                    ])
        }
        self.path = path
        profile = chosen
        isFileThere = true
        try read(settings, ofProfile: nil)
        for (name, settings) in groups.sorted(by: { $0.key < $1.key }) {
            // Mistakes are also reported in profiles that are not used.
            var other = self
            try other.read(settings, ofProfile: name)
            guard name == chosen else { continue }
            values = other.values
            hooks = other.hooks
        }
    }

    func value(_ name: Setting) -> Value? { values[name] }

    private static func read(_ path: String) throws -> [UInt8] {
        let isUnsafe: Bool
        let bytes: [UInt8]
        do throws(FileError) {
            // The file may name programs to run.
            isUnsafe = try isWritableByOthers(path)
            bytes = try readFile(path, limit: 1 << 20)
        } catch {
            throw unreadable(error)
        }
        guard !isUnsafe else {
            throw Failure(
                .configuration, code: "configurationUnsafe",
                "other users can write to the configuration file \(path)",
                hints: [
                    // A changed device, such as /dev/null, would be unusable for other programs.
                    isSpecialFile(path)
                        ? "it is not a regular file; name one that only you can write"
                        : adviceOnWriters(of: path)
                ])
        }
        return bytes
    }

    private mutating func read(
        _ settings: [String: JSONValue], ofProfile profile: String?
    ) throws {
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
            if name == "hooks" {
                try readHooks(value, ofProfile: profile)
                continue
            }
            guard name != "profile" || profile == nil else {
                throw Self.invalid(
                    "\"profile\" cannot be set in the profile \"\(profile ?? "")\" of \(path)",
                    ["remove it there; outside of profiles it selects the usual one"])
            }
            guard let setting = Setting(rawValue: name), setting.isConfigurable else {
                throw Self.unknown(name, path)
            }
            guard var content = value.content(of: setting.kind) else {
                let form =
                    switch setting.kind {
                    case .text: "a string in quotation marks"
                    case .texts: "a list of strings: [\"...\", \"...\"]"
                    case .flag: "true or false"
                    }
                throw Self.invalid("\"\(name)\" in \(path) must be \(form)", [Self.example])
            }
            let isReset = profile != nil && content.isEmpty && setting.canBeReset
            guard isReset || !content.isBlank else { throw Self.blank(name, path) }
            if case .text(let text) = content {
                content = .text(
                    try standing(
                        text, as: setting.form, status: .configuration,
                        place: "\"\(name)\" in \(path)"))
            }
            values[setting] = Value(content: content, profile: profile)
        }
    }

    private static func profile(_ value: JSONValue?, _ path: String) throws -> String? {
        switch value {
        case nil, .null?: return nil
        case .text(let text)?:
            guard !Content.text(text).isBlank else { throw blank("profile", path) }
            return text
        default:
            throw invalid("\"profile\" in \(path) must be a string in quotation marks", [example])
        }
    }

    private static func blank(_ name: String, _ path: String) -> Failure {
        invalid("\"\(name)\" in \(path) is empty", ["set a value, or remove it from the file"])
    }

    static func invalid(_ message: String, _ hints: [String]) -> Failure {
        Failure(.configuration, code: "configurationInvalid", message, hints: hints)
    }

    static let example = "to see an example of the file: tokencert config --help"

    private static func unknown(_ name: String, _ path: String) -> Failure {
        let isSecret = ["pin", "so-pin", "password", "puk"].contains(name.lowercased())
        let all = Setting.allCases.filter(\.isConfigurable).map(\.rawValue) + ["hooks"]
        let hints: [String] =
            isSecret
            ? [
                "replace the secret with its source: pin-source or password-source",
                "change the secret: others may have read the file",
            ]
            : Setting(rawValue: name) != nil
                ? ["remove it, and use --\(name) on the command line"]
                : suggestions(for: name, among: all).map { "did you mean \($0)?" }
                    + ["to list all settings: tokencert config"]
        return invalid("\"\(name)\" in \(path) is not a setting of the configuration file", hints)
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case DecodingError.dataCorrupted(let context):
            "it is not valid JSON: \(context.debugDescription)"
        case DecodingError.typeMismatch(_, _), DecodingError.valueNotFound(_, _):
            "it must be a JSON object"
        case let error as JSONValue.NoObject: "\(error.place) must be a JSON object"
        default: "\(error)"
        }
    }
}
