internal import Cryptoki
internal import OpenSSLX509
internal import TokencertInventory

/// Finds the certificate again in a new session, and has the token prove that it holds its key.
struct ReadBackStep {
    let signer: TokenSigner
    /// Whether the certificate stays although possession of its key cannot be proved.
    var acceptsNoProof = false

    func callAsFunction(
        _ verified: VerifiedCertificate, for key: TokenKey, on token: Token
    ) throws(IssuanceError) -> ProofStep.Proof {
        let certificate = verified.certificate
        var session = try at(.readBack, "no new session can be opened") {
            () throws(CryptokiError) in try token.openSession(ReadOnly.self)
        }
        let found = try at(.readBack, "the token cannot be read again") {
            () throws(CryptokiError) in try find(certificate, key, &session)
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
        guard certificate.publicKey == key.publicKey else {
            throw IssuanceError(
                .notProved, at: .readBack, "the certificate on the token is for another key")
        }
        let proof = try ProofStep(signer: signer)(
            of: key.under(handle), &session, at: .readBack)
        guard proof.possession != .none || acceptsNoProof else {
            throw IssuanceError(unprovable: key, at: .readBack)
        }
        return proof
    }

    /// What a new session sees of the key and its certificate.
    private struct Found {
        var hasCertificate = false
        /// The private key under the handle that the session has for it.
        var privateKey: ObjectHandle?
    }

    /// Reads all objects with the key's id in one search, since searches are expensive; if the key
    /// has no id, all certificates and all private keys.
    private func find(
        _ certificate: Certificate, _ key: TokenKey, _ session: inout Session<ReadOnly>
    ) throws(CryptokiError) -> Found {
        var template = Template()
        // Modules differ in what a search for an empty id finds.
        if !key.id.isEmpty { template[.id] = key.id }
        var found = Found()
        for object in try session.findObjects(template) {
            let head = try session.attributes(
                of: object,
                [AttributeKey.class.type, AttributeKey.id.type, AttributeKey.labelBytes.type])
            switch head[.class] as ObjectClass? {
            case .certificate?:
                let value = try session.attributes(of: object, [AttributeKey.value.type])
                if value.holds(certificate) { found.hasCertificate = true }
            case .privateKey?
            where (head[.id] ?? []) == key.id
                && (!key.id.isEmpty || (head[.labelBytes] ?? []) == key.labelBytes):
                if found.privateKey == nil || object == key.handle { found.privateKey = object }
            default:
                continue
            }
        }
        return found
    }
}

extension Attributes {
    /// Whether `CKA_VALUE` begins with a certificate, ignoring any bytes after it.
    func holds(_ certificate: Certificate) -> Bool {
        self[.value].flatMap { try? Certificate(firstIn: $0) } == certificate
    }
}

extension IssuanceError {
    /// The failure if a token cannot prove that it holds a key.
    init(unprovable key: TokenKey, at step: Step) {
        self.init(
            .keyUnusable, at: step,
            "possession cannot be proved: the key may neither sign nor decrypt: \(key.uri)",
            choices: ["--accept-changes accepts the certificate without that proof"])
    }
}

extension TokenKey {
    /// The same key under another session's handle.
    fileprivate func under(_ handle: ObjectHandle) -> TokenKey {
        TokenKey(
            handle: handle, publicKey: publicKey, id: id, labelBytes: labelBytes, uri: uri,
            isNew: isNew, needsPINForEachUse: needsPINForEachUse, maySign: maySign,
            mayDecrypt: mayDecrypt, tellsPublicKey: tellsPublicKey, remarks: remarks)
    }
}
