internal import Cryptoki
internal import TokencertLedger
internal import TokencertPlatform

/// Which PKCS#11 modules are used.
enum ModuleChoice {
    /// All that p11-kit is configured with.
    case configured
    /// The one with this name in p11-kit's configuration.
    case named(String)
    /// The one in a file, and the arguments that `C_Initialize` gets.
    case file(String, arguments: String?)

    /// Chooses by the options, a URI, the environment and the configuration file, in this order.
    ///
    /// - Parameter uri: A URI on the command line that names an object.
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
                hints: ["leave it out to use all that p11-kit is configured with"])
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
                .usage, "--module-arguments needs --module with a path",
                hints: [
                    "for a module that p11-kit is configured with, its file there has the line "
                        + "x-init-reserved: TEXT"
                ])
        }
    }

    /// Whether a text is a name in p11-kit's configuration and not a file. File names contain
    /// `.so`, which a version may follow, or `.dylib`.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && !text.contains("/") && !text.contains(".so")
            && !text.hasSuffix(".dylib")
    }

    /// Whether p11-kit's configuration has a module by a name that looks like that of a file.
    private static func isConfigured(_ text: String) -> Bool {
        guard !text.contains("/") else { return false }
        let names = try? ConfiguredModules.loadableNames(observer: ModuleNotices())
        return names?.contains(text) ?? false
    }

    /// p11-kit's module that has the tokens of all that is configured. p11-kit itself refuses it.
    private static let proxy: Substring = "p11-kit-proxy.so"

    /// Arguments belong to the module that is set in the same place. They also apply to a module
    /// that is set in a place of higher priority, unless the place of the arguments sets a
    /// different one.
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
    /// The options that select the module again, for pasting.
    var options: String { moduleOptions(path, name: name, arguments: arguments) }
}

/// The options that select a module again, for pasting.
///
/// - Parameters:
///   - path: Its file.
///   - name: Its name in p11-kit's configuration, or nil if it was loaded by its path.
///   - arguments: Its `C_Initialize` arguments, or nil.
func moduleOptions(_ path: String, name: String?, arguments: String?) -> String {
    if let name { return "--module \(quoted(name))" }
    return "--module \(quoted(path))"
        + (arguments.map { " --module-arguments \(quoted($0))" } ?? "")
}

extension TokenOptions {
    /// Selects the module that an order was begun with: by its name in p11-kit's configuration if
    /// it was loaded by that name and is still there, since that may set arguments, otherwise by
    /// its file.
    mutating func useModule(_ begun: OrderEvent.Module) {
        if let name = begun.name,
            (try? ConfiguredModules.loadableNames(observer: ModuleNotices()))?.contains(name)
                ?? false
        {
            module = name
            // Arguments that are set for another module do not apply to this one.
            moduleArguments = moduleArguments ?? ""
        } else if begun.path.contains("/") {
            module = begun.path
            moduleArguments = moduleArguments ?? begun.arguments ?? ""
        }
    }
}
