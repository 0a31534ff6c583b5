internal import FoundationEssentials
internal import Synchronization
internal import TokencertPlatform

/// What a person has set for good, in `config.json` of tokencert's configuration folder: settings by
/// the names of their options, and profiles, groups of them that `--profile` chooses from.
///
/// No secret ever stands there, only where it comes from.
struct ConfigurationFile: Sendable {
    /// The file.
    let path: String
    /// The profile that is used, or nil.
    let profile: String?
    /// The names of all profiles.
    let profiles: [String]
    /// Whether there is such a file.
    let isFileThere: Bool

    private var values: [Setting: Value] = [:]

    /// A value, and where it stands.
    struct Value {
        let content: Content
        /// The profile that it stands in, or nil.
        let profile: String?
    }

    /// What a setting may be set to.
    enum Content: Equatable {
        case text(String)
        case texts([String])
        case flag(Bool)

        /// The value for a person to read.
        var text: String {
            switch self {
            case .text(let text): text
            case .texts(let texts): texts.joined(separator: ",")
            case .flag(let isSet): isSet ? "true" : "false"
            }
        }

        /// Whether there is nothing in it.
        var isEmpty: Bool { self == .text("") || self == .texts([]) }

        /// Whether it is a text of blanks, a list without texts, or one with such a text. Such a
        /// value is refused: it could mean the default, everything or a name that does not exist.
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

    /// The one that this run of the program uses.
    static var current: ConfigurationFile { loaded.withLock { $0 } }

    /// Reads the file for this run of the program.
    ///
    /// - Parameters:
    ///   - file: The file that a person names, or nil for the one in its usual place, which need
    ///     not be there.
    ///   - profile: The profile that a person names, or nil for the one that the file names.
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
                    "there is no profile “\(wanted)”: there is no file \(path)",
                    hints: ["tokencert config --help tells what stands in it"])
            }
            return loaded.withLock { $0 = ConfigurationFile(empty: path) }
        }
        let configuration = try ConfigurationFile(reading: path, profile: wanted)
        loaded.withLock { $0 = configuration }
    }

    /// Whether there is a file in the usual place. A file that cannot be reached does not count as
    /// absent: its settings would be ignored, and the default CA would be used.
    private static func isInUsualPlace(_ path: String) throws -> Bool {
        // One that is named may be a pipe: --config <(COMMAND).
        guard !isSpecialFile(path) else {
            throw Failure(
                .configuration, code: "configurationUnreadable",
                "the configuration \(path) is not a regular file",
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

    /// Where the file is where nobody says otherwise.
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
                "the configuration \(path) cannot be read: \(Self.reason(error))",
                hints: ["it is one JSON object: tokencert config --help shows an example"])
        }
        if let key = repeatedKey(inJSON: bytes) {
            throw Failure(
                .configuration, code: "configurationInvalid",
                "“\(key)” is set twice in \(path)", hints: ["remove one of the two"])
        }
        profiles = groups.keys.sorted()
        let usual = try Self.profile(settings.removeValue(forKey: "profile"), path)
        let chosen = wanted ?? usual
        if let chosen, groups[chosen] == nil {
            throw Failure(
                .configuration, code: "noProfile",
                "there is no profile “\(chosen)” in \(path)",
                hints: suggestions(for: chosen, among: profiles).map { "did you mean \($0)?" }
                    + [
                        "there are: "
                            + (profiles.isEmpty ? "none" : profiles.joined(separator: ", "))
                    ])
        }
        self.path = path
        profile = chosen
        isFileThere = true
        try read(settings, ofProfile: nil)
        for (name, settings) in groups.sorted(by: { $0.key < $1.key }) {
            // Mistakes are told of in those that are not used, too.
            var other = self
            try other.read(settings, ofProfile: name)
            if name == chosen { values = other.values }
        }
    }

    /// A setting with where it stands, or nil.
    func value(_ name: Setting) -> Value? { values[name] }

    private static func read(_ path: String) throws -> [UInt8] {
        let isUnsafe: Bool
        let bytes: [UInt8]
        do throws(FileError) {
            // It may name programs to run.
            isUnsafe = try isWritableByOthers(path)
            bytes = try readFile(path, limit: 1 << 20)
        } catch {
            throw unreadable(error)
        }
        guard !isUnsafe else {
            throw Failure(
                .configuration, code: "configurationUnsafe",
                "other users can write to the configuration \(path)",
                hints: ["chmod go-w \(quoted(path)) when you have read it"])
        }
        return bytes
    }

    private mutating func read(
        _ settings: [String: JSONValue], ofProfile profile: String?
    ) throws {
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
            guard let setting = Setting(rawValue: name), setting.isConfigurable else {
                throw Self.unknown(name, path)
            }
            guard var content = value.content(of: setting.kind) else {
                let form =
                    switch setting.kind {
                    case .text: "a text in quotation marks"
                    case .texts: "a list of texts: [\"…\", \"…\"]"
                    case .flag: "true or false"
                    }
                throw Failure(
                    .configuration, code: "configurationInvalid",
                    "“\(name)” in \(path) has to be \(form)",
                    hints: ["tokencert config --help shows an example"])
            }
            let isReset = profile != nil && content.isEmpty && setting.canBeReset
            guard isReset || !content.isBlank else { throw Self.blank(name, path) }
            if case .text(let text) = content {
                content = .text(
                    try standing(
                        text, as: setting.form, status: .configuration,
                        place: "“\(name)” in \(path)"))
            }
            values[setting] = Value(content: content, profile: profile)
        }
    }

    /// The profile that the file itself names, or nil.
    private static func profile(_ value: JSONValue?, _ path: String) throws -> String? {
        switch value {
        case nil, .null?: return nil
        case .text(let text)?:
            guard !Content.text(text).isBlank else { throw blank("profile", path) }
            return text
        default:
            throw Failure(
                .configuration, code: "configurationInvalid",
                "“profile” in \(path) has to be a text in quotation marks",
                hints: ["tokencert config --help shows an example"])
        }
    }

    private static func blank(_ name: String, _ path: String) -> Failure {
        Failure(
            .configuration, code: "configurationInvalid", "“\(name)” in \(path) is empty",
            hints: ["set a value, or remove it from the file"])
    }

    private static func unknown(_ name: String, _ path: String) -> Failure {
        let isSecret = ["pin", "so-pin", "password", "puk"].contains(name.lowercased())
        let all = Setting.allCases.filter(\.isConfigurable).map(\.rawValue)
        let hints: [String] =
            isSecret
            ? [
                "a secret never stands there: pin-source and password-source say where it comes from",
                "whoever could read the file knows it now: change it",
            ]
            : Setting(rawValue: name) != nil
                ? ["it stands on the command line each time: --\(name)"]
                : suggestions(for: name, among: all).map { "did you mean \($0)?" }
                    + ["tokencert config shows all that can be set"]
        return Failure(
            .configuration, code: "configurationInvalid",
            "“\(name)” in \(path) is nothing that can be set there", hints: hints)
    }

    private static func reason(_ error: any Error) -> String {
        if case .dataCorrupted(let context) = error as? DecodingError {
            return "it is not JSON: \(context.debugDescription)"
        }
        if case .typeMismatch = error as? DecodingError { return "it has to be a JSON object" }
        if let error = error as? JSONValue.NoObject {
            return "\(error.place) has to be a JSON object"
        }
        return "\(error)"
    }
}
