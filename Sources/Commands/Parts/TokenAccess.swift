internal import Cryptoki
internal import Inventory

/// The modules that a command uses.
struct ModuleSet {
    let modules: [Module]
    let failures: [ConfiguredModules.Failure]

    /// Loads the module that the options or a URI name, or all that p11-kit is configured with.
    init(_ options: TokenOptions, _ uri: PKCS11URI?) throws {
        let named = try options.standingURI(uri)
        if let path = options.module ?? uri?.modulePath ?? setting(nil, .module)
            ?? named?.modulePath
        {
            modules = [try Module.load(path: path)]
            failures = []
            return
        }
        let configured = try ConfiguredModules()
        modules = configured.modules.filter { module in
            uri?.matches(module) ?? true && named?.matches(module) ?? true
        }
        failures = configured.failures
    }
}

/// Finds the one token that is meant, and what is known of it.
///
/// - Parameter uri: A URI that names an object and, if it likes, its token.
func findToken(_ options: TokenOptions, _ uri: PKCS11URI? = nil) throws -> TokenCapabilities {
    let profiles = try options.profiles()
    let set = try working("starting the modules", onToken: false) { try ModuleSet(options, uri) }
    do {
        return try selectToken(
            options.choices(uri), in: set.modules,
            waitingSeconds: options.secondsToWait(), profiles: profiles,
            chosenProfile: setting(options.tokenProfile, .tokenProfile),
            whileWaiting: { printError("… waiting for the token to be put in") })
    } catch let error as TokenSelectionError {
        let failure = Failure(selection: error, wanted: try options.wantedLabel())
        let unusable = set.failures.map { "module \($0.name) is not usable: \($0.error)" }
        // Where no module works it is not the token that is missing.
        let isHidden = failure.isTokenAbsent && set.modules.isEmpty && !unusable.isEmpty
        throw Failure(
            isHidden ? .configuration : failure.status,
            code: isHidden ? "moduleUnusable" : failure.code,
            isHidden ? "\(failure.message), and no module can be used" : failure.message,
            hints: failure.hints + unusable)
    }
}
