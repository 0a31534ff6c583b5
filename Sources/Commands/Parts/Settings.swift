internal import OpenSSLX509
internal import TokencertIssuance

/// What jobs need besides the token and the account.
func issuanceSettings(
    _ anchors: TrustAnchors, _ ca: CAOptions?, _ token: TokenOptions
) throws -> IssuanceSettings {
    IssuanceSettings(
        anchors: anchors, acceptance: try ca?.acceptance() ?? .anything,
        allowsLastTry: token.allowsLastTry, clock: now, progress: tellProgress,
        orderBegun: tellOrder,
        keyReady: tellKey, orderSending: tellSending)
}
