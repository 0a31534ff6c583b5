internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

extension OrderWork {
    /// Writes the certificate of the order's key, and its chain if requested.
    mutating func writeCertificate(
        on token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        let (certificate, others) = try order.certificates()
        let key = try self.key(&token)
        try token.requireRoom(
            for: key, replacing: order.replacement, having: [certificate], at: .write)
        let label = order.beginning.certificateLabelBytes
        // No other object can have the id of a key that was just generated.
        let isFresh = key.isNew && journal.isFresh
        let written = try token.write(certificate, for: key, label: label, isFresh: isFresh)
        notes.written = written.uri
        notes.wasThere = written.wasThere
        let uri = try? PKCS11URI(parsing: written.uri)
        if written.wasThere, let wanted = order.beginning.imported?.certificateLabel, let uri,
            uri.objectAttributes[.labelBytes] ?? [] != wanted
        {
            notes.remarks.append("the certificate was already there, and its label is unchanged")
        }
        guard order.beginning.imported?.writesChain == true else {
            return StepOutcome([.written(uri: written.uri)])
        }
        // The certificate is recorded first: it is usable without its chain.
        let journal = journal
        journal.recordFact(.written(uri: written.uri))
        var (chain, seen): ([Certificate], [Certificate]) = ([], [])
        var outcome = StepOutcome([])
        do throws(IssuanceError) {
            let verification = Verification(anchors: settings.anchors, time: settings.clock())
            try token.write(
                issuers: verification.issuers(of: certificate, from: others),
                at: verification.time, seen: &seen
            ) { issuer in
                journal.recordFact(.chainWritten(certificate: issuer.pem))
                chain.append(issuer)
            }
        } catch {
            outcome.failure = error
        }
        notes.chain = (chain + seen).map(\.subject.text)
        return outcome
    }
}

extension Order {
    /// The verified certificate, and those received with it.
    func certificates() throws(IssuanceError) -> (own: Certificate, others: [Certificate]) {
        guard let certificate = checkedCertificate else {
            throw IssuanceError(
                .needsDecision, at: .write, "the ledger has no certificate for this order")
        }
        let others = Certificate.all(inPEM: Array((certified?.others ?? "").utf8)).certificates
        return (certificate, others)
    }
}

extension Connection {
    private mutating func writeOnce(
        _ certificate: Certificate, for key: TokenKey, label: [UInt8]?, isFresh: Bool
    ) throws(IssuanceError) -> (uri: String, wasThere: Bool) {
        let label = label ?? key.labelBytes
        let uri = self.uri(key.id, label)
        let isAlone = isFresh && capabilities.certificatesPerKey == nil
        let before = isAlone ? [] : try certificates(of: key)
        for object in before where try value(of: object).holds(certificate) {
            return (self.uri(of: object) ?? uri, true)
        }
        try requireSpace(for: certificate)
        var refusal: IssuanceError?
        let everything = LeftoverObjects.everything(&session)
        let templates = certificateTemplates(certificate, id: key.id, label: label, capabilities)
        for template in templates {
            do throws(CryptokiError) {
                let object = try session.createObject(template)
                // Some modules assign labels or ids of their own.
                let isAsAsked = capabilities.keepsLabels && !key.id.isEmpty
                return (isAsAsked ? uri : self.uri(of: object) ?? uri, false)
            } catch {
                let failure = IssuanceError(
                    error, at: .write, while: "the certificate cannot be written")
                let isClean = removeRemains(of: error, certificate, key, before, everything)
                guard error.concernsTemplate, isClean else {
                    throw naming(uri, certificate, key, before, failure)
                }
                refusal = refusal ?? failure
            }
        }
        throw refusal
            ?? IssuanceError(.tokenFailed, at: .write, "the certificate cannot be written")
    }

    /// Removes the objects that a refused call left behind. Returns whether none is left. After a
    /// refused template the certificate is removed; after another error it stays, because only
    /// another process sees whether the module has stored it.
    private mutating func removeRemains(
        of error: CryptokiError, _ certificate: Certificate, _ key: TokenKey,
        _ before: [ObjectHandle], _ everything: Set<ObjectHandle>?
    ) -> Bool {
        guard let after = try? certificates(of: key) else { return false }
        for object in after where !before.contains(object) {
            guard let value = try? value(of: object) else { return false }
            // It may be another program's certificate. Without an id, a certificate cannot be
            // attributed to a key.
            let isOurs = value.holds(certificate)
            let isPart =
                !key.id.isEmpty && !value.unread.contains(AttributeKey<[UInt8]>.value.type)
                && value[.value].flatMap { try? Certificate(firstIn: $0) } == nil
            if isOurs ? error.concernsTemplate : isPart { try? session.destroyObject(object) }
        }
        let left = (try? certificates(of: key)) ?? []
        if error.concernsTemplate {
            LeftoverObjects(&session).removeWhatCame(after: everything, &session)
        }
        return left.allSatisfy(before.contains)
    }

    /// Adds the certificate to the failure if the token shows it nevertheless.
    private mutating func naming(
        _ uri: String, _ certificate: Certificate, _ key: TokenKey, _ before: [ObjectHandle],
        _ failure: IssuanceError
    ) -> IssuanceError {
        let isSeen = ((try? certificates(of: key)) ?? []).contains { object in
            !before.contains(object) && (try? value(of: object))?.holds(certificate) == true
        }
        return isSeen ? failure.with(seenCertificate: uri) : failure
    }

    /// Throws if a certificate is larger than the token is known to allow.
    private func requireSpace(for certificate: Certificate) throws(IssuanceError) {
        guard let most = capabilities.largestCertificate, most < certificate.der.count else {
            return
        }
        throw IssuanceError(
            .tokenNotWritable, at: .write,
            "the certificate has \(certificate.der.count) bytes, but the token has room for only "
                + "\(most)")
    }

    private func uri(_ id: [UInt8], _ label: [UInt8]) -> String {
        let named = Template(.certificate, id: id, label: label)
        return PKCS11URI(token: tokenURI, objectWith: named).description
    }

    /// The URI of an object from its own attributes, or nil if it cannot be read.
    private mutating func uri(of object: ObjectHandle) -> String? {
        let attributes = try? session.attributes(
            of: object, [AttributeKey.id.type, AttributeKey.labelBytes.type])
        return attributes.map { uri($0[.id] ?? [], $0[.labelBytes] ?? []) }
    }

    private mutating func value(of object: ObjectHandle) throws(IssuanceError) -> Attributes {
        try at(.write, "reading a certificate") {
            try session.attributes(of: object, [AttributeKey.value.type])
        }
    }

    /// The certificates with a key's id. If it has none, all certificates, because modules differ in
    /// what a search for an empty id finds.
    private mutating func certificates(of key: TokenKey) throws(IssuanceError) -> [ObjectHandle] {
        let template = Template(.certificate, id: key.id.isEmpty ? nil : key.id)
        return try at(.write, "searching the token") {
            try session.findObjects(template)
        }
    }
}

extension Connection {
    mutating func write(
        _ certificate: Certificate, for key: TokenKey, label: [UInt8]?, isFresh: Bool
    ) throws(IssuanceError) -> (uri: String, wasThere: Bool) {
        try perform(.write, at: .write) { connection, refusal in
            // The refused call may have written it. Only another process sees whether the token
            // stored it.
            if let refusal, refusal.seenCertificate != nil { throw refusal }
            let hadChanged = connection.hasChangedCertificates
            connection.hasChangedCertificates = true
            let written = try connection.writeOnce(
                certificate, for: key, label: label, isFresh: isFresh && refusal == nil)
            if refusal == nil {
                connection.hasChangedCertificates = hadChanged || !written.wasThere
            }
            guard let refusal, isFresh, written.wasThere else { return written }
            throw refusal.with(seenCertificate: written.uri)
        }
    }

    mutating func requireRoom(
        for key: TokenKey, replacing replacement: Replacement?, having certificates: [Certificate],
        at step: Step
    ) throws(IssuanceError) {
        guard let most = capabilities.certificatesPerKey else { return }
        let template = Template(.certificate, id: key.id.isEmpty ? nil : key.id)
        let present = try at(step, "searching the token") {
            try storedCertificates(template, capabilities, &session)
        }
        let kept = present.certificates.filter { certificate in
            !certificates.contains(certificate)
                && !(capabilities.replacesCertificates && replacement?.isRetired ?? false
                    && replacement?.certificate == certificate)
        }
        guard kept.count + present.unreadable >= most else { return }
        throw IssuanceError(noRoomFor: most, kept.first?.subject.text, capabilities, at: step)
    }
}

extension IssuanceError {
    /// The failure if a key already has the maximum number of certificates. `subject` is that of one
    /// of them, or nil if it cannot be read.
    init(
        noRoomFor most: Int, _ subject: String?, _ capabilities: TokenCapabilities, at step: Step
    ) {
        self.init(
            .noRoom, at: step,
            "the token has room for \(most) certificate per key, and the key already has one: "
                + (subject ?? "it cannot be read"),
            choices: capabilities.replacesCertificates
                ? ["to replace the old certificate, run: tokencert renew KEY --retire"]
                : [])
    }
}

extension Connection {
    private mutating func writeOnce(
        _ issuers: [Certificate], at time: Int64, _ seen: inout [Certificate],
        _ written: (Certificate) -> Void
    ) throws(IssuanceError) {
        let present = try self.present()
        for issuer in issuers {
            // A CA with a renewed certificate has the same subject and key.
            let isOnToken = present.contains {
                $0.subject == issuer.subject && $0.publicKey == issuer.publicKey
                    && $0.notAfter >= time
            }
            if isOnToken { continue }
            do throws(IssuanceError) {
                try write(issuer)
            } catch {
                // Some modules report an error although they wrote the certificate.
                if (try? self.present())?.contains(issuer) ?? false {
                    seen.append(issuer)
                }
                throw error
            }
            written(issuer)
        }
    }

    private mutating func present() throws(IssuanceError) -> [Certificate] {
        let found = try at(.write, "searching the token") {
            try session.findObjects(Template(.certificate))
        }
        var present: [Certificate] = []
        for object in found {
            // Unreadable certificates are ignored.
            let attributes = try? session.attributes(of: object, [AttributeKey.value.type])
            if let certificate = attributes?[.value].flatMap({ try? Certificate(firstIn: $0) }) {
                present.append(certificate)
            }
        }
        return present
    }

    private mutating func write(_ issuer: Certificate) throws(IssuanceError) {
        // Some modules assign a certificate with a key's id to that key.
        var id = issuer.publicKey.keyIdentifier
        while try !objects(withID: id, &session, at: .write).isEmpty {
            id = (0..<8).map { _ in UInt8.random(in: 0...255) }
        }
        let everything = LeftoverObjects.everything(&session)
        let templates = certificateTemplates(
            issuer, id: id,
            label: Array((issuer.subject.commonNames.last ?? issuer.subject.text).utf8),
            capabilities)
        try create(issuer, templates, everything)
        guard try present().contains(issuer) else {
            throw IssuanceError(
                .notProved, at: .write,
                "a chain certificate was written but is not found on the token")
        }
    }

    private mutating func create(
        _ issuer: Certificate, _ alternatives: [Template], _ everything: Set<ObjectHandle>?
    ) throws(IssuanceError) {
        var refusal: CryptokiError?
        for template in alternatives {
            do throws(CryptokiError) {
                _ = try session.createObject(template)
                return
            } catch {
                let failure = IssuanceError(
                    refusal ?? error, at: .write,
                    while: "a chain certificate cannot be written")
                guard error.concernsTemplate else { throw failure }
                refusal = refusal ?? error
                // The token may have written it although it refused the template.
                if try present().contains(issuer) {
                    var values: Set<[UInt8]> = []
                    try CertificateRemoval(token: token).remove(issuer, &session, &values)
                }
                LeftoverObjects(&session).removeWhatCame(after: everything, &session)
                if template == alternatives.last { throw failure }
            }
        }
    }

    mutating func write(
        issuers: [Certificate], at time: Int64, seen: inout [Certificate],
        written: (Certificate) -> Void
    ) throws(IssuanceError) {
        try perform(.write, at: .write) { connection, _ in
            try connection.writeOnce(issuers, at: time, &seen, written)
        }
    }
}
