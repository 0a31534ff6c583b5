internal import Synchronization

/// The modules of this process, found again by path while somebody holds them.
final class ModuleRegistry: Sendable {
    static let shared = ModuleRegistry()

    private struct Entry {
        weak var module: Module?
    }

    private let entries = Mutex<[String: Entry]>([:])

    func module(path: String) throws(CryptokiError) -> Module {
        let path = absolutePath(path)
        return try entries.withLock { entries throws(CryptokiError) in
            if let module = entries[path]?.module { return module }
            let loaded = try LoadedModule(path: path)
            try loaded.initialize()
            let module = try Module(path: loaded.file ?? path, name: nil, loaded: loaded)
            entries[path] = Entry(module: module)
            return module
        }
    }

    func module(configured: LoadedModule.Configured) throws(CryptokiError) -> Module {
        try entries.withLock { entries throws(CryptokiError) in
            if let module = entries[configured.path]?.module, module.name != nil { return module }
            try configured.loaded.initialize()
            let module = try Module(
                path: configured.path, name: configured.name, loaded: configured.loaded)
            entries[configured.path] = Entry(module: module)
            return module
        }
    }
}
