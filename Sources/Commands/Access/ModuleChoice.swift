internal import Cryptoki
internal import TokencertLedger
internal import TokencertPlatform

/// Which PKCS#11 modules a command uses.
enum ModuleChoice {
    /// All modules in p11-kit's configuration.
    case configured
    /// The module with this name in p11-kit's configuration.
    case named(String)
    /// The module in a file, and its arguments for `C_Initialize`.
    case file(String, arguments: String?)

    /// Chooses by the options, the URI of an object on the command line, the environment, the
    /// configuration file and the URI of the token, in this order.
    init(_ options: TokenOptions, _ uri: PKCS11URI? = nil) throws {
        let levels: [(module: String?, arguments: String?)] = [
            (options.module, options.moduleArguments),
            (uri?.modulePath, nil),
            (
                EnvironmentSettings.current.content(.module)?.text,
                EnvironmentSettings.current.content(.moduleArguments)?.text
            ),
            (
                ConfigurationFile.current.value(.module)?.content.text,
                ConfigurationFile.current.value(.moduleArguments)?.content.text
            ),
            (try options.standingURI(uri)?.modulePath, nil),
        ]
        let module = levels.compactMap(\.module).first
        guard module != "" else {
            throw Failure(
                .usage, "--module is empty",
                hints: ["omit it to use all modules in p11-kit's configuration"])
        }
        // The module that is usually used is not the one that `module-name` names.
        if options.module == nil, let module,
            uri?.matches(modulePath: module, name: module) == false
        {
            self = .configured
            return
        }
        let arguments = Self.arguments(levels, for: module)
        // The module-path attribute of a URI is always a path.
        let isPath =
            options.module == nil && (uri?.modulePath != nil || setting(nil, .module) == nil)
        if let module, module.split(separator: "/").last != Self.proxy {
            if isPath || !(Self.isName(module) || Self.isConfigured(module)) {
                if let arguments, NSSArguments.isNSS(module) {
                    try NSSArguments.require(arguments)
                }
                self = .file(module, arguments: arguments)
                return
            }
            self = .named(module)
        } else {
            self = .configured
        }
        guard arguments == nil else {
            throw Failure(
                .usage, "--module-arguments requires --module with a path",
                hints: [
                    "to set arguments in p11-kit's configuration, add the line "
                        + "x-init-reserved: TEXT to the file of the module"
                ])
        }
    }

    /// Whether a text is a name in p11-kit's configuration, rather than a file name. A file name
    /// contains `.so` or ends in `.dylib`.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && !text.contains("/") && !text.contains(".so")
            && !text.hasSuffix(".dylib")
    }

    /// Whether a text, even one that looks like a file name, is a name in p11-kit's configuration.
    fileprivate static func isConfigured(_ text: String) -> Bool {
        guard !text.contains("/") else { return false }
        let names = try? ConfiguredModules.loadableNames(observer: ModuleNotices())
        return names?.contains(text) ?? false
    }

    /// p11-kit's module that shows the tokens of all configured modules. p11-kit refuses to load it.
    private static let proxy: Substring = "p11-kit-proxy.so"

    /// The arguments for a module. They belong to the module that is set in the same place, and also
    /// apply to a module from a place of higher priority, unless the two modules differ.
    private static func arguments(
        _ levels: [(module: String?, arguments: String?)], for module: String?
    ) -> String? {
        var isNamed = false
        for level in levels {
            if isNamed, let named = level.module, let module,
                absolutePath(named) != absolutePath(module)
            {
                return nil
            }
            if let arguments = level.arguments { return arguments.isEmpty ? nil : arguments }
            isNamed = isNamed || level.module != nil
        }
        return nil
    }
}

extension Module {
    /// The options that select this module, for commands in hints.
    var options: String { moduleOptions(path, name: name, arguments: arguments) }
}

/// The options that select a module, for commands in hints. `name` is its name in p11-kit's
/// configuration, or nil if it was loaded by its path.
func moduleOptions(_ path: String, name: String?, arguments: String?) -> String {
    if let name { return "--module \(quoted(name))" }
    return "--module \(quoted(path))"
        + (arguments.map { " --module-arguments \(quoted($0))" } ?? "")
}

extension TokenOptions {
    /// Selects the module with which an order started. A name that is still in p11-kit's
    /// configuration takes precedence over the file, since the configuration may set arguments.
    mutating func useModule(_ begun: OrderEvent.Module) {
        if let name = begun.name, ModuleChoice.isConfigured(name) {
            module = name
            // Arguments that are set for a different module do not apply.
            moduleArguments = moduleArguments ?? ""
        } else if begun.path.contains("/") {
            module = begun.path
            moduleArguments = moduleArguments ?? begun.arguments ?? ""
        }
    }
}
