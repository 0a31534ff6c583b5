internal import Logging

/// Every module that p11-kit is configured with, except those that only hold trust policy.
public struct ConfiguredModules: Sendable {
    /// A module that could not be made ready, and why. The others are not affected. p11-kit tells
    /// only of the last one that cannot even be loaded.
    public struct Failure: Sendable {
        /// The name in p11-kit's configuration, or the path.
        public let name: String
        /// What went wrong.
        public let error: CryptokiError
    }

    /// The modules that are ready.
    public let modules: [Module]
    /// The modules that are not.
    public let failures: [Failure]

    /// Loads and initialises every configured module.
    ///
    /// Modules with `trust-policy: yes` are left out: they hold anchors of others, not tokens. The
    /// C functions are `p11_kit_modules_load` and `p11_kit_module_initialize`.
    ///
    /// - Throws: ``CryptokiError`` where p11-kit's configuration cannot be read at all.
    public init() throws(CryptokiError) {
        var modules: [Module] = []
        var failures: [Failure] = []
        let (all, complaint) = try LoadedModule.loadConfigured()
        if let complaint {
            failures.append(
                Failure(
                    name: "p11-kit",
                    error: CryptokiError(
                        .moduleUnusable, function: "p11_kit_modules_load", context: complaint)))
        }
        for configured in all {
            let name = configured.name ?? configured.path
            do throws(CryptokiError) {
                modules.append(try ModuleRegistry.shared.module(configured: configured))
            } catch {
                logger.notice("module \(name): \(error)")
                failures.append(Failure(name: name, error: error))
            }
        }
        self.modules = modules
        self.failures = failures
    }
}
