internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger

/// Has the token sign the certificate request.
enum SignRequest: RepeatableStep {
    static func run(
        _ work: inout OrderWork, _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        let before = work.order.publicKeyHash
        let beginning = work.order.beginning
        var key = try work.key(&token)
        let content =
            work.requested
            ?? RequestContent(
                name: beginning.issue?.name,
                emailAddresses: beginning.issue?.emailAddresses ?? [],
                codeSigning: beginning.issue?.codeSigning ?? false)
        var new: NewKey?
        if work.journal.hasMadeKey, case .generate(let made) = try KeyPlan(beginning) { new = made }
        var request: CertificateRequest?
        var failure: IssuanceError?
        do throws(IssuanceError) {
            request = try token.request(content, &key, new)
        } catch {
            failure = error
        }
        work.update(key)
        let hash = key.publicKeyHash
        var outcome = StepOutcome([], failure: failure)
        if hash != before {
            outcome.facts.append(
                work.journal.hasMadeKey ? .made(publicKeyHash: hash) : .found(publicKeyHash: hash))
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
}

extension Connection {
    /// Some modules first show a new key with the public half of another one. If the signature does
    /// not match, a key that this process generated is read again, first in a new session and then
    /// after reinitialising the module, and signs again if its public half has changed.
    mutating func request(
        _ content: RequestContent, _ key: inout TokenKey, _ new: NewKey?
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

/// The content of a certificate request, except its key.
struct RequestContent {
    let name: String?
    let emailAddresses: [String]
    let codeSigning: Bool
}

extension Connection {
    /// Creates a request and has the token sign it.
    mutating func sign(
        _ content: RequestContent, with key: TokenKey
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

extension RequestContent {
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
