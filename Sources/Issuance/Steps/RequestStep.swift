internal import Cryptoki
internal import OpenSSLX509

/// Makes the request and has the token sign it.
struct RequestStep {
    let signer: TokenSigner
    let codeSigning: Bool

    func callAsFunction(
        _ key: TokenKey, name: String?, emailAddresses: [String],
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> CertificateRequest {
        let draft: CertificateRequestDraft
        do throws(X509Error) {
            draft = try CertificateRequestDraft(
                publicKey: key.publicKey,
                subject: (name.map { [.init(.commonName, $0)] } ?? [])
                    + emailAddresses.map { .init(.emailAddress, $0) },
                extensions: try extensions(emailAddresses, key.publicKey.kind))
        } catch {
            throw IssuanceError(.badSubject, at: .request, "the request cannot be made: \(error)")
        }
        let signature = try signer(draft.toBeSigned, with: key, &session, at: .request)
        do throws(X509Error) {
            return try draft.signed(signature)
        } catch {
            throw IssuanceError(.tokenFailed, at: .request, "the request is not right: \(error)")
        }
    }

    private func extensions(
        _ emailAddresses: [String], _ kind: KeyKind
    ) throws(X509Error) -> [CertificateExtension] {
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
