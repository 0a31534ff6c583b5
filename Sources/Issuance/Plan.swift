public import CAcert
public import Cryptoki
public import OpenSSLX509

/// Which key will be used: what planning found out about it.
public enum KeyPlan: Sendable {
    /// A new one of the kind, with the id and the label.
    case generate(KeyKind, id: [UInt8], label: String)
    /// One that is on the token, to be found once somebody is logged in.
    case existing(PKCS11URI)
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
    /// The label of the certificate, or nil for that of the key.
    public let certificateLabel: String?
}

/// A key pair on a token that is ready to be used.
public struct TokenKey: Sendable {
    /// The private key, good while the session that found it is.
    public let handle: ObjectHandle
    /// The public key.
    public let publicKey: PublicKey
    /// `CKA_ID` as it is on the token.
    public let id: [UInt8]
    /// `CKA_LABEL` as it is on the token.
    public let label: String
    /// The private key's URI.
    public let uri: String
    /// Whether it was made in this run.
    public let isNew: Bool
    /// Whether each use needs the PIN once more.
    public let needsPINForEachUse: Bool

    /// The key as an error names it.
    func named(on token: Token) -> IssuanceError.KeyOnToken {
        .init(
            uri: uri, id: id, isNew: isNew, tokenLabel: token.info.label,
            modulePath: token.module.path)
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
}

/// A certificate on a token, found again there, whose key the token has proved to hold.
public struct IssuedCertificate: Sendable {
    /// The certificate.
    public let certificate: Certificate
    /// Its key.
    public let key: TokenKey
    /// The URI of the certificate's object.
    public let uri: String
    /// What the CA answered.
    public let answer: ReceivedAnswer
    /// What the CA did otherwise, where that was accepted.
    public let differences: [Difference]
}
