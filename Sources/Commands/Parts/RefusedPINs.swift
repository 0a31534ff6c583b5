internal import Cryptoki
internal import Files
internal import FoundationEssentials
internal import OpenSSLX509
internal import Secrets

/// Which sources gave a PIN that a token has refused, so that a job that is run again and again
/// does not lock the token. Never the PIN itself, nor anything that is made of it.
struct RefusedPINs {
    /// A source as it is before its PIN is read.
    struct Source: Codable, Equatable {
        fileprivate let token: String
        /// Whose PIN it is: one source may serve two roles.
        fileprivate let role: String
        fileprivate let source: String
        /// What changes with the content of a file; nil for a variable.
        fileprivate let stamp: String?
        /// SHA-256 of a command's words, so that another command is another source.
        fileprivate var command: String?
    }

    private let token: String
    private var path: String { stateFolder + "/refused-pins.json" }

    init(_ token: Token) throws {
        self.token = try PKCS11URI(token: token).description
    }

    /// A source that gives the same again; nil for a person or a pipe, which do not.
    func source(_ source: SecretSource, of role: UserType) -> Source? {
        switch source {
        case .file(let file):
            fileStamp(file).map {
                Source(
                    token: token, role: "\(role)", source: "file:" + absolutePath(file), stamp: $0)
            }
        case .environment:
            Source(token: token, role: "\(role)", source: "\(source)", stamp: nil)
        case .command(let words):
            Source(
                token: token, role: "\(role)", source: "\(source)", stamp: nil,
                command: hexadecimal(
                    Digest.sha256.hash(Array(words.joined(separator: "\0").utf8))))
        case .prompt, .pinentry, .fileDescriptor:
            nil
        }
    }

    /// Insists that a source has not given a refused PIN before, or has changed since.
    func requireNotRefused(_ source: Source, _ name: String) throws {
        guard refused().contains(source) else { return }
        let changed =
            source.stamp == nil ? "nobody can tell whether it has changed" : "it has not changed"
        throw Failure(
            .noPermission,
            "the \(name) in \(source.source) was refused by this token before and \(changed); "
                + "it was not sent",
            hints: (source.stamp == nil ? [] : ["put the right one there"])
                + ["where it is right by now: --retry-pin sends it all the same"])
    }

    /// Remembers what came of a PIN. Where that cannot be written a warning says so.
    func note(_ source: Source, wasRefused: Bool) {
        change(isWarned: wasRefused) { refused in
            refused.removeAll {
                $0.token == source.token && $0.role == source.role && $0.source == source.source
                    && $0.command == source.command
            }
            if wasRefused { refused.append(source) }
        }
    }

    /// Forgets all that was refused for a role: its PIN is another one now, and may well be one that
    /// was wrong before.
    func forget(_ role: UserType) {
        change(isWarned: false) { refused in
            refused.removeAll { $0.token == token && $0.role == "\(role)" }
        }
    }

    private func change(isWarned: Bool, _ body: (inout [Source]) -> Void) {
        do {
            try makeFolder(stateFolder)
            let lock = try FileLock(path + ".lock", byte: 0, waits: true)
            defer { withExtendedLifetime(lock) {} }
            let old = refused()
            var new = old
            body(&new)
            guard new != old else { return }
            try writeFileDurably(Array(JSONEncoder().encode(new)), path, permissions: 0o600)
        } catch {
            guard isWarned else { return }
            printError(
                "warning: it cannot be noted that the PIN was refused, so the next run may send it "
                    + "again: \(printable("\(error)"))")
        }
    }

    private func refused() -> [Source] {
        guard let bytes = try? readFile(path) else { return [] }
        return (try? JSONDecoder().decode([Source].self, from: Data(bytes))) ?? []
    }
}
