internal import Logging
internal import TokencertPlatform

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
        try observed("p11-kit", by: observer, LoadedModule.loadConfigured).0.compactMap(\.name)
    }

    /// The modules that were initialised.
    public let modules: [Module]
    /// The modules that could not be loaded or initialised.
    public let failures: [Failure]
    /// The names of all modules that could be loaded, initialised or not.
    public let names: [String]

    /// Loads every configured module and initialises those that can matter.
    ///
    /// Modules with `trust-policy: yes` are left out, since they contain trust anchors and not
    /// tokens. The C functions are `p11_kit_modules_load` and `p11_kit_module_initialize`.
    ///
    /// - Parameters:
    ///   - isWanted: Whether a module is initialised, by its path and its name in the configuration.
    ///   - observer: An observer to notify when modules are loaded and initialised, or nil.
    ///   - startsTogether: Whether all modules are initialised at the same time, because some take
    ///     seconds. The observer is then notified of all of them together, as `p11-kit`.
    /// - Throws: ``CryptokiError`` if p11-kit's configuration cannot be read.
    public init(
        where isWanted: (_ path: String, _ name: String?) -> Bool = { _, _ in true },
        observer: (any ModuleStartObserver)? = nil,
        startingTogether startsTogether: Bool = false
    ) throws(CryptokiError) {
        var modules: [Module] = []
        var failures: [Failure] = []
        let (all, complaint) = try observed("p11-kit", by: observer, LoadedModule.loadConfigured)
        names = all.compactMap(\.name)
        if let complaint {
            failures.append(
                Failure(
                    name: "p11-kit",
                    error: CryptokiError(
                        .moduleUnusable, function: "p11_kit_modules_load", context: complaint)))
        }
        let chosen = all.filter { isWanted($0.path, $0.name) }
        let results =
            startsTogether
            ? Self.startTogether(chosen, observer) : chosen.map { Self.start($0, observer) }
        for (configured, result) in zip(chosen, results) {
            switch result {
            case .success(let module):
                module.logStart()
                modules.append(module)
            case .failure(let error):
                logger.notice("module \(configured.title): \(error)")
                failures.append(Failure(name: configured.title, error: error))
            }
        }
        self.modules = modules
        self.failures = failures
    }

    private static func start(
        _ configured: LoadedModule.Configured, _ observer: (any ModuleStartObserver)?
    ) -> Result<Module, CryptokiError> {
        do throws(CryptokiError) {
            // A remote module's program keeps running and reports its own errors.
            let observer = configured.isRemote ? nil : observer
            return .success(
                try observed(configured.title, by: observer, configured.initializedModule))
        } catch {
            return .failure(error)
        }
    }

    private static func startTogether(
        _ chosen: [LoadedModule.Configured], _ observer: (any ModuleStartObserver)?
    ) -> [Result<Module, CryptokiError>] {
        // The programs of remote modules must not inherit what the observer does to standard error.
        let remote = chosen.indices.filter { chosen[$0].isRemote }
        let local = chosen.indices.filter { !chosen[$0].isRemote }
        observer?.moduleWillStart("p11-kit")
        let started = sideBySide(local.map { chosen[$0] }) { start($0, nil) }
        observer?.moduleDidStart("p11-kit", nil)
        let startedRemote = sideBySide(remote.map { chosen[$0] }) { start($0, nil) }
        let results = zip(local + remote, started + startedRemote)
        return results.sorted { $0.0 < $1.0 }.map(\.1)
    }
}

extension LoadedModule.Configured {
    fileprivate func initializedModule() throws(CryptokiError) -> Module {
        try ModuleRegistry.shared.module(configured: self)
    }
}
