package import OpenSSLX509

/// A key and its certificate on a token, as another program is to use them.
package struct UsedCertificate: Sendable {
    /// Another token that the same module shows.
    package struct OtherToken: Sendable, Hashable {
        package let label: String
        package let serialNumber: String
        package let slot: UInt

        package init(label: String, serialNumber: String, slot: UInt) {
            self.label = label
            self.serialNumber = serialNumber
            self.slot = slot
        }
    }

    package let certificate: Certificate
    /// Its issuers in order, as far as they are known: intermediates, then the root.
    package let issuers: [Certificate]
    /// The absolute path of the PKCS#11 module.
    package let modulePath: String
    /// `CK_SLOT_ID`.
    package let slot: UInt
    /// The URI of the token: only `model`, `manufacturer`, `serial` and `token`, which all programs
    /// understand.
    package let tokenURI: String
    package let tokenLabel: String
    package let tokenSerialNumber: String
    /// `CKA_ID` of the key and of the certificate.
    package let keyID: [UInt8]
    package let keyLabel: String
    /// `CKA_LABEL` of the certificate.
    package let certificateLabel: String
    /// `CKA_ALWAYS_AUTHENTICATE`: the token requires the PIN for each signature.
    package let needsPINForEachUse: Bool
    /// `CKF_LOGIN_REQUIRED`.
    package let needsPIN: Bool
    /// `CKF_PROTECTED_AUTHENTICATION_PATH`: the PIN is typed on the reader.
    package let hasReaderKeys: Bool
    /// Whether the module only works with arguments for its initialisation, as NSS softoken does.
    package let needsModuleArguments: Bool
    package let otherTokens: [OtherToken]
    /// Whether there is an Ed25519 key on the token, which OpenSSL's engine cannot read past.
    package let hasEd25519Key: Bool

    package init(
        certificate: Certificate, issuers: [Certificate], key: Key, token: TokenPlace
    ) {
        self.certificate = certificate
        self.issuers = issuers
        modulePath = token.modulePath
        slot = token.slot
        tokenURI = token.uri
        tokenLabel = token.label
        tokenSerialNumber = token.serialNumber
        needsPIN = token.needsPIN
        hasReaderKeys = token.hasReaderKeys
        needsModuleArguments = token.needsModuleArguments
        otherTokens = token.others
        hasEd25519Key = token.hasEd25519Key
        keyID = key.id
        keyLabel = key.label
        certificateLabel = key.certificateLabel
        needsPINForEachUse = key.needsPINForEachUse
    }

    /// The key, as the token shows it.
    package struct Key: Sendable {
        package let id: [UInt8]
        package let label: String
        package let certificateLabel: String
        package let needsPINForEachUse: Bool

        package init(
            id: [UInt8], label: String, certificateLabel: String, needsPINForEachUse: Bool
        ) {
            self.id = id
            self.label = label
            self.certificateLabel = certificateLabel
            self.needsPINForEachUse = needsPINForEachUse
        }
    }

    /// The token and its module.
    package struct TokenPlace: Sendable {
        package let modulePath: String
        package let slot: UInt
        package let uri: String
        package let label: String
        package let serialNumber: String
        package var needsPIN = true
        package var hasReaderKeys = false
        package var needsModuleArguments = false
        package let others: [OtherToken]
        package var hasEd25519Key = false

        package init(
            modulePath: String, slot: UInt, uri: String, label: String, serialNumber: String,
            others: [OtherToken] = []
        ) {
            self.others = others
            self.modulePath = modulePath
            self.slot = slot
            self.uri = uri
            self.label = label
            self.serialNumber = serialNumber
        }
    }

    /// `CKA_ID` as in a URI: each byte as `%` and two digits.
    private var encodedID: String { keyID.map { "%" + hexadecimal([$0]) }.joined() }

    /// The URI of the private key, without its label: some programs compare the label, too.
    package var privateKeyURI: String { "\(tokenURI);id=\(encodedID);type=private" }
    /// The URI of the certificate, without its label.
    package var certificateURI: String { "\(tokenURI);id=\(encodedID);type=cert" }

    /// The certificate and its issuers without the root, in PEM, as a client sends them.
    package var chainPEM: String {
        certificate.pem
            + issuers.filter { $0.subject != $0.issuer }.map(\.pem).joined()
    }

    /// The last known issuer, which is usually the root, in PEM; empty if none is known.
    package var rootPEM: String { issuers.last?.pem ?? "" }

    /// The key's label for use in a file name: letters, digits, `-` and `_`, at most 32; `key` if that
    /// leaves nothing.
    package var fileName: String {
        let allowed = keyLabel.unicodeScalars.filter {
            $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
                || $0 == "-" || $0 == "_"
        }
        let name = String(String.UnicodeScalarView(allowed.prefix(32)))
        return name.isEmpty || name.hasPrefix("-") ? "key" : name
    }
}
