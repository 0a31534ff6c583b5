/// What can be set besides on the command line, by the name of its option.
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
    case caFile = "ca-file"
    case caAccepts = "ca-accepts"
    case username
    case passwordSource = "password-source"
    case timeout
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

    /// What kind of value it has.
    enum Kind {
        case text
        case texts
        case flag
    }

    var kind: Kind {
        switch self {
        case .email: .texts
        case .allowLastTry, .retryPIN, .codeSigning, .chain, .acceptChanges, .newKey, .retire,
            .ifPresent,
            .online, .tree, .yes, .yesDeletePrivateKey, .notEmpty, .keysMayStay, .dryRun, .json,
            .quiet, .verbose:
            .flag
        default: .text
        }
    }

    /// Its variable of the environment, as `TOKENCERT_CA_URL`.
    var variable: String {
        "TOKENCERT_" + rawValue.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }

    /// Whether it may be set in the configuration file and in the environment. An option for one
    /// object, one that disables a safeguard and one for the form of the output may not.
    var isConfigurable: Bool {
        switch self {
        case .module, .moduleArguments, .token, .tokenProfile, .wait, .pinSource,
            .securityOfficerPINSource, .caURL,
            .caFile, .caAccepts, .username, .passwordSource, .timeout, .name, .email, .codeSigning,
            .keyType, .days, .online, .ledger, .quiet, .verbose, .color:
            true
        default: false
        }
    }

    /// The kind of path that it holds, if any.
    var form: PathForm? {
        switch self {
        case .ledger, .caFile, .out: .path
        case .module: .pathOrName
        case .tokenProfile: .profile
        case .pinSource, .securityOfficerPINSource, .newPINSource, .passwordSource: .source
        case .token: .token
        default: nil
        }
    }

    /// Whether a profile may set it to nothing, for what is set outside of it not to hold.
    var canBeReset: Bool { self == .email || self == .moduleArguments }

    /// What is in force where nobody says anything, for a person to read; nil for nothing.
    var standard: String? {
        switch self {
        case .caURL: "https://www.cacert.org"
        case .caAccepts: "rsa"
        case .pinSource, .securityOfficerPINSource, .passwordSource: "prompt"
        case .timeout: "120"
        case .days: "30"
        case .keyType: "rsa:3072, or rsa:2048 where the token has no more"
        case .color: "auto"
        default: nil
        }
    }
}

/// The value of an option: from the command line, else from the environment, else from the
/// configuration file.
///
/// - Parameters:
///   - option: What the command line says, or nil.
///   - name: The option.
func setting(_ option: String?, _ name: Setting) -> String? {
    option ?? standingContent(name)?.text
}

/// The values of an option that may be repeated; those of the environment have commas between them.
func setting(_ options: [String], _ name: Setting) -> [String] {
    guard options.isEmpty else { return options }
    if case .texts(let texts) = standingContent(name) { return texts }
    return []
}

/// Whether a flag is set: on the command line, otherwise in the environment, otherwise in the
/// configuration file.
func setting(_ flag: Bool, _ name: Setting) -> Bool {
    if flag { return true }
    if case .flag(true) = standingContent(name) { return true }
    return false
}

/// The value that applies if the command line sets none, or nil.
private func standingContent(_ name: Setting) -> ConfigurationFile.Content? {
    EnvironmentSettings.current.content(name) ?? ConfigurationFile.current.value(name)?.content
}
