import Foundation
import Testing
import TokencertTestSupport

/// The program with its own token, CA and home folder. The token has the key `mail` with a certificate.
struct UseBench {
    let token: ThrowawayToken
    let ca: StandIn
    let home: TemporaryFolder

    init(keyType: String = "rsa:2048", issuing options: [String] = []) throws {
        token = try ThrowawayToken()
        ca = try StandIn(["--accept-elliptic-curves"])
        home = try TemporaryFolder()
        try require(["issue", "--label", "mail", "--key-type", keyType] + options)
    }

    /// The records of `use` and the ledger are outside of the home folder; all else is in it.
    var environment: [String: String] {
        var all = token.tokencertEnvironment.merging(ca.tokencertEnvironment) { $1 }
        all["XDG_DATA_HOME"] = nil
        all["XDG_CONFIG_HOME"] = nil
        all["HOME"] = home.path
        all["TOKENCERT_TOKEN"] = token.label
        all["TOKENCERT_CA_ACCEPTS"] = "rsa,ec"
        return all
    }

    /// Runs tokencert in a session without a terminal, as a timer does.
    func tokencert(_ arguments: [String], _ changes: [String: String] = [:]) throws -> Outcome {
        try run(
            "setsid", ["-w", "timeout", "-k", "5", "110", product("tokencert")] + arguments,
            environment: environment.merging(changes) { $1 })
    }

    /// Runs tokencert, which must succeed.
    @discardableResult
    func require(
        _ arguments: [String], _ changes: [String: String] = [:],
        _ location: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        let outcome = try tokencert(arguments, changes)
        try #require(
            outcome.status == 0, "tokencert \(arguments): \(outcome.output)\(outcome.errors)",
            sourceLocation: location)
        return outcome
    }

    /// Runs tokencert with `--json`, which must succeed, and parses its output.
    func json(
        _ arguments: [String], _ changes: [String: String] = [:],
        _ location: SourceLocation = #_sourceLocation
    ) throws -> [String: Any] {
        let outcome = try require(arguments + ["--json"], changes, location)
        let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        return try #require(object as? [String: Any], sourceLocation: location)
    }

    /// Writes a file into the home folder, and creates the folders that it requires.
    func write(_ text: String, _ name: String) throws {
        let file = URL(filePath: home.file(name))
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    // MARK: Files

    /// Where the records and backups of `use` are.
    var records: String { token.folder.file("state/tokencert/use") }

    /// All files in the home folder.
    var files: FolderContent { FolderContent(of: home.path) }

    /// The files that contain the PIN, in the home folder and among the records, the ledger and caches.
    var filesWithPIN: [String] {
        [home.path, token.folder.file("state"), token.folder.file("cache")].flatMap { folder in
            FolderContent(of: folder).files
                .filter { $0.value.bytes.range(of: Data(token.pin.utf8)) != nil }
                .map { folder + "/" + $0.key }
        }
    }
}

/// The files in a folder and in the folders in it.
struct FolderContent {
    struct File: Hashable {
        let bytes: Data
        let permissions: Int
        /// Where a symbolic link points to.
        let target: String?
    }

    /// By their paths in the folder.
    let files: [String: File]

    init(of folder: String) {
        let manager = FileManager.default
        var files: [String: File] = [:]
        for name in manager.enumerator(atPath: folder) ?? FileManager.DirectoryEnumerator() {
            guard let name = name as? String,
                let attributes = try? manager.attributesOfItem(atPath: "\(folder)/\(name)"),
                let type = attributes[.type] as? FileAttributeType, type != .typeDirectory
            else { continue }
            // A pipe would never end.
            let bytes = type == .typeRegular ? manager.contents(atPath: "\(folder)/\(name)") : nil
            files[name] = File(
                bytes: bytes ?? Data(),
                permissions: (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0,
                target: try? manager.destinationOfSymbolicLink(atPath: "\(folder)/\(name)"))
        }
        self.files = files
    }

    /// The paths of the files that were added, removed or changed.
    func changes(since before: FolderContent) -> [String] {
        Set(files.keys).union(before.files.keys).filter { files[$0] != before.files[$0] }.sorted()
    }
}
