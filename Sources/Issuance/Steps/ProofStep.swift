internal import Cryptoki
internal import OpenSSLX509
internal import TokencertInventory
internal import TokencertLedger

/// How a token proved that it holds a private key.
package enum Possession: String, Sendable, Hashable {
    /// It signed a fresh challenge.
    case signature
    /// It decrypted a fresh challenge: the key may not sign.
    case decryption
    /// Not at all: the key may neither sign nor decrypt.
    case none
}

/// Has a token prove that it holds a key, with an unpredictable challenge: by a signature or, if
/// the key may not sign, by a decryption.
struct ProofStep {
    let signer: TokenSigner

    /// A proof, as it is stored in the ledger.
    struct Proof {
        let possession: Possession
        /// What was signed or decrypted.
        let challenge: [UInt8]
        /// The signature, or empty.
        var signature: [UInt8] = []

        /// The event for the ledger. An order whose key cannot be proved is closed, since resuming
        /// it would have the same result.
        func event(_ certificate: Certificate, uri: String) -> OrderEvent {
            guard possession != .none else {
                return .closed(
                    reason: "written, and found again; possession of the key cannot be proved")
            }
            return .proved(
                .init(
                    uri: uri, sha256Fingerprint: hexadecimal(certificate.sha256Fingerprint),
                    challenge: challenge, signature: signature,
                    method: possession == .signature ? nil : possession.rawValue))
        }
    }

    /// - Returns: The proof, whose possession is `none` if no proof is possible.
    /// - Throws: ``IssuanceError`` if the token fails, and with code
    ///   ``IssuanceError/Code/notProved`` if it holds another key.
    func callAsFunction<Access>(
        of key: TokenKey, _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> Proof {
        var failure: IssuanceError?
        if key.maySign {
            var challenge = Array("tokencert proof of possession ".utf8)
            challenge += Self.random()
            do throws(IssuanceError) {
                let signature = try signer(challenge, with: key, &session, at: step)
                return Proof(
                    possession: .signature, challenge: challenge, signature: signature)
            } catch {
                guard error.forbidsUse else { throw error }
                failure = error
            }
        }
        let challenge = Self.random()
        guard let answer = try decrypted(challenge, with: key, &session, at: step) else {
            // A function that is missing now may work the next time.
            if let failure, failure.tokenError?.returnValue == .functionNotSupported {
                throw failure
            }
            return Proof(possession: .none, challenge: [])
        }
        guard answer == challenge else {
            throw IssuanceError(
                .notProved, at: step,
                "the token did not decrypt what was encrypted to the certificate's key")
        }
        return Proof(possession: .decryption, challenge: challenge)
    }

    private static func random() -> [UInt8] { (0..<32).map { _ in UInt8.random(in: 0...255) } }

    /// Decrypts a challenge that was encrypted to a key; nil if the key may not decrypt or the
    /// token does not support it.
    private func decrypted<Access>(
        _ challenge: [UInt8], with key: TokenKey, _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> [UInt8]? {
        let token = signer.login.token
        let mechanism = Mechanism(.rsaPKCS)
        guard key.mayDecrypt, case .rsa = key.publicKey.kind,
            signer.login.capabilities.mechanisms.contains(.rsaPKCS),
            // If the token does not report CKA_DECRYPT, the result of the call decides.
            (try? token.mechanismInfo(.rsaPKCS).decrypts) ?? true,
            let encrypted = try? key.publicKey.encrypt(challenge)
        else { return nil }
        do throws(IssuanceError) {
            return try signer.decrypt(encrypted, with: key, mechanism, &session, at: step)
        } catch {
            guard error.forbidsUse else { throw error }
            return nil
        }
    }
}

extension IssuanceError {
    /// Whether the token reports that the key may not be used in this way, or that it does not
    /// support the operation.
    fileprivate var forbidsUse: Bool {
        let values: [ReturnValue] = [
            .keyFunctionNotPermitted, .keyTypeInconsistent, .mechanismInvalid,
            .functionNotSupported,
        ]
        return tokenError?.code == .functionMissing || tokenError == nil && code == .tokenUnsuitable
            || tokenError?.returnValue.map { values.contains($0) } ?? false
    }
}

extension Certificate {
    /// Remarks for the user about the certificate and its key, one per line.
    ///
    /// - Parameters:
    ///   - label: The bytes of its label, or nil for that of the key.
    ///   - proof: How the token proved possession of the key.
    func remarks(for key: TokenKey, label: [UInt8]?, _ proof: ProofStep.Proof) -> [String] {
        var remarks: [String] = []
        switch proof.possession {
        case .signature: break
        case .decryption:
            remarks.append("the key may not sign; it was proved by a decryption")
        case .none:
            remarks.append("possession could not be proved: the key may neither sign nor decrypt")
        }
        if allows(.digitalSignature) == false {
            remarks.append("the certificate is for encryption, not for signatures")
        }
        if key.id.isEmpty {
            let differs = label != nil && label != key.labelBytes
            remarks.append(
                "the key has no CKA_ID: other programs find its certificate by the label only"
                    + (differs ? ", and the labels differ" : ""))
        }
        return remarks
    }
}
