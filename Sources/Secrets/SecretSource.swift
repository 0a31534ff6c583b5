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

    /// Reads a source as people write it.
    ///
    /// - Parameter text: `prompt`, `file:PATH`, `env:NAME` or `fd:N`.
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
        } else {
            throw SecretError(.unknownSource, "not one of prompt, file:PATH, env:NAME, fd:N")
        }
    }

    /// Reads the secret.
    ///
    /// - Parameter promptText: What a person is asked, without the colon. Only ``prompt`` uses it.
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
            secret = try readLine(descriptor)
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
    /// The source as ``init(_:)`` reads it.
    public var description: String {
        switch self {
        case .prompt: "prompt"
        case .file(let path): "file:\(path)"
        case .environment(let name): "env:\(name)"
        case .fileDescriptor(let number): "fd:\(number)"
        }
    }
}

extension String {
    func after(_ prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
