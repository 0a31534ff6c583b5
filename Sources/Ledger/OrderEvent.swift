package import FoundationEssentials

/// Something that happened to an order or is about to happen. An intent is recorded before the
/// action.
package enum OrderEvent: Sendable, Hashable {
    /// The order begins, with what was requested and the id and label of a new key. Recorded before
    /// a key is created and before anything is written to the token.
    case begun(Beginning)
    /// The key was created; SHA-256 of its SubjectPublicKeyInfo, in hexadecimal.
    case made(publicKeyHash: String)
    /// A key with the id and label of the new one was found on the token: a process may have
    /// created it and failed to record it. SHA-256 of its SubjectPublicKeyInfo, in hexadecimal.
    case found(publicKeyHash: String)
    /// The token has signed this request. No other request will be sent.
    case signed(Signed)
    /// The order is about to be sent.
    case sending(Sending)
    /// The CA was not reached, so the order was not sent.
    case notSent(reason: String)
    /// The CA sent this answer, which has not been processed yet.
    case answered(Answer)
    /// This certificate for the order's key was fetched from the account at the CA, which had not
    /// sent it in its answer. It has not been processed yet.
    case fetched(Fetched)
    /// The CA refused and has nothing queued.
    case refused(reason: String)
    /// It is unknown whether the CA issues: it did not answer in time, or its answer was not
    /// understood.
    case unclear(reason: String)
    /// This certificate passed every check and is about to be written.
    case certified(Certified)
    /// A CA certificate was written to the token, in PEM.
    case chainWritten(certificate: String)
    /// This request was created for an external CA, in PEM, and is now exported.
    case requested(request: String)
    /// The certificate was written or was already on the token.
    case written(uri: String)
    /// The certificate was found in a new session, and the token proved that it has the key.
    case proved(Proof)
    /// The old certificate is about to be removed from the token.
    case retiring(certificate: String)
    /// A new session no longer found the old certificate on the token.
    case retired(certificate: String)
    /// The work stopped here. The state of the order does not change.
    case stopped(Stop)
    /// The order failed, or the user abandoned it.
    case closed(reason: String)
    /// The CA has revoked a certificate of the order. The state of the order does not change; it may be
    /// finished.
    case revoked(Revocation)

    package struct Signed: Codable, Sendable, Hashable {
        /// SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal.
        package let publicKeyHash: String
        /// The request in PEM.
        package let request: String

        package init(publicKeyHash: String, request: String) {
            self.publicKeyHash = publicKeyHash
            self.request = request
        }
    }

    package struct Sending: Codable, Sendable, Hashable {
        /// The private key's URI.
        package let keyURI: String
        /// SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal.
        package let publicKeyHash: String
        /// The request in PEM.
        package let request: String
        /// Whether the user requested a second order, although the CA may have accepted the first.
        package let isRepeated: Bool

        package init(keyURI: String, publicKeyHash: String, request: String, isRepeated: Bool) {
            self.keyURI = keyURI
            self.publicKeyHash = publicKeyHash
            self.request = request
            self.isRepeated = isRepeated
        }
    }

    package struct Answer: Codable, Sendable, Hashable {
        /// The HTTP status; of a CA command, its exit status.
        package let status: Int
        /// The body as received; of a CA command, what it printed.
        package let body: Data
        /// Why the answer is incomplete, or nil.
        package let interruption: String?

        package init(status: Int, body: [UInt8], interruption: String?) {
            self.status = status
            self.body = Data(body)
            self.interruption = interruption
        }
    }

    /// A certificate that the CA issued after its answer.
    package struct Fetched: Codable, Sendable, Hashable {
        /// The CA's number of the certificate.
        package let number: String
        /// The certificate in PEM, followed by others that may be needed to reach a trust anchor.
        package let certificate: String

        package init(number: String, certificate: String) {
            self.number = number
            self.certificate = certificate
        }
    }

    /// A certificate that may be written.
    package struct Certified: Codable, Sendable, Hashable {
        /// The certificate in PEM.
        package let certificate: String
        /// Certificates that came with it and may be needed to reach a trust anchor, in PEM.
        package let others: String
        /// The accepted changes by the CA, as text for the user.
        package let changes: [String]
        /// The last second of the certificate's validity, in seconds since 1970-01-01 00:00 UTC, with which
        /// it is found without being decoded. nil if an earlier version recorded the event.
        package let notAfter: Int64?

        package init(
            certificate: String, others: String, changes: [String], notAfter: Int64? = nil
        ) {
            self.certificate = certificate
            self.others = others
            self.changes = changes
            self.notAfter = notAfter
        }
    }

    /// What the token proved, verifiable with the certificate.
    package struct Proof: Codable, Sendable, Hashable {
        /// The URI of the certificate object.
        package let uri: String
        /// SHA-256 of the certificate that was read back, in hexadecimal.
        package let sha256Fingerprint: String
        /// The data that the token signed.
        package let challenge: Data
        /// The signature of the challenge; empty if the key was proved in another way.
        package let signature: Data
        /// `decryption` if the key may not sign and the token decrypted the challenge; nil for a
        /// signature.
        package let method: String?

        package init(
            uri: String, sha256Fingerprint: String, challenge: [UInt8], signature: [UInt8],
            method: String? = nil
        ) {
            self.uri = uri
            self.sha256Fingerprint = sha256Fingerprint
            self.challenge = Data(challenge)
            self.signature = Data(signature)
            self.method = method
        }
    }

    /// A revocation that the CA has confirmed.
    package struct Revocation: Codable, Sendable, Hashable {
        /// SHA-256 of the certificate, in hexadecimal.
        package let sha256Fingerprint: String
        /// The serial number of the certificate, in hexadecimal.
        package let serialNumber: String
        /// The address of the CA, whose list of the account shows the certificate as revoked.
        package let ca: String

        package init(sha256Fingerprint: String, serialNumber: String, ca: String) {
            self.sha256Fingerprint = sha256Fingerprint
            self.serialNumber = serialNumber
            self.ca = ca
        }
    }

    package struct Stop: Codable, Sendable, Hashable {
        /// The step, such as `write`.
        package let step: String
        package let reason: String

        package init(step: String, reason: String) {
            self.step = step
            self.reason = reason
        }
    }
}
