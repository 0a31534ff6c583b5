internal import Cryptoki
internal import OpenSSLX509
internal import Secrets

/// Finds the certificate again in a new session, and has the token prove that it holds its key.
struct ReadBackStep {
    let mechanisms: Set<MechanismType>

    func callAsFunction(
        _ verified: VerifiedCertificate, for key: TokenKey, on token: Token, pin: borrowing Secret
    ) throws(IssuanceError) {
        var session = try openSession(token)
        let isFound: Bool
        do throws(CryptokiError) {
            isFound = try finds(verified.certificate, key.id, &session)
        } catch {
            throw IssuanceError(error, at: .readBack, while: "the token cannot be read again")
        }
        guard isFound else {
            throw IssuanceError(
                .notProved, at: .readBack,
                "the certificate was written but is not found on the token again")
        }
        var challenge = Array("tokencert proof of possession ".utf8)
        for _ in 0..<32 { challenge.append(UInt8.random(in: 0...255)) }
        let found = try currentHandle(of: key, &session)
        let signature = try sign(
            challenge, with: found, &session, mechanisms, pin: pin, at: .readBack)
        guard let algorithm = SignatureAlgorithm(for: verified.certificate.publicKey.kind) else {
            return
        }
        do throws(X509Error) {
            try verified.certificate.publicKey.verify(signature, over: challenge, algorithm)
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

    private func finds(
        _ certificate: Certificate, _ id: [UInt8], _ session: inout Session<ReadOnly>
    ) throws(CryptokiError) -> Bool {
        var template = Template()
        template[.class] = .certificate
        template[.id] = id
        for object in try session.findObjects(template) {
            let value = try session.attributes(of: object, [AttributeKey.value.type])
            if value[.value] == certificate.der { return true }
        }
        return false
    }

    /// The key under the handle that this session has for it.
    private func currentHandle(
        of key: TokenKey, _ session: inout Session<ReadOnly>
    ) throws(IssuanceError) -> TokenKey {
        var template = Template()
        template[.class] = .privateKey
        template[.id] = key.id
        let found: [ObjectHandle]
        do throws(CryptokiError) {
            found = try session.findObjects(template)
        } catch {
            throw IssuanceError(error, at: .readBack, while: "the token cannot be read again")
        }
        guard let handle = found.contains(key.handle) ? key.handle : found.first else {
            throw IssuanceError(
                .notProved, at: .readBack, "the key is not found on the token again")
        }
        return TokenKey(
            handle: handle, publicKey: key.publicKey, id: key.id, label: key.label, uri: key.uri,
            isNew: key.isNew, needsPINForEachUse: key.needsPINForEachUse)
    }
}
