package import Cryptoki
internal import FoundationEssentials
internal import OpenSSLX509
package import TokencertPlatform

/// A record of PIN sources that a token has refused, so that a recurring job does not lock the
/// token. It stores nothing that helps to guess a PIN: for a file the path and modification time,
/// for a command the program without its arguments. If it cannot be read, only typed PINs are sent.
package struct RefusedPINs: Sendable {
    /// The state of a source before its PIN is read.
    package struct Source: Codable, Equatable, Sendable {
        fileprivate var token: String
        /// One source may provide the PINs of two roles.
        fileprivate let role: String
        fileprivate let source: String
        /// Changes with the content of a file; nil for a variable or a command.
        fileprivate var stamp: String?
        /// True from before the PIN is sent until the token answers. If it remains true, the run ended
        /// in between.
        fileprivate var isPending: Bool?

        fileprivate func isSame(as other: Source) -> Bool {
            // The stamp identifies the content, even under another path. The number of a descriptor
            // does not identify a file.
            let isSameContent = stamp != nil && stamp == other.stamp
            return token == other.token && role == other.role
                && (isSameContent || place == other.place && !source.hasPrefix("fd:"))
        }

        /// The source; of a command, the file of the program, which may have several names.
        private var place: String {
            guard source.hasPrefix("command:"),
                let program = programFile(String(source.dropFirst("command:".count)))
            else { return source }
            return "command:" + absolutePath(program)
        }
    }

    /// The number of PINs that a device has refused, for devices that do not report it.
    private struct Count: Codable, Equatable {
        let device: String
        var refusals: Int
        /// The time of the last refusal, in seconds since 1970-01-01 00:00 UTC.
        var time: Int64
        /// By role, the refusals since the last PIN that the device accepted; nil in older records.
        var roles: [String: Int]?
    }

    private struct Memory: Codable, Equatable {
        var sources: [Source] = []
        var counts: [Count] = []
    }

    /// An event to report to the user.
    package enum Event {
        /// This run waits while another one sends a PIN to the token.
        case waitsForOtherRun
        case refusalNotRecorded(RefusedPINsError)
    }

    /// The device if it has a serial number, otherwise the token's URI. The label is not part of it,
    /// because a token keeps its PIN when its label changes.
    private let token: String
    private let device: String
    /// The `serial` attribute of the URI, or nil if the serial number is empty.
    private let serialNumber: Substring?
    /// How long a count is kept, in seconds. Such devices reset theirs after minutes or hours.
    private static let memoryOfCounts: Int64 = 86400
    private let folder: String
    private let path: String
    private let clock: @Sendable () -> Int64
    private let tell: @Sendable (Event) -> Void

    /// `clock` returns seconds since 1970-01-01 00:00 UTC. Nothing is read yet.
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

    /// The attributes in a token's URI that are not blank.
    static func attributes(_ uri: String) -> [Substring] {
        uri.split(separator: ";").filter { !$0.hasSuffix("=") && !$0.hasSuffix("=%20") }
    }

    /// nil for a prompt and for a pipe, which may provide another PIN the next time.
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

    /// Checks that the PIN of a source was not refused before, or that the source has changed since.
    /// If another run is sending the PIN, waits for the token's answer, unless `hasLock` is true.
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

    /// The number of PINs of a role that the device has refused on this machine since it last
    /// accepted one, or with `together`, for a device that counts so, of all roles in the last day,
    /// even if it has accepted one since.
    package func refusals(of role: UserType, together: Bool) throws(RefusedPINsError) -> Int {
        let memory = try memory()
        if together { return refusals(in: memory) }
        return memory.counts.first { $0.device == device }?.roles?["\(role)"] ?? 0
    }

    private func refusals(in memory: Memory) -> Int {
        let since = clock() - Self.memoryOfCounts
        return memory.counts.first { $0.device == device && $0.time > since }?.refusals ?? 0
    }

    /// Locks the device until the returned lock is released. Hold the lock from the check for an
    /// earlier refusal until the result is recorded.
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

    /// Records that the PIN of a source is about to be sent. Returns the previous record.
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

    /// Records the token's answer to a PIN; ``PINOutcome/unknown`` restores the previous record. If this
    /// cannot be written, the PIN remains recorded as tried without an answer. A refusal that the flags of
    /// the token show is not counted, because a right PIN from another program clears the flags.
    package func record(
        _ outcome: PINOutcome, for role: UserType, isShown: Bool = false, of source: Source?,
        before: Source?
    ) {
        do throws(RefusedPINsError) {
            try change { memory in
                let index = memory.counts.firstIndex { $0.device == device }
                if outcome == .refused {
                    var roles = index.flatMap { memory.counts[$0].roles } ?? [:]
                    roles["\(role)"] = isShown ? nil : roles["\(role)", default: 0] + 1
                    let count = Count(
                        device: device, refusals: refusals(in: memory) + 1, time: clock(),
                        roles: roles)
                    memory.counts.removeAll { $0.device == device }
                    memory.counts.append(count)
                } else if outcome == .accepted, let index {
                    memory.counts[index].roles?["\(role)"] = nil
                }
                guard let source else { return }
                memory.sources.removeAll { $0.isSame(as: source) }
                switch outcome {
                case .accepted: break
                case .refused, .unusable: memory.sources.append(source)
                case .unknown: if let before { memory.sources.append(before) }
                }
            }
        } catch {
            guard [.refused, .unusable].contains(outcome) else { return }
            tell(.refusalNotRecorded(error))
        }
    }

    /// Forgets all refusals for a role whose PIN has changed. The new PIN may be one that was wrong
    /// before.
    package func forget(_ role: UserType) {
        // If that fails, the user can still send the PIN with --retry-pin.
        try? change { memory in
            memory.sources.removeAll { $0.token == token && $0.role == "\(role)" }
            for index in memory.counts.indices where memory.counts[index].device == device {
                memory.counts[index].roles?["\(role)"] = nil
            }
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
        var memory = try Self.stored(path)
        let attributes = Self.attributes(token)
        for index in memory.sources.indices {
            // Versions up to 0.1 stored the URI of the token, including its label.
            let named = Self.serialNumber(inURI: memory.sources[index].token)
            if named != nil, named == serialNumber { memory.sources[index].token = token }
            // They omitted blank fields, or wrote them without a value.
            if serialNumber == nil, Self.attributes(memory.sources[index].token) == attributes {
                memory.sources[index].token = token
            }
            // They also stored the length of a file, which reveals the length of the PIN.
            var parts = (memory.sources[index].stamp ?? "").split(separator: ":")
            guard parts.count == 4 else { continue }
            parts.remove(at: 2)
            memory.sources[index].stamp = parts.joined(separator: ":")
        }
        return memory
    }

    /// Checks that the record can be read and written, as far as the permissions show. Nothing is created
    /// or changed.
    package static func requireUsable(inFolder folder: String) throws(RefusedPINsError) {
        let file = Self.path(inFolder: folder)
        _ = try stored(file)
        do throws(FileError) {
            try requireWritableFolder(folder)
            if !isAbsent(file + ".lock") { try requireWriteAccess(to: file + ".lock") }
        } catch {
            throw RefusedPINsError.notWritten(reason: "\(error)", error)
        }
    }

    private static func stored(_ path: String) throws(RefusedPINsError) -> Memory {
        func unreadable(_ reason: String, _ error: FileError? = nil) -> RefusedPINsError {
            .unreadable(path: path, reason: reason, error)
        }
        guard !isSpecialFile(path) else { throw unreadable("\(path) is not a regular file") }
        let bytes: [UInt8]
        do throws(FileError) {
            guard try isPresent(path) else { return Memory() }
            bytes = try readFile(path)
        } catch {
            throw unreadable("\(error)", error)
        }
        let decoder = JSONDecoder()
        if let found = try? decoder.decode(Memory.self, from: Data(bytes)) { return found }
        // The older format is a list of sources without counts.
        if let sources = try? decoder.decode([Source].self, from: Data(bytes)) {
            return Memory(sources: sources)
        }
        throw unreadable("\(path) is \(bytes.isEmpty ? "empty" : "damaged")")
    }

    package static func path(inFolder folder: String) -> String { folder + "/refused-pins.json" }

    private func notWritten(_ error: FileError) -> RefusedPINsError {
        .notWritten(reason: "\(error)", error)
    }
}

/// The reason why a PIN was not sent.
package enum RefusedPINsError: Error, Sendable {
    /// A PIN that the token has refused, or whose answer an interrupted run did not record.
    package struct Refusal: Sendable {
        /// The name of the PIN for messages.
        package let name: String
        /// Its source, written as for `--pin-source`; for a command, the program only.
        package let source: String
        /// Whether a change of the source can be detected.
        package let canChange: Bool
    }

    /// The token has refused the PIN before, and no change of the source was detected.
    case refusedBefore(Refusal)
    /// A run ended before it recorded the token's answer.
    case triedBefore(Refusal)
    case unreadable(path: String, reason: String, FileError?)
    case notWritten(reason: String, FileError?)
}

extension RefusedPINsError: CustomStringConvertible {
    /// The message for the user, without a full stop.
    package var description: String {
        switch self {
        case .refusedBefore(let pin):
            "the \(pin.name) in \(pin.source) was refused by this token before and "
                + (pin.canChange ? "it has not changed" : "it is unknown whether it has changed")
                + "; it was not sent"
        case .triedBefore(let pin):
            "a run ended while it was trying the \(pin.name) in \(pin.source); it is unknown "
                + "whether the token accepts it, so it was not sent again"
        case .unreadable(_, let reason, _):
            "cannot read the record of refused PINs, so no PIN was sent: \(reason)"
        case .notWritten(let reason, _):
            "cannot record the attempt, so no PIN was sent: \(reason)"
        }
    }
}
