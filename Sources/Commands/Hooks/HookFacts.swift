internal import Cryptoki
internal import OpenSSLX509
internal import TokencertIssuance
internal import TokencertLedger
internal import TokencertTokens

/// What is known about the work of a command when a hook runs. What is not known is nil or empty.
struct HookFacts {
    var order: Int64?
    /// The URI of the token, without a PIN or its source.
    var token: String?
    var tokenLabel: String?
    var keyLabel: String?
    /// `CKA_ID` in hexadecimal.
    var keyID: String?
    var name: String?
    var emailAddresses: [String] = []

    init() {}

    /// An order that was not sent yet; `order` is its number if it is in the ledger.
    init(_ plan: Plan, order: Int64? = nil) {
        self.order = order
        take(token: plan.tokenURI.description)
        switch plan.key {
        case .generate(let new):
            take(keyLabel: new.label, id: new.id)
        case .existing(let uri, _):
            let label: [UInt8]? = uri.objectAttributes[.labelBytes]
            let id: [UInt8]? = uri.objectAttributes[.id]
            take(keyLabel: label ?? [], id: id ?? [])
        }
        name = plan.grant.name
        emailAddresses = plan.grant.emailAddresses
    }

    init(_ issued: IssuedCertificate) {
        order = issued.order
        take(token: issued.key.uri)
        take(keyLabel: issued.key.labelBytes, id: issued.key.id)
        take(issued.certificate)
    }

    init(_ expiring: ExpiringCertificate) {
        let beginning = expiring.order.beginning
        order = expiring.order.number
        take(token: beginning.tokenURI)
        take(keyLabel: beginning.keyLabelBytes, id: bytes(hexadecimal: beginning.keyID) ?? [])
        take(expiring.certificate)
    }

    /// What remains known when the work on the certificate is done.
    var ofToken: HookFacts {
        var facts = HookFacts()
        facts.token = token
        facts.tokenLabel = tokenLabel
        return facts
    }

    private mutating func take(token uri: String) {
        // Without the key, and without what the user added to the URI.
        let named = NamedToken(uri: uri)
        token = named.uri
        tokenLabel = named.label.isEmpty ? nil : text(ofLabel: named.label)
    }

    private mutating func take(keyLabel label: [UInt8], id: [UInt8]) {
        keyLabel = label.isEmpty ? nil : text(ofLabel: label)
        keyID = id.isEmpty ? nil : hexadecimal(id)
    }

    private mutating func take(_ certificate: Certificate) {
        name = certificate.subject.commonNames.last
        emailAddresses = certificate.emailAddresses
    }
}
