package import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
package import TokencertTokens

/// The plan of an order, made without changing anything.
package struct Plan: Sendable {
    package let capabilities: TokenCapabilities
    package let tokenURI: PKCS11URI
    package let key: KeyPlan
    /// The URL of the CA.
    package let ca: String
    /// The account at the CA.
    package let account: String
    /// The requested content of the certificate.
    package let grant: CertificateGrant
    /// Whether a certificate that differs from the request is written.
    package let acceptsChanges: Bool
    /// The bytes of the certificate's label, or nil for that of the key.
    package let certificateLabel: [UInt8]?
    /// The label of a new key; unused for an existing key.
    let newKeyLabel: NewKeyLabel
    /// The certificate to be replaced, or nil.
    package let replacement: Replacement?
    /// The certificate on another token whose content it has, or nil.
    let original: OrderEvent.Original?
    /// The required PINs.
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
