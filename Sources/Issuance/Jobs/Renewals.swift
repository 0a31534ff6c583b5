package import Cryptoki
package import OpenSSLX509
package import TokencertTokens

/// A certificate that can be renewed, with its key.
package struct RenewalCandidate {
    package let certificate: Certificate
    package let label: [UInt8]
    /// The URI of its private key.
    package let key: PKCS11URI
    package let entry: KeyEntry
    /// The URI of the certificate.
    package let uri: String
    /// SHA-256, in hexadecimal, of the certificates that replaced it according to the ledger but
    /// are not on the token.
    package let lostReplacements: Set<String>
    /// Whether the certificate can be removed; only determined if it is to be removed.
    package let isDestroyable: Bool
}

/// The result of a search for certificates to renew.
package struct Renewals {
    /// The certificates to renew.
    package var candidates: [RenewalCandidate] = []
    /// The certificates that are not renewed, and keys without one.
    package var passedOver: [PassedOver] = []
    /// The objects among which they were found.
    package var inventory = TokenInventory(keys: [], certificates: [], otherObjects: 0)
    /// The facts that cannot be checked without a login.
    package var notChecked: [String] = []

    /// Creates an empty result.
    package init() {}
}
