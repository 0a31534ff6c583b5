internal import Files
internal import Secrets

/// The folder of what tokencert keeps, `$XDG_DATA_HOME/tokencert`.
var dataFolder: String { folder("XDG_DATA_HOME", "/.local/share") }

/// The folder of what happened, `$XDG_STATE_HOME/tokencert`.
var stateFolder: String { folder("XDG_STATE_HOME", "/.local/state") }

/// The folder of what a person has set, `$XDG_CONFIG_HOME/tokencert`.
var configurationFolder: String { folder("XDG_CONFIG_HOME", "/.config") }

private func folder(_ variable: String, _ inHome: String) -> String {
    // The XDG specification ignores paths that are not absolute.
    if let base = environmentVariable(variable), base.hasPrefix("/") { return base + "/tokencert" }
    return (environmentVariable("HOME") ?? "") + inHome + "/tokencert"
}

/// Insists that a file can be made where a person wants it, while nothing has happened yet.
func requireWritable(_ file: String?) throws {
    guard let file else { return }
    if isFolder(file) {
        throw Failure(
            .configuration, "\(file) cannot be written: it is a folder",
            hints: ["--out takes the name of a file"])
    }
    let folder = parentFolder(file)
    guard isWritableFolder(folder) || isWritableFile(file) else {
        throw Failure(
            .configuration, "\(file) cannot be written: there is no folder \(folder) to write to",
            hints: ["--out takes a file in a folder that is there"])
    }
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
            hints: hints, attachment: text.split(separator: "\n").map(String.init))
    }
}
