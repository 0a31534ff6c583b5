package import Cryptoki
package import OpenSSLX509
internal import TokencertTokens

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
