package import Cryptoki
package import OpenSSLX509
internal import TokencertTokens

/// Evidence about a key for a third party: its attributes, and a statement signed with it.
package struct KeyEvidence: Sendable {
    package let key: TokenKey
    /// The attributes of the private key that the token reports.
    package let attributes: Attributes
    /// The signed statement in UTF-8.
    package let statement: [UInt8]
    /// The signature of the statement, in the encoding of X.509.
    package let signature: [UInt8]
    package let algorithm: SignatureAlgorithm

    /// The attributes that describe the protection and the permitted uses of a private key.
    package static let attributeTypes: [AttributeType] =
        [
            "CKA_CLASS", "CKA_KEY_TYPE", "CKA_ID", "CKA_LABEL", "CKA_TOKEN", "CKA_PRIVATE",
            "CKA_LOCAL", "CKA_KEY_GEN_MECHANISM", "CKA_SENSITIVE", "CKA_ALWAYS_SENSITIVE",
            "CKA_EXTRACTABLE", "CKA_NEVER_EXTRACTABLE", "CKA_MODIFIABLE", "CKA_COPYABLE",
            "CKA_DESTROYABLE", "CKA_SIGN", "CKA_SIGN_RECOVER", "CKA_DECRYPT", "CKA_UNWRAP",
            "CKA_DERIVE", "CKA_ALWAYS_AUTHENTICATE", "CKA_WRAP_WITH_TRUSTED",
        ].compactMap(AttributeType.init(name:))

    /// Reads the attributes of a key and signs a statement with it. The connection needs the PINs for
    /// ``TokenOperation/read`` and ``TokenOperation/sign``.
    package init(
        of uri: PKCS11URI, over connection: inout Connection, statement: (PublicKey) -> String
    ) throws(IssuanceError) {
        let key = try connection.find(uri)
        guard let algorithm = SignatureAlgorithm(for: key.publicKey.kind) else {
            throw IssuanceError(
                .tokenUnsuitable, at: .evidence,
                "cannot sign with \(key.publicKey.kind) keys")
        }
        let text = Array(statement(key.publicKey).utf8)
        attributes = try connection.perform(.read, at: .evidence) { connection, _ in
            try at(.evidence, "cannot read the key") {
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
