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
