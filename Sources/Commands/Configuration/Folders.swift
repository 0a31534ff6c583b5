internal import Cryptoki
internal import TokencertCAcert
internal import TokencertPlatform

/// The folder of what tokencert keeps, `$XDG_DATA_HOME/tokencert`.
var dataFolder: String { folder("XDG_DATA_HOME", "/.local/share") }

/// The user's trust anchors.
var trustStore: TrustStore { TrustStore(folder: dataFolder + "/anchors") }

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
