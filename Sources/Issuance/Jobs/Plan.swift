package import Cryptoki
internal import OpenSSLX509
package import TokencertLedger
package import TokencertTokens

/// The plan of an order, made without changing anything.
package struct Plan: Sendable {
    package let capabilities: TokenCapabilities
    package let tokenURI: PKCS11URI
    package let key: KeyPlan
    package let ca: String
    package let account: String
    package let grant: CertificateGrant
    /// Whether a certificate that differs from the request is written.
    package let acceptsChanges: Bool
    /// The bytes of the certificate's label, or nil for that of the key.
    package let certificateLabel: [UInt8]?
    /// The label of a new key; unused for an existing key.
    let newKeyLabel: NewKeyLabel
    package let replacement: Replacement?
    /// The certificate on another token whose content it has, or nil.
    let original: OrderEvent.Original?
    package let pins: PINPlan

    /// Remarks if a new key will not have the default label, as far as visible without a login. The
    /// final ones are in ``IssuedCertificate/remarks``.
    package var labelRemarks: [String] {
        guard case .generate(let new) = key else { return [] }
        return newKeyLabel.remarks(on: new.label)
    }

    /// The job of an order for a key.
    func job(_ key: OrderEvent.Key) -> OrderEvent.Job {
        var issue = OrderEvent.Issue(ca: ca, account: account, name: grant.name, key: key)
        issue.emailAddresses = grant.emailAddresses
        issue.codeSigning = grant.codeSigning
        issue.acceptsChanges = acceptsChanges
        issue.certificateLabel = certificateLabel
        if let original { return .copy(issue, of: original) }
        guard let old = replacement else { return .issue(issue) }
        return .renew(issue, replacing: old.certificate.pem, isRetired: old.isRetired)
    }
}

extension OrderEvent.Beginning {
    /// The beginning of an order, with everything needed to find its token again.
    init(
        _ job: OrderEvent.Job, on capabilities: TokenCapabilities, _ tokenURI: PKCS11URI,
        id: [UInt8], label: [UInt8]
    ) {
        let module = capabilities.token.module
        self.init(
            job, token: tokenURI.description,
            module: .init(path: module.path, name: module.name, arguments: module.arguments),
            tokenProfile: capabilities.chosenProfile, keyID: hexadecimal(id), keyLabel: label)
    }
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
