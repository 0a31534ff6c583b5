internal import Cryptoki
internal import TokencertPlatform

/// The folder of what tokencert keeps, `$XDG_DATA_HOME/tokencert`.
var dataFolder: String { folder("XDG_DATA_HOME", "/.local/share") }

/// The folder of what happened, `$XDG_STATE_HOME/tokencert`.
var stateFolder: String { folder("XDG_STATE_HOME", "/.local/state") }

/// The folder of what a person has set, `$XDG_CONFIG_HOME/tokencert`.
var configurationFolder: String { folder("XDG_CONFIG_HOME", "/.config") }

private func folder(_ variable: String, _ inHome: String) -> String {
    // The XDG specification ignores paths that are not absolute.
    if let base = environmentVariable(variable), base.hasPrefix("/") { return base + "/tokencert" }
    // Without a home folder, `prepareProcess` has already ended the command.
    return (homeFolder() ?? "/nonexistent") + inHome + "/tokencert"
}

/// The user's home folder.
///
/// - Throws: ``Failure`` if there is none.
@discardableResult
func requireHome() throws -> String {
    if let home = homeFolder() { return home }
    throw Failure(
        .configuration, code: "noHome",
        environmentVariable("HOME") == nil
            ? "HOME is not set, and the user database has no home folder for this user"
            : "HOME is not an absolute path",
        hints: ["export HOME=/path/of/the/home/folder"])
}

/// Checks that the paths of tokencert's own folders are known: a guess would lead to another ledger
/// and other trust anchors.
func requireFolders() throws {
    let variables = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"]
    guard !variables.allSatisfy({ environmentVariable($0)?.hasPrefix("/") ?? false }) else {
        return
    }
    do {
        try requireHome()
    } catch let failure as Failure {
        throw Failure(
            failure.status, code: failure.code, failure.message,
            hints: failure.hints + ["or set " + variables.joined(separator: ", ")])
    }
}

/// Hints for a file that cannot be read or written, depending on the system's reason.
func advice(_ error: FileError) -> [String] {
    switch error.reason {
    case .notThere: ["to see which part of the path is missing: namei -l PATH"]
    case .notInFolder: ["a part of the path is a file, not a folder: namei -l PATH shows which"]
    case .isFolder: ["name a file, not a folder"]
    case .circle: ["symbolic links form a loop: namei -l PATH shows which"]
    case .forbidden: ["check the permissions: namei -l PATH shows all parts of the path"]
    case .noRoom: ["make room there: df -h shows which file systems are full"]
    case .readOnly: ["the file system is mounted read-only: mount shows all"]
    case .other: []
    }
}

/// A file that a command reads or keeps, which `--out` must not replace.
struct FileInUse {
    /// What it is called in an error.
    let name: String
    let path: String
}

/// All files that a command with these options reads or keeps.
///
/// - Parameter uri: A URI that may name a source of the PIN and a module.
func filesInUse(
    _ uri: PKCS11URI?, _ token: TokenOptions, _ ca: CAOptions?, _ ledger: LedgerOptions
) -> [FileInUse] {
    var files: [FileInUse] = []
    for path in [ledger.path, absolutePath(ledger.path)] {
        files += ["", "-wal", "-shm", "-journal", ".lock"].map {
            FileInUse(name: "the ledger", path: path + $0)
        }
    }
    files.append(FileInUse(name: "the configuration", path: ConfigurationFile.current.path))
    files += [RefusedPINs.file, RefusedPINs.file + ".lock"].map {
        FileInUse(name: "the list of refused PINs", path: $0)
    }
    files += ((try? TrustStore.files()) ?? []).map { FileInUse(name: "the trust anchor", path: $0) }
    if let file = setting(ca?.caFile, .caFile) {
        files.append(FileInUse(name: "the file of trust anchors", path: file))
    }
    // What is wrong with these options is reported when they are used.
    let sources = [
        try? token.source(uri), try? token.securityOfficerSource(), try? ca?.source(),
    ]
    for case .file(let file)? in sources {
        files.append(FileInUse(name: "the file of a PIN or password", path: file))
    }
    if case .file(let file, arguments: _)? = try? ModuleChoice(token, uri) {
        files.append(FileInUse(name: "the module", path: file))
    }
    return files
}

/// Checks, before anything is done, that `--out` can be written in the way in which it will be
/// written, and that nothing is lost by it.
func requireWritable(_ file: String?, keeping filesInUse: [FileInUse]) throws {
    guard let file else { return }
    guard file != "-" else {
        throw Failure(
            .usage, "--out - names no file",
            hints: [
                "to write to a file with this name: --out ./-",
                "to write to standard output: --out /dev/stdout",
            ])
    }
    let replaced: String?
    do throws(FileError) {
        replaced = try replacedFile(file)
    } catch {
        throw notWritten(file, error)
    }
    if let replaced { try requireNotInUse(replaced, filesInUse) }
    do throws(FileError) {
        try requireWritableFile(file)
    } catch {
        throw notWritten(file, error)
    }
    guard let replaced, exists(replaced), !isReplaceable(replaced) else { return }
    throw Failure(
        .cannotCreate, code: "fileIsThere",
        "\(file) holds something else; it is not overwritten",
        hints: ["name another file", "or move this one away: mv \(quoted(file)) NEWNAME"])
}

private func notWritten(_ file: String, _ error: FileError) -> Failure {
    Failure(
        .configuration, code: "fileNotWritten", "\(file) cannot be written: \(error)",
        hints: advice(error) + ["--out takes a file in a folder to which this user can write"])
}

private func requireNotInUse(_ file: String, _ filesInUse: [FileInUse]) throws {
    let identity = fileIdentity(file)
    guard let found = filesInUse.first(where: { fileIdentity($0.path) == identity }) else { return }
    throw Failure(
        .usage, code: "fileInUse", "--out names \(found.name) \(found.path)",
        hints: ["name another file"])
}

/// Whether a file is empty or holds what `--out` writes, text in PEM.
private func isReplaceable(_ file: String) -> Bool {
    guard let head = try? readHead(file, count: 1 << 12) else { return false }
    let text = String(decoding: head, as: UTF8.self)
        .drop { $0.isWhitespace || $0 == "\u{FEFF}" }
    return head.isEmpty || text.hasPrefix("-----BEGIN ")
}

/// Writes a text to a file, whole or not at all. Where that fails the error has the text, since it
/// was hard to come by.
func writeFile(_ text: String, _ file: String, hints: [String]) throws {
    do throws(FileError) {
        try writeFileDurably(Array(text.utf8), file, permissions: 0o644)
    } catch {
        throw Failure(
            .configuration, code: "fileNotWritten",
            "what follows was not written to a file: \(error)",
            hints: hints + advice(error),
            attachment: text.split(separator: "\n").map(String.init))
    }
}
