internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

extension OrderWork {
    /// Reads the certificate in a new session, and has the token prove possession of its key.
    mutating func readBack(
        on token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        let (certificate, _) = try order.certificates()
        let key = try self.key(&token)
        let proof = try token.readBack(
            certificate, for: key, acceptingNoProof: acceptsChanges && !hasSent)
        notes.possession = proof.possession
        notes.remarks += certificate.remarks(
            for: key, label: order.beginning.certificateLabelBytes, proof)
        if proof.possession == .none, let replacement = order.replacement,
            replacement.isRetired
        {
            notes.remarks.append(
                "the old certificate stays on the token, because possession of the key of the new "
                    + "one is not proved: "
                    + replacement.name)
        }
        return StepOutcome([proof.event(certificate, uri: order.writtenURI ?? "")])
    }
}

extension Connection {
    mutating func readBack(
        _ certificate: Certificate, for key: TokenKey, acceptingNoProof acceptsNoProof: Bool
    ) throws(IssuanceError) -> ProofOfPossession {
        try perform(.sign, at: .readBack) { connection, _ in
            try connection.readAgain(certificate, for: key, acceptingNoProof: acceptsNoProof)
        }
    }

    private func readAgain(
        _ certificate: Certificate, for key: TokenKey, acceptingNoProof acceptsNoProof: Bool
    ) throws(IssuanceError) -> ProofOfPossession {
        var session = try at(.readBack, "no new session can be opened") {
            try token.openSession(ReadOnly.self)
        }
        let found = try at(.readBack, "the token cannot be read again") {
            try find(certificate, key, &session)
        }
        guard found.hasCertificate else {
            throw IssuanceError(
                .notProved, at: .readBack,
                "the certificate was written, but a new session does not find it on the token")
        }
        guard let handle = found.privateKey else {
            throw IssuanceError(
                .notProved, at: .readBack, "a new session does not find the key on the token")
        }
        guard certificate.publicKey == key.publicKey else {
            throw IssuanceError(
                .notProved, at: .readBack, "the certificate on the token is for another key")
        }
        let proof = try signer.prove(key.under(handle), &session, at: .readBack)
        guard proof.possession != .none || acceptsNoProof else {
            throw IssuanceError(unprovable: key, at: .readBack)
        }
        return proof
    }

    /// Reads all objects with the key's id in one search, because searches are expensive. If the key
    /// has no id, reads all objects.
    private func find(
        _ certificate: Certificate, _ key: TokenKey, _ session: inout Session<ReadOnly>
    ) throws(CryptokiError) -> FoundAgain {
        var template = Template()
        // Modules differ in what a search for an empty id finds.
        if !key.id.isEmpty { template[.id] = key.id }
        var found = FoundAgain()
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

/// The objects of a key that a new session finds.
private struct FoundAgain {
    var hasCertificate = false
    /// The handle of the private key in that session.
    var privateKey: ObjectHandle?
}

extension Attributes {
    /// Whether `CKA_VALUE` begins with a certificate; bytes after it are ignored.
    func holds(_ certificate: Certificate) -> Bool {
        self[.value].flatMap { try? Certificate(firstIn: $0) } == certificate
    }
}

extension IssuanceError {
    /// The failure if a token cannot prove possession of a key.
    init(unprovable key: TokenKey, at step: Step) {
        self.init(
            .keyUnusable, at: step,
            "cannot prove possession of the key: it may neither sign nor decrypt: \(key.uri)",
            choices: ["to accept the certificate without a proof, add --accept-changes"])
    }
}

extension TokenKey {
    /// The same key with its handle in another session.
    fileprivate func under(_ handle: ObjectHandle) -> TokenKey {
        TokenKey(
            handle: handle, publicKey: publicKey, id: id, labelBytes: labelBytes, uri: uri,
            isNew: isNew, needsPINForEachUse: needsPINForEachUse, maySign: maySign,
            mayDecrypt: mayDecrypt, tellsPublicKey: tellsPublicKey, remarks: remarks)
    }
}

/// How a token proved possession of a private key.
package enum Possession: String, Sendable, Hashable {
    /// It signed a fresh challenge.
    case signature
    /// It decrypted a fresh challenge, because the key may not sign.
    case decryption
    /// No proof: the key may neither sign nor decrypt.
    case none
}

/// A proof that a token possesses a private key, for the ledger.
struct ProofOfPossession {
    let possession: Possession
    /// The message that was signed or decrypted.
    let challenge: [UInt8]
    /// The signature; empty after a decryption.
    var signature: [UInt8] = []

    /// The event for the ledger. Without a proof the order is closed, because resuming it would
    /// have the same result.
    func event(_ certificate: Certificate, uri: String) -> OrderEvent {
        guard possession != .none else {
            return .closed(reason: "written and read back; possession of the key cannot be proved")
        }
        return .proved(
            .init(
                uri: uri, sha256Fingerprint: hexadecimal(certificate.sha256Fingerprint),
                challenge: challenge, signature: signature,
                method: possession == .signature ? nil : possession.rawValue))
    }
}

extension TokenSigner {
    /// Has the token prove possession of a key by signing a random challenge or, if the key may not
    /// sign, by decrypting one.
    ///
    /// Returns a proof with possession `none` if the key may not be used for one. Throws
    /// ``IssuanceError/Code/notProved`` if the token holds a different key.
    func prove<Access>(
        _ key: TokenKey, _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> ProofOfPossession {
        var failure: IssuanceError?
        if key.maySign {
            var challenge = Array("tokencert proof of possession ".utf8)
            challenge += Self.random()
            do throws(IssuanceError) {
                let signature = try sign(challenge, with: key, &session, at: step)
                return ProofOfPossession(
                    possession: .signature, challenge: challenge, signature: signature)
            } catch {
                guard error.forbidsUse else { throw error }
                failure = error
            }
        }
        let challenge = Self.random()
        guard let answer = try decrypted(challenge, with: key, &session, at: step) else {
            // The function may be available next time, so this is not final.
            if let failure, failure.tokenError?.returnValue == .functionNotSupported {
                throw failure
            }
            return ProofOfPossession(possession: .none, challenge: [])
        }
        guard answer == challenge else {
            throw IssuanceError(
                .notProved, at: step,
                "the token did not decrypt a challenge encrypted with the certificate's public key")
        }
        return ProofOfPossession(possession: .decryption, challenge: challenge)
    }

    private static func random() -> [UInt8] { (0..<32).map { _ in UInt8.random(in: 0...255) } }

    /// Encrypts a challenge and has the token decrypt it; nil if the key may not decrypt or the
    /// token does not support it.
    private func decrypted<Access>(
        _ challenge: [UInt8], with key: TokenKey, _ session: inout Session<Access>, at step: Step
    ) throws(IssuanceError) -> [UInt8]? {
        let token = session.token
        let mechanism = Mechanism(.rsaPKCS)
        guard key.mayDecrypt, case .rsa = key.publicKey.kind,
            capabilities.mechanisms.contains(.rsaPKCS),
            // If the token does not report CKA_DECRYPT, the result of the call decides.
            (try? token.mechanismInfo(.rsaPKCS).decrypts) ?? true,
            let encrypted = try? key.publicKey.encrypt(challenge)
        else { return nil }
        do throws(IssuanceError) {
            return try use(key, mechanism, on: encrypted, signing: false, &session, at: step)
        } catch {
            guard error.forbidsUse else { throw error }
            return nil
        }
    }
}

extension IssuanceError {
    /// Whether the token does not permit this use of the key or does not support the operation.
    fileprivate var forbidsUse: Bool {
        let values: [ReturnValue] = [
            .keyFunctionNotPermitted, .keyTypeInconsistent, .mechanismInvalid,
            .functionNotSupported,
        ]
        return tokenError?.code == .functionMissing || tokenError == nil && code == .tokenUnsuitable
            || tokenError?.returnValue.map { values.contains($0) } ?? false
    }
}

extension Certificate {
    /// Remarks for the user about the certificate and its key, one per line. `label` is nil if the
    /// certificate has the label of the key.
    func remarks(for key: TokenKey, label: [UInt8]?, _ proof: ProofOfPossession) -> [String] {
        var remarks: [String] = []
        switch proof.possession {
        case .signature: break
        case .decryption:
            remarks.append("the key may not sign, so possession was proved by decryption")
        case .none:
            remarks.append("possession of the key was not proved: it may neither sign nor decrypt")
        }
        if allows(.digitalSignature) == false, allows(.contentCommitment) == false {
            remarks.append("the certificate is for encryption, not for signatures")
        }
        if key.id.isEmpty {
            let differs = label != nil && label != key.labelBytes
            remarks.append(
                "the key has no CKA_ID: other programs find its certificate only by its label"
                    + (differs ? ", and the labels differ" : ""))
        }
        return remarks
    }
}

extension Connection {
    mutating func requireProof(of key: TokenKey) throws(IssuanceError) {
        try requireSigning(key, at: .request)
        let proof = try perform(.sign, at: .request) { connection, _ in
            try connection.signer.prove(key, &connection.session, at: .request)
        }
        guard proof.possession == .signature else {
            throw IssuanceError(
                .keyUnusable, at: .request,
                "the token cannot sign with the key, so nothing was ordered: \(key.uri)")
        }
    }
}
