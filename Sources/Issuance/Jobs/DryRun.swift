package import Cryptoki
internal import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

/// Checks that certificates can be written to a token, according to the token and its profile.
///
/// - Throws: ``IssuanceError`` at ``Step/plan``.
package func requireCertificatesWritable(
    _ capabilities: TokenCapabilities, removing removes: Bool
) throws(IssuanceError) {
    try requireWritable(capabilities, removing: removes)
}

/// Checks that the token lets a certificate be removed, if it is to be removed once another one has
/// replaced it. Nothing is changed.
///
/// - Throws: ``IssuanceError`` at ``Step/plan``, as ``Runner/plan(_:on:)``.
package func requireRemovable(_ replacement: Replacement) throws(IssuanceError) {
    guard replacement.isRetired, !replacement.isDestroyable else { return }
    throw IssuanceError(
        .notDestroyable, at: .plan,
        "refusing to order: the token does not let the old certificate be removed "
            + "(CKA_DESTROYABLE is false): \(replacement.name)",
        choices: ["without --retire it is renewed, and the old certificate stays"])
}

/// Checks that no other order prevents the renewal of a certificate. Nothing is changed.
///
/// - Parameters:
///   - replacement: The certificate that would be replaced.
///   - keyID: `CKA_ID` of its key, or nil if a new key would be made.
///   - token: The URI of the token.
///   - ledger: The ledger that would record the order, or nil if there is none yet.
/// - Throws: ``IssuanceError``, as ``Runner/issue(_:in:over:)``.
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
