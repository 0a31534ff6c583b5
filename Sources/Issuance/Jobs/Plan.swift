package import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
package import TokencertTokens

/// What will be done, found out without changing anything anywhere.
package struct Plan: Sendable {
    /// The token, and what is known of it.
    package let capabilities: TokenCapabilities
    /// The token's URI.
    package let tokenURI: PKCS11URI
    /// The key.
    package let key: KeyPlan
    /// Where the CA is.
    package let ca: String
    /// The account there.
    package let account: String
    /// What the certificate shall say.
    package let grant: CertificateGrant
    /// Whether a certificate is written although the CA changed what was asked for.
    package let acceptsChanges: Bool
    /// The bytes of the certificate's label, or nil for that of the key.
    package let certificateLabel: [UInt8]?
    /// The label of a new key; unused if the key is on the token.
    let newKeyLabel: NewKeyLabel
    /// What the certificate replaces, or nil.
    package let replacement: Replacement?
    /// The PINs that are needed.
    package let pins: PINPlan

    /// Why a new key will have another label than the default, as far as can be seen without a
    /// login; see ``IssuedCertificate/remarks`` for what came of it.
    package var labelRemarks: [String] {
        guard case .generate(let new) = key else { return [] }
        return newKeyLabel.remarks(on: new.label)
    }

    /// What an order for a key is to bring about.
    func job(_ key: OrderEvent.Key) -> OrderEvent.Job {
        var issue = OrderEvent.Issue(ca: ca, account: account, name: grant.name, key: key)
        issue.emailAddresses = grant.emailAddresses
        issue.codeSigning = grant.codeSigning
        issue.acceptsChanges = acceptsChanges
        issue.certificateLabel = certificateLabel
        guard let old = replacement else { return .issue(issue) }
        return .renew(issue, replacing: old.certificate.pem, isRetired: old.isRetired)
    }
}

extension OrderEvent.Beginning {
    /// How an order on a token begins, with all that is needed to find the token again.
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
