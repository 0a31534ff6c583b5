internal import FoundationEssentials
internal import Secrets

/// The folder of what tokencert keeps, `$XDG_DATA_HOME/tokencert`.
var dataFolder: String { folder("XDG_DATA_HOME", "/.local/share") }

/// The folder of what happened, `$XDG_STATE_HOME/tokencert`.
var stateFolder: String { folder("XDG_STATE_HOME", "/.local/state") }

private func folder(_ variable: String, _ inHome: String) -> String {
    // The XDG specification ignores paths that are not absolute.
    if let base = environmentVariable(variable), base.hasPrefix("/") { return base + "/tokencert" }
    return (environmentVariable("HOME") ?? "") + inHome + "/tokencert"
}

/// What CAs answered, kept before anybody looks at it.
struct KeptAnswers {
    private let path = stateFolder + "/answers"

    /// Makes the folder and insists that it can be written to, while nothing has happened yet.
    init() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            let probe = path + "/.probe"
            try Data().write(to: URL(filePath: probe), options: .atomic)
            try FileManager.default.removeItem(atPath: probe)
        } catch {
            throw Failure(
                .configuration, "what the CA answers could not be kept in \(path)",
                hints: ["XDG_STATE_HOME names another place"])
        }
    }

    /// Keeps an answer.
    ///
    /// - Returns: The file.
    func keep(_ answer: [UInt8], name: String) throws -> String {
        let file = "\(path)/\(name).txt"
        try Data(answer).write(to: URL(filePath: file), options: .atomic)
        return file
    }
}

/// Insists that a file can be made where a person wants it, while nothing has happened yet.
func requireWritable(_ file: String?) throws {
    guard let file else { return }
    let folder = URL(filePath: file).deletingLastPathComponent().path()
    guard FileManager.default.isWritableFile(atPath: folder) else {
        throw Failure(.configuration, "\(file) cannot be written: its folder cannot")
    }
    var isFolder = false
    if FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), isFolder {
        throw Failure(.configuration, "\(file) is a folder")
    }
}

/// Writes a text to a file, whole or not at all.
func writeFile(_ text: String, _ file: String) throws {
    do {
        try Data(text.utf8).write(to: URL(filePath: file), options: .atomic)
    } catch {
        throw Failure(.configuration, "\(file) cannot be written: \(error)")
    }
}
