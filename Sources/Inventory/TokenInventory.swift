public import Cryptoki
public import OpenSSLX509

/// An object on a token, by what names it.
public struct ObjectRecord: Sendable {
    /// The module's handle, good while the session that found it is.
    public let handle: ObjectHandle
    /// What kind of object it is.
    public let objectClass: ObjectClass
    /// `CKA_ID`, or no bytes.
    public let id: [UInt8]
    let token: PKCS11URI
    let labelBytes: [UInt8]

    /// `CKA_LABEL`, or an empty text.
    public var label: String { String(decoding: labelBytes, as: UTF8.self) }

    /// The object's URI (RFC 7512).
    public var uri: String {
        var named = Template()
        named[.class] = objectClass
        if !id.isEmpty { named[.id] = id }
        // The bytes themselves: a label that is no UTF-8 would not be found again.
        let label = AttributeKey<[UInt8]>(rawValue: AttributeKey<String>.label.type.rawValue)
        if !labelBytes.isEmpty { named[label] = labelBytes }
        return PKCS11URI(token: token, objectWith: named).description
    }
}

/// A certificate on a token.
public struct CertificateEntry: Sendable {
    /// The object.
    public let record: ObjectRecord
    /// What it says, or nil where its value is no certificate.
    public let content: Content?
    /// The certificate itself, where it was asked for.
    public let certificate: Certificate?

    /// What a certificate says, without its bytes.
    public struct Content: Sendable, Hashable {
        /// The subject in one line.
        public let subject: String
        /// The issuer in one line.
        public let issuer: String
        /// The subject's common name, or all of it where it has none.
        public let subjectName: String
        /// The issuer's common name, or all of it where it has none.
        public let issuerName: String
        /// The serial number in hexadecimal.
        public let serialNumber: String
        /// The first second of its validity, since 1970-01-01 00:00 UTC.
        public let notBefore: Int64
        /// The last second of its validity, since 1970-01-01 00:00 UTC.
        public let notAfter: Int64
        /// The kind of its key.
        public let keyKind: KeyKind
        /// Whether it may issue others.
        public let isAuthority: Bool

        /// How many whole days are left, negative once it has expired.
        ///
        /// - Parameter now: Seconds since 1970-01-01 00:00 UTC.
        public func daysLeft(at now: Int64) -> Int {
            let seconds = notAfter - now
            return Int(seconds / 86400) - (seconds < 0 ? 1 : 0)
        }
    }
}

/// A key pair on a token as people think of it: both halves, as far as they are seen, with the
/// certificates for them.
public struct KeyEntry: Sendable {
    /// The private half, or nil where it is not there or not seen without a login.
    public internal(set) var privateKey: ObjectRecord?
    /// The public half, or nil.
    public internal(set) var publicKey: ObjectRecord?
    /// The public key, or nil where nothing on the token tells it.
    public internal(set) var value: PublicKey?
    /// The kind, as far as the token tells it.
    public internal(set) var kind: KeyKind?
    /// How well the private half is kept, where it is seen.
    public internal(set) var protection: KeyProtection?
    /// The certificates for the key.
    public internal(set) var certificates: [CertificateEntry] = []
    /// Certificates that bear the key's `CKA_ID` and are for another key.
    public internal(set) var mismatchedCertificates: [CertificateEntry] = []

    /// `CKA_ID`, or no bytes.
    public var id: [UInt8] { (privateKey ?? publicKey)?.id ?? [] }
    /// `CKA_LABEL`, or an empty text.
    public var label: String { (privateKey ?? publicKey)?.label ?? "" }
}

/// How well a private key is kept, by what the token says; nil for what it does not say.
public struct KeyProtection: Sendable, Hashable {
    /// `CKA_LOCAL`: it was made on the token.
    public let isLocal: Bool?
    /// `CKA_SENSITIVE`: it cannot be read in clear.
    public let isSensitive: Bool?
    /// `CKA_EXTRACTABLE`: it can be wrapped.
    public let isExtractable: Bool?
    /// `CKA_NEVER_EXTRACTABLE`: it never could be.
    public let isNeverExtractable: Bool?
}

/// What is on a token.
public struct TokenInventory: Sendable {
    /// The keys, with their certificates.
    public let keys: [KeyEntry]
    /// The certificates that no key on the token is seen for.
    public let certificates: [CertificateEntry]
    /// How many objects there are besides keys and certificates.
    public let otherObjects: Int
}

extension TokenInventory {
    /// All certificates, those of keys and those without.
    public var entries: [CertificateEntry] {
        keys.flatMap { $0.certificates + $0.mismatchedCertificates } + certificates
    }
}
