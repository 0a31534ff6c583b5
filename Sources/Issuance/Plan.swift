public import CAcert
public import Cryptoki
internal import Inventory
internal import Ledger
public import OpenSSLX509

/// Which key will be used: what planning found out about it.
public enum KeyPlan: Sendable {
    /// A new one of the kind, with the id and the bytes of the label.
    case generate(KeyKind, id: [UInt8], label: [UInt8])
    /// One that is on the token, to be found once somebody is logged in. SHA-256 of its public half
    /// in hexadecimal, if that is known, decides if several keys fit the URI.
    case existing(PKCS11URI, publicKeyHash: String?)
}

extension KeyPlan {
    /// What is done on the token for a certificate.
    var duties: Set<Duty> {
        if case .generate = self {
            [.read, .generate, .sign, .write]
        } else {
            [.read, .sign, .write]
        }
    }

    /// The key of an order that was begun. One that was there is found by its id and public half.
    init(_ beginning: OrderEvent.Beginning) throws(IssuanceError) {
        let id = bytes(hexadecimal: beginning.keyID) ?? []
        if let kind = beginning.newKeyKind.flatMap({ KeyKind(name: $0) }) {
            self = .generate(kind, id: id, label: beginning.keyLabelBytes)
            return
        }
        var named = Template()
        named[.class] = .privateKey
        if !id.isEmpty { named[.id] = id }
        named[.labelBytes] = beginning.keyLabelBytes
        do throws(CryptokiError) {
            self = .existing(
                PKCS11URI(token: try PKCS11URI(parsing: beginning.token), objectWith: named),
                publicKeyHash: beginning.publicKeyHash)
        } catch {
            throw IssuanceError(
                .noSuchObject, at: .plan, "the ledger does not tell the token of this order")
        }
    }
}

/// What will be done, found out without changing anything anywhere.
public struct Plan: Sendable {
    /// The token.
    public let token: Token
    /// The token's URI.
    public let tokenURI: PKCS11URI
    /// The key.
    public let key: KeyPlan
    /// The name that is asked for.
    public let name: AccountName
    /// The addresses that are asked for, in order.
    public let emailAddresses: [String]
    /// Whether code signing is asked for.
    public let codeSigning: Bool
    /// Whether a certificate is written although the CA changed what was asked for.
    public let acceptsChanges: Bool
    /// The bytes of the certificate's label, or nil for that of the key.
    public let certificateLabel: [UInt8]?
    /// The label of a new key; unused if the key is on the token.
    let newKeyLabel: NewKeyLabel
    /// What the certificate replaces, or nil.
    public let replacement: Replacement?
    /// The PINs that are needed.
    public let pins: PINPlan
}

/// A certificate that is to be replaced.
public struct Replacement: Sendable {
    /// The certificate.
    public let certificate: Certificate
    /// Whether it is removed from the token once the new one is there and proved.
    public let isRetired: Bool
    /// Whether it is replaced even if another one has replaced it before.
    public let isDemanded: Bool
    /// Whether the token lets it be removed, as far as that is known.
    public let isDestroyable: Bool

    /// Names what is to be replaced.
    ///
    /// - Parameters:
    ///   - certificate: The certificate.
    ///   - isRetired: Whether it is removed in the end.
    ///   - isDemanded: Whether it is replaced even if another one has replaced it before.
    ///   - isDestroyable: Whether the token lets it be removed, as far as that is known.
    public init(
        _ certificate: Certificate, isRetired: Bool, isDemanded: Bool, isDestroyable: Bool = true
    ) {
        self.certificate = certificate
        self.isRetired = isRetired
        self.isDemanded = isDemanded
        self.isDestroyable = isDestroyable
    }

    /// The certificate in a line.
    var name: String { "\(certificate.subject), serial number \(certificate.serialNumber)" }
}

/// A key pair on a token that is ready to be used.
public struct TokenKey: Sendable {
    /// The private key, good while the session that found it is.
    public let handle: ObjectHandle
    /// The public key.
    public let publicKey: PublicKey
    /// `CKA_ID` as it is on the token.
    public let id: [UInt8]
    /// `CKA_LABEL` as it is on the token, any bytes.
    public let labelBytes: [UInt8]
    /// The private key's URI.
    public let uri: String
    /// Whether it was made for this order, in this run or before it was resumed.
    public let isNew: Bool
    /// Whether each use needs the PIN once more.
    public let needsPINForEachUse: Bool
    /// Whether the token permits signing with it; true if the token does not report that.
    public let maySign: Bool
    /// Whether the token permits decryption with it; false if the token does not report that.
    public let mayDecrypt: Bool
    /// Whether the public half was read from the private key itself and not from another object.
    public let tellsPublicKey: Bool
    /// What a person should know about it, each in a line.
    public internal(set) var remarks: [String] = []

    /// ``labelBytes`` as displayable text; bytes that are not UTF-8 are replaced.
    public var label: String { text(ofLabel: labelBytes) }

    /// SHA-256 of the SubjectPublicKeyInfo in hexadecimal, as the ledger knows the key.
    var publicKeyHash: String { hexadecimal(publicKey.sha256Fingerprint) }

    /// The key as an error names it.
    func named(on token: Token) -> IssuanceError.KeyOnToken {
        .init(
            uri: uri, id: id, isNew: isNew, module: token.module)
    }
}

/// One thing that the CA did otherwise than asked.
public struct Difference: Sendable, Hashable {
    /// What it is about: `name`, `e-mail addresses`, `code signing`.
    public let subject: String
    /// What was asked for.
    public let asked: String
    /// What the certificate says.
    public let got: String
}

/// A certificate that came back and passed every check.
public struct VerifiedCertificate: Sendable {
    /// The certificate.
    public let certificate: Certificate
    /// The certificates that came with it.
    public let others: [Certificate]
    /// What the CA did otherwise, where that was accepted.
    public let differences: [Difference]
    /// Remarks for the user, one per line.
    public internal(set) var remarks: [String] = []
}

/// A certificate on a token, found again there, whose key the token has proved to hold.
public struct IssuedCertificate: Sendable {
    /// The certificate.
    public let certificate: Certificate
    /// Its key.
    public let key: TokenKey
    /// The URI of the certificate's object.
    public let uri: String
    /// Whether it was on the token before, so that nothing had to be written.
    public let wasThere: Bool
    /// The certificates of authorities that were written beside it, each by its subject.
    public let chain: [String]
    /// How the token has proved that it holds the key.
    public let proof: Possession
    /// What the CA did otherwise, where that was accepted.
    public let differences: [Difference]
    /// The order's number in the ledger.
    public let order: Int64
    /// Why the ledger does not know all of it, or nil where it does.
    public internal(set) var unrecorded: String?
    /// The certificate that was removed from the token, in a line, or nil.
    public internal(set) var retired: String?
    /// Remarks for the user about what was written or removed, one per line.
    public internal(set) var remarks: [String] = []
}
