/// Why something that was asked of a module, a token or a URI did not happen.
public struct CryptokiError: Error, Sendable, Equatable {
    /// What kind of failure this is. Later versions may add to these.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The code's name. It stays the same in later versions.
        public var description: String { value }

        /// A Cryptoki function returned something else than `CKR_OK`: see
        /// ``CryptokiError/returnValue``.
        public static let returned = Code(value: "returned")
        /// The module's function table has no such function.
        public static let functionMissing = Code(value: "functionMissing")
        /// The module cannot be loaded or initialised.
        public static let moduleUnusable = Code(value: "moduleUnusable")
        /// The text is not a PKCS#11 URI.
        public static let invalidURI = Code(value: "invalidURI")
        /// The slot contains a different token from the one that was examined before.
        public static let otherToken = Code(value: "otherToken")
        /// The module broke a promise of the standard.
        public static let malformedAnswer = Code(value: "malformedAnswer")
    }

    /// The kind of failure.
    public let code: Code
    /// The C function that failed, as `C_Login`; for a URI or a module the function of p11-kit.
    public let function: String
    /// What it returned, where it returned anything.
    public let returnValue: ReturnValue?
    /// What it was done to, for a person to read. Never a PIN.
    public let context: String

    init(
        _ code: Code, function: String, returnValue: ReturnValue? = nil, context: String = ""
    ) {
        self.code = code
        self.function = function
        self.returnValue = returnValue
        self.context = context
    }
}

extension CryptokiError: CustomStringConvertible {
    /// The failure in one line.
    public var description: String {
        let place = context.isEmpty ? "" : " (\(context))"
        return switch code {
        case .returned: "\(function) returned \(returnValue.map(\.description) ?? "?")\(place)"
        case .functionMissing: "the module has no \(function)\(place)"
        default: "\(function): \(context)" + (returnValue.map { " [\($0)]" } ?? "")
        }
    }
}
