package import Cryptoki
package import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

/// A key pair to generate.
package struct NewKey: Sendable, Hashable {
    package let kind: KeyKind
    /// `CKA_ID`.
    package let id: [UInt8]
    /// `CKA_LABEL`, not necessarily UTF-8.
    package let label: [UInt8]
}

/// The key that a job will use.
package enum KeyPlan: Sendable {
    case generate(NewKey)
    /// A key on the token, to be found after the login. The SHA-256 of its public key in hexadecimal,
    /// if known, selects one of several keys that match the URI.
    case existing(PKCS11URI, publicKeyHash: String?)
}

extension KeyPlan {
    var makesKey: Bool {
        if case .generate = self { true } else { false }
    }

    /// Restores the plan of an order. An existing key is found by its id and public key.
    init(_ beginning: OrderEvent.Beginning) throws(IssuanceError) {
        let id = bytes(hexadecimal: beginning.keyID) ?? []
        if let kind = beginning.newKeyKind.flatMap({ KeyKind(name: $0) }) {
            self = .generate(NewKey(kind: kind, id: id, label: beginning.keyLabelBytes))
            return
        }
        let named = Template(.privateKey, id: id.isEmpty ? nil : id, label: beginning.keyLabelBytes)
        do throws(CryptokiError) {
            self = .existing(
                PKCS11URI(token: try PKCS11URI(parsing: beginning.tokenURI), objectWith: named),
                publicKeyHash: beginning.publicKeyHash)
        } catch {
            throw IssuanceError(
                .noSuchObject, at: .plan, "the ledger has no valid token URI for this order")
        }
    }
}
