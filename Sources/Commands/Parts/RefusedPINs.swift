internal import Cryptoki
internal import Files
internal import FoundationEssentials
internal import Issuance
internal import OpenSSLX509
internal import Secrets

/// Which sources gave a PIN that a token has refused, so that a job that is run again and again
/// does not lock the token. Never the PIN itself, nor anything from which it can be guessed: of a
/// file its place and when it was written, of a command the program alone, since a PIN may stand
/// among its arguments.
///
/// What cannot be read is not taken for empty: then no PIN is sent that nobody has typed.
struct RefusedPINs: Sendable {
    /// A source as it is before its PIN is read.
    struct Source: Codable, Equatable, Sendable {
        fileprivate let token: String
        /// Whose PIN it is: one source may serve two roles.
        fileprivate let role: String
        fileprivate let source: String
        /// What changes with the content of a file; nil for a variable or a command.
        fileprivate var stamp: String?
        /// True from before the PIN is sent until the token has answered. If it stays, the run has
        /// ended between.
        fileprivate var isPending: Bool?

        fileprivate func isSame(as other: Source) -> Bool {
            token == other.token && role == other.role && source == other.source
        }
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
    private let path = stateFolder + "/refused-pins.json"

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
        case .environment, .command:
            Source(token: token, role: "\(role)", source: "\(source)")
        case .prompt, .pinentry, .fileDescriptor:
            nil
        }
    }

    /// Insists that a source has not given a refused PIN before, or has changed since.
    func requireNotRefused(_ source: Source, _ name: String) throws {
        guard
            let found = try memory().sources.first(where: {
                $0.isSame(as: source) && $0.stamp == source.stamp
            })
        else { return }
        let changed =
            source.stamp == nil ? "nobody can tell whether it has changed" : "it has not changed"
        let isPending = found.isPending ?? false
        throw Failure(
            .noPermission,
            isPending
                ? "the \(name) in \(source.source) was being tried when a run ended; whether it is right "
                    + "is not known, and it was not sent again"
                : "the \(name) in \(source.source) was refused by this token before and \(changed); "
                    + "it was not sent",
            hints: (source.stamp == nil ? [] : ["put the right one there"])
                + [
                    isPending
                        ? "if you know that it is right: --retry-pin sends it"
                        : "where it is right by now: --retry-pin sends it all the same"
                ])
    }

    /// How many PINs the device has refused within a day, as far as this machine knows. A right one
    /// between them changes nothing.
    func refusals() throws -> Int {
        refusals(in: try memory())
    }

    private func refusals(in memory: Memory) -> Int {
        let since = now() - Self.memoryOfCounts
        return memory.counts.first { $0.device == device && $0.time > since }?.refusals ?? 0
    }

    /// Has the device for this run alone, until the result goes out of use: from looking whether a PIN
    /// was refused to noting what came of it.
    func lock() throws -> FileLock {
        // Byte 0 is that of the memory as a whole.
        let hash = Digest.sha256.hash(Array(device.utf8)).prefix(7)
        let byte = 1 + hash.reduce(Int64(0)) { $0 << 8 | Int64($1) }
        do throws(FileError) {
            try makeFolder(stateFolder)
            do throws(FileError) {
                return try FileLock(path + ".lock", byte: byte, waits: false)
            } catch {
                guard error.isTaken else { throw error }
            }
            printError("note: another run is sending a PIN to this token; waiting for its answer")
            return try FileLock(path + ".lock", byte: byte, waits: true)
        } catch {
            throw notWritten(error)
        }
    }

    /// Notes that the PIN of a source is about to be sent. It is not sent if that cannot be noted.
    ///
    /// - Returns: What was noted of the source before.
    func begin(_ source: Source) throws -> Source? {
        var before: Source?
        try change { memory in
            before = memory.sources.first { $0.isSame(as: source) }
            memory.sources.removeAll { $0.isSame(as: source) }
            var pending = source
            pending.isPending = true
            memory.sources.append(pending)
        }
        return before
    }

    /// Notes what the token made of a PIN. If that cannot be written, the PIN counts as being tried.
    ///
    /// - Parameters:
    ///   - outcome: What the token said. ``PINOutcome/unknown`` puts back what was noted before.
    ///   - source: Where the PIN came from, or nil if nobody can tell.
    ///   - before: What was noted of the source before.
    func note(_ outcome: PINOutcome, of source: Source?, before: Source?) {
        do {
            try change { memory in
                if outcome == .refused {
                    let count = Count(
                        device: device, refusals: refusals(in: memory) + 1, time: now())
                    memory.counts.removeAll { $0.device == device }
                    memory.counts.append(count)
                }
                guard let source else { return }
                memory.sources.removeAll { $0.isSame(as: source) }
                switch outcome {
                case .accepted: break
                case .refused: memory.sources.append(source)
                case .unknown: if let before { memory.sources.append(before) }
                }
            }
        } catch {
            guard outcome == .refused else { return }
            printError(
                "warning: it cannot be noted that the PIN was refused: \(Failure(error).message)")
        }
    }

    /// Forgets all that was refused for a role: its PIN is another one now, and may well be one that
    /// was wrong before.
    func forget(_ role: UserType) {
        // If that fails, --retry-pin sends the PIN.
        try? change { memory in
            memory.sources.removeAll { $0.token == token && $0.role == "\(role)" }
        }
    }

    private func change(_ body: (inout Memory) -> Void) throws {
        let lock = try memoryLock()
        defer { withExtendedLifetime(lock) {} }
        let old = try memory()
        var new = old
        body(&new)
        guard new != old else { return }
        let bytes = Array(try JSONEncoder().encode(new))
        do throws(FileError) {
            try writeFileDurably(bytes, path, permissions: 0o600)
        } catch {
            throw notWritten(error)
        }
    }

    private func memoryLock() throws -> FileLock {
        do throws(FileError) {
            try makeFolder(stateFolder)
            return try FileLock(path + ".lock", byte: 0, waits: true)
        } catch {
            throw notWritten(error)
        }
    }

    private func memory() throws -> Memory {
        let bytes: [UInt8]
        do throws(FileError) {
            guard try isPresent(path) else { return Memory() }
            bytes = try readFile(path)
        } catch {
            throw unreadable("\(error)", advice(error))
        }
        let decoder = JSONDecoder()
        var memory: Memory
        if let found = try? decoder.decode(Memory.self, from: Data(bytes)) {
            memory = found
        } else if let sources = try? decoder.decode([Source].self, from: Data(bytes)) {
            // A file without counts is one of sources alone.
            memory = Memory(sources: sources)
        } else {
            throw unreadable("\(path) is \(bytes.isEmpty ? "empty" : "damaged")", [])
        }
        for index in memory.sources.indices {
            // Versions up to 0.1 also kept the length of a file, which is that of the PIN.
            var parts = (memory.sources[index].stamp ?? "").split(separator: ":")
            guard parts.count == 4 else { continue }
            parts.remove(at: 2)
            memory.sources[index].stamp = parts.joined(separator: ":")
        }
        return memory
    }

    private func unreadable(_ reason: String, _ hints: [String]) -> Failure {
        Failure(
            .configuration, code: "refusedPINsUnreadable",
            "which PINs were refused cannot be read, so no PIN was sent: \(reason)",
            hints: hints + [
                "--pin-source prompt asks you for the PIN",
                "to forget which PINs were refused: mv \(quoted(path)) \(quoted(path + ".old"))",
            ])
    }

    private func notWritten(_ error: FileError) -> Failure {
        Failure(
            .configuration, code: "refusedPINsNotWritten",
            "it cannot be noted that a PIN is sent, so none was sent: \(error)",
            hints: advice(error) + [
                "XDG_STATE_HOME names another folder", "--pin-source prompt asks you for the PIN",
            ])
    }
}
