internal import Cryptoki
internal import OpenSSLX509
internal import Secrets

/// One way in which a token makes the signature that X.509 wants.
struct SignatureRung {
    /// What the token does.
    let mechanism: MechanismType
    /// What is handed to it, made of the message.
    let input: @Sendable ([UInt8]) -> [UInt8]
    /// What is made of its answer.
    let output: @Sendable ([UInt8]) throws(X509Error) -> [UInt8]
}

/// The ways for a kind of key, the one that leaves most to the token first.
func signatureLadder(for kind: KeyKind) -> [SignatureRung] {
    switch kind {
    case .rsa:
        return [
            SignatureRung(mechanism: .sha256RSAPKCS, input: { $0 }, output: { $0 }),
            SignatureRung(
                mechanism: .rsaPKCS,
                input: { SignatureForm.digestInfo(sha256: Digest.sha256.hash($0)) },
                output: { $0 }),
        ]
    case .ec:
        let digest = SignatureAlgorithm(for: kind)?.digest ?? .sha256
        return [
            SignatureRung(
                mechanism: .ecdsa, input: { digest.hash($0) },
                output: { signature throws(X509Error) in
                    try SignatureForm.ecdsaDER(fromConcatenation: signature)
                })
        ]
    case .ed25519:
        return [SignatureRung(mechanism: .eddsa, input: { $0 }, output: { $0 })]
    case .other:
        return []
    }
}

/// Signs; a key that wants the PIN for each use without saying so gets it, once. It is the PIN that
/// the token has accepted a moment ago.
private func signWithPINOnDemand<Access>(
    _ input: [UInt8], _ key: ObjectHandle, _ mechanism: Mechanism,
    _ session: inout Session<Access>, _ pin: borrowing Secret
) throws(CryptokiError) -> [UInt8] {
    do throws(CryptokiError) {
        return try session.sign(input, with: key, mechanism)
    } catch {
        guard error.returnValue == .userNotLoggedIn,
            session.token.info.flags.contains(.loginRequired)
        else { throw error }
        return try session.sign(input, with: key, mechanism, contextPIN: pin)
    }
}

/// Has a token sign a message, and insists on the host that the signature is right.
///
/// - Returns: The signature in X.509's form.
func sign<Access>(
    _ message: [UInt8], with key: TokenKey, _ session: inout Session<Access>,
    _ mechanisms: Set<MechanismType>, pin: borrowing Secret, at step: Step
) throws(IssuanceError) -> [UInt8] {
    let kind = key.publicKey.kind
    guard let algorithm = SignatureAlgorithm(for: kind) else {
        throw IssuanceError(.tokenUnsuitable, at: step, "nothing signs with a key of kind \(kind)")
    }
    for rung in signatureLadder(for: kind) where mechanisms.contains(rung.mechanism) {
        let raw: [UInt8]
        do throws(CryptokiError) {
            let input = rung.input(message)
            let mechanism = Mechanism(rung.mechanism)
            if key.needsPINForEachUse {
                raw = try session.sign(input, with: key.handle, mechanism, contextPIN: pin)
            } else {
                raw = try signWithPINOnDemand(input, key.handle, mechanism, &session, pin)
            }
        } catch {
            // The list of mechanisms was wrong about this one.
            if error.returnValue == .mechanismInvalid { continue }
            throw IssuanceError(error, at: step, while: "the token does not sign")
        }
        do throws(X509Error) {
            let signature = try rung.output(raw)
            try key.publicKey.verify(signature, over: message, algorithm)
            return signature
        } catch {
            throw IssuanceError(
                .tokenFailed, at: step,
                "the token made a signature that does not fit its key: \(error)")
        }
    }
    throw IssuanceError(
        .tokenUnsuitable, at: step, "the token does not sign with keys of kind \(kind)")
}
