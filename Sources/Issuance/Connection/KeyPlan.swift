package import Cryptoki
package import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

/// A key that is to be made.
package struct NewKey: Sendable, Hashable {
    /// Its kind.
    package let kind: KeyKind
    /// Its `CKA_ID`.
    package let id: [UInt8]
    /// The bytes of its `CKA_LABEL`.
    package let label: [UInt8]
}

/// Which key will be used: what planning found out about it.
package enum KeyPlan: Sendable {
    /// A new one.
    case generate(NewKey)
    /// One that is on the token, to be found once somebody is logged in. SHA-256 of its public half
    /// in hexadecimal, if that is known, decides if several keys fit the URI.
    case existing(PKCS11URI, publicKeyHash: String?)
}

extension KeyPlan {
    /// Whether a key will be made.
    var makesKey: Bool {
        if case .generate = self { true } else { false }
    }

    /// The key of an order that was begun. One that was there is found by its id and public half.
    init(_ beginning: OrderEvent.Beginning) throws(IssuanceError) {
        let id = bytes(hexadecimal: beginning.keyID) ?? []
        if let kind = beginning.newKeyKind.flatMap({ KeyKind(name: $0) }) {
            self = .generate(NewKey(kind: kind, id: id, label: beginning.keyLabelBytes))
            return
        }
        var named = Template()
        named[.class] = .privateKey
        if !id.isEmpty { named[.id] = id }
        named[.labelBytes] = beginning.keyLabelBytes
        do throws(CryptokiError) {
            self = .existing(
                PKCS11URI(token: try PKCS11URI(parsing: beginning.tokenURI), objectWith: named),
                publicKeyHash: beginning.publicKeyHash)
        } catch {
            throw IssuanceError(
                .noSuchObject, at: .plan, "the ledger does not tell the token of this order")
        }
    }
}
