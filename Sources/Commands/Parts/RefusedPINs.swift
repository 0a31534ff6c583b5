internal import Cryptoki
internal import Files
internal import FoundationEssentials
internal import Secrets

/// Which sources gave a PIN that a token has refused, so that a job that is run again and again
/// does not lock the token. Never the PIN itself, nor anything that is made of it.
struct RefusedPINs {
    /// One source, as it was when its PIN was refused.
    private struct Entry: Codable, Equatable {
        let token: String
        let source: String
        /// What changes with the content of a file; nil for a variable.
        let stamp: String?
    }

    private let token: String
    private var path: String { stateFolder + "/refused-pins.json" }

    init(_ token: Token) throws {
        self.token = try PKCS11URI(token: token).description
    }

    /// Insists that a source has not given a refused PIN before, or has changed since.
    func requireNotRefused(_ source: SecretSource, _ name: String) throws {
        guard let entry = entry(source), entries().contains(entry) else { return }
        let changed =
            entry.stamp == nil ? "nobody can tell whether it has changed" : "it has not changed"
        throw Failure(
            .noPermission,
            "the \(name) in \(source) was refused by this token before and \(changed); "
                + "it was not sent",
            hints: [
                "put the right one there",
                "where it is right by now: --retry-pin sends it all the same",
            ])
    }

    /// Remembers what came of a PIN. What cannot be written is not remembered.
    func note(_ source: SecretSource, wasRefused: Bool, wasAccepted: Bool) {
        guard wasRefused || wasAccepted, let entry = entry(source) else { return }
        let old = entries()
        var new = old.filter { $0.token != entry.token || $0.source != entry.source }
        if wasRefused { new.append(entry) }
        guard new != old, let json = try? JSONEncoder().encode(new) else { return }
        try? makeFolder(stateFolder)
        try? writeFileDurably(Array(json), path, permissions: 0o600)
    }

    /// A source that gives the same again; a person or a pipe does not.
    private func entry(_ source: SecretSource) -> Entry? {
        switch source {
        case .file(let file):
            guard let stamp = fileStamp(file) else { return nil }
            return Entry(token: token, source: "file:" + absolutePath(file), stamp: stamp)
        case .environment: return Entry(token: token, source: "\(source)", stamp: nil)
        case .prompt, .fileDescriptor: return nil
        }
    }

    private func entries() -> [Entry] {
        guard let bytes = try? readFile(path) else { return [] }
        return (try? JSONDecoder().decode([Entry].self, from: Data(bytes))) ?? []
    }
}
