/// An error from reading, creating or verifying a key, a request or a certificate.
public struct X509Error: Error, Sendable, Equatable {
    /// The kind of error. Later versions may add codes.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The name of the code, which never changes.
        public var description: String { value }

        /// The input does not have the required form.
        public static let malformed = Code(value: "malformed")
        /// The bytes are PEM text, but DER is required.
        public static let textInPEM = Code(value: "textInPEM")
        /// This library does not support the kind of key, the curve, or the kind of revocation list.
        public static let unsupported = Code(value: "unsupported")
        /// The signature does not match the key and the signed bytes, or the signer has no right to
        /// sign them.
        public static let badSignature = Code(value: "badSignature")
        /// No acceptable chain leads from the certificate to a trust anchor.
        public static let untrusted = Code(value: "untrusted")
        /// A certificate of the chain, or an OCSP response, is not valid at the time.
        public static let outsideValidity = Code(value: "outsideValidity")
        /// OpenSSL or an OCSP responder reported another failure.
        public static let failed = Code(value: "failed")
    }

    /// The kind of error.
    public let code: Code
    /// A description of the error, for users.
    public let context: String
    /// The reasons from OpenSSL's error queue, oldest first.
    public let reasons: [String]
    /// The missing issuer, if no chain can be built without it; otherwise nil.
    public var unknownIssuer: DistinguishedName? = nil
    /// Whether signatures lead to a trust anchor, and a rule other than the dates rejects the chain.
    public internal(set) var isChainRejected = false

    package init(
        _ code: Code, _ context: String, reasons: [String] = [],
        unknownIssuer: DistinguishedName? = nil
    ) {
        self.code = code
        self.context = context
        self.reasons = reasons
        self.unknownIssuer = unknownIssuer
    }
}

extension X509Error: CustomStringConvertible {
    /// The context and, in brackets, the reasons, in one line.
    public var description: String {
        reasons.isEmpty ? context : "\(context) (\(reasons.joined(separator: "; ")))"
    }
}
