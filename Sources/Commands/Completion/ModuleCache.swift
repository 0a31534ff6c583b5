internal import FoundationEssentials
internal import OpenSSLX509
internal import TokencertPlatform

/// What a module has shown in the last minute, in a file that only the user can read. It contains
/// nothing that requires a PIN.
struct ModuleCache {
    struct Entry: Codable, Equatable {
        /// Identifies the module, its arguments and its configuration.
        let key: String
        /// When the module was started, in seconds since 1970-01-01 00:00 UTC.
        let started: Int64
        /// The initialized tokens, or nil until the module has listed them.
        var tokens: [ShownToken]?
    }

    /// How long an entry counts, in seconds. The module is not started again before.
    private static let lifetime: Int64 = 60

    private let folder: String
    private let key: String
    let path: String

    /// `module` identifies the module and its arguments; what it shows depends on `configuration`, too.
    init(folder: String, module: [String], configuration: [String]) {
        // A hash, since arguments may hold what the user would not want in a file.
        func hash(_ texts: [String]) -> String {
            hexadecimal(Digest.sha256.hash(texts.flatMap { Array($0.utf8) + [0] }))
        }
        self.folder = folder
        path = "\(folder)/\(hash(module).prefix(32)).json"
        key = hash(module + configuration)
    }

    init(_ module: ModuleChoice) {
        var identity: [String]
        var configuration = Self.variables.map { "\($0)=\(environmentVariable($0) ?? "")" }
        switch module {
        case .file(let path, let arguments):
            identity = ["file", absolutePath(path)]
            if let arguments { identity.append(arguments) }
            configuration.append(fileStamp(path) ?? "")
        case .named(let name):
            identity = ["name", name]
            configuration += Self.configurationStamps
        case .configured:
            identity = ["all"]
            configuration += Self.configurationStamps
        }
        self.init(folder: cacheFolder, module: identity, configuration: configuration)
    }

    /// The environment variables with which modules find their tokens.
    private static let variables = [
        "SOFTHSM2_CONF", "TPM2_PKCS11_STORE", "OPENSC_CONF", "P11_KIT_SERVER_ADDRESS",
    ]

    /// The files of p11-kit's configuration, each with what changes when it is written.
    private static var configurationStamps: [String] {
        P11KitConfiguration.folders.flatMap { folder in
            let modules = (try? names(inFolder: folder)) ?? []
            return ([parentFolder(folder) + "/pkcs11.conf"] + modules.map { folder + "/" + $0 })
                .map { "\($0) \(fileStamp($0) ?? "")" }
        }
    }

    /// The entry, or nil if the module has not been started in the last minute. A file that is damaged,
    /// that others could have written, or that is for another configuration counts as absent.
    func entry(at time: Int64) -> Entry? {
        guard isRegularFile(path), (try? isWritableByOthers(path)) == false,
            (try? isWritableByOthers(folder)) == false, let bytes = try? readFile(path),
            let entry = try? JSONDecoder().decode(Entry.self, from: Data(bytes)),
            entry.key == key, entry.started <= time, time <= entry.started + Self.lifetime
        else { return nil }
        return entry
    }

    func write(started: Int64, tokens: [ShownToken]?) throws {
        if !isAbsent(path), !isRegularFile(path) { try removeFile(path) }
        let entry = Entry(key: key, started: started, tokens: tokens)
        try writeFileDurably(Array(try jsonLine(entry).utf8), path, permissions: 0o600)
    }
}
