package import Cryptoki
package import OpenSSLX509

/// An object on a token, with its identifying attributes.
package struct ObjectRecord: Sendable {
    /// The module's handle, valid as long as the session that found the object.
    package let handle: ObjectHandle
    package let objectClass: ObjectClass
    /// `CKA_ID`, or no bytes.
    package let id: [UInt8]
    /// The bytes of `CKA_LABEL`, or no bytes. The standard requires UTF-8; some programs use other
    /// encodings.
    package let labelBytes: [UInt8]
    /// The object's URI (RFC 7512).
    package let uri: String

    init(
        handle: ObjectHandle, objectClass: ObjectClass, id: [UInt8], labelBytes: [UInt8],
        on uris: ObjectURIs
    ) {
        self.handle = handle
        self.objectClass = objectClass
        self.id = id
        self.labelBytes = labelBytes
        // The exact bytes: with replaced bytes, a label that is not UTF-8 would not be found again.
        uri = uris.text(
            ofObjectWith: Template(
                objectClass, id: id.isEmpty ? nil : id,
                label: labelBytes.isEmpty ? nil : labelBytes))
    }

    /// `CKA_LABEL` as displayable text. Labels with different bytes may look the same: compare
    /// ``labelBytes``.
    package var label: String { text(ofLabel: labelBytes) }
}

extension AttributeKey<[UInt8]> {
    package static var labelBytes: AttributeKey<[UInt8]> {
        AttributeKey(rawValue: AttributeKey<String>.label.type.rawValue)
    }
}

extension Template {
    /// Names objects of a class, for a search or a URI. An id or a label that is nil is left out; an
    /// empty one is not.
    package init(_ objectClass: ObjectClass, id: [UInt8]? = nil, label: [UInt8]? = nil) {
        self.init()
        self[.class] = objectClass
        self[.id] = id
        self[.labelBytes] = label
    }
}

/// A label as displayable text: each byte that is not valid UTF-8 is written as `\xE4`.
package func text(ofLabel bytes: [UInt8]) -> String {
    var text = ""
    var rest = bytes[...]
    while !rest.isEmpty {
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = rest.makeIterator()
        switch parser.parseScalar(from: &iterator) {
        case .valid(let encoded):
            text.unicodeScalars.append(Unicode.UTF8.decode(encoded))
            rest = rest.dropFirst(encoded.count)
        case .error(let length):
            for byte in rest.prefix(max(length, 1)) {
                text += "\\x" + hexadecimal([byte]).uppercased()
            }
            rest = rest.dropFirst(max(length, 1))
        case .emptyInput:
            rest = []
        }
    }
    return text
}

/// A certificate on a token. It is a class because it is large, and tokens may have thousands.
package final class CertificateEntry: Sendable {
    package let record: ObjectRecord
    /// SHA-256 of `CKA_VALUE` as the token returned it, 32 bytes; identifies the object.
    package let valueHash: [UInt8]
    /// The certificate's contents, or nil if it cannot be read; ``obstacle`` then has the reason.
    package let content: Content?
    /// Why the object cannot be read as an X.509 certificate, or nil.
    package let obstacle: Obstacle?
    /// The certificate itself, if requested.
    package let certificate: Certificate?

    init(
        record: ObjectRecord, valueHash: [UInt8], content: Content?, obstacle: Obstacle?,
        certificate: Certificate?
    ) {
        self.record = record
        self.valueHash = valueHash
        self.content = content
        self.obstacle = obstacle
        self.certificate = certificate
    }

    /// Why a certificate object cannot be read as an X.509 certificate. Another program may be able
    /// to read it.
    package enum Obstacle: Sendable, Hashable {
        /// `CKA_VALUE` does not begin with an X.509 certificate in DER.
        case malformed
        /// `CKA_VALUE` is PEM text; the standard requires DER.
        case pem
        /// It has a URL (`CKA_URL`) instead of `CKA_VALUE`.
        case url
        /// It has neither `CKA_VALUE` nor `CKA_URL`.
        case noValue
        /// `CKA_CERTIFICATE_TYPE` names another type.
        case otherType(CertificateType)
    }

    /// The contents of a certificate without its bytes.
    package struct Content: Sendable, Hashable {
        /// The subject in one line, or a substitute name if it is empty.
        package let subject: String
        /// The issuer in one line.
        package let issuer: String
        /// The subject's common name, or a substitute.
        package let subjectName: String
        /// The issuer's common name, or the whole issuer if it has none.
        package let issuerName: String
        /// The serial number in the form of `Certificate.serialNumber`.
        package let serialNumber: String
        /// The first second of its validity, since 1970-01-01 00:00 UTC.
        package let notBefore: Int64
        /// The last second of its validity, since 1970-01-01 00:00 UTC.
        package let notAfter: Int64
        package let keyKind: KeyKind
        /// Whether it is a CA certificate.
        package let isAuthority: Bool
        package var emailAddresses: [String] = []
        /// SHA-256 of the certificate in DER, 32 bytes.
        package var sha256Fingerprint: [UInt8] = []

        /// The number of whole days left; negative after expiry.
        package func daysLeft(at now: Int64) -> Int {
            let (days, seconds) = (notAfter - now).quotientAndRemainder(dividingBy: 86400)
            return Int(seconds < 0 ? days - 1 : days)
        }
    }
}

/// A key pair on a token: the visible halves and the certificates for them.
package struct KeyEntry: Sendable {
    /// The private half; nil if it is absent or not visible without a login.
    package internal(set) var privateKey: ObjectRecord?
    package internal(set) var publicKey: ObjectRecord?
    /// The public key, or nil if the token does not show it.
    package internal(set) var value: PublicKey?
    /// The kind of key, as far as the token shows it.
    package internal(set) var kind: KeyKind?
    /// The protection of the private half, if visible.
    package internal(set) var protection: KeyProtection?
    package internal(set) var certificates: [CertificateEntry] = []
    /// Certificates with the key's `CKA_ID` that certainly belong to another key.
    package internal(set) var mismatchedCertificates: [CertificateEntry] = []
    /// Whether ``value`` is known only from the certificate with the key's id or label.
    package internal(set) var isValueFromCertificate = false
    /// Whether ``value`` was read from the private half. Otherwise it may belong to another key,
    /// because public halves and certificates may be paired by id or label alone.
    package internal(set) var isValueFromPrivateKey = false
    /// The kind, as far as the private half shows it.
    var privateKind: KeyKind?
    /// `CKA_KEY_TYPE`, or nil.
    var type: KeyType?
    var seenKind: SeenKind { SeenKind(type: type, kind: kind) }

    /// `CKA_ID`, or no bytes.
    package var id: [UInt8] { (privateKey ?? publicKey)?.id ?? [] }
    /// `CKA_LABEL` as displayable text, or an empty text.
    package var label: String { (privateKey ?? publicKey)?.label ?? "" }
    /// The bytes of `CKA_LABEL`, or no bytes.
    package var labelBytes: [UInt8] { (privateKey ?? publicKey)?.labelBytes ?? [] }

    /// The ids of both halves, without empty ones.
    var ids: Set<[UInt8]> { Set(halves.map(\.id).filter { !$0.isEmpty }) }
    /// The labels of both halves, without empty ones.
    var labels: Set<[UInt8]> { Set(halves.map(\.labelBytes).filter { !$0.isEmpty }) }
}

/// The protection of a private key as the token reports it; nil for attributes that it does not
/// report.
package struct KeyProtection: Sendable, Hashable {
    /// `CKA_LOCAL`: it was generated on the token.
    package let isLocal: Bool?
    /// `CKA_SENSITIVE`: it cannot be read in plain text.
    package let isSensitive: Bool?
    /// `CKA_EXTRACTABLE`: it can be wrapped.
    package let isExtractable: Bool?
    /// `CKA_NEVER_EXTRACTABLE`: it never was extractable.
    package let isNeverExtractable: Bool?
}

/// The objects on a token.
package struct TokenInventory: Sendable {
    package let keys: [KeyEntry]
    /// The certificates without a visible key on the token.
    package let certificates: [CertificateEntry]
    /// The number of other objects.
    package let otherObjects: Int
    /// CA certificates that are not on the token, such as those that came with its certificates.
    package var issuersElsewhere: [Certificate] = []

    package init(keys: [KeyEntry], certificates: [CertificateEntry], otherObjects: Int) {
        self.keys = keys
        self.certificates = certificates
        self.otherObjects = otherObjects
    }
}

extension TokenInventory {
    /// Whether there are neither keys nor certificates.
    package var isEmpty: Bool { keys.isEmpty && certificates.isEmpty }
    /// Whether a private key whose public key cannot be read may be of this kind.
    package func hasUnreadKey(_ kind: KeyKind) -> Bool {
        keys.contains { $0.privateKey != nil && $0.value == nil && $0.seenKind.mayBe(kind) }
    }
    /// All certificates, with and without keys.
    package var entries: [CertificateEntry] {
        keys.flatMap { $0.certificates + $0.mismatchedCertificates } + certificates
    }
}

extension KeyEntry {
    /// The URI of the key: of its private half, if visible.
    package var uri: String { (privateKey ?? publicKey)?.uri ?? "" }
}

extension PKCS11URI {
    /// Whether a URI names an object by class, id and label, as far as it contains them.
    package func names(_ record: ObjectRecord, whateverType isAnyType: Bool = false) -> Bool {
        let wanted = objectAttributes
        if !isAnyType, let objectClass = wanted[.class], objectClass != record.objectClass {
            return false
        }
        if let id = wanted[.id], id != record.id { return false }
        // Different labels may look the same as text.
        if let label = wanted[.labelBytes], label != record.labelBytes { return false }
        return !hasUnrecognizedParts
    }
}

extension CertificateEntry.Obstacle {
    /// Why a certificate object cannot be read, as the end of a sentence.
    package var reason: String {
        switch self {
        case .malformed: "its value is not an X.509 certificate"
        case .pem: "its value is PEM text instead of DER"
        case .url: "the token has only its URL (CKA_URL)"
        case .noValue: "it has no value (CKA_VALUE)"
        case .otherType: "it is not an X.509 certificate (CKA_CERTIFICATE_TYPE)"
        }
    }

    /// Whether the object may be an X.509 certificate in another form.
    package var mayBeX509: Bool {
        if case .otherType = self { false } else { true }
    }
}
