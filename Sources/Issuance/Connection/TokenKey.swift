package import Cryptoki
package import OpenSSLX509
internal import TokencertTokens

/// A key pair on a token, ready to use.
package struct TokenKey: Sendable {
    /// The private key; valid while the session that found it is open.
    package let handle: ObjectHandle
    package let publicKey: PublicKey
    /// `CKA_ID`.
    package let id: [UInt8]
    /// `CKA_LABEL`, not necessarily UTF-8.
    package let labelBytes: [UInt8]
    /// The private key's URI.
    package let uri: String
    /// Whether it was generated for this order, in this run or an earlier one.
    package let isNew: Bool
    /// Whether each use requires the PIN again (`CKA_ALWAYS_AUTHENTICATE`).
    package let needsPINForEachUse: Bool
    /// `CKA_SIGN`, or true if the token does not report it.
    package let maySign: Bool
    /// `CKA_DECRYPT`, or false if the token does not report it.
    package let mayDecrypt: Bool
    /// Whether the public key was read from the private key itself or returned when the pair was
    /// generated, not from another object.
    package let tellsPublicKey: Bool
    /// Remarks for the user, one line each.
    package internal(set) var remarks: [String] = []

    /// ``labelBytes`` as text that can be displayed; bytes that are not UTF-8 are replaced.
    package var label: String { text(ofLabel: labelBytes) }

    /// SHA-256 of the SubjectPublicKeyInfo in hexadecimal; identifies the key in the ledger.
    var publicKeyHash: String { hexadecimal(publicKey.sha256Fingerprint) }

    /// The description of the key in an error.
    func named(on token: Token) -> IssuanceError.KeyOnToken {
        .init(uri: uri, id: id, isNew: isNew, module: token.module)
    }
}

extension IssuanceError.KeyOnToken {
    init(uri: String, id: [UInt8], isNew: Bool, module: Module) {
        self.init(
            uri: uri, id: id, isNew: isNew, modulePath: module.path, moduleName: module.name,
            moduleArguments: module.arguments)
    }
}
