package import Cryptoki
internal import OpenSSLX509
package import TokencertInventory
internal import TokencertLedger

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

    /// How an order for a key begins.
    func beginning(id: [UInt8], label: [UInt8]) -> OrderEvent.Beginning {
        var beginning = OrderEvent.Beginning(
            replacement == nil ? .issue : .renew, on: capabilities, tokenURI, id: id,
            label: label)
        beginning.ca = ca
        beginning.account = account
        beginning.name = grant.name
        beginning.emailAddresses = grant.emailAddresses
        beginning.codeSigning = grant.codeSigning
        beginning.acceptsChanges = acceptsChanges
        beginning.certificateLabelBytes = certificateLabel
        beginning.replacedCertificate = replacement?.certificate.pem
        beginning.retiresReplaced = replacement?.isRetired ?? false
        return beginning
    }
}

extension OrderEvent.Beginning {
    /// How an order on a token begins, with all that is needed to find the token again.
    init(
        _ job: Job, on capabilities: TokenCapabilities, _ tokenURI: PKCS11URI, id: [UInt8],
        label: [UInt8]
    ) {
        let module = capabilities.token.module
        self.init(
            job: job, token: tokenURI.description, modulePath: module.path,
            keyID: hexadecimal(id), keyLabel: "")
        keyLabelBytes = label
        moduleName = module.name
        moduleArguments = module.arguments
        tokenProfile = capabilities.chosenProfile
    }
}
