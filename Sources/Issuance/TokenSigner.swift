internal import Cryptoki
internal import OpenSSLX509
internal import TokencertInventory

/// Has a token sign, and insists on the host that the signature is right.
struct TokenSigner {
    let login: TokenLogin
    /// The one mechanism to use, or nil for the best.
    var only: MechanismType?

    private var capabilities: TokenCapabilities { login.capabilities }

    /// - Parameters:
    ///   - message: What is signed.
    ///   - key: The key; its handle is looked up anew where roles take turns.
    /// - Returns: The signature in X.509's form.
    func callAsFunction<Access>(
        _ message: [UInt8], with key: TokenKey, _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> [UInt8] {
        let kind = key.publicKey.kind
        guard let algorithm = SignatureAlgorithm(for: kind) else {
            throw IssuanceError(
                .tokenUnsuitable, at: step, "nothing signs with a key of kind \(kind)")
        }
        return try login.performing(.sign, at: step) { () throws(IssuanceError) in
            let handle = try handle(of: key, &session, at: step)
            for method in capabilities.signingMethods(for: kind)
            where only ?? method.mechanism == method.mechanism {
                let input = try made(at: step, key) { () throws(X509Error) in
                    try method.input(message, key.publicKey)
                }
                let raw: [UInt8]
                do throws(IssuanceError) {
                    raw = try sign(
                        input, handle, needingPIN: key.needsPINForEachUse,
                        Mechanism(method.mechanism), &session, at: step)
                } catch {
                    // The list of mechanisms was wrong about this one.
                    if error.tokenError?.returnValue == .mechanismInvalid { continue }
                    throw error
                }
                return try made(at: step, key) { () throws(X509Error) in
                    let signature = try method.output(raw)
                    try key.publicKey.verify(signature, over: message, algorithm)
                    return signature
                }
            }
            throw IssuanceError(
                .tokenUnsuitable, at: step, "the token does not sign with keys of kind \(kind)")
        }
    }

    /// Signs. A key that wants the PIN for each use gets it, whether it says so or not: the PIN is
    /// one that the token has accepted a moment ago.
    private func sign<Access>(
        _ input: [UInt8], _ handle: ObjectHandle, needingPIN: Bool, _ mechanism: Mechanism,
        _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> [UInt8] {
        if !needingPIN {
            do throws(CryptokiError) {
                return try session.sign(input, with: handle, mechanism)
            } catch {
                // Before the signature is begun it is the login of the whole token that is missing.
                guard error.returnValue == .userNotLoggedIn, error.function == "C_Sign",
                    session.token.info.flags.contains(.loginRequired)
                else {
                    throw IssuanceError(error, at: step, while: "the token does not sign")
                }
            }
        }
        do throws(CryptokiError) {
            try session.beginSignature(with: handle, mechanism)
        } catch {
            throw IssuanceError(error, at: step, while: "the token does not sign")
        }
        if session.token.info.flags.contains(.loginRequired) {
            try login.pins.send(.contextSpecific, at: step) { pin throws(CryptokiError) in
                try session.authenticateSignature(pin)
            }
        }
        do throws(CryptokiError) {
            return try session.finishSignature(input, mechanism)
        } catch {
            throw IssuanceError(error, at: step, while: "the token does not sign")
        }
    }

    func handle<Access>(
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
            () throws(CryptokiError) in
            try session.findObjects(template)
        }
        guard found.count == 1 else {
            throw IssuanceError(
                .noSuchObject, at: step, "the key \(key.uri) is not found on the token again")
        }
        return found[0]
    }

    private func made<Result>(
        at step: Step, _ key: TokenKey, _ body: () throws(X509Error) -> Result
    ) throws(IssuanceError) -> Result {
        do throws(X509Error) {
            return try body()
        } catch {
            var failure = IssuanceError(
                .tokenFailed, at: step,
                "the token made a signature that does not fit its key: \(error)")
            failure.isSignatureWrong = true
            throw failure
        }
    }
}
