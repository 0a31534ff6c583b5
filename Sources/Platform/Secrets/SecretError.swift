/// Why a secret could not be read. It never holds any part of a secret.
public struct SecretError: Error, Sendable, Equatable {
    /// What kind of failure this is.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The code's name. It stays the same in later versions.
        public var description: String { value }

        /// The text names no source that is known.
        public static let unknownSource = Code(value: "unknownSource")
        /// The file, variable or descriptor cannot be read.
        public static let unreadable = Code(value: "unreadable")
        /// There is no terminal to ask at.
        public static let noTerminal = Code(value: "noTerminal")
        /// Nothing was entered: Ctrl-D, a closed terminal, or a closed pinentry window.
        public static let cancelled = Code(value: "cancelled")
        /// Ctrl-C was typed at the prompt.
        public static let interrupted = Code(value: "interrupted")
        /// The source supplied nothing within its time limit.
        public static let timedOut = Code(value: "timedOut")
        /// Nothing was there.
        public static let empty = Code(value: "empty")
        /// What was there cannot be one secret: several lines, a NUL, or far too long.
        public static let malformed = Code(value: "malformed")
    }

    /// The kind of failure.
    public let code: Code
    /// The place and the reason, for a person to read.
    public let reason: String

    init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}
