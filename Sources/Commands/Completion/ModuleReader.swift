internal import Cryptoki
internal import FoundationEssentials
internal import TokencertPlatform
internal import TokencertTokens

/// Reads a module, if this process was started for that. Returns whether it was.
func readModule(_ arguments: [String]) -> Bool {
    guard arguments.count == 2, arguments[0] == ModuleReader.argument else { return false }
    ModuleReader.run(arguments[1])
    return true
}

/// Reads what modules show without a login. Each is initialized in a process of its own: a module may
/// hang or crash, and the shell waits only for the process that it has started.
enum ModuleReader {
    /// The first argument of such a process.
    static let argument = "---read-module"

    /// The second argument of such a process, as JSON.
    private struct Request: Codable {
        /// The name in p11-kit's configuration, or nil for the module that the line selects.
        let name: String?
        let line: CompletedLine
    }

    /// The tokens of all modules that a command line selects. Waits for at most half a second, and
    /// leaves out what a module has not shown by then; the next press of Tab finds it in the cache.
    static func tokens(_ line: CompletedLine, withObjects: Bool) -> [ShownToken] {
        guard (try? makeFolder(cacheFolder)) != nil else { return [] }
        let modules = line.modules()
        let caches = modules.map { ModuleCache($0) }
        for (module, cache) in zip(modules, caches) where cache.entry(at: now()) == nil {
            start(module, line)
        }
        let deadline = ContinuousClock.now + .milliseconds(500)
        while true {
            let time = now()
            let entries = caches.map { $0.entry(at: time) }
            let isWaiting = entries.contains { isWorthWaiting(for: $0, time, withObjects) }
            if !isWaiting || ContinuousClock.now >= deadline {
                return entries.flatMap { $0?.tokens ?? [] }
            }
            pause(milliseconds: 10)
        }
    }

    /// Whether a module may still answer: false if an earlier press of Tab already waited for it.
    private static func isWorthWaiting(
        for entry: ModuleCache.Entry?, _ time: Int64, _ withObjects: Bool
    ) -> Bool {
        guard let entry else { return true }
        guard time - entry.started <= 1 else { return false }
        guard let tokens = entry.tokens else { return true }
        return withObjects && tokens.contains { $0.objects == nil }
    }

    private static func start(_ module: ModuleChoice, _ line: CompletedLine) {
        var name: String?
        if case .named(let configured) = module { name = configured }
        guard let request = try? jsonLine(Request(name: name, line: line)) else { return }
        _ = startThisProgram([argument, request])
    }

    /// What the process does. It ends after 30 seconds, whatever the module does.
    static func run(_ request: String) {
        endProcess(afterMilliseconds: 30_000)
        protectProcessMemory()
        guard let request = try? JSONDecoder().decode(Request.self, from: Data(request.utf8))
        else { return }
        request.line.loadSettings()
        let modules = request.name.map { [ModuleChoice.named($0)] } ?? request.line.modules()
        if let module = modules.first { try? read(module, ModuleCache(module)) }
    }

    private static func read(_ choice: ModuleChoice, _ cache: ModuleCache) throws {
        // Another process may have started since the shell's has looked.
        let lock = try FileLock(cache.path + ".lock", byte: 0, waits: false)
        defer { withExtendedLifetime(lock) {} }
        let started = now()
        guard cache.entry(at: started) == nil else { return }
        // If the module hangs, fails or crashes, it is not started again for a minute.
        try cache.write(started: started, tokens: nil)
        var shown: [ShownToken] = []
        var tokens: [Token] = []
        for token in (try? self.tokens(of: choice)) ?? [] {
            guard let new = ShownToken(token) else { continue }
            tokens.append(token)
            shown.append(new)
        }
        try cache.write(started: started, tokens: shown)
        for (index, token) in tokens.enumerated() { shown[index].objects = objects(on: token) }
        try cache.write(started: started, tokens: shown)
    }

    private static func tokens(of choice: ModuleChoice) throws -> [Token] {
        let module: Module
        switch choice {
        case .file(let path, let arguments):
            module = try Module.load(path: path, arguments: arguments)
        case .named(let name):
            module = try ModuleSet.module(named: name)
        case .configured:
            return []
        }
        return try module.slots(tokenPresent: true).compactMap { try? $0.token() }
    }

    private static func objects(on token: Token) -> [ShownObject] {
        guard var session = try? token.openSession(ReadOnly.self),
            let inventory = try? TokenInventory(&session)
        else { return [] }
        return ShownObject.all(in: inventory)
    }
}
