/// An error from a module, a token or a PKCS#11 URI.
public struct CryptokiError: Error, Sendable, Equatable {
    /// The kind of failure. Later versions may add codes.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The code's name. It does not change in later versions.
        public var description: String { value }

        /// A Cryptoki function returned a value other than `CKR_OK`: see
        /// ``CryptokiError/returnValue``.
        public static let returned = Code(value: "returned")
        /// The module's function table lacks the function.
        public static let functionMissing = Code(value: "functionMissing")
        /// The module cannot be loaded or initialised.
        public static let moduleUnusable = Code(value: "moduleUnusable")
        /// The text is not a PKCS#11 URI.
        public static let invalidURI = Code(value: "invalidURI")
        /// The slot contains a different token than before.
        public static let otherToken = Code(value: "otherToken")
        /// The module violated the standard.
        public static let malformedAnswer = Code(value: "malformedAnswer")
    }

    /// The kind of failure.
    public let code: Code
    /// The C function that failed, such as `C_Login`; for a URI or module, p11-kit's function.
    public let function: String
    /// The value that the function returned, or nil if it returned none.
    public let returnValue: ReturnValue?
    /// A description of the object or cause, for display. It never contains a PIN.
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
