internal import Cryptoki
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertPlatform
internal import TokencertTokens

/// The PKCS#11 modules that a command uses.
struct ModuleSet {
    let modules: [Module]
    let failures: [ConfiguredModules.Failure]

    /// Loads the module that the options or a URI name, or all modules in p11-kit's configuration.
    init(_ options: TokenOptions, _ uri: PKCS11URI?) throws {
        switch try ModuleChoice(options, uri) {
        case .file(let path, let arguments):
            // The output of a chosen module is not captured, since it may explain a crash.
            modules = [try Module.load(path: path, arguments: arguments)]
            failures = []
        case .named(let name):
            modules = [try Self.module(named: name)]
            failures = []
        case .configured:
            let configured = try Self.configured(
                matching: [uri, try options.standingURI(uri)].compactMap { $0 },
                observer: ModuleNotices(), startingTogether: !ModuleNotices.areShown)
            modules = configured.modules
            failures = configured.failures
        }
    }

    /// Initialises the modules in p11-kit's configuration that all of these URIs match.
    static func configured(
        matching uris: [PKCS11URI], observer: any ModuleStartObserver,
        startingTogether startsTogether: Bool = false
    ) throws -> ConfiguredModules {
        let configured = try load(startingTogether: startsTogether, observer: observer) {
            path, name in uris.allSatisfy { $0.matches(modulePath: path, name: name) }
        }
        // "p11-kit" represents a file that p11-kit cannot load.
        guard configured.modules.isEmpty, configured.failures.allSatisfy({ $0.name == "p11-kit" }),
            !uris.contains(where: { $0.modulePath != nil }),
            let name = uris.compactMap(\.moduleName).first
        else { return configured }
        throw Failure(unknownModule: name, configured, isInURI: true)
    }

    /// Initialises only the module with this name in p11-kit's configuration.
    static func module(named name: String) throws -> Module {
        let configured = try load(observer: ModuleNotices(except: name)) { $1 == name }
        if let module = configured.modules.first { return module }
        if let failure = configured.failures.first(where: { $0.name == name }) {
            throw failure.error
        }
        throw Failure(unknownModule: name, configured)
    }

    private static func load(
        startingTogether startsTogether: Bool = false, observer: any ModuleStartObserver,
        where isWanted: (_ path: String, _ name: String?) -> Bool
    ) throws -> ConfiguredModules {
        do throws(CryptokiError) {
            return try ConfiguredModules(
                where: isWanted, observer: observer, startingTogether: startsTogether)
        } catch {
            let files = P11KitConfiguration.moduleFiles()
            if let failure = P11KitConfiguration.failure(ofCritical: error.context, files) {
                throw failure
            }
            throw error
        }
    }
}

extension Failure {
    /// The failure if p11-kit's configuration has no module with a name.
    init(unknownModule name: String, _ configured: ConfiguredModules, isInURI: Bool = false) {
        func choice(_ name: String) -> String {
            isInURI ? "module-name=\(name)" : "--module \(quoted(name))"
        }
        let file = P11KitConfiguration.moduleFiles().first { $0.name == name && $0.isPassedOver }
        let complaint = configured.failures.first?.error.context
        self.init(
            .configuration, code: "moduleUnknown",
            "p11-kit's configuration has no module with the name \(name)",
            hints: (file.map { ["check whether \($0.path) disables it for tokencert"] } ?? [])
                + (complaint.map { ["p11-kit reports: \($0)"] } ?? [])
                + suggestions(for: name, among: configured.names).map {
                    "did you mean \(choice($0))?"
                }
                + configured.names.map { "to use another module: \(choice($0))" }
                + (isInURI
                    ? ["if it is the name of a file, use its path: module-path=/path/to/\(name)"]
                    : ["if it is the name of a file, type its path: --module ./\(name)"]))
    }
}

extension ModuleSet {
    /// Warns of each module that did not start, unless a token is named: the user may mean a token
    /// of that module.
    func warnOfFailures(_ options: TokenOptions, _ uri: PKCS11URI? = nil) {
        guard setting(options.token, .token) == nil, uri?.namesPlace != true else { return }
        // "p11-kit" represents a file that p11-kit cannot load; doctor reports it.
        for failure in failures where failure.name != "p11-kit" {
            let reason = failure.error.returnValue.map { " [\($0)]" } ?? ""
            printError(
                "warning: module \(printable(failure.name)) did not start\(reason); "
                    + "its tokens were not considered (see tokencert doctor)")
        }
    }
}

/// Finds the token that the options and the URI of an object select. `onlyReads` suppresses warnings
/// about modules that did not start, for commands that neither log in nor write. With `asks` the user
/// may choose if several tokens match.
func findToken(
    _ options: TokenOptions, _ uri: PKCS11URI? = nil, onlyReading onlyReads: Bool = false,
    asking asks: Bool = true
) throws -> TokenCapabilities {
    try findTokens(options, uri, onlyReading: onlyReads) { error in
        (asks ? tokenChosen(after: error) : nil).map { [$0] }
    }[0]
}

/// Finds the token that a command reads. A warning about modules matters only if it logs in.
func findTokenToRead(_ options: TokenOptions, _ uri: PKCS11URI?) throws -> TokenCapabilities {
    try findToken(options, uri, onlyReading: (try? options.source(uri)) == nil)
}

/// The same as ``findToken(_:_:onlyReading:asking:)`` for several tokens: if more than one match, `choose` returns those that are used, or nil to
/// refuse them. The modules are started twice before the command fails: while another process logs in to
/// a token, SoftHSM does not show it or cannot read it until the module is initialised again.
func findTokens(
    _ options: TokenOptions, _ uri: PKCS11URI? = nil, onlyReading onlyReads: Bool = false,
    choosing choose: (TokenSelectionError) -> [Token]?
) throws -> [TokenCapabilities] {
    let profiles = try options.profiles()
    func find(
        waitingSeconds seconds: Int, isLast: Bool
    ) throws -> Result<[TokenCapabilities], Failure> {
        let set = try working("starting the modules", onToken: false) {
            try ModuleSet(options, uri)
        }
        do {
            let token = try selectToken(
                options.choices(uri), in: set.modules, waitingSeconds: seconds, profiles: profiles,
                chosenProfile: setting(options.tokenProfile, .tokenProfile),
                whileWaiting: { printError("... waiting for the token to be inserted") })
            if !onlyReads { set.warnOfFailures(options, uri) }
            return .success([token])
        } catch let error as CryptokiError
            where ["C_GetSlotList", "C_GetTokenInfo"].contains(error.function)
        {
            return try answer(unreadable: error)
        } catch let error as TokenSelectionError {
            if let trouble = error.trouble, trouble.returnValue == .generalError, !isLast {
                return try answer(unreadable: trouble)
            }
            if error.code == .several, let tokens = choose(error) {
                return .success(
                    try tokens.map { token in
                        try TokenCapabilities(
                            token, profiles: profiles,
                            chosenProfile: setting(options.tokenProfile, .tokenProfile))
                    })
            }
            if error.isOfUnreadable, let trouble = error.trouble {
                return try answer(unreadable: trouble)
            }
            let failure = Failure(selection: error, wanted: try options.wantedLabel())
            let unusable = set.failures.map { "module \($0.name) cannot be used: \($0.error)" }
            // If no module works, the token may be present.
            let isHidden = failure.isTokenAbsent && set.modules.isEmpty && !unusable.isEmpty
            return try answer(
                Failure(
                    isHidden ? .configuration : failure.status,
                    code: isHidden ? "moduleUnusable" : failure.code,
                    isHidden ? "\(failure.message), and no module can be used" : failure.message,
                    hints: failure.hints + unusable),
                mayPass: error.code != .several && error.seesUninitialized)
        }
    }
    func answer(unreadable error: CryptokiError) throws -> Result<[TokenCapabilities], Failure> {
        let failure = Failure(cryptoki: error)
        let other = "to use another token: --token 'pkcs11:serial=NUMBER'"
        return try answer(
            failure.with(hints: failure.hints + [other]),
            mayPass: error.returnValue == .generalError)
    }
    func answer(_ failure: Failure, mayPass: Bool) throws -> Result<[TokenCapabilities], Failure> {
        guard mayPass else { throw failure }
        return .failure(failure)
    }
    let seconds = try options.secondsToWait()
    if case .success(let tokens) = try find(waitingSeconds: seconds, isLast: false) {
        return tokens
    }
    pause(milliseconds: 200)
    return try find(waitingSeconds: 0, isLast: true).get()
}

/// Finds a token of the ledger: by its serial number if it has one, since its label may have changed.
/// A token that is set in the environment or the configuration file is ignored.
func findToken(ofLedger token: String, _ options: TokenOptions) throws -> TokenCapabilities {
    let uri = try PKCS11URI(parsing: OrderEvent.Beginning.readable(token))
    guard let serialNumber = tokenBySerialNumber(token) else { return try findToken(options, uri) }
    do {
        let found = try findToken(options, try PKCS11URI(parsing: serialNumber), asking: false)
        // A token of another manufacturer with the same number must not get the PIN.
        if isSameToken(token, try PKCS11URI(token: found.token).description) { return found }
        return try findToken(options, uri)
    } catch let failure as Failure where failure.code == Failure.severalTokens {
        return try findToken(options, uri)
    }
}

/// Lets the user choose if several tokens match. Returns nil if the user must not be asked or does not
/// choose.
func tokenChosen(after error: TokenSelectionError) -> Token? {
    guard error.code == .several, !error.isOfUnreadable else { return nil }
    let tokens = error.candidates
    let hasSeveralModules = Set(tokens.map(\.module.path)).count > 1
    let names = tokens.map { token in
        let info = token.info
        let label = info.flags.contains(.tokenInitialized) ? info.label : "never set up"
        return "\(label) (\(info.model), serial \(info.serialNumber))"
            + (hasSeveralModules ? "  \(token.module.options)" : "")
    }
    return numberChosen("Choose a token:", among: names).map { tokens[$0] }
}
