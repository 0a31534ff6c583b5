internal import Cryptoki
internal import Synchronization
internal import TokencertIssuance
internal import TokencertPlatform

/// The purpose of a secret, in the order in which secrets are read.
enum SecretRole: Int, CaseIterable, Comparable {
    case password
    /// The user's current PIN.
    case pin
    case securityOfficerPIN
    /// The new PIN.
    case newPIN

    var name: String {
        switch self {
        case .password: "the password"
        case .pin: "the PIN"
        case .securityOfficerPIN: "the SO PIN"
        case .newPIN: "the new PIN"
        }
    }

    /// What to type if it cannot be asked for.
    var advice: String {
        let option =
            switch self {
            case .password: "--password-source"
            case .pin: "--pin-source"
            case .securityOfficerPIN: "--so-pin-source"
            // Commands that set a first PIN have one source of PINs of the user.
            case .newPIN: "--new-pin-source (token change-pin) or --pin-source"
            }
        return "set \(option) to one of: \(sourcesOfSecrets)"
    }

    static func < (one: SecretRole, other: SecretRole) -> Bool { one.rawValue < other.rawValue }
}

/// Reads the secrets of one run of the program, whose sources are set before the first one is read.
///
/// A stream supplies only one secret, except that the PINs of a token may share one `fd:N`: one line
/// each, in the order of ``SecretRole``, needed or not. Several secrets may share a variable.
final class SecretReader: Sendable {
    /// The reader of this process.
    static let shared = SecretReader()

    private struct State {
        var sources: [SecretRole: SecretSource] = [:]
        /// The lines already read from a shared descriptor.
        var lines: [SecretRole: SharedSecret] = [:]
        var variables: [String: Result<SharedSecret, SecretError>] = [:]
    }

    private let state = Mutex(State())

    /// Sets the sources of all secrets of this run, unless they are set already. Throws ``Failure`` if
    /// two secrets would come from one stream.
    func useIfUnset(_ sources: [SecretRole: SecretSource]) throws {
        guard state.withLock({ $0.sources.isEmpty }) else { return }
        try use(sources)
    }

    /// Sets the sources of all secrets of this run; see ``useIfUnset(_:)``.
    func use(_ sources: [SecretRole: SecretSource]) throws {
        let roles = sources.keys.sorted()
        for (index, role) in roles.enumerated() {
            for other in roles[..<index] { try requireApart(other, role, sources) }
        }
        takeVariables(Array(sources.values))
        state.withLock { $0.sources = sources }
    }

    /// Reads the variables that contain secrets and removes them from the environment, so modules and
    /// child processes do not see them.
    func takeVariables(_ sources: [SecretSource]) {
        state.withLock { state in
            for case .environment(let name) in sources where state.variables[name] == nil {
                do throws(SecretError) {
                    let secret = try SecretSource.environment(name).read(promptText: "")
                    state.variables[name] = .success(SharedSecret(secret))
                } catch {
                    // The secret may not be needed, so the error is thrown when it is read.
                    state.variables[name] = .failure(error)
                }
            }
        }
    }

    private func requireApart(
        _ one: SecretRole, _ other: SecretRole, _ sources: [SecretRole: SecretSource]
    ) throws {
        guard let first = sources[one], let second = sources[other],
            first.sharesStream(with: second)
        else { return }
        if case .fileDescriptor = first, first == second, one != .password { return }
        let name = first == second ? "\(first)" : "\(first) and \(second), which are the same"
        throw Failure(
            .usage, code: "sharedSource",
            "\(one.name) and \(other.name) cannot both come from \(name)",
            hints: [
                "use two descriptors, such as fd:3 for \(one.name) and fd:4 for \(other.name)",
                "no secret was read or sent: it is safe to try again",
            ])
    }

    /// Reads a secret and checks it. After a mistake at a prompt, asks again, three times at most.
    /// Throws `SecretError`, ``Failure`` or the error of the check.
    func read(
        _ role: SecretRole, from source: SecretSource, promptText: String,
        checking check: (borrowing Secret) throws -> Void = { _ in }
    ) throws -> Secret {
        var mistakes = 0
        while true {
            do {
                let secret: Secret
                switch source {
                case .environment(let name):
                    if let kept = state.withLock({ $0.variables[name] }) {
                        secret = try kept.get().secret.duplicate()
                    } else {
                        secret = try source.read(promptText: promptText)
                    }
                case .fileDescriptor(let descriptor):
                    guard SecretSource.isInherited(descriptor) else {
                        throw Failure(
                            .noPermission, code: "\(SecretError.Code.unreadable)",
                            "cannot read \(source): tokencert was started without this descriptor",
                            hints: ["open it when you start tokencert: \(descriptor)< FILE"])
                    }
                    secret = try line(for: role, from: source)
                default:
                    secret = try source.read(promptText: promptText)
                }
                try check(secret)
                return secret
            } catch {
                mistakes += 1
                if source == .prompt, let error = error as? SecretError, error.code == .noTerminal {
                    throw Failure(
                        .usage, code: "\(error.code)", error.reason,
                        hints: [role.advice])
                }
                guard source == .prompt, mistakes < 3, let text = typingMistake(error) else {
                    throw error
                }
                printError("\(text); try again")
            }
        }
    }

    /// Reads a secret's line from a descriptor, after the lines of the secrets before it.
    private func line(for role: SecretRole, from source: SecretSource) throws -> Secret {
        let sharing = state.withLock { state in
            state.sources.filter { $0.value == source }.keys.sorted()
        }
        guard sharing.count > 1, sharing.contains(role) else {
            return try source.read(promptText: "")
        }
        for each in sharing where each <= role {
            guard state.withLock({ $0.lines[each] == nil }) else { continue }
            let kept = SharedSecret(try source.read(promptText: ""))
            state.withLock { $0.lines[each] = kept }
        }
        guard let kept = state.withLock({ $0.lines[role] }) else {
            return try source.read(promptText: "")
        }
        return kept.secret.duplicate()
    }
}

/// What the user typed wrong at a prompt, or nil for another error. Nothing was sent.
func typingMistake(_ error: any Error) -> String? {
    switch error {
    case let error as SecretError:
        [.empty, .malformed].contains(error.code) ? error.reason : nil
    case let error as IssuanceError: error.code == .pinRefused ? error.reason : nil
    case let failure as Failure:
        ["weakPIN", "pinLength", "notTheSame"].contains(failure.code) ? failure.message : nil
    default: nil
    }
}

/// All sources of secrets on the command line, in the environment and in the configuration file, even
/// if the command does not need them. Invalid ones are left out, and reported when they are used.
func namedSources(inArguments arguments: [String]) -> [SecretSource] {
    let settings: [Setting] = [
        .pinSource, .securityOfficerPINSource, .newPINSource, .passwordSource,
    ]
    let texts = settings.flatMap { setting -> [String] in
        let option = "--" + setting.rawValue
        let typed = arguments.indices.compactMap { index -> String? in
            if arguments[index].hasPrefix(option + "=") {
                return String(arguments[index].dropFirst(option.count + 1))
            }
            return arguments[index] == option ? arguments.dropFirst(index + 1).first : nil
        }
        let standing = [
            EnvironmentSettings.current.content(setting),
            ConfigurationFile.current.value(setting)?.content,
        ]
        return typed + standing.compactMap { $0?.text }
    }
    return texts.compactMap { try? SecretSource($0) }
}

extension TokenOptions {
    /// The sources of the token's current PINs. The URI may name that of the user's PIN.
    func sourcesOfPINs(_ uri: PKCS11URI?) throws -> [SecretRole: SecretSource] {
        [
            .pin: try source(uri) ?? .prompt,
            .securityOfficerPIN: try securityOfficerSource(uri),
        ]
    }
}

/// Sets the sources of all secrets of a command that orders: the account's password and the token's
/// current PINs. The URI may name the source of the user's PIN.
func useSources(_ options: TokenOptions, _ uri: PKCS11URI?, _ ca: CAOptions) throws {
    var sources = try options.sourcesOfPINs(uri)
    if try ca.command() == nil { sources[.password] = try ca.source() }
    try SecretReader.shared.use(sources)
}
