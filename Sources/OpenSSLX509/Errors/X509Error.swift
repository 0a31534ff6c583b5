/// Why a key, a request or a certificate could not be read, made or verified.
public struct X509Error: Error, Sendable, Equatable {
    /// What kind of failure this is. Later versions may add to these.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The code's name. It stays the same in later versions.
        public var description: String { value }

        /// The bytes are not what they should be.
        public static let malformed = Code(value: "malformed")
        /// The bytes are PEM text, but DER is expected.
        public static let textInPEM = Code(value: "textInPEM")
        /// A kind of key, curve or name that this library does not have.
        public static let unsupported = Code(value: "unsupported")
        /// A signature does not fit the key and the bytes.
        public static let badSignature = Code(value: "badSignature")
        /// No chain leads from the certificate to an anchor.
        public static let untrusted = Code(value: "untrusted")
        /// The certificate, or one above it, is not valid at the time.
        public static let outsideValidity = Code(value: "outsideValidity")
        /// OpenSSL failed at something that cannot fail with good input.
        public static let failed = Code(value: "failed")
    }

    /// The kind of failure.
    public let code: Code
    /// What it is about, for a person to read.
    public let context: String
    /// What OpenSSL's error queue held, innermost first, taken out of it.
    public let reasons: [String]
    /// The missing issuer, if no chain can be built without it; otherwise nil.
    public var unknownIssuer: DistinguishedName? = nil

    package init(
        code: Code, context: String, reasons: [String], unknownIssuer: DistinguishedName? = nil
    ) {
        self.code = code
        self.context = context
        self.reasons = reasons
        self.unknownIssuer = unknownIssuer
    }
}

extension X509Error: CustomStringConvertible {
    /// The failure in one line.
    public var description: String {
        reasons.isEmpty ? context : "\(context) (\(reasons.joined(separator: "; ")))"
    }
}
