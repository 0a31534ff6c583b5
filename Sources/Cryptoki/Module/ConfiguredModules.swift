internal import Logging

/// The modules in p11-kit's configuration, except those with trust policy.
public struct ConfiguredModules: Sendable {
    /// A module that could not be loaded or initialised. The other modules are not affected. If
    /// several modules cannot be loaded, p11-kit reports only the last one.
    public struct Failure: Sendable {
        /// The name in p11-kit's configuration, or the path.
        public let name: String
        /// The reason for the failure.
        public let error: CryptokiError
    }

    /// The names of the configured modules that can be loaded. None is initialised.
    ///
    /// The C functions are `p11_kit_modules_load` and `p11_kit_module_get_name`.
    ///
    /// - Parameter observer: An observer to notify when the modules are loaded, or nil.
    /// - Throws: ``CryptokiError`` if p11-kit's configuration cannot be read.
    public static func loadableNames(
        observer: (any ModuleStartObserver)? = nil
    ) throws(CryptokiError) -> [String] {
        try observed("p11-kit", by: observer) { () throws(CryptokiError) in
            try LoadedModule.loadConfigured().0.compactMap(\.name)
        }
    }

    /// The modules that were initialised.
    public let modules: [Module]
    /// The modules that could not be loaded or initialised.
    public let failures: [Failure]
    /// The names of all modules that could be loaded, initialised or not.
    public let names: [String]

    /// Loads every configured module and initialises all or one of them.
    ///
    /// Modules with `trust-policy: yes` are left out, since they contain trust anchors and not
    /// tokens. The C functions are `p11_kit_modules_load` and `p11_kit_module_initialize`.
    ///
    /// - Parameters:
    ///   - wanted: The name of the only module to initialise, or nil for all.
    ///   - observer: An observer to notify when modules are loaded and initialised, or nil.
    /// - Throws: ``CryptokiError`` if p11-kit's configuration cannot be read.
    public init(
        named wanted: String? = nil, observer: (any ModuleStartObserver)? = nil
    ) throws(CryptokiError) {
        var modules: [Module] = []
        var failures: [Failure] = []
        let (all, complaint) = try observed("p11-kit", by: observer) { () throws(CryptokiError) in
            try LoadedModule.loadConfigured()
        }
        names = all.compactMap(\.name)
        if let complaint {
            failures.append(
                Failure(
                    name: "p11-kit",
                    error: CryptokiError(
                        .moduleUnusable, function: "p11_kit_modules_load", context: complaint)))
        }
        for configured in all where wanted == nil || configured.name == wanted {
            let name = configured.name ?? configured.path
            do throws(CryptokiError) {
                modules.append(
                    try ModuleRegistry.shared.module(
                        configured: configured, observer: observer))
            } catch {
                logger.notice("module \(name): \(error)")
                failures.append(Failure(name: name, error: error))
            }
        }
        self.modules = modules
        self.failures = failures
    }
}
