internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

/// A token as the steps of an order use it. Each call is done while the role that it needs is logged
/// in.
protocol OrderToken: ~Copyable {
    /// The key of an order that was begun: the one that it names or that was made for it, or nil if
    /// none was made.
    ///
    /// - Throws: ``IssuanceError`` with code ``IssuanceError/Code/keyGone`` if there was one but no
    ///   key on the token has its id any more.
    mutating func key(of order: Order, in ledger: Ledger) throws(IssuanceError) -> TokenKey?

    /// Checks that no object on the token has an id.
    mutating func requireFree(_ id: [UInt8]) throws(IssuanceError)

    /// Makes a key pair with an id that nothing on the token has, and insists on what it must be.
    ///
    /// - Parameter made: Called when the pair is made, before it is read.
    mutating func makeKey(
        _ new: NewKey, made: () -> Void
    ) throws(IssuanceError) -> TokenKey

    /// Has the token sign a request.
    ///
    /// - Parameters:
    ///   - key: The key. Receives what the last reading shows.
    ///   - new: How this process has made it, or nil.
    mutating func request(
        _ content: RequestContent, _ key: inout TokenKey, _ new: NewKey?
    ) throws(IssuanceError) -> CertificateRequest

    /// Insists that the token can use a key: it signs a challenge.
    mutating func requireProof(of key: TokenKey) throws(IssuanceError)

    /// Insists that a certificate for a key has a place.
    ///
    /// - Parameters:
    ///   - replacement: What is removed for it, or nil.
    ///   - certificates: What may be there already, and is not written a second time.
    mutating func requireRoom(
        for key: TokenKey, replacing replacement: Replacement?, having certificates: [Certificate],
        at step: Step
    ) throws(IssuanceError)

    /// Writes a certificate beside its key.
    ///
    /// - Parameters:
    ///   - label: The bytes of its label, or nil for that of the key.
    ///   - isFresh: Whether nothing on the token can have the key's id but the key itself.
    /// - Returns: The URI of the certificate's object, and whether it was there before.
    mutating func write(
        _ certificate: Certificate, for key: TokenKey, label: [UInt8]?, isFresh: Bool
    ) throws(IssuanceError) -> (uri: String, wasThere: Bool)

    /// Writes the certificates between a certificate and its anchor, each once.
    ///
    /// - Parameters:
    ///   - seen: Gets what the token shows although it said that it did not take it.
    ///   - written: Called after each that was written.
    mutating func write(
        _ chain: CertificateChain, seen: inout [Certificate], written: (Certificate) -> Void
    ) throws(IssuanceError)

    /// Finds a certificate again in a new session, and has the token prove there that it holds its
    /// key.
    ///
    /// - Parameter acceptsNoProof: Whether the certificate stays although possession of its key
    ///   cannot be proved.
    mutating func readBack(
        _ certificate: Certificate, for key: TokenKey, acceptingNoProof acceptsNoProof: Bool
    ) throws(IssuanceError) -> ProofOfPossession.Proof

    /// Removes a certificate, and insists in a new session that it is gone and another one is not.
    ///
    /// - Returns: Whether it was there.
    mutating func remove(
        _ old: Certificate, keeping new: Certificate
    ) throws(IssuanceError) -> Bool

    /// A key as an error names it.
    func named(_ key: TokenKey) -> IssuanceError.KeyOnToken
}

extension Connection: OrderToken {
    func named(_ key: TokenKey) -> IssuanceError.KeyOnToken { key.named(on: token) }
}
