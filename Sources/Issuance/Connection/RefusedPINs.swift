package import Cryptoki
internal import FoundationEssentials
internal import OpenSSLX509
package import TokencertPlatform

/// Which sources gave a PIN that a token has refused, so that a job that is run again and again
/// does not lock the token. Neither the PIN nor anything from which it can be guessed is stored: of
/// a file, its path and modification time; of a command, the program only, since its arguments may
/// hold a PIN.
///
/// A record that cannot be read does not count as empty: only typed PINs are sent then.
package struct RefusedPINs: Sendable {
    /// A source as it is before its PIN is read.
    package struct Source: Codable, Equatable, Sendable {
        fileprivate var token: String
        /// Whose PIN it is: one source may serve two roles.
        fileprivate let role: String
        fileprivate let source: String
        /// A value that changes with the content of a file; nil for a variable or a command.
        fileprivate var stamp: String?
        /// True from before the PIN is sent until the token has answered. If it stays true, the run
        /// ended in between.
        fileprivate var isPending: Bool?

        fileprivate func isSame(as other: Source) -> Bool {
            // A stamp is that of one content, whatever name the file was opened by. The number of a
            // descriptor says nothing about its file.
            let isSameContent = stamp != nil && stamp == other.stamp
            return token == other.token && role == other.role
                && (isSameContent || source == other.source && !source.hasPrefix("fd:"))
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

    /// What the user has to know while a PIN is sent.
    package enum Event {
        /// Another run is sending a PIN to the token, and this one waits for the answer.
        case waitsForOtherRun
        /// The token's refusal could not be recorded.
        case refusalNotRecorded(RefusedPINsError)
    }

    /// The device if it has a serial number, else the token's URI. A token keeps its PIN when
    /// its label changes.
    private let token: String
    private let device: String
    /// The serial number as a URI names it, or nil if it is empty.
    private let serialNumber: Substring?
    /// How long a count is kept, in seconds: such devices forgive a wrong PIN in minutes or hours.
    private static let memoryOfCounts: Int64 = 86400
    private let folder: String
    private let path: String
    private let clock: @Sendable () -> Int64
    private let tell: @Sendable (Event) -> Void

    /// The record about one token. Nothing is read yet.
    ///
    /// - Parameters:
    ///   - folder: The folder of the record.
    ///   - clock: The time, in seconds since 1970-01-01 00:00 UTC.
    ///   - tell: Is told what the user has to know.
    package init(
        _ token: Token, folder: String, clock: @escaping @Sendable () -> Int64,
        tell: @escaping @Sendable (Event) -> Void
    ) throws(CryptokiError) {
        self.init(
            uri: try PKCS11URI(token: token).description, token.info, folder: folder,
            clock: clock, tell: tell)
    }

    init(
        uri: String, _ info: TokenInfo, folder: String, clock: @escaping @Sendable () -> Int64,
        tell: @escaping @Sendable (Event) -> Void
    ) {
        self.folder = folder
        path = Self.path(inFolder: folder)
        self.clock = clock
        self.tell = tell
        device = [info.manufacturer, info.model, info.serialNumber].joined(separator: ";")
        serialNumber = info.serialNumber.isEmpty ? nil : Self.serialNumber(inURI: uri)
        self.token = serialNumber == nil ? uri : device
    }

    private static func serialNumber(inURI uri: String) -> Substring? {
        guard uri.hasPrefix("pkcs11:") else { return nil }
        return uri.dropFirst("pkcs11:".count).split(separator: ";").first {
            $0.hasPrefix("serial=")
        }
    }

    /// The attributes of a token in a URI that are not blank.
    static func attributes(_ uri: String) -> [Substring] {
        uri.split(separator: ";").filter { !$0.hasSuffix("=") && !$0.hasSuffix("=%20") }
    }

    /// A source that gives the same PIN again; nil for a prompt and for a pipe, which may not.
    package func source(_ source: SecretSource, of role: UserType) -> Source? {
        switch source {
        case .file(let file):
            fileStamp(file).map {
                Source(
                    token: token, role: "\(role)", source: "file:" + absolutePath(file), stamp: $0)
            }
        case .environment, .command:
            Source(token: token, role: "\(role)", source: "\(source)")
        case .fileDescriptor(let descriptor):
            fileStamp(ofDescriptor: descriptor).map {
                Source(token: token, role: "\(role)", source: "\(source)", stamp: $0)
            }
        case .prompt, .pinentry:
            nil
        }
    }

    /// Checks that a source has not given a refused PIN before, or has changed since. While another
    /// run sends the PIN, this waits for the token's answer.
    ///
    /// - Parameters:
    ///   - source: The source.
    ///   - name: What the PIN is called in an error.
    ///   - hasLock: Whether this run holds ``lock()``.
    package func requireNotRefused(
        _ source: Source, _ name: String, hasLock: Bool
    ) throws(RefusedPINsError) {
        func entry() throws(RefusedPINsError) -> Source? {
            try memory().sources.first { $0.isSame(as: source) && $0.stamp == source.stamp }
        }
        guard var found = try entry() else { return }
        if !hasLock, found.isPending ?? false {
            let lock = try lock()
            defer { withExtendedLifetime(lock) {} }
            guard let answered = try entry() else { return }
            found = answered
        }
        let refusal = RefusedPINsError.Refusal(
            name: name, source: source.source, canChange: source.stamp != nil)
        throw found.isPending ?? false
            ? RefusedPINsError.triedBefore(refusal) : RefusedPINsError.refusedBefore(refusal)
    }

    /// How many PINs the device has refused within a day, as far as this machine knows. A right one
    /// between them changes nothing.
    package func refusals() throws(RefusedPINsError) -> Int {
        refusals(in: try memory())
    }

    private func refusals(in memory: Memory) -> Int {
        let since = clock() - Self.memoryOfCounts
        return memory.counts.first { $0.device == device && $0.time > since }?.refusals ?? 0
    }

    /// Locks the device for this run until the result is released: from the check whether a PIN was
    /// refused until the result is recorded.
    package func lock() throws(RefusedPINsError) -> FileLock {
        // Byte 0 locks the record as a whole.
        let hash = Digest.sha256.hash(Array(device.utf8)).prefix(7)
        let byte = 1 + hash.reduce(Int64(0)) { $0 << 8 | Int64($1) }
        do throws(FileError) {
            try makeFolder(folder)
            do throws(FileError) {
                return try FileLock(path + ".lock", byte: byte, waits: false)
            } catch {
                guard error.isTaken else { throw error }
            }
            tell(.waitsForOtherRun)
            return try FileLock(path + ".lock", byte: byte, waits: true)
        } catch {
            throw notWritten(error)
        }
    }

    /// Records that the PIN of a source is about to be sent, and throws if that fails.
    ///
    /// - Returns: The previous record of the source.
    package func begin(_ source: Source) throws(RefusedPINsError) -> Source? {
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

    /// Records the token's answer to a PIN. If that cannot be written, the PIN counts as being
    /// tried.
    ///
    /// - Parameters:
    ///   - outcome: The token's answer. ``PINOutcome/unknown`` restores the previous record.
    ///   - source: Where the PIN came from, or nil if that is unknown.
    ///   - before: The previous record of the source.
    package func record(_ outcome: PINOutcome, of source: Source?, before: Source?) {
        do throws(RefusedPINsError) {
            try change { memory in
                if outcome == .refused {
                    let count = Count(
                        device: device, refusals: refusals(in: memory) + 1, time: clock())
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
            tell(.refusalNotRecorded(error))
        }
    }

    /// Forgets all that was refused for a role: its PIN is another one now, and may well be one that
    /// was wrong before.
    package func forget(_ role: UserType) {
        // If that fails, the user can still send the PIN with --retry-pin.
        try? change { memory in
            memory.sources.removeAll { $0.token == token && $0.role == "\(role)" }
        }
    }

    private func change(_ body: (inout Memory) -> Void) throws(RefusedPINsError) {
        let lock = try memoryLock()
        defer { withExtendedLifetime(lock) {} }
        let old = try memory()
        var new = old
        body(&new)
        guard new != old else { return }
        guard let encoded = try? JSONEncoder().encode(new) else {
            throw RefusedPINsError.notWritten(reason: "it cannot be encoded", nil)
        }
        do throws(FileError) {
            try writeFileDurably(Array(encoded), path, permissions: 0o600)
        } catch {
            throw notWritten(error)
        }
    }

    private func memoryLock() throws(RefusedPINsError) -> FileLock {
        do throws(FileError) {
            try makeFolder(folder)
            return try FileLock(path + ".lock", byte: 0, waits: true)
        } catch {
            throw notWritten(error)
        }
    }

    private func memory() throws(RefusedPINsError) -> Memory {
        guard !isSpecialFile(path) else { throw unreadable("\(path) is not a regular file") }
        let bytes: [UInt8]
        do throws(FileError) {
            guard try isPresent(path) else { return Memory() }
            bytes = try readFile(path)
        } catch {
            throw unreadable("\(error)", error)
        }
        let decoder = JSONDecoder()
        let attributes = Self.attributes(token)
        var memory: Memory
        if let found = try? decoder.decode(Memory.self, from: Data(bytes)) {
            memory = found
        } else if let sources = try? decoder.decode([Source].self, from: Data(bytes)) {
            // A file without counts has sources only.
            memory = Memory(sources: sources)
        } else {
            throw unreadable("\(path) is \(bytes.isEmpty ? "empty" : "damaged")")
        }
        for index in memory.sources.indices {
            // Versions up to 0.1 kept the URI of the token, label included.
            let named = Self.serialNumber(inURI: memory.sources[index].token)
            if named != nil, named == serialNumber { memory.sources[index].token = token }
            // They left out blank fields, or wrote them without a value.
            if serialNumber == nil, Self.attributes(memory.sources[index].token) == attributes {
                memory.sources[index].token = token
            }
            // Versions up to 0.1 also kept the length of a file, which is that of the PIN.
            var parts = (memory.sources[index].stamp ?? "").split(separator: ":")
            guard parts.count == 4 else { continue }
            parts.remove(at: 2)
            memory.sources[index].stamp = parts.joined(separator: ":")
        }
        return memory
    }

    /// The file that the sources are kept in.
    package static func path(inFolder folder: String) -> String { folder + "/refused-pins.json" }

    private func unreadable(_ reason: String, _ error: FileError? = nil) -> RefusedPINsError {
        .unreadable(path: path, reason: reason, error)
    }

    private func notWritten(_ error: FileError) -> RefusedPINsError {
        .notWritten(reason: "\(error)", error)
    }
}

/// Why a PIN was not sent.
package enum RefusedPINsError: Error, Sendable {
    /// A PIN that the token has refused, or that was sent when a run ended.
    package struct Refusal: Sendable {
        /// What the PIN is called.
        package let name: String
        /// Its source, in the form of `--pin-source`; of a command, the program only.
        package let source: String
        /// Whether a change of the source can be seen.
        package let canChange: Bool
    }

    /// The token has refused it before, and the source has not changed, as far as that is seen.
    case refusedBefore(Refusal)
    /// A run ended before the token had answered.
    case triedBefore(Refusal)
    /// The record cannot be read.
    case unreadable(path: String, reason: String, FileError?)
    /// The attempt cannot be recorded.
    case notWritten(reason: String, FileError?)
}

extension RefusedPINsError: CustomStringConvertible {
    /// What happened, as text for the user, without a full stop.
    package var description: String {
        switch self {
        case .refusedBefore(let pin):
            "the \(pin.name) in \(pin.source) was refused by this token before and "
                + (pin.canChange ? "it has not changed" : "it is unknown whether it has changed")
                + "; it was not sent"
        case .triedBefore(let pin):
            "the \(pin.name) in \(pin.source) was being tried when a run ended; whether it is right "
                + "is not known, and it was not sent again"
        case .unreadable(_, let reason, _):
            "the record of refused PINs cannot be read, so no PIN was sent: \(reason)"
        case .notWritten(let reason, _):
            "the attempt cannot be recorded, so no PIN was sent: \(reason)"
        }
    }
}
