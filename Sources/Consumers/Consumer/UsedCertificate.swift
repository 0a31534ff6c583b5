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
    package let key: Key
    package let token: TokenPlace

    package init(
        certificate: Certificate, issuers: [Certificate], key: Key, token: TokenPlace
    ) {
        self.certificate = certificate
        self.issuers = issuers
        self.key = key
        self.token = token
    }

    /// The key, as the token shows it.
    package struct Key: Sendable {
        /// `CKA_ID` of the key and of the certificate.
        package let id: [UInt8]
        package let label: String
        /// `CKA_LABEL` of the certificate.
        package let certificateLabel: String
        /// `CKA_ALWAYS_AUTHENTICATE`: the token requires the PIN for each signature.
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
        /// The absolute path of the PKCS#11 module.
        package let modulePath: String
        /// `CK_SLOT_ID`.
        package let slot: UInt
        /// Only `model`, `manufacturer`, `serial` and `token`, which all programs understand.
        package let uri: String
        package let label: String
        package let serialNumber: String
        /// `CKF_LOGIN_REQUIRED`.
        package var needsPIN = true
        /// `CKF_PROTECTED_AUTHENTICATION_PATH`: the PIN is typed on the reader.
        package var hasReaderKeys = false
        /// Whether the module only works with arguments for its initialisation, as NSS softoken does.
        package var needsModuleArguments = false
        package let others: [OtherToken]
        /// Whether there is an Ed25519 key on the token, which OpenSSL's engine cannot read past.
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
    private var encodedID: String { key.id.map { "%" + hexadecimal([$0]) }.joined() }

    /// The URI of the private key, without its label: some programs compare the label, too.
    package var privateKeyURI: String { "\(token.uri);id=\(encodedID);type=private" }
    /// The URI of the certificate, without its label.
    package var certificateURI: String { "\(token.uri);id=\(encodedID);type=cert" }

    /// The issuers without the root, in PEM.
    var intermediatesPEM: String {
        issuers.filter { $0.subject != $0.issuer }.map(\.pem).joined()
    }

    /// The certificate and its issuers without the root, in PEM, as a client sends them.
    package var chainPEM: String { certificate.pem + intermediatesPEM }

    /// The root; nil if it is not known.
    var root: Certificate? { issuers.last.flatMap { $0.subject == $0.issuer ? $0 : nil } }

    /// The last known issuer, which is usually the root, in PEM; empty if none is known.
    package var rootPEM: String { issuers.last?.pem ?? "" }

    /// What a check trusts, in PEM: the last known issuer, or the certificate itself.
    var trustedPEM: String { issuers.last?.pem ?? certificate.pem }

    /// Whether a program must send a PIN for the key.
    var takesPIN: Bool { token.needsPIN && !token.hasReaderKeys }

    /// Checks that an issuer is known.
    ///
    /// - Parameter consequence: What is not possible otherwise, for the error.
    func requireIssuer(otherwise consequence: String) throws {
        guard issuers.isEmpty else { return }
        throw ConsumerError(
            .certificateUnfit, "the CA of the certificate is not known, so \(consequence)",
            advice: [
                "to get CAcert's root and class 3 certificates: tokencert trust fetch",
                "to trust another CA: tokencert trust add FILE",
            ])
    }

    /// The key's label for use in a file name: letters, digits, `-` and `_`, at most 32; `key` if that
    /// leaves nothing.
    package var fileName: String {
        let allowed = key.label.unicodeScalars.filter {
            $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
                || $0 == "-" || $0 == "_"
        }
        let name = String(String.UnicodeScalarView(allowed.prefix(32)))
        return name.isEmpty || name.hasPrefix("-") ? "key" : name
    }
}
