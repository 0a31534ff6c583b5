/// Something that happened to an order, or is about to. What is about to happen is in the ledger
/// before it does.
package enum OrderEvent: Sendable, Hashable {
    /// A job begins: what was asked, and which id and label a new key will have. Before a key is
    /// made, and before anything is written to the token.
    case begun(Beginning)
    /// The key was made; SHA-256 of its SubjectPublicKeyInfo, in hexadecimal.
    case made(publicKeyHash: String)
    /// A key with the id and the label of the new one was found on the token, where a process may
    /// have made it that could not record it; SHA-256 of its SubjectPublicKeyInfo, in hexadecimal.
    case found(publicKeyHash: String)
    /// The token has signed this request, and no other one will be sent.
    case signed(Signed)
    /// The order is about to be sent.
    case sending(Sending)
    /// The order was not sent: the CA was not reached.
    case notSent(reason: String)
    /// This came back. Nobody has looked at it yet.
    case answered(Answer)
    /// The CA said no, and nothing is queued there.
    case refused(reason: String)
    /// Nobody here can know whether the CA issues: it was late, or its answer was not understood.
    case unclear(reason: String)
    /// This certificate passed every check, and is about to be written.
    case certified(Certified)
    /// A certificate of an authority was written beside the others, in PEM.
    case chainWritten(certificate: String)
    /// This request was made for somebody else to sign, in PEM. It is handed out now.
    case requested(request: String)
    /// The certificate was written, or was there.
    case written(uri: String)
    /// The certificate was found again in a new session, and the token proved that it holds its
    /// key.
    case proved(Proof)
    /// The old certificate is about to be removed from the token.
    case retiring(certificate: String)
    /// The old certificate was not found on the token any more, in a new session.
    case retired(certificate: String)
    /// The work stopped here. It changes nothing about where the order stands.
    case stopped(Stop)
    /// The order is over: nothing came of it, or a person gave it up.
    case closed(reason: String)

    /// What a job is about.
    package struct Beginning: Codable, Sendable, Hashable {
        /// What kind of job it is.
        package enum Job: String, Codable, Sendable, Hashable {
            /// A certificate for a new key, or for one that is there.
            case issue
            /// A certificate in the place of an older one.
            case renew
            /// A certificate that came from elsewhere.
            case `import`
            /// A request for somebody else to sign, with a new key.
            case request
        }

        /// What kind of job it is.
        package var job: Job
        /// The token's URI.
        package var token: String
        /// The file of the module that the token was reached through.
        package var modulePath: String
        /// The name of the module in p11-kit's configuration, or nil if it was loaded by its path.
        package var moduleName: String?
        /// The text that the module was started with, or nil.
        package var moduleArguments: String?
        /// The name or the file of the token profile that was chosen by hand, or nil.
        package var tokenProfile: String?
        /// `CKA_ID` of the key, in hexadecimal.
        package var keyID: String
        /// `CKA_LABEL` of the key as text; bytes that are not UTF-8 are replaced. See
        /// ``keyLabelBytes``.
        package var keyLabel: String
        /// The bytes of a label that is not UTF-8, else nil.
        var rawKeyLabel: Base64Bytes?
        /// The kind of the key that will be made, as `rsa:3072`; nil for one that is there.
        package var newKeyKind: String?
        /// SHA-256 of the SubjectPublicKeyInfo of a key that is there, in hexadecimal.
        package var publicKeyHash: String?
        /// Where the CA is, or nil where none is asked.
        package var ca: String?
        /// The account there.
        package var account: String?
        /// The name that is asked for.
        package var name: String?
        /// The addresses that are asked for.
        package var emailAddresses: [String] = []
        /// Whether code signing is asked for.
        package var codeSigning = false
        /// Whether a certificate is taken although the CA changed what was asked for.
        package var acceptsChanges = false
        /// The label of the certificate as text, or nil for that of the key. See
        /// ``certificateLabelBytes``.
        package var certificateLabel: String?
        /// The bytes of a label that is not UTF-8, else nil.
        var rawCertificateLabel: Base64Bytes?
        /// The certificate that is replaced, in PEM.
        package var replacedCertificate: String?
        /// Whether the replaced certificate is removed from the token in the end.
        package var retiresReplaced = false
        /// Whether the certificates between the certificate and its anchor are written, too.
        package var writesChain = false

        /// Makes a beginning.
        package init(
            job: Job, token: String, modulePath: String, keyID: String, keyLabel: String
        ) {
            self.job = job
            self.token = token
            self.modulePath = modulePath
            self.keyID = keyID
            self.keyLabel = keyLabel
        }
    }

    /// A request as the token has signed it.
    package struct Signed: Codable, Sendable, Hashable {
        /// SHA-256 of its key's SubjectPublicKeyInfo, in hexadecimal.
        package let publicKeyHash: String
        /// The request in PEM.
        package let request: String

        /// Makes the record of a request.
        package init(publicKeyHash: String, request: String) {
            self.publicKeyHash = publicKeyHash
            self.request = request
        }
    }

    /// An order as it is sent.
    package struct Sending: Codable, Sendable, Hashable {
        /// The private key's URI.
        package let keyURI: String
        /// SHA-256 of its SubjectPublicKeyInfo, in hexadecimal.
        package let publicKeyHash: String
        /// The request in PEM.
        package let request: String
        /// Whether a person asked for a second order, knowing that the first may be taken.
        package let isRepeated: Bool

        /// Makes the record of an order.
        package init(keyURI: String, publicKeyHash: String, request: String, isRepeated: Bool) {
            self.keyURI = keyURI
            self.publicKeyHash = publicKeyHash
            self.request = request
            self.isRepeated = isRepeated
        }
    }

    /// What came back.
    package struct Answer: Codable, Sendable, Hashable {
        /// The HTTP status.
        package let status: Int
        /// The body as it came.
        package let body: Base64Bytes
        /// What broke it off, or nil where it is whole.
        package let interruption: String?

        /// Makes the record of an answer.
        package init(status: Int, body: [UInt8], interruption: String?) {
            self.status = status
            self.body = Base64Bytes(body)
            self.interruption = interruption
        }
    }

    /// A certificate that may be written.
    package struct Certified: Codable, Sendable, Hashable {
        /// The certificate in PEM.
        package let certificate: String
        /// What came with it and may be needed to reach an anchor, in PEM.
        package let others: String
        /// What the CA changed, where that was accepted: `name asked “…”, got “…”`.
        package let changes: [String]

        /// Makes the record of a certificate.
        package init(certificate: String, others: String, changes: [String]) {
            self.certificate = certificate
            self.others = others
            self.changes = changes
        }
    }

    /// What the token proved. Whoever has the certificate can check it once more.
    package struct Proof: Codable, Sendable, Hashable {
        /// The URI of the certificate's object.
        package let uri: String
        /// SHA-256 of the certificate that was read back, in hexadecimal.
        package let sha256Fingerprint: String
        /// What the token was given to sign.
        package let challenge: Base64Bytes
        /// Its signature over the challenge; empty if it proved the key in another way.
        package let signature: Base64Bytes
        /// `decryption` if the key may not sign and decrypted the challenge; nil for a signature.
        package let method: String?

        /// Makes the record of a proof.
        package init(
            uri: String, sha256Fingerprint: String, challenge: [UInt8], signature: [UInt8],
            method: String? = nil
        ) {
            self.uri = uri
            self.sha256Fingerprint = sha256Fingerprint
            self.challenge = Base64Bytes(challenge)
            self.signature = Base64Bytes(signature)
            self.method = method
        }
    }

    /// Why the work stopped.
    package struct Stop: Codable, Sendable, Hashable {
        /// The step, as `write`.
        package let step: String
        /// What happened.
        package let reason: String

        /// Makes the record of a stop.
        package init(step: String, reason: String) {
            self.step = step
            self.reason = reason
        }
    }
}
