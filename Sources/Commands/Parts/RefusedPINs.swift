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

    /// How many PINs a device has refused that does not tell, whatever its tokens are called.
    private struct Count: Codable, Equatable {
        let device: String
        var refusals: Int
        /// When it refused the last one, in seconds since 1970-01-01 00:00 UTC.
        var time: Int64
    }

    private struct Memory: Codable, Equatable {
        var sources: [Source] = []
        var counts: [Count] = []
    }

    private let token: String
    private let device: String
    /// How long a count is kept, in seconds: such devices forgive a wrong PIN in minutes or hours.
    private static let memoryOfCounts: Int64 = 86400
    private var path: String { stateFolder + "/refused-pins.json" }

    init(_ token: Token) throws {
        self.token = try PKCS11URI(token: token).description
        let info = token.info
        device = [info.manufacturer, info.model, info.serialNumber].joined(separator: ";")
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
        guard memory().sources.contains(source) else { return }
        let changed =
            source.stamp == nil ? "nobody can tell whether it has changed" : "it has not changed"
        throw Failure(
            .noPermission,
            "the \(name) in \(source.source) was refused by this token before and \(changed); "
                + "it was not sent",
            hints: (source.stamp == nil ? [] : ["put the right one there"])
                + ["where it is right by now: --retry-pin sends it all the same"])
    }

    /// How many PINs the device has refused within a day, as far as this machine knows. A right one
    /// between them changes nothing.
    func refusals() -> Int {
        let since = now() - Self.memoryOfCounts
        return memory().counts.first { $0.device == device && $0.time > since }?.refusals ?? 0
    }

    /// Remembers what came of a PIN. Where that cannot be written a warning says so.
    ///
    /// - Parameter source: Where it came from, or nil where nobody can tell.
    func note(_ source: Source?, wasRefused: Bool) {
        change(isWarned: wasRefused) { memory in
            if wasRefused {
                let count = Count(device: device, refusals: refusals() + 1, time: now())
                memory.counts.removeAll { $0.device == device }
                memory.counts.append(count)
            }
            guard let source else { return }
            memory.sources.removeAll {
                $0.token == source.token && $0.role == source.role && $0.source == source.source
                    && $0.command == source.command
            }
            if wasRefused { memory.sources.append(source) }
        }
    }

    /// Forgets all that was refused for a role: its PIN is another one now, and may well be one that
    /// was wrong before.
    func forget(_ role: UserType) {
        change(isWarned: false) { memory in
            memory.sources.removeAll { $0.token == token && $0.role == "\(role)" }
        }
    }

    private func change(isWarned: Bool, _ body: (inout Memory) -> Void) {
        do {
            try makeFolder(stateFolder)
            let lock = try FileLock(path + ".lock", byte: 0, waits: true)
            defer { withExtendedLifetime(lock) {} }
            let old = memory()
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

    private func memory() -> Memory {
        guard let bytes = try? readFile(path) else { return Memory() }
        let decoder = JSONDecoder()
        if let memory = try? decoder.decode(Memory.self, from: Data(bytes)) { return memory }
        // A file without counts is one of sources alone.
        return Memory(sources: (try? decoder.decode([Source].self, from: Data(bytes))) ?? [])
    }
}
