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
        } else if let number = text.after("fd:"), let descriptor = Int32(number), descriptor >= 0 {
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
    /// - Throws: ``SecretError``; its text names the source, never what was read from it.
    public func read(promptText: String) throws(SecretError) -> Secret {
        let secret: Secret
        switch self {
        case .prompt:
            secret = try readFromTerminal(promptText)
        case .file(let path):
            secret = try readFromFile(path)
        case .environment(let name):
            secret = try readFromEnvironment(name)
        case .fileDescriptor(let descriptor):
            secret = try readLine(descriptor, "file descriptor \(descriptor)")
        case .command(let words):
            secret = try readFromCommand(words)
        case .pinentry:
            secret = try readFromPinentry(promptText)
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

extension String {
    func after(_ prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
