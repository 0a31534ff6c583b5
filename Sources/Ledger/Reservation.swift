internal import OpenSSLX509

/// The key and the certificate to replace that an order reserves: each can belong to only one
/// order.
package struct Reservation: Sendable {
    /// The token's URI.
    let token: String
    /// `CKA_ID` of the key, in hexadecimal; empty if it is not known.
    let keyID: String
    /// SHA-256 of an existing key's SubjectPublicKeyInfo, in hexadecimal, or nil.
    let publicKeyHash: String?
    /// SHA-256 of the PEM of the certificate to replace, in hexadecimal, or nil.
    let replacedHash: String?

    package init(
        token: String, keyID: String, publicKeyHash: String? = nil, replacing pem: String? = nil
    ) {
        self.token = token
        self.keyID = keyID
        self.publicKeyHash = publicKeyHash
        replacedHash = pem.map(Self.replacedHash)
    }

    static func replacedHash(_ pem: String) -> String {
        hexadecimal(Digest.sha256.hash(Array(pem.utf8)))
    }
}

extension OrderEvent.Beginning {
    package var reservation: Reservation {
        Reservation(
            token: token, keyID: keyID, publicKeyHash: publicKeyHash,
            replacing: replaced?.certificate)
    }
}
