package import Cryptoki
package import OpenSSLX509
package import TokencertCAcert
internal import TokencertInventory
internal import TokencertLedger

/// Which key will be used: what planning found out about it.
package enum KeyPlan: Sendable {
    /// A new one of the kind, with the id and the bytes of the label.
    case generate(KeyKind, id: [UInt8], label: [UInt8])
    /// One that is on the token, to be found once somebody is logged in. SHA-256 of its public half
    /// in hexadecimal, if that is known, decides if several keys fit the URI.
    case existing(PKCS11URI, publicKeyHash: String?)
}

extension KeyPlan {
    /// What is done on the token for a certificate.
    var operations: Set<TokenOperation> {
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
                PKCS11URI(token: try PKCS11URI(parsing: beginning.tokenURI), objectWith: named),
                publicKeyHash: beginning.publicKeyHash)
        } catch {
            throw IssuanceError(
                .noSuchObject, at: .plan, "the ledger does not tell the token of this order")
        }
    }
}

/// What will be done, found out without changing anything anywhere.
package struct Plan: Sendable {
    /// The token.
    package let token: Token
    /// The token's URI.
    package let tokenURI: PKCS11URI
    /// The key.
    package let key: KeyPlan
    /// The name that is asked for.
    package let name: AccountName
    /// The addresses that are asked for, in order.
    package let emailAddresses: [String]
    /// Whether code signing is asked for.
    package let codeSigning: Bool
    /// Whether a certificate is written although the CA changed what was asked for.
    package let acceptsChanges: Bool
    /// The bytes of the certificate's label, or nil for that of the key.
    package let certificateLabel: [UInt8]?
    /// The label of a new key; unused if the key is on the token.
    let newKeyLabel: NewKeyLabel
    /// What the certificate replaces, or nil.
    package let replacement: Replacement?
    /// The PINs that are needed.
    package let pins: PINPlan
}

/// A certificate that is to be replaced.
package struct Replacement: Sendable {
    /// The certificate.
    package let certificate: Certificate
    /// Whether it is removed from the token once the new one is there and proved.
    package let isRetired: Bool
    /// Whether it is replaced even if another one has replaced it before.
    package let isForced: Bool
    /// Whether the token lets it be removed, as far as that is known.
    package let isDestroyable: Bool

    /// Names what is to be replaced.
    ///
    /// - Parameters:
    ///   - certificate: The certificate.
    ///   - isRetired: Whether it is removed in the end.
    ///   - isDemanded: Whether it is replaced even if another one has replaced it before.
    ///   - isDestroyable: Whether the token lets it be removed, as far as that is known.
    package init(
        _ certificate: Certificate, isRetired: Bool, isForced: Bool, isDestroyable: Bool = true
    ) {
        self.certificate = certificate
        self.isRetired = isRetired
        self.isForced = isForced
        self.isDestroyable = isDestroyable
    }

    /// The certificate in a line.
    var name: String { "\(certificate.subject), serial number \(certificate.serialNumber)" }
}

/// A key pair on a token that is ready to be used.
package struct TokenKey: Sendable {
    /// The private key, good while the session that found it is.
    package let handle: ObjectHandle
    /// The public key.
    package let publicKey: PublicKey
    /// `CKA_ID` as it is on the token.
    package let id: [UInt8]
    /// `CKA_LABEL` as it is on the token, any bytes.
    package let labelBytes: [UInt8]
    /// The private key's URI.
    package let uri: String
    /// Whether it was made for this order, in this run or before it was resumed.
    package let isNew: Bool
    /// Whether each use needs the PIN once more.
    package let needsPINForEachUse: Bool
    /// Whether the token permits signing with it; true if the token does not report that.
    package let maySign: Bool
    /// Whether the token permits decryption with it; false if the token does not report that.
    package let mayDecrypt: Bool
    /// Whether the public half was read from the private key itself and not from another object.
    package let tellsPublicKey: Bool
    /// What a person should know about it, each in a line.
    package internal(set) var remarks: [String] = []

    /// ``labelBytes`` as displayable text; bytes that are not UTF-8 are replaced.
    package var label: String { text(ofLabel: labelBytes) }

    /// SHA-256 of the SubjectPublicKeyInfo in hexadecimal, as the ledger knows the key.
    var publicKeyHash: String { hexadecimal(publicKey.sha256Fingerprint) }

    /// The key as an error names it.
    func named(on token: Token) -> IssuanceError.KeyOnToken {
        .init(
            uri: uri, id: id, isNew: isNew, module: token.module)
    }
}

/// One thing that the CA did otherwise than asked.
package struct Difference: Sendable, Hashable {
    /// What it is about: `name`, `e-mail addresses`, `code signing`.
    package let subject: String
    /// What was asked for.
    package let asked: String
    /// What the certificate says.
    package let got: String
}

/// A certificate that came back and passed every check.
package struct VerifiedCertificate: Sendable {
    /// The certificate.
    package let certificate: Certificate
    /// The certificates that came with it.
    package let others: [Certificate]
    /// What the CA did otherwise, where that was accepted.
    package let differences: [Difference]
    /// Remarks for the user, one per line.
    package internal(set) var remarks: [String] = []
}

/// A certificate on a token, found again there, whose key the token has proved to hold.
package struct IssuedCertificate: Sendable {
    /// The certificate.
    package let certificate: Certificate
    /// Its key.
    package let key: TokenKey
    /// The URI of the certificate's object.
    package let uri: String
    /// Whether it was on the token before, so that nothing had to be written.
    package let wasThere: Bool
    /// The certificates of authorities that were written beside it, each by its subject.
    package let chain: [String]
    /// How the token has proved that it holds the key.
    package let proof: Possession
    /// What the CA did otherwise, where that was accepted.
    package let differences: [Difference]
    /// The order's number in the ledger.
    package let order: Int64
    /// Why the ledger does not know all of it, or nil where it does.
    package internal(set) var unrecorded: String?
    /// The certificate that was removed from the token, in a line, or nil.
    package internal(set) var retired: String?
    /// Remarks for the user about what was written or removed, one per line.
    package internal(set) var remarks: [String] = []
}
