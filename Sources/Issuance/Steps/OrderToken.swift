internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

/// The token operations that the steps of an order use. Each one logs in the role that it needs.
protocol OrderToken: ~Copyable {
    /// The key that an order names or that was made for it; nil if none was made. Throws
    /// ``IssuanceError/Code/keyGone`` if the key is no longer on the token.
    mutating func key(of order: Order, in ledger: Ledger) throws(IssuanceError) -> TokenKey?

    /// Throws if an object on the token has this id.
    mutating func requireFree(_ id: [UInt8]) throws(IssuanceError)

    /// Generates a key pair with an unused id and checks its attributes. `made` is called once the
    /// pair exists, before it is read.
    mutating func makeKey(
        _ new: NewKey, made: () -> Void
    ) throws(IssuanceError) -> TokenKey

    /// Has the token sign a certificate request. `key` receives its latest attributes; `new` is how
    /// this process generated it, or nil.
    mutating func request(
        _ content: IssuanceRequest, _ key: inout TokenKey, _ new: NewKey?
    ) throws(IssuanceError) -> CertificateRequest

    /// Has the token sign a challenge, and throws if it cannot use the key.
    mutating func requireProof(of key: TokenKey) throws(IssuanceError)

    /// Throws if the token has no room for a certificate of a key. `certificates` take no room,
    /// because they are not written again if they are on the token.
    mutating func requireRoom(
        for key: TokenKey, replacing replacement: Replacement?, having certificates: [Certificate],
        at step: Step
    ) throws(IssuanceError)

    /// Writes the certificate of a key, unless it is on the token already (`wasThere`). Without a
    /// label it gets that of the key; `isFresh` means that no other object can have the key's id.
    mutating func write(
        _ certificate: Certificate, for key: TokenKey, label: [UInt8]?, isFresh: Bool
    ) throws(IssuanceError) -> (uri: String, wasThere: Bool)

    /// Writes the issuers of a chain that are missing at a time, in seconds since 1970-01-01 00:00 UTC,
    /// and calls `written` after each. `seen` receives those that the token shows although it reported
    /// an error.
    mutating func write(
        issuers: [Certificate], at time: Int64, seen: inout [Certificate],
        written: (Certificate) -> Void
    ) throws(IssuanceError)

    /// Reads a certificate in a new session, and has the token prove possession of its key there.
    /// Throws if no proof is possible, unless `acceptsNoProof` is set.
    mutating func readBack(
        _ certificate: Certificate, for key: TokenKey, acceptingNoProof acceptsNoProof: Bool
    ) throws(IssuanceError) -> ProofOfPossession

    /// Removes a certificate, and checks in a new session that it is gone and the new one is not.
    /// Returns whether it was on the token.
    mutating func remove(
        _ old: Certificate, keeping new: Certificate
    ) throws(IssuanceError) -> Bool

    /// The description of a key in an error.
    func named(_ key: TokenKey) -> IssuanceError.KeyOnToken
}

extension Connection: OrderToken {
    func named(_ key: TokenKey) -> IssuanceError.KeyOnToken { key.named(on: token) }
}
