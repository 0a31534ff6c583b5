internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// Has a token use a private key: sign, with the signature verified on the host, or decrypt.
///
/// The user has to be logged in: see ``Connection/logIn(for:at:)``.
struct TokenSigner {
    let capabilities: TokenCapabilities
    let pins: TokenPINs
    /// The one mechanism to use, or nil for the best.
    var only: MechanismType?

    /// Signs, and insists that the signature is right.
    ///
    /// - Parameters:
    ///   - message: What is signed.
    ///   - key: The key; its handle is looked up anew where roles take turns.
    /// - Returns: The signature in X.509's form.
    func sign<Access>(
        _ message: [UInt8], with key: TokenKey, _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> [UInt8] {
        let kind = key.publicKey.kind
        guard let algorithm = SignatureAlgorithm(for: kind) else {
            throw IssuanceError(
                .tokenUnsuitable, at: step, "nothing signs with a key of kind \(kind)")
        }
        for method in capabilities.signingMethods(for: kind)
        where only ?? method.mechanism == method.mechanism {
            do {
                let input = try method.input(message, key.publicKey)
                let raw = try use(
                    key, Mechanism(method.mechanism), on: input, signing: true, &session, at: step)
                let signature = try method.output(raw)
                try key.publicKey.verify(signature, over: message, algorithm)
                return signature
            } catch let error as X509Error {
                throw IssuanceError(
                    .tokenFailed, at: step,
                    "the token made a signature that does not fit its key: \(error)"
                ).with(circumstances: [.signatureIsWrong])
            } catch {
                let failure = IssuanceError(any: error, at: step)
                // The list of mechanisms was wrong about this one.
                if failure.tokenError?.returnValue == .mechanismInvalid { continue }
                throw failure
            }
        }
        throw IssuanceError(
            .tokenUnsuitable, at: step, "the token does not sign with keys of kind \(kind)")
    }

    /// Decrypts with a key, under the same rules as a signature.
    func decrypt<Access>(
        _ data: [UInt8], with key: TokenKey, _ mechanism: Mechanism,
        _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> [UInt8] {
        try use(key, mechanism, on: data, signing: false, &session, at: step)
    }

    /// Uses a key. If it wants the PIN for each use it gets it, whether it says so or not: the PIN is
    /// one that the token has accepted a moment ago.
    ///
    /// - Parameter signs: Whether the key signs the input, and does not decrypt it.
    private func use<Access>(
        _ key: TokenKey, _ mechanism: Mechanism, on input: [UInt8], signing signs: Bool,
        _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> [UInt8] {
        let handle = try handle(of: key, &session, at: step)
        let isLoginRequired = session.token.info.flags.contains(.loginRequired)
        let function = signs ? "C_Sign" : "C_Decrypt"
        return try TokencertIssuance.at(
            step, signs ? "the token does not sign" : "the token does not decrypt"
        ) {
            if !key.needsPINForEachUse {
                do throws(CryptokiError) {
                    return try signs
                        ? session.sign(input, with: handle, mechanism)
                        : session.decrypt(input, with: handle, mechanism)
                } catch {
                    // Before the use is begun it is the login of the whole token that is missing.
                    guard error.returnValue == .userNotLoggedIn, error.function == function,
                        isLoginRequired
                    else { throw error }
                }
            }
            if signs {
                try session.beginSignature(with: handle, mechanism)
            } else {
                try session.beginDecryption(with: handle, mechanism)
            }
            if isLoginRequired {
                try pins.send(.contextSpecific, at: step) { pin in
                    try session.authenticateSignature(pin)
                }
            }
            return try signs
                ? session.finishSignature(input, mechanism)
                : session.finishDecryption(input, mechanism)
        }
    }

    private func handle<Access>(
        of key: TokenKey, _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> ObjectHandle {
        guard capabilities.changesRoles else { return key.handle }
        var template = Template()
        template[.class] = .privateKey
        if !key.id.isEmpty {
            template[.id] = key.id
        } else {
            template[.labelBytes] = key.labelBytes
        }
        let found = try TokencertIssuance.at(step, "searching the token") {
            try session.findObjects(template)
        }
        guard found.count == 1 else {
            throw IssuanceError(
                .noSuchObject, at: step, "the key \(key.uri) is not found on the token again")
        }
        return found[0]
    }
}

extension Connection {
    /// Uses private keys of the token.
    var signer: TokenSigner { TokenSigner(capabilities: capabilities, pins: pins) }
}
