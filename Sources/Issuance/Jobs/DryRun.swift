package import Cryptoki
internal import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

/// Checks that certificates can be written to a token, according to the token and its profile.
package func requireCertificatesWritable(
    _ capabilities: TokenCapabilities, removing removes: Bool
) throws(IssuanceError) {
    try requireWritable(capabilities, removing: removes)
}

/// Throws if the old certificate is to be removed but the token does not allow that.
package func requireRemovable(_ replacement: Replacement) throws(IssuanceError) {
    guard replacement.isRetired, !replacement.isDestroyable else { return }
    throw IssuanceError(
        .notDestroyable, at: .plan,
        "refusing to order: the token does not allow the old certificate to be removed "
            + "(CKA_DESTROYABLE is false): \(replacement.name)",
        choices: ["to renew it and keep the old certificate, omit --retire"])
}

/// Checks, without changing anything, that no other order prevents the renewal of a certificate.
/// `keyID` is the `CKA_ID` of its key, or nil for a new key; `ledger` is nil if none exists yet.
package func requireNoOtherOrder(
    replacing replacement: Replacement, keyID: [UInt8]?, on token: PKCS11URI, in ledger: Ledger?
) throws(IssuanceError) {
    guard let ledger else { return }
    let old = replacement.certificate
    try check(
        Reservation(
            token: token.description, keyID: keyID.map(hexadecimal) ?? "",
            publicKeyHash: keyID.map { _ in hexadecimal(old.publicKey.sha256Fingerprint) },
            replacing: old.pem), in: ledger, replacingAgain: replacement.isForced)
}
