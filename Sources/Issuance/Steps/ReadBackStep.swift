internal import Cryptoki
internal import OpenSSLX509

/// Finds the certificate again in a new session, and has the token prove that it holds its key.
struct ReadBackStep {
    let signer: TokenSigner

    func callAsFunction(
        _ verified: VerifiedCertificate, for key: TokenKey, on token: Token
    ) throws(IssuanceError) -> (challenge: [UInt8], signature: [UInt8]) {
        var session = try openSession(token)
        let found: Found
        do throws(CryptokiError) {
            found = try find(verified.certificate, key, &session)
        } catch {
            throw IssuanceError(error, at: .readBack, while: "the token cannot be read again")
        }
        guard found.hasCertificate else {
            throw IssuanceError(
                .notProved, at: .readBack,
                "the certificate was written but is not found on the token again")
        }
        guard let handle = found.privateKey else {
            throw IssuanceError(
                .notProved, at: .readBack, "the key is not found on the token again")
        }
        var challenge = Array("tokencert proof of possession ".utf8)
        for _ in 0..<32 { challenge.append(UInt8.random(in: 0...255)) }
        let signature = try signer(challenge, with: key.under(handle), &session, at: .readBack)
        guard let algorithm = SignatureAlgorithm(for: verified.certificate.publicKey.kind) else {
            throw IssuanceError(
                .tokenUnsuitable, at: .readBack, "nothing verifies with the certificate's key")
        }
        do throws(X509Error) {
            try verified.certificate.publicKey.verify(signature, over: challenge, algorithm)
            return (challenge, signature)
        } catch {
            throw IssuanceError(
                .notProved, at: .readBack,
                "the token's signature does not fit the certificate: \(error)")
        }
    }

    private func openSession(_ token: Token) throws(IssuanceError) -> Session<ReadOnly> {
        do throws(CryptokiError) {
            return try token.openSession(ReadOnly.self)
        } catch {
            throw IssuanceError(error, at: .readBack, while: "no new session can be opened")
        }
    }

    /// What a new session sees of the key and its certificate.
    private struct Found {
        var hasCertificate = false
        /// The private key under the handle that the session has for it.
        var privateKey: ObjectHandle?
    }

    /// Looks at everything with the key's id at once: a search costs more than what it finds.
    private func find(
        _ certificate: Certificate, _ key: TokenKey, _ session: inout Session<ReadOnly>
    ) throws(CryptokiError) -> Found {
        var template = Template()
        template[.id] = key.id
        var found = Found()
        for object in try session.findObjects(template) {
            let head = try session.attributes(of: object, [AttributeKey.class.type])
            switch head[.class] as ObjectClass? {
            case .certificate?:
                let value = try session.attributes(of: object, [AttributeKey.value.type])
                if value[.value] == certificate.der { found.hasCertificate = true }
            case .privateKey? where found.privateKey == nil || object == key.handle:
                found.privateKey = object
            default:
                continue
            }
        }
        return found
    }
}

extension TokenKey {
    /// The same key under another session's handle.
    fileprivate func under(_ handle: ObjectHandle) -> TokenKey {
        TokenKey(
            handle: handle, publicKey: publicKey, id: id, label: label, uri: uri, isNew: isNew,
            needsPINForEachUse: needsPINForEachUse, remarks: remarks)
    }
}
