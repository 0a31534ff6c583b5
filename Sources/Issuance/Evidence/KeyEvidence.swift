package import Cryptoki
package import OpenSSLX509
package import TokencertInventory

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
    ///   - capabilities: The token, and what is known of it.
    ///   - pins: The PINs for ``TokenOperation/read`` and ``TokenOperation/sign``.
    ///   - statement: Makes what is signed of the public key, UTF-8.
    /// - Throws: ``IssuanceError``.
    package init(
        of uri: PKCS11URI, on capabilities: TokenCapabilities, pins: TokenPINs,
        statement: (PublicKey) -> String
    ) throws(IssuanceError) {
        let login = TokenLogin(capabilities, pins)
        let work = TokenWork(login, try tokenURI(capabilities.token), .anything)
        self = try work.inSession { (session) throws(IssuanceError) in
            let key = try work.find(uri, &session)
            guard let algorithm = SignatureAlgorithm(for: key.publicKey.kind) else {
                throw IssuanceError(
                    .tokenUnsuitable, at: .evidence,
                    "nothing signs with a key of kind \(key.publicKey.kind)")
            }
            let attributes = try login.performing(.read, at: .evidence) {
                () throws(IssuanceError) in
                try at(.evidence, "reading the key") { () throws(CryptokiError) in
                    try session.attributes(of: key.handle, Self.attributeTypes)
                }
            }
            let text = Array(statement(key.publicKey).utf8)
            let signature = try work.signer(text, with: key, &session, at: .evidence)
            return KeyEvidence(
                key: key, attributes: attributes, statement: text, signature: signature,
                algorithm: algorithm)
        }
    }

    private init(
        key: TokenKey, attributes: Attributes, statement: [UInt8], signature: [UInt8],
        algorithm: SignatureAlgorithm
    ) {
        self.key = key
        self.attributes = attributes
        self.statement = statement
        self.signature = signature
        self.algorithm = algorithm
    }
}
