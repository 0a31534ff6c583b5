package import OpenSSLX509

/// What a job needs besides the token and the account.
package struct IssuanceSettings: Sendable {
    /// Where every certificate must lead to.
    package var anchors: TrustAnchors
    /// Which keys the CA signs.
    package var acceptance: KeyAcceptance
    /// Whether a PIN is sent that would lock the token if it were wrong.
    package var allowsLastTry: Bool
    /// The time, in seconds since 1970-01-01 00:00 UTC.
    package var clock: @Sendable () -> Int64
    /// Is told how a job goes on.
    package var observer: any OrderObserver
    /// What reads the CA's answers.
    package var authority: any CertificateAuthority.Type

    /// Makes settings.
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

/// Is told how a job goes on, in the order in which it does.
package protocol OrderObserver: Sendable {
    /// A step begins.
    func stepBegins(_ step: Step)
    /// An order was begun; nothing is done for it yet.
    func orderBegan(_ order: Int64)
    /// The key of an order was made or found; nothing is ordered for it yet.
    func keyIsReady(_ key: TokenKey, of order: Int64)
    /// An order is recorded as sent and is sent immediately after this call. If it does not return,
    /// nothing is sent.
    func orderIsSent(_ order: Int64)
}
