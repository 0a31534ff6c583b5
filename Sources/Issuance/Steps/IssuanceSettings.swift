package import OpenSSLX509

/// The settings of a job, except its token and account.
package struct IssuanceSettings: Sendable {
    /// The trust anchors that every certificate must chain to.
    package var anchors: TrustAnchors
    /// The keys that the CA certifies.
    package var acceptance: KeyAcceptance
    /// Whether a PIN may be tried if a wrong one would lock it.
    package var allowsLastTry: Bool
    /// Returns the time in seconds since 1970-01-01 00:00 UTC.
    package var clock: @Sendable () -> Int64
    package var observer: any OrderObserver
    package var authority: any CertificateAuthority.Type

    package init(
        anchors: TrustAnchors, acceptance: KeyAcceptance, allowsLastTry: Bool,
        clock: @escaping @Sendable () -> Int64, observer: any OrderObserver,
        authority: any CertificateAuthority.Type
    ) {
        self.anchors = anchors
        self.acceptance = acceptance
        self.allowsLastTry = allowsLastTry
        self.clock = clock
        self.observer = observer
        self.authority = authority
    }
}

package protocol OrderObserver: Sendable {
    func stepBegins(_ step: Step)
    /// Called when the ledger has a new order, before anything is done for it.
    func orderBegan(_ order: Int64)
    /// Called when the key of an order was generated or found.
    func keyIsReady(_ key: TokenKey, of order: Int64)
    /// Called after an order is recorded as sent and immediately before it is sent. If this call
    /// does not return, nothing is sent.
    func orderIsSent(_ order: Int64)
}
