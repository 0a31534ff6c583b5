#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// The source of a PIN or a password. The command line names the source, never the secret.
public enum SecretSource: Sendable, Hashable {
    /// The user, at the controlling terminal `/dev/tty` without echo.
    case prompt
    /// The contents of a file, without one line break at the end.
    case file(String)
    /// An environment variable, which is overwritten and removed after reading.
    case environment(String)
    /// The next line of an open file descriptor.
    case fileDescriptor(Int32)
    /// The first line that a program prints: the program and its arguments. No shell runs it.
    case command([String])
    /// The user, through GnuPG's program `pinentry`.
    case pinentry

    /// Parses a source as written on the command line.
    ///
    /// - Parameter text: `prompt`, `file:PATH`, `env:NAME`, `fd:N`, `pinentry` or `command:PROGRAM
    ///   ARGUMENT...`. Blanks separate the words of a command; `'...'` and `"..."` group them.
    /// - Throws: ``SecretError/Code/unknownSource`` for anything else, including a bare path or a
    ///   PIN. The error does not repeat the text, which may be a secret typed in the wrong place.
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
                    .unknownSource, "command: has no program, or a quotation mark is not closed")
            }
            self = .command(words)
        } else {
            throw SecretError(
                .unknownSource,
                "not one of prompt, file:PATH, env:NAME, fd:N, command:PROGRAM or pinentry")
        }
    }

    /// Whether the user types the secret, and so may mistype it or type another one next time.
    public var asksPerson: Bool { self == .prompt || self == .pinentry }

    /// Reads the secret.
    ///
    /// - Parameter promptText: The prompt without the colon, for a source that asks the user.
    /// - Returns: The secret; the caller owns it. It has at least one byte and no line break or
    ///   NUL. A UTF-8 byte order mark at its start is removed.
    /// - Throws: ``SecretError``. Its text names the source and never contains the secret. The time
    ///   limit is one minute for a named pipe, and ten minutes for a descriptor, a command,
    ///   pinentry and each key at the prompt.
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
            throw SecretError(.malformed, "\(self) contains UTF-16; use UTF-8")
        }
        let secret: Secret
        if asksPerson {
            secret = given
        } else {
            secret = given.withoutByteOrderMark()
        }
        guard !secret.isEmpty else {
            throw SecretError(.empty, asksPerson ? "nothing was typed" : "\(self) is empty")
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
            throw SecretError(.malformed, "\(self) contains \(problem)")
        }
        return secret
    }
}

extension SecretSource: CustomStringConvertible {
    /// The source as ``init(_:)`` parses it. A command is reduced to its program, because its
    /// arguments may be confidential.
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
    /// Whether this source and another one read from the same pipe, terminal, socket or open file,
    /// so that bytes read by one are lost to the other.
    ///
    /// The C functions are `fstat` and `stat`.
    ///
    /// - Parameter other: The other source.
    /// - Returns: True also if both name the same descriptor and it is not open. False for two
    ///   sources that read the same regular file by path.
    public func sharesStream(with other: SecretSource) -> Bool {
        if case .fileDescriptor = self, self == other { return true }
        guard let one = place, let two = other.place else { return false }
        return one.device == two.device && one.number == two.number
            && (one.isStream || two.isStream)
    }

    /// Whether reading the secret leaves it where it is: a variable, or a file that is no pipe or
    /// device. True also for a file that does not exist.
    package var isRepeatable: Bool {
        switch self {
        case .environment: true
        case .file: !(place?.isStream ?? false)
        default: false
        }
    }

    private struct Place {
        let device: dev_t
        let number: ino_t
        /// Whether each byte can be read only once.
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

    /// Whether the program was started with a descriptor open. Those that tokencert and
    /// well-behaved modules open have `FD_CLOEXEC`; an inherited one never has it.
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
