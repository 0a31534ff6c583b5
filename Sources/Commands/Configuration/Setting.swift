/// A setting, by the name of its option on the command line.
enum Setting: String, CaseIterable {
    case module
    case moduleArguments = "module-arguments"
    case token
    case tokenProfile = "token-profile"
    case wait
    case pinSource = "pin-source"
    case securityOfficerPINSource = "so-pin-source"
    case newPINSource = "new-pin-source"
    case allowLastTry = "allow-last-try"
    case retryPIN = "retry-pin"

    case caURL = "ca-url"
    case caCommand = "ca-command"
    case caFile = "ca-file"
    case caAccepts = "ca-accepts"
    case username
    case passwordSource = "password-source"
    case timeout
    case fetch
    case fetchFor = "fetch-for"
    case fingerprint

    case name
    case email
    case codeSigning = "codesign"
    case keyType = "key-type"
    case label
    case id
    case key
    case out
    case chain

    case acceptChanges = "accept-changes"
    case newKey = "new-key"
    case retire
    case ifPresent = "if-present"
    case days
    case online
    case tree

    case yes
    case yesDeletePrivateKey = "yes-delete-private-key"
    case erase
    case notEmpty = "not-empty"
    case keysMayStay = "keys-may-stay"
    case dryRun = "dry-run"

    case ledger
    case json
    case quiet
    case verbose
    case color

    enum Kind {
        case text
        case texts
        case flag
    }

    var kind: Kind {
        switch self {
        case .email: .texts
        case .allowLastTry, .retryPIN, .codeSigning, .chain, .acceptChanges, .newKey, .retire,
            .ifPresent, .fetch, .online, .tree, .yes, .yesDeletePrivateKey, .notEmpty, .keysMayStay,
            .dryRun, .json, .quiet, .verbose:
            .flag
        default: .text
        }
    }

    /// Its environment variable, such as `TOKENCERT_CA_URL`.
    var variable: String {
        "TOKENCERT_" + rawValue.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    /// Whether it can be set in the configuration file and the environment. Options for one object
    /// or for the output format, and those that disable a safeguard, cannot.
    var isConfigurable: Bool {
        switch self {
        case .module, .moduleArguments, .token, .tokenProfile, .wait, .pinSource,
            .securityOfficerPINSource, .caURL, .caCommand, .caFile, .caAccepts, .username,
            .passwordSource, .timeout, .fetch, .fetchFor, .name, .email, .codeSigning, .keyType,
            .days, .online, .ledger, .quiet, .verbose, .color:
            true
        default: false
        }
    }

    var form: PathForm? {
        switch self {
        case .ledger, .caFile, .out: .path
        case .module: .pathOrName
        case .tokenProfile: .profile
        case .pinSource, .securityOfficerPINSource, .newPINSource, .passwordSource: .source
        case .caCommand: .command
        case .token: .token
        default: nil
        }
    }

    /// Whether a profile can set it to an empty value, to override the value outside of profiles.
    var canBeReset: Bool { self == .email || self == .moduleArguments }

    /// The default value for display, or nil.
    var standard: String? {
        switch self {
        case .ledger: standardLedgerPath
        case .caURL: "https://www.cacert.org"
        case .caAccepts: "rsa; with ca-command: rsa,ec,ed25519"
        case .pinSource, .securityOfficerPINSource, .passwordSource: "prompt"
        case .timeout: "120"
        case .fetchFor: "2m"
        case .days: "30"
        case .keyType: "rsa:3072, or rsa:2048 if the token supports no larger keys"
        case .color: "auto"
        default: nil
        }
    }
}

/// The value of an option: `option` from the command line, otherwise the value from the environment,
/// otherwise that from the configuration file.
func setting(_ option: String?, _ name: Setting) -> String? {
    option ?? standingContent(name)?.text
}

/// The values of an option that may be repeated. Values from other places are never added to those
/// on the command line.
func setting(_ options: [String], _ name: Setting) -> [String] {
    guard options.isEmpty else { return options }
    if case .texts(let texts) = standingContent(name) { return texts }
    return []
}

/// Whether a flag is set. It cannot be turned off on the command line.
func setting(_ flag: Bool, _ name: Setting) -> Bool {
    if flag { return true }
    if case .flag(true) = standingContent(name) { return true }
    return false
}

/// The value that applies if the command line sets none, or nil.
private func standingContent(_ name: Setting) -> ConfigurationFile.Content? {
    EnvironmentSettings.current.content(name) ?? ConfigurationFile.current.value(name)?.content
}

extension Failure {
    /// The same failure with the variable or the file that sets an invalid value, if the command line does
    /// not set it. The message of an invalid value begins with its option.
    func namingOrigin(inArguments arguments: [String]) -> Failure {
        let name = message.dropFirst(2).prefix { $0.isLetter || $0 == "-" }
        guard status == .usage, message.hasPrefix("--"),
            let setting = Setting(rawValue: String(name)),
            !arguments.contains(where: { $0 == "--\(name)" || $0.hasPrefix("--\(name)=") })
        else { return self }
        let origin: String
        if EnvironmentSettings.current.content(setting) != nil {
            origin = setting.variable
        } else if let value = ConfigurationFile.current.value(setting) {
            let profile = value.profile.map { " in the profile \"\($0)\"" } ?? ""
            origin = "\"\(name)\"\(profile) of \(ConfigurationFile.current.path)"
        } else {
            return self
        }
        return with(
            message: "\(message) (set by \(origin))",
            hints: hints + ["to see all settings and where they are set: tokencert config"])
    }
}
