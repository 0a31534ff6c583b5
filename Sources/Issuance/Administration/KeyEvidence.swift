package import Cryptoki
package import OpenSSLX509
internal import TokencertTokens

/// What a token says of a key and what the key has signed, for somebody who has neither.
package struct KeyEvidence: Sendable {
    /// The key.
    package let key: TokenKey
    /// What the token states of the private key, as far as it states anything.
    package let attributes: Attributes
    /// What the token has signed, UTF-8.
    package let statement: [UInt8]
    /// The signature over that, in X.509's form.
    package let signature: [UInt8]
    /// How it is verified.
    package let algorithm: SignatureAlgorithm

    /// The attributes that say how a private key is kept and what it may do.
    package static let attributeTypes: [AttributeType] =
        [
            "CKA_CLASS", "CKA_KEY_TYPE", "CKA_ID", "CKA_LABEL", "CKA_TOKEN", "CKA_PRIVATE",
            "CKA_LOCAL", "CKA_KEY_GEN_MECHANISM", "CKA_SENSITIVE", "CKA_ALWAYS_SENSITIVE",
            "CKA_EXTRACTABLE", "CKA_NEVER_EXTRACTABLE", "CKA_MODIFIABLE", "CKA_COPYABLE",
            "CKA_DESTROYABLE", "CKA_SIGN", "CKA_SIGN_RECOVER", "CKA_DECRYPT", "CKA_UNWRAP",
            "CKA_DERIVE", "CKA_ALWAYS_AUTHENTICATE", "CKA_WRAP_WITH_TRUSTED",
        ].compactMap(AttributeType.init(name:))

    /// Reads what the token states of a key, and has the token sign a statement with it.
    ///
    /// - Parameters:
    ///   - uri: The key.
    ///   - connection: A connection with its token and the PINs for ``TokenOperation/read`` and
    ///     ``TokenOperation/sign``.
    ///   - statement: Makes what is signed of the public key, UTF-8.
    package init(
        of uri: PKCS11URI, over connection: inout Connection, statement: (PublicKey) -> String
    ) throws(IssuanceError) {
        let key = try connection.find(uri)
        guard let algorithm = SignatureAlgorithm(for: key.publicKey.kind) else {
            throw IssuanceError(
                .tokenUnsuitable, at: .evidence,
                "nothing signs with a key of kind \(key.publicKey.kind)")
        }
        let text = Array(statement(key.publicKey).utf8)
        attributes = try connection.perform(.read, at: .evidence) { connection, _ in
            try at(.evidence, "reading the key") {
                try connection.session.attributes(of: key.handle, Self.attributeTypes)
            }
        }
        signature = try connection.perform(.sign, at: .evidence) { connection, _ in
            try connection.signer.sign(text, with: key, &connection.session, at: .evidence)
        }
        self.key = key
        self.statement = text
        self.algorithm = algorithm
    }
}
