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

/// Reads the secrets of one run, whose sources are set before. A stream supplies only one secret, except
/// that the PINs of a token may share one `fd:N`: one line each, in the order of ``SecretRole``, needed
/// or not. Several secrets may share a variable.
final class SecretReader: Sendable {
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
                    throw Failure(.usage, code: "\(error.code)", error.reason, hints: [role.advice])
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
    /// The sources of the current PINs of a token, or nil before it is found. The URI may name that of
    /// the user's PIN.
    func sourcesOfPINs(_ uri: PKCS11URI?, of found: Token?) throws -> [SecretRole: SecretSource] {
        [
            .pin: try source(uri, of: found) ?? .prompt,
            .securityOfficerPIN: try securityOfficerSource(of: found),
        ]
    }
}

/// Sets the sources of all secrets of a command that orders: the account's password and the token's
/// current PINs. The URI may name the source of the user's PIN. The token is nil if it is not present,
/// or if there are several.
func useSources(
    _ options: TokenOptions, _ uri: PKCS11URI?, of found: Token?, _ ca: CAOptions
) throws {
    var sources = try options.sourcesOfPINs(uri, of: found)
    if try ca.command() == nil { sources[.password] = try ca.source() }
    try SecretReader.shared.use(sources)
}

/// The sources of the PINs that a plan needs, with the record of PINs that the token refused.
struct PINSources: Sendable {
    let plan: PINPlan
    let memory: RefusedPINs
    let sources: [UserType: SecretSource]
    /// Identified before the PINs are read: a PIN that replaces one in the meantime is a new PIN.
    let remembered: [UserType: RefusedPINs.Source]
    let sendsRefusedPINs: Bool

    /// The URI may name the source of the user's PIN.
    init(of plan: PINPlan, _ options: TokenOptions, _ uri: PKCS11URI?) throws {
        let memory = try RefusedPINs(plan.token)
        let ofPINs = try options.sourcesOfPINs(uri, of: plan.token)
        try SecretReader.shared.useIfUnset(ofPINs)
        self.plan = plan
        self.memory = memory
        sources = [
            .user: ofPINs[.pin] ?? .prompt,
            .securityOfficer: ofPINs[.securityOfficerPIN] ?? .prompt,
        ]
        remembered = sources.reduce(into: [:]) { result, entry in
            guard plan.roles.contains(entry.key) else { return }
            result[entry.key] = memory.source(entry.value, of: entry.key)
        }
        sendsRefusedPINs = options.sendsRefusedPINs
    }

    /// Reads the PIN of a role, unless the token refused it before or a wrong one would lock the token. A dry
    /// run reads only PINs that can be read again: those in files and variables.
    func read(
        _ role: UserType, again isAgain: Bool = false, inDryRun isDryRun: Bool = false
    ) throws -> Secret {
        guard plan.roles.contains(role), let source = sources[role] else { return Secret() }
        if let entry = remembered[role], !sendsRefusedPINs {
            try memory.requireNotRefused(entry, plan.name(of: role), hasLock: false)
        }
        // A typed PIN is accepted even if the record cannot be read.
        let recorded = Result { try memory.refusals(of: role, together: plan.countsTogether) }
        let refusals = source.asksPerson ? (try? recorded.get()) ?? 0 : try recorded.get()
        try plan.requireTriesLeft(of: role, afterRefusals: refusals)
        if isDryRun, !source.isRepeatable { return Secret() }
        let info = plan.token.info
        let left = isAgain ? nil : plan.triesLeft(of: role, afterRefusals: refusals)
        let tries = left.map { "; \($0)" } ?? ""
        return try SecretReader.shared.read(
            role == .securityOfficer ? .securityOfficerPIN : .pin, from: source,
            promptText: "\(plan.name(of: role)) for \"\(printable(info.label))\" "
                + "(\(printable(info.model)), serial \(printable(info.serialNumber))\(tries))",
            checking: { pin in try plan.requirePossible(pin, of: role) })
    }
}

/// Reads the PINs that a job needs, and runs the job with them. The URI may name the source of the
/// user's PIN. If the token refuses a PIN, its source is recorded, so later runs do not send it again.
func withPINs<Result>(
    _ plan: PINPlan, _ options: TokenOptions, _ uri: PKCS11URI? = nil,
    _ body: (TokenPINs) throws -> Result
) throws -> Result {
    Progress.shared.finish()
    guard plan.needsPINs else { return try body(TokenPINs(of: plan.roles, user: Secret())) }
    if plan.hasReaderKeys {
        let label = printable(plan.token.info.label)
        printError("enter the PIN on the reader of \"\(label)\" whenever it asks for it")
        return try body(TokenPINs(of: plan.roles, user: Secret()))
    }
    let given = try PINSources(of: plan, options, uri)
    let typed = Set(given.sources.filter { $0.value.asksPerson }.keys)
    let tries = PINTries(
        given.memory, plan, given.remembered, typed: typed, retries: given.sendsRefusedPINs)
    var watch = tries.watch
    watch.nextPIN = { role in
        guard given.sources[role] == .prompt, tries.mayAskAgain(role) else { return nil }
        Progress.shared.finish()
        printError("the \(plan.name(of: role)) is wrong; you can type another one once")
        do {
            return try given.read(role, again: true)
        } catch {
            tries.stop(Failure(noOtherPIN: error))
            return nil
        }
    }
    let pins = TokenPINs(
        of: plan.roles, user: try given.read(.user),
        securityOfficer: try given.read(.securityOfficer), watch: watch)
    do {
        return try body(pins)
    } catch {
        throw tries.failure.map { Failure($0) } ?? error
    }
}

/// Notes why a real run would stop because of a PIN, as far as that shows without a login. No PIN is
/// sent.
func notePINs(_ plan: PINPlan, _ options: TokenOptions, _ uri: PKCS11URI? = nil) {
    guard plan.needsPINs, !plan.hasReaderKeys else { return }
    do {
        let given = try PINSources(of: plan, options, uri)
        for role in plan.roles { _ = try given.read(role, inDryRun: true) }
    } catch {
        printNotes(["without --dry-run, this would stop: \(Failure(error).message)"])
    }
}

extension Failure {
    /// The failure if the user types no other PIN after a refused one.
    fileprivate init(noOtherPIN error: any Error) {
        let failure = Failure(error)
        let (interruptionState, _) = Progress.shared.interruptionState
        let rest =
            interruptionState.hints.isEmpty
            ? ["to try again, run the same command"] : interruptionState.hints
        self.init(
            failure.status, code: failure.code, failure.message,
            hints: [
                "the token refused a PIN; no other one was sent, and \(interruptionState.state)"
            ] + rest)
    }
}

extension RefusedPINs {
    static var file: String { path(inFolder: stateFolder) }

    init(_ token: Token) throws {
        try self.init(token, folder: stateFolder, clock: now) { event in
            switch event {
            case .waitsForOtherRun:
                printError(
                    "note: another run is sending a PIN to this token; waiting for it to finish")
            case .refusalNotRecorded(let error):
                var reason = Failure(error).message
                if case .notWritten(let text, _) = error {
                    reason = text
                }
                printError("warning: cannot record that the PIN was refused: \(reason)")
            }
        }
    }
}
