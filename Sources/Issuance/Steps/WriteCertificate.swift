internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

/// Writes the certificate beside its key, and the certificates of its chain if that was asked for.
enum WriteCertificate: RepeatableStep {
    static func run(
        _ work: inout OrderWork, _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        let (certificate, others) = try work.order.certificates()
        let key = try work.key(&token)
        try token.requireRoom(
            for: key, replacing: work.order.replacement, having: [certificate], at: .write)
        let label = work.order.beginning.certificateLabelBytes
        // Nothing on the token can have the key's id but the key itself.
        let isFresh = key.isNew && work.journal.isFresh
        let written = try token.write(certificate, for: key, label: label, isFresh: isFresh)
        work.notes.written = written.uri
        work.notes.wasThere = written.wasThere
        guard work.order.beginning.imported?.writesChain == true else {
            return StepOutcome([.written(uri: written.uri)])
        }
        // The chain comes after the certificate, which is of use without it.
        let journal = work.journal
        journal.recordFact(.written(uri: written.uri))
        var (chain, seen): ([Certificate], [Certificate]) = ([], [])
        var outcome = StepOutcome([])
        do throws(IssuanceError) {
            try token.write(
                CertificateChain(
                    of: certificate, from: others, anchors: work.settings.anchors,
                    time: work.settings.clock()), seen: &seen
            ) { issuer in
                journal.recordFact(.chainWritten(certificate: issuer.pem))
                chain.append(issuer)
            }
        } catch {
            outcome.failure = error
        }
        work.notes.chain = (chain + seen).map(\.subject.text)
        return outcome
    }
}

extension Order {
    /// The certificate that passed every check, and those that came with it.
    func certificates() throws(IssuanceError) -> (own: Certificate, others: [Certificate]) {
        let own = Certificate.all(inPEM: Array((certified?.certificate ?? "").utf8)).certificates
        guard let certificate = own.first else {
            throw IssuanceError(
                .needsDecision, at: .write, "the ledger has no certificate for this order")
        }
        let others = Certificate.all(inPEM: Array((certified?.others ?? "").utf8)).certificates
        return (certificate, others)
    }
}

/// Writes a certificate beside its key.
extension Connection {
    /// - Parameters:
    ///   - certificate: What is written.
    ///   - key: Its key.
    ///   - label: The bytes of the object's label, or nil for that of the key.
    ///   - isFresh: Whether nothing on the token can have the key's id but the key itself.
    /// - Returns: The URI of the certificate's object, and whether it was there before.
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
        let everything = LeftoverObjects.everything(&session) ?? []
        let templates = CertificateTemplates(
            certificate, id: key.id, label: label, capabilities)
        for template in templates.alternatives {
            do throws(CryptokiError) {
                let object = try session.createObject(template)
                // If the module assigns its own labels or ids, the object is found by those.
                let isAsAsked = capabilities.keepsLabels && !key.id.isEmpty
                return (isAsAsked ? uri : self.uri(of: object) ?? uri, false)
            } catch {
                let failure = IssuanceError(
                    error, at: .write, while: "the certificate cannot be written")
                let isClean = removeRemains(
                    of: error, certificate, key, before, everything)
                guard error.concernsTemplate, isClean else {
                    throw naming(uri, certificate, key, before, failure)
                }
                refusal = refusal ?? failure
            }
        }
        throw refusal
            ?? IssuanceError(.tokenFailed, at: .write, "the certificate cannot be written")
    }

    /// Removes what a refused call has left, and tells whether nothing of it is there.
    ///
    /// A module may show an object in this process that it never stored. So a certificate that is
    /// seen after a refusal is not the one that was wanted: where the module refused the template it
    /// is removed, and where something else went wrong it stays until another process sees it.
    private mutating func removeRemains(
        of error: CryptokiError, _ certificate: Certificate, _ key: TokenKey,
        _ before: [ObjectHandle], _ everything: Set<ObjectHandle>
    ) -> Bool {
        guard let after = try? certificates(of: key) else { return false }
        for object in after where !before.contains(object) {
            guard let value = try? value(of: object) else { return false }
            // Another program may have just written its own certificate. Without an id, a
            // certificate cannot be assigned to a key.
            let isOurs = value.holds(certificate)
            let isPart =
                !key.id.isEmpty && value[.value].flatMap { try? Certificate(firstIn: $0) } == nil
            if isOurs ? error.concernsTemplate : isPart { try? session.destroyObject(object) }
        }
        let left = (try? certificates(of: key)) ?? []
        if error.concernsTemplate, !everything.isEmpty {
            LeftoverObjects(&session).removeWhatCame(after: everything, &session)
        }
        return left.allSatisfy(before.contains)
    }

    /// The failure with the certificate that the token shows all the same, where it does.
    private mutating func naming(
        _ uri: String, _ certificate: Certificate, _ key: TokenKey, _ before: [ObjectHandle],
        _ failure: IssuanceError
    ) -> IssuanceError {
        let isSeen = ((try? certificates(of: key)) ?? []).contains { object in
            !before.contains(object) && (try? value(of: object))?.holds(certificate) == true
        }
        return isSeen ? failure.with(seenCertificate: uri) : failure
    }

    /// Insists that a certificate can fit, by what is known of the token.
    private func requireSpace(for certificate: Certificate) throws(IssuanceError) {
        guard let most = capabilities.largestCertificate, most < certificate.der.count else {
            return
        }
        throw IssuanceError(
            .tokenNotWritable, at: .write,
            "the certificate has \(certificate.der.count) bytes, and the token has room for \(most)"
        )
    }

    private func uri(_ id: [UInt8], _ label: [UInt8]) -> String {
        var named = Template()
        named[.class] = .certificate
        named[.id] = id
        named[.labelBytes] = label
        return PKCS11URI(token: tokenURI, objectWith: named).description
    }

    /// The URI of an object from its own attributes, or nil if it cannot be read.
    private mutating func uri(
        of object: ObjectHandle
    ) -> String? {
        let attributes = try? session.attributes(
            of: object, [AttributeKey.id.type, AttributeKey.labelBytes.type])
        return attributes.map { uri($0[.id] ?? [], $0[.labelBytes] ?? []) }
    }

    private mutating func value(
        of object: ObjectHandle
    ) throws(IssuanceError) -> Attributes {
        try at(.write, "reading a certificate") {
            try session.attributes(of: object, [AttributeKey.value.type])
        }
    }

    /// The certificates with a key's id; all certificates of the token if it has none, since
    /// modules differ in what a search for an empty id finds.
    private mutating func certificates(
        of key: TokenKey
    ) throws(IssuanceError) -> [ObjectHandle] {
        var template = Template()
        template[.class] = .certificate
        if !key.id.isEmpty { template[.id] = key.id }
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
            // A refused call may have written it. Only another process can tell whether the token
            // has it or this module shows it only.
            if let refusal, refusal.seenCertificate != nil { throw refusal }
            let written = try connection.writeOnce(
                certificate, for: key, label: label, isFresh: isFresh && refusal == nil)
            guard let refusal, isFresh, written.wasThere else { return written }
            throw refusal.with(seenCertificate: written.uri)
        }
    }

    mutating func requireRoom(
        for key: TokenKey, replacing replacement: Replacement?, having certificates: [Certificate],
        at step: Step
    ) throws(IssuanceError) {
        guard let most = capabilities.certificatesPerKey else { return }
        var template = Template()
        template[.class] = .certificate
        if !key.id.isEmpty { template[.id] = key.id }
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
    /// The failure if a key already has the maximum number of certificates.
    ///
    /// - Parameters:
    ///   - most: That number.
    ///   - subject: The subject of one of them, or nil if it cannot be read.
    ///   - capabilities: The capabilities of the token.
    ///   - step: The step.
    init(
        noRoomFor most: Int, _ subject: String?, _ capabilities: TokenCapabilities, at step: Step
    ) {
        self.init(
            .noRoom, at: step,
            "the token has room for \(most) certificate a key, and the key has one: "
                + (subject ?? "it cannot be read"),
            choices: capabilities.replacesCertificates
                ? [
                    "tokencert renew KEY --retire replaces the old certificate with the new one"
                ]
                : [])
    }
}
