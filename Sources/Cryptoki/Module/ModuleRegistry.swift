internal import Synchronization

/// The modules in use in this process, by file.
final class ModuleRegistry: Sendable {
    static let shared = ModuleRegistry()

    private struct Entry {
        weak var module: Module?
    }

    private let entries = Mutex<[String: Entry]>([:])

    func module(
        path: String, arguments: String?, observer: (any ModuleStartObserver)?
    ) throws(CryptokiError) -> Module {
        let path = absolutePath(path)
        let key = path.contains("/") ? resolvedPath(path) ?? path : path
        func load() throws(CryptokiError) -> LoadedModule {
            let loaded = try LoadedModule(path: path, arguments: arguments)
            try loaded.initialize()
            return loaded
        }
        func find(
            _ entries: inout sending [String: Entry]
        ) throws(CryptokiError) -> sending Module {
            if let module = entries[key]?.module {
                // A module is initialised only once in a process, so new arguments have no effect.
                guard arguments == nil || module.arguments == arguments else {
                    throw CryptokiError(
                        .moduleUnusable, function: "C_Initialize",
                        context: "\(path) is in use with other arguments")
                }
                return module
            }
            let loaded = try observed(path, by: observer, load)
            let module = try Module(
                path: loaded.file ?? path, name: nil, arguments: arguments, loaded: loaded)
            module.logStart()
            entries[key] = Entry(module: module)
            return module
        }
        return try entries.withLock(find)
    }

    /// Initialises a module of p11-kit's configuration. Several can be initialised at the same time.
    func module(
        configured: LoadedModule.Configured
    ) throws(CryptokiError) -> Module {
        let path = configured.path
        func known(_ entries: [String: Entry]) -> Module? {
            entries[path]?.module.flatMap { $0.name == nil ? nil : $0 }
        }
        if let module = entries.withLock({ known($0) }) { return module }
        // Without the lock, so that another module can start at the same time. p11-kit initialises a
        // module only once.
        try configured.loaded.initialize()
        let module = try Module(
            path: path, name: configured.name, loaded: configured.loaded)
        return entries.withLock { entries in
            if let module = known(entries) { return module }
            entries[path] = Entry(module: module)
            return module
        }
    }
}
