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
        return try entries.withLock { entries throws(CryptokiError) in
            if let module = entries[key]?.module {
                // A module is initialised only once in a process, so new arguments have no effect.
                guard arguments == nil || module.arguments == arguments else {
                    throw CryptokiError(
                        .moduleUnusable, function: "C_Initialize",
                        context: "\(path) is in use with other arguments")
                }
                return module
            }
            let loaded = try observed(path, by: observer) { () throws(CryptokiError) in
                let loaded = try LoadedModule(path: path, arguments: arguments)
                try loaded.initialize()
                return loaded
            }
            let module = try Module(
                path: loaded.file ?? path, name: nil, arguments: arguments, loaded: loaded)
            entries[key] = Entry(module: module)
            return module
        }
    }

    func module(
        configured: LoadedModule.Configured, observer: (any ModuleStartObserver)?
    ) throws(CryptokiError) -> Module {
        try entries.withLock { entries throws(CryptokiError) in
            if let module = entries[configured.path]?.module, module.name != nil { return module }
            // A remote module's program keeps running and reports its own errors.
            try observed(
                configured.name ?? configured.path, by: configured.isRemote ? nil : observer
            ) { () throws(CryptokiError) in try configured.loaded.initialize() }
            let module = try Module(
                path: configured.path, name: configured.name, loaded: configured.loaded)
            entries[configured.path] = Entry(module: module)
            return module
        }
    }
}
