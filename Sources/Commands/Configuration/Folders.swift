internal import Cryptoki
internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertPlatform

/// The folder of the trust anchors, `$XDG_DATA_HOME/tokencert`.
var dataFolder: String { folder("XDG_DATA_HOME", "/.local/share") }

var trustStore: TrustStore { TrustStore(folder: dataFolder + "/anchors") }

/// The usable trust anchors; nil if there are none. A warning names a file or folder that is not used
/// because other users can write to it.
func usableAnchors() -> TrustAnchors? {
    var reported: Set<String> = []
    return trustStore.anchorsIfAny(file: setting(nil, .caFile)) { error in
        guard case .changeable(let path) = error, reported.insert(path).inserted else { return }
        printError("warning: " + printable(Failure(error).message))
    }
}

/// The folder of the ledger, `$XDG_STATE_HOME/tokencert`.
var stateFolder: String { folder("XDG_STATE_HOME", "/.local/state") }

var standardLedgerPath: String { stateFolder + "/ledger.sqlite" }

/// The folder of what can be read again, `$XDG_CACHE_HOME/tokencert`: what the shell's completion
/// has read from modules, and revocation lists.
var cacheFolder: String { folder("XDG_CACHE_HOME", "/.cache") }

/// The folder of the revocation lists that `health --online` has received.
var revocationListFolder: String { cacheFolder + "/revocation-lists" }

/// The folder of the configuration file, `$XDG_CONFIG_HOME/tokencert`.
var configurationFolder: String { folder("XDG_CONFIG_HOME", "/.config") }

/// The folder of all programs' configuration files, `$XDG_CONFIG_HOME`.
var parentFolderOfConfiguration: String {
    String(configurationFolder.dropLast("/tokencert".count))
}

private func folder(_ variable: String, _ inHome: String) -> String {
    // The XDG specification ignores paths that are not absolute.
    if let base = environmentVariable(variable), base.hasPrefix("/") { return base + "/tokencert" }
    // Without a home folder, `prepareProcess` has already ended the command.
    return (homeFolder() ?? "/nonexistent") + inHome + "/tokencert"
}

/// The user's home folder. Throws ``Failure`` if it is unknown.
@discardableResult
func requireHome() throws -> String {
    if let home = homeFolder() { return home }
    throw Failure(
        .configuration, code: "noHome",
        environmentVariable("HOME") == nil
            ? "HOME is not set, and the user database lists no home folder for this user"
            : "HOME is not an absolute path",
        hints: ["set HOME: export HOME=/path/to/home"])
}

/// Checks that the paths of tokencert's folders are known. A guess could select a different ledger
/// and different trust anchors.
func requireFolders() throws {
    let variables = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"]
    // Bytes that are not UTF-8 are read as U+FFFD, which names another folder.
    if let name = (["HOME", "XDG_CACHE_HOME"] + variables).first(where: {
        !isEnvironmentVariableUTF8($0)
    }) {
        throw Failure(
            .configuration, code: "noHome", "\(name) is not valid UTF-8",
            hints: ["set it to a folder with another name: export \(name)=/path/to/folder"])
    }
    guard !variables.allSatisfy({ environmentVariable($0)?.hasPrefix("/") ?? false }) else {
        return
    }
    do {
        try requireHome()
    } catch let failure as Failure {
        throw failure.with(
            hints: failure.hints + ["or set " + variables.joined(separator: ", ")])
    }
}

/// Hints for a file that cannot be read or written.
func advice(_ error: FileError) -> [String] {
    let look = "namei -l \(quoted(error.path))"
    return switch error.reason {
    case .notThere: ["to see which part of the path is missing: \(look)"]
    case .notInFolder: ["to see which part of the path is not a folder: \(look)"]
    case .isFolder: ["name a file, not a folder"]
    case .circle: ["to see which symbolic links form a loop: \(look)"]
    case .forbidden: ["to see the permissions along the path: \(look)"]
    case .noRoom: ["free some space; to see which file systems are full: df -h"]
    case .readOnly: ["to see which file systems are read-only: mount"]
    case .other: []
    }
}

/// How to make a file safe that other users can change.
func adviceOnWriters(of file: String) -> String {
    // The owner could make it writable again.
    guard belongsToOtherUser(file) else {
        return "check its content, then run chmod go-w \(quoted(file))"
    }
    return
        "it belongs to another user: check its content, then change its owner with chown as root, "
        + "or move it away and use a copy: mv \(quoted(file)) \(quoted(file + ".old"))"
}
