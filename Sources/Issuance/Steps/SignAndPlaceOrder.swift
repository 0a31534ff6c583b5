internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

extension OrderWork {
    /// Has the token sign the certificate request.
    mutating func signRequest(
        on token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        let before = order.publicKeyHash
        let beginning = order.beginning
        var key = try self.key(&token)
        let content = requested ?? IssuanceRequest(order)
        var new: NewKey?
        if journal.hasMadeKey, case .generate(let made) = try KeyPlan(beginning) { new = made }
        var request: CertificateRequest?
        var failure: IssuanceError?
        do throws(IssuanceError) {
            request = try token.request(content, &key, new)
        } catch {
            failure = error
        }
        foundKey = key
        let hash = key.publicKeyHash
        var outcome = StepOutcome([], failure: failure)
        if hash != before {
            outcome.facts.append(
                journal.hasMadeKey ? .made(publicKeyHash: hash) : .found(publicKeyHash: hash))
        }
        guard let request else { return outcome }
        if beginning.issue == nil {
            // The user receives this request, and only the ledger can show it again later.
            outcome.facts.append(.requested(request: request.pem))
            outcome.mustBeRecorded = true
        } else {
            outcome.facts.append(.signed(.init(publicKeyHash: hash, request: request.pem)))
        }
        return outcome
    }

    /// Checks that the order may be sent, without sending it. An outcome without an intent says why
    /// it is not sent.
    mutating func prepareToPlaceOrder(
        on token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        guard authority != nil else {
            throw IssuanceError(.caUnreachable, at: .order, "no account is known for this order")
        }
        let key = try self.key(&token)
        // The key may have been replaced since its request was signed.
        guard key.publicKeyHash == order.publicKeyHash else {
            return StepOutcome([.found(publicKeyHash: key.publicKeyHash)])
        }
        // An earlier process had the request signed; the key may have become unusable since.
        if !journal.isFresh { try token.requireProof(of: key) }
        guard let request = order.signedRequest else {
            throw IssuanceError(
                .ledgerFailed, at: .order, "the ledger has no request for the key of this order")
        }
        // Read the ledger before sending: a failure afterwards would lose the answer.
        _ = try outcomes()
        return .intent(
            .sending(
                .init(
                    keyURI: key.uri, publicKeyHash: key.publicKeyHash, request: request,
                    isRepeated: brought.ordersAgain)))
    }

    /// Sends the order to the CA, once.
    mutating func placeOrder(_ intent: consuming RecordedIntent) -> StepOutcome {
        guard let authority, let asked = order.beginning.issue,
            let request = order.sending?.request
        else {
            let reason = "no CA is known for this order"
            return StepOutcome(
                [.notSent(reason: reason)],
                failure: IssuanceError(.caUnreachable, at: .order, reason))
        }
        hasSent = true
        settings.observer.orderIsSent(journal.openOrder.number)
        let sent = CertificateOrder(grant: CertificateGrant(asked), request: request)
        switch authority.place(sent) {
        case .answered(let answer):
            return StepOutcome([.answered(answer)])
        case .notSent(let reason):
            return StepOutcome(
                [.notSent(reason: reason)],
                failure: IssuanceError(
                    .caUnreachable, at: .order,
                    brought.ordersAgain
                        ? "the CA cannot be reached, so the second order was not sent: \(reason)"
                        : "the CA cannot be reached, so nothing was ordered: \(reason)"))
        case .unanswered(let reason):
            return .unclear("the order was sent, and its outcome is unknown: \(reason)")
        }
    }
}

extension Connection {
    /// Some modules first show a new key with the public half of another one. If the signature does
    /// not match, a key that this process generated is read again, first in a new session and then
    /// after reinitialising the module, and signs again if its public half has changed.
    mutating func request(
        _ content: IssuanceRequest, _ key: inout TokenKey, _ new: NewKey?
    ) throws(IssuanceError) -> CertificateRequest {
        try requireSigning(key, at: .request)
        var failure: IssuanceError
        do throws(IssuanceError) {
            return try sign(content, with: key)
        } catch {
            failure = error
        }
        guard failure.circumstances.contains(.signatureIsWrong), let new else { throw failure }
        for isReinitializing in [false, true] {
            guard let again = try? readAgain(new, reinitializing: isReinitializing),
                again.publicKey != key.publicKey
            else { continue }
            key = again
            do throws(IssuanceError) {
                return try sign(content, with: key)
            } catch {
                guard error.circumstances.contains(.signatureIsWrong) else { throw error }
                failure = error
            }
        }
        throw failure
    }
}

extension Connection {
    /// Creates a request and has the token sign it.
    mutating func sign(
        _ content: IssuanceRequest, with key: TokenKey
    ) throws(IssuanceError) -> CertificateRequest {
        let draft: CertificateRequestDraft
        do throws(X509Error) {
            draft = try CertificateRequestDraft(
                publicKey: key.publicKey,
                subject: (content.name.map { [.init(.commonName, $0)] } ?? [])
                    + content.emailAddresses.map { .init(.emailAddress, $0) },
                extensions: try content.extensions(for: key.publicKey.kind))
        } catch {
            throw IssuanceError(.badSubject, at: .request, "cannot create the request: \(error)")
        }
        let message = draft.toBeSigned
        let signature = try perform(.sign, at: .request) { connection, _ in
            try connection.signer.sign(message, with: key, &connection.session, at: .request)
        }
        do throws(X509Error) {
            return try draft.signed(signature)
        } catch {
            throw IssuanceError(
                .tokenFailed, at: .request, "the signed request is invalid: \(error)")
        }
    }
}

extension IssuanceRequest {
    /// The extensions of the certificate request for a kind of key.
    fileprivate func extensions(for kind: KeyKind) throws(X509Error) -> [CertificateExtension] {
        var usages: Set<KeyUsage> = [.digitalSignature]
        if case .rsa = kind { usages.insert(.keyEncipherment) }
        var extensions: [CertificateExtension] = [
            .keyUsage(usages),
            .extendedKeyUsage(
                [.emailProtection, .clientAuth] + (codeSigning ? [.codeSigning] : [])),
        ]
        if !emailAddresses.isEmpty {
            extensions.append(try .subjectAlternativeName(emailAddresses: emailAddresses))
        }
        return extensions
    }
}

/// Signs and decrypts with a private key on a token, and verifies each signature.
///
/// The user must be logged in: see ``Connection/logIn(for:at:)``.
struct TokenSigner {
    let capabilities: TokenCapabilities
    let pins: TokenPINs
    /// Whether the handles of private keys may be invalid, because of another login since.
    let findsKeysAgain: Bool
    /// The only mechanism to use, or nil for the best one.
    var only: MechanismType?

    /// Signs a message and verifies the signature. Returns the signature in the encoding of X.509.
    func sign<Access>(
        _ message: [UInt8], with key: TokenKey, _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> [UInt8] {
        let kind = key.publicKey.kind
        guard let algorithm = SignatureAlgorithm(for: kind) else {
            throw IssuanceError(.tokenUnsuitable, at: step, "cannot sign with \(kind) keys")
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
        throw IssuanceError(.tokenUnsuitable, at: step, "the token cannot sign with \(kind) keys")
    }

    /// Signs or decrypts. If the key requires the PIN for each use, even without reporting that, sends
    /// the PIN that the token has accepted before.
    func use<Access>(
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
        guard findsKeysAgain else { return key.handle }
        let template =
            key.id.isEmpty
            ? Template(.privateKey, label: key.labelBytes) : Template(.privateKey, id: key.id)
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
    var signer: TokenSigner {
        TokenSigner(
            capabilities: capabilities, pins: pins,
            findsKeysAgain: capabilities.changesRoles || hasRenewedLogin)
    }
}
