internal import OpenSSLX509

/// What an order keeps other orders from: one order for one key, and for one certificate that is
/// replaced.
package struct Reservation: Sendable {
    /// The token's URI.
    let token: String
    /// `CKA_ID` of the key in hexadecimal; empty if it is not known.
    let keyID: String
    /// SHA-256 of the SubjectPublicKeyInfo of an existing key in hexadecimal, or nil.
    let publicKeyHash: String?
    /// SHA-256 of the PEM of the certificate that is replaced in hexadecimal, or nil.
    let replacedHash: String?

    /// Names what an order is about; the certificate that it replaces in PEM.
    package init(
        token: String, keyID: String, publicKeyHash: String? = nil, replacing pem: String? = nil
    ) {
        self.token = token
        self.keyID = keyID
        self.publicKeyHash = publicKeyHash
        replacedHash = pem.map { hexadecimal(Digest.sha256.hash(Array($0.utf8))) }
    }
}

extension OrderEvent.Beginning {
    /// What the order keeps other orders from.
    package var reservation: Reservation {
        Reservation(
            token: token, keyID: keyID, publicKeyHash: publicKeyHash,
            replacing: replaced?.certificate)
    }
}
