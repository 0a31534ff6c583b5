internal import Cryptoki
internal import OpenSSLX509
internal import TokencertInventory

/// Writes a certificate beside its key.
struct WriteStep {
    let tokenURI: PKCS11URI
    let capabilities: TokenCapabilities

    /// - Parameters:
    ///   - verified: What is written.
    ///   - key: Its key.
    ///   - label: The bytes of the object's label, or nil for that of the key.
    ///   - isFresh: Whether nothing on the token can have the key's id but the key itself.
    /// - Returns: The URI of the certificate's object, and whether it was there before.
    func callAsFunction(
        _ verified: VerifiedCertificate, for key: TokenKey, label: [UInt8]?, isFresh: Bool,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> (uri: String, wasThere: Bool) {
        let label = label ?? key.labelBytes
        let uri = self.uri(key.id, label)
        let isAlone = isFresh && capabilities.certificatesPerKey == nil
        let before = isAlone ? [] : try certificates(of: key, &session)
        for object in before where try value(of: object, &session).holds(verified.certificate) {
            return (self.uri(of: object, &session) ?? uri, true)
        }
        try requireSpace(for: verified.certificate)
        var refusal: IssuanceError?
        let everything = LeftoverObjects.everything(&session) ?? []
        let templates = CertificateTemplates(
            verified.certificate, id: key.id, label: label, capabilities)
        for template in templates.alternatives {
            do throws(CryptokiError) {
                let object = try session.createObject(template)
                // If the module assigns its own labels or ids, the object is found by those.
                let isAsAsked = capabilities.keepsLabels && !key.id.isEmpty
                return (isAsAsked ? uri : self.uri(of: object, &session) ?? uri, false)
            } catch {
                let failure = IssuanceError(
                    error, at: .write, while: "the certificate cannot be written")
                let isClean = removeRemains(
                    of: error, verified.certificate, key, before, everything, &session)
                guard error.concernsTemplate, isClean else {
                    throw naming(uri, verified.certificate, key, before, failure, &session)
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
    private func removeRemains(
        of error: CryptokiError, _ certificate: Certificate, _ key: TokenKey,
        _ before: [ObjectHandle], _ everything: Set<ObjectHandle>,
        _ session: inout Session<ReadWrite>
    ) -> Bool {
        guard let after = try? certificates(of: key, &session) else { return false }
        for object in after where !before.contains(object) {
            guard let value = try? value(of: object, &session) else { return false }
            // Another program may have just written its own certificate. Without an id, a
            // certificate cannot be assigned to a key.
            let isOurs = value.holds(certificate)
            let isPart =
                !key.id.isEmpty && value[.value].flatMap { try? Certificate(firstIn: $0) } == nil
            if isOurs ? error.concernsTemplate : isPart { try? session.destroyObject(object) }
        }
        let left = (try? certificates(of: key, &session)) ?? []
        if error.concernsTemplate, !everything.isEmpty {
            LeftoverObjects(&session).removeWhatCame(after: everything, &session)
        }
        return left.allSatisfy(before.contains)
    }

    /// The failure with the certificate that the token shows all the same, where it does.
    private func naming(
        _ uri: String, _ certificate: Certificate, _ key: TokenKey, _ before: [ObjectHandle],
        _ failure: IssuanceError, _ session: inout Session<ReadWrite>
    ) -> IssuanceError {
        var failure = failure
        for object in (try? certificates(of: key, &session)) ?? []
        where !before.contains(object)
            && (try? value(of: object, &session))?.holds(certificate) == true
        {
            failure.seenCertificate = uri
        }
        return failure
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
    private func uri(
        of object: ObjectHandle, _ session: inout Session<ReadWrite>
    ) -> String? {
        let attributes = try? session.attributes(
            of: object, [AttributeKey.id.type, AttributeKey.labelBytes.type])
        return attributes.map { uri($0[.id] ?? [], $0[.labelBytes] ?? []) }
    }

    private func value(
        of object: ObjectHandle, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> Attributes {
        try at(.write, "reading a certificate") { () throws(CryptokiError) in
            try session.attributes(of: object, [AttributeKey.value.type])
        }
    }

    /// The certificates with a key's id; all certificates of the token if it has none, since
    /// modules differ in what a search for an empty id finds.
    private func certificates(
        of key: TokenKey, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> [ObjectHandle] {
        var template = Template()
        template[.class] = .certificate
        if !key.id.isEmpty { template[.id] = key.id }
        return try at(.write, "searching the token") { () throws(CryptokiError) in
            try session.findObjects(template)
        }
    }
}
