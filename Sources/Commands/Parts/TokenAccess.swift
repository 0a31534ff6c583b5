internal import Cryptoki
internal import Inventory
internal import Secrets

/// The modules that a command uses.
struct ModuleSet {
    let modules: [Module]
    let failures: [ConfiguredModules.Failure]

    /// Loads the module that the options or a URI name, or all that p11-kit is configured with.
    init(_ options: TokenOptions, _ uri: PKCS11URI?) throws {
        let named = try options.uri()
        if let path = setting(options.module, "MODULE") ?? uri?.modulePath ?? named?.modulePath {
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

/// Finds the one token that is meant.
///
/// - Parameter uri: A URI that names an object and, if it likes, its token.
func findToken(_ options: TokenOptions, _ uri: PKCS11URI? = nil) throws -> Token {
    let set = try ModuleSet(options, uri)
    do {
        return try selectToken(
            options.choices() + (uri.map { [.uri($0)] } ?? []), in: set.modules)
    } catch let error as TokenSelectionError {
        let failure = Failure(error)
        throw Failure(
            failure.status, failure.message,
            hints: failure.hints
                + set.failures.map { "module \($0.name) is not usable: \($0.error)" })
    }
}

/// Reads the PIN of a token. A token that asks at its own keys, or for no PIN, gives an empty one.
func readPIN(_ token: Token, _ source: SecretSource?) throws -> Secret {
    let flags = token.info.flags
    guard flags.contains(.loginRequired) else { return Secret() }
    if flags.contains(.protectedAuthenticationPath) {
        printError("enter the PIN on the reader of “\(printable(token.info.label))”")
        return Secret()
    }
    return try (source ?? .prompt).read(
        promptText: "PIN for “\(printable(token.info.label))” "
            + "(\(printable(token.info.model)), serial \(printable(token.info.serialNumber)))")
}
