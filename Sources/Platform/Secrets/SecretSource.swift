#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// Where a PIN or a password comes from. The command line names the place, never the secret.
public enum SecretSource: Sendable, Hashable {
    /// The person at the controlling terminal, `/dev/tty`, without echo.
    case prompt
    /// The content of a file, without the one line end that may close it.
    case file(String)
    /// A variable of the environment, which is overwritten and removed once it is read.
    case environment(String)
    /// The next line of an open file descriptor.
    case fileDescriptor(Int32)
    /// The first line that a program prints; the program and its arguments. No shell runs it.
    case command([String])
    /// The person whom GnuPG's program `pinentry` asks.
    case pinentry

    /// Reads a source as people write it.
    ///
    /// - Parameter text: `prompt`, `file:PATH`, `env:NAME`, `fd:N`, `pinentry` or
    ///   `command:PROGRAM ARGUMENT…`; in the last blanks part the words, but between `'…'` or `"…"`.
    /// - Throws: ``SecretError`` with code ``SecretError/Code/unknownSource`` for anything else, a
    ///   bare path or what looks like a PIN among them: neither is ever taken for a secret. The
    ///   error does not repeat the text, which may be a secret typed in the wrong place.
    public init(_ text: String) throws(SecretError) {
        if text == "prompt" {
            self = .prompt
        } else if let path = text.after("file:"), !path.isEmpty {
            self = .file(path)
        } else if let name = text.after("env:"), !name.isEmpty, !name.contains("=") {
            self = .environment(name)
        } else if let number = text.after("fd:"), number.allSatisfy(\.isNumber),
            let descriptor = Int32(number)
        {
            self = .fileDescriptor(descriptor)
        } else if text == "pinentry" {
            self = .pinentry
        } else if let command = text.after("command:") {
            guard let words = words(ofCommand: command) else {
                throw SecretError(
                    .unknownSource, "command: without a program, or with a quotation mark too few")
            }
            self = .command(words)
        } else {
            throw SecretError(
                .unknownSource,
                "not one of prompt, file:PATH, env:NAME, fd:N, command:PROGRAM and pinentry")
        }
    }

    /// Whether a person is asked, who may mistype, and who types another one next time.
    public var asksPerson: Bool { self == .prompt || self == .pinentry }

    /// Reads the secret.
    ///
    /// - Parameter promptText: What a person is asked, without the colon, where one is.
    /// - Returns: The secret; the caller owns it. It has at least one byte and no line end or NUL.
    ///   A UTF-8 byte order mark at its start is removed.
    /// - Throws: ``SecretError``; its text names the source and never contains what was read from
    ///   it. The time limit is one minute for a named pipe, and ten minutes for a descriptor, a
    ///   command and pinentry.
    public func read(promptText: String) throws(SecretError) -> Secret {
        let given: Secret
        switch self {
        case .prompt:
            given = try readFromTerminal(promptText)
        case .file(let path):
            given = try readFromFile(path)
        case .environment(let name):
            given = try readFromEnvironment(name)
        case .fileDescriptor(let descriptor):
            given = try readLine(
                descriptor, "file descriptor \(descriptor)",
                before: Deadline(seconds: TimeLimit.person))
        case .command(let words):
            given = try readFromCommand(words)
        case .pinentry:
            given = try readFromPinentry(promptText)
        }
        let isLittleEndian = given.starts(with: [0xFF, 0xFE])
        let isBigEndian = given.starts(with: [0xFE, 0xFF])
        if isLittleEndian || isBigEndian, !asksPerson {
            throw SecretError(.malformed, "\(self) holds UTF-16; write it in UTF-8")
        }
        let secret: Secret
        if asksPerson {
            secret = given
        } else {
            secret = given.withoutByteOrderMark()
        }
        guard !secret.isEmpty else {
            throw SecretError(.empty, "\(self) is empty")
        }
        let problem: String? = secret.withBytes { bytes -> String? in
            for index in bytes.indices {
                switch bytes[index] {
                case 0: return "a NUL byte"
                case 10, 13: return "more than one line"
                default: continue
                }
            }
            return nil
        }
        if let problem {
            throw SecretError(.malformed, "\(self) holds \(problem)")
        }
        return secret
    }
}

extension SecretSource: CustomStringConvertible {
    /// The source as ``init(_:)`` reads it; of a command only the program, as what follows may be
    /// more than it should.
    public var description: String {
        switch self {
        case .prompt: "prompt"
        case .file(let path): "file:\(path)"
        case .environment(let name): "env:\(name)"
        case .fileDescriptor(let number): "fd:\(number)"
        case .command(let words): "command:\(words.first ?? "")"
        case .pinentry: "pinentry"
        }
    }
}

extension SecretSource {
    /// Whether this source and another one take their bytes from the same pipe, terminal, socket or
    /// open file, so that bytes that one of them reads are lost to the other.
    ///
    /// The C functions are `fstat` and `stat`.
    ///
    /// - Parameter other: The other source.
    /// - Returns: True also if both name one descriptor that is not open. False for two sources that
    ///   read one regular file by its path.
    public func sharesStream(with other: SecretSource) -> Bool {
        if case .fileDescriptor = self, self == other { return true }
        guard let one = place, let two = other.place else { return false }
        return one.device == two.device && one.number == two.number
            && (one.isStream || two.isStream)
    }

    /// The file, pipe or device behind a path or a descriptor.
    private struct Place {
        let device: dev_t
        let number: ino_t
        /// Whether bytes can be read only once.
        let isStream: Bool
    }

    private var place: Place? {
        var status = stat()
        let isDescriptor: Bool
        switch self {
        case .fileDescriptor(let descriptor):
            guard unsafe fstat(descriptor, &status) == 0 else { return nil }
            isDescriptor = true
        case .file(let path):
            guard unsafe stat(path, &status) == 0 else { return nil }
            isDescriptor = false
        default: return nil
        }
        let kind = status.st_mode & S_IFMT
        return Place(
            device: status.st_dev, number: status.st_ino,
            isStream: isDescriptor || ![S_IFREG, S_IFDIR].contains(kind))
    }

    /// Whether the program was started with a descriptor open.
    ///
    /// Descriptors that tokencert and well-behaved modules open have `FD_CLOEXEC`, which an
    /// inherited descriptor never has.
    ///
    /// The C function is `fcntl`.
    ///
    /// - Parameter descriptor: The number.
    package static func isInherited(_ descriptor: Int32) -> Bool {
        let flags = fcntl(descriptor, F_GETFD)
        return flags >= 0 && flags & FD_CLOEXEC == 0
    }
}

extension String {
    func after(_ prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
