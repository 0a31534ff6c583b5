/// Why a secret could not be read. It never contains any part of the secret.
public struct SecretError: Error, Sendable, Equatable {
    /// The kind of failure.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The name of the code, which later versions keep.
        public var description: String { value }

        /// The text does not name a known kind of source.
        public static let unknownSource = Code(value: "unknownSource")
        /// The source cannot be read: a file, a variable, a descriptor or a program.
        public static let unreadable = Code(value: "unreadable")
        /// No terminal is available for the prompt.
        public static let noTerminal = Code(value: "noTerminal")
        /// Nothing was entered: Ctrl-D, a closed terminal, or a closed pinentry window.
        public static let cancelled = Code(value: "cancelled")
        /// Ctrl-C was typed at the prompt.
        public static let interrupted = Code(value: "interrupted")
        /// The source supplied nothing within its time limit.
        public static let timedOut = Code(value: "timedOut")
        /// The source is empty.
        public static let empty = Code(value: "empty")
        /// The content is not a single secret: it has several lines or a NUL byte, or is too long.
        public static let malformed = Code(value: "malformed")
    }

    /// The kind of failure.
    public let code: Code
    /// The source and the reason, as text for the user.
    public let reason: String

    init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}
