internal import Cryptoki
internal import OpenSSLX509
internal import TokencertTokens

/// Signs and decrypts with a private key on a token, and verifies each signature.
///
/// The user must be logged in: see ``Connection/logIn(for:at:)``.
struct TokenSigner {
    let capabilities: TokenCapabilities
    let pins: TokenPINs
    /// The only mechanism to use, or nil for the best one.
    var only: MechanismType?

    /// Signs a message and verifies the signature. Returns the signature in the encoding of X.509.
    func sign<Access>(
        _ message: [UInt8], with key: TokenKey, _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> [UInt8] {
        let kind = key.publicKey.kind
        guard let algorithm = SignatureAlgorithm(for: kind) else {
            throw IssuanceError(
                .tokenUnsuitable, at: step, "cannot sign with \(kind) keys")
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
                    "the token's signature does not match the key: \(error)"
                ).with(circumstances: [.signatureIsWrong])
            } catch {
                let failure = IssuanceError(any: error, at: step)
                // The token lists this mechanism but does not support it.
                if failure.tokenError?.returnValue == .mechanismInvalid { continue }
                throw failure
            }
        }
        throw IssuanceError(
            .tokenUnsuitable, at: step, "the token cannot sign with \(kind) keys")
    }

    func decrypt<Access>(
        _ data: [UInt8], with key: TokenKey, _ mechanism: Mechanism,
        _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> [UInt8] {
        try use(key, mechanism, on: data, signing: false, &session, at: step)
    }

    /// Signs or decrypts. If the key requires the PIN for each use, even without reporting that, sends
    /// the PIN that the token has accepted before.
    private func use<Access>(
        _ key: TokenKey, _ mechanism: Mechanism, on input: [UInt8], signing signs: Bool,
        _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> [UInt8] {
        let handle = try handle(of: key, &session, at: step)
        let isLoginRequired = session.token.info.flags.contains(.loginRequired)
        let function = signs ? "C_Sign" : "C_Decrypt"
        return try TokencertIssuance.at(
            step, signs ? "the token did not sign" : "the token did not decrypt"
        ) {
            if !key.needsPINForEachUse {
                do throws(CryptokiError) {
                    return try signs
                        ? session.sign(input, with: handle, mechanism)
                        : session.decrypt(input, with: handle, mechanism)
                } catch {
                    // From another function, this error means that the user is not logged in.
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
        let found = try TokencertIssuance.at(step, "cannot search the token") {
            try session.findObjects(template)
        }
        guard found.count == 1 else {
            throw IssuanceError(
                .noSuchObject, at: step, "cannot find the key \(key.uri) on the token again")
        }
        return found[0]
    }
}

extension Connection {
    var signer: TokenSigner { TokenSigner(capabilities: capabilities, pins: pins) }
}
