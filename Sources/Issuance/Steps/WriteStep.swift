internal import Cryptoki
internal import Inventory
internal import OpenSSLX509

/// Writes a certificate beside its key.
struct WriteStep {
    let tokenURI: PKCS11URI
    let capabilities: TokenCapabilities

    /// - Parameters:
    ///   - verified: What is written.
    ///   - key: Its key.
    ///   - label: The object's label, or nil for that of the key.
    ///   - isFresh: Whether nothing on the token can have the key's id but the key itself.
    /// - Returns: The URI of the certificate's object, and whether it was there before.
    func callAsFunction(
        _ verified: VerifiedCertificate, for key: TokenKey, label: String?, isFresh: Bool,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> (uri: String, wasThere: Bool) {
        let uri = self.uri(key, label)
        let isAlone = isFresh && capabilities.certificatesPerKey == nil
        let before = isAlone ? [] : try certificates(key.id, at: .write, &session)
        for object in before
        where try value(of: object, &session) == verified.certificate.der {
            return (self.uri(of: object, key, &session), true)
        }
        try requireSpace(for: verified.certificate)
        var refusal: IssuanceError?
        let everything = Fragments.everything(&session) ?? []
        let templates = CertificateTemplates(
            verified.certificate, id: key.id, label: label ?? key.label, capabilities)
        for template in templates.ladder {
            do throws(CryptokiError) {
                let object = try session.createObject(template)
                // Where the module has labels of its own, it is found under that.
                return (capabilities.keepsLabels ? uri : self.uri(of: object, key, &session), false)
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
        guard let after = try? certificates(key.id, at: .write, &session) else { return false }
        for object in after where !before.contains(object) {
            guard let value = try? value(of: object, &session) else { return false }
            // Another program may have written a certificate of its own just now.
            let isRemoved =
                value == certificate.der
                ? error.concernsTemplate : (try? Certificate(der: value)) == nil
            if isRemoved { try? session.destroyObject(object) }
        }
        let left = (try? certificates(key.id, at: .write, &session)) ?? []
        if error.concernsTemplate, !everything.isEmpty {
            Fragments(&session).removeWhatCame(after: everything, &session)
        }
        return left.allSatisfy(before.contains)
    }

    /// The failure with the certificate that the token shows all the same, where it does.
    private func naming(
        _ uri: String, _ certificate: Certificate, _ key: TokenKey, _ before: [ObjectHandle],
        _ failure: IssuanceError, _ session: inout Session<ReadWrite>
    ) -> IssuanceError {
        var failure = failure
        for object in (try? certificates(key.id, at: .write, &session)) ?? []
        where !before.contains(object) && (try? value(of: object, &session)) == certificate.der {
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

    private func uri(_ key: TokenKey, _ label: String?) -> String {
        var named = Template()
        named[.class] = .certificate
        named[.id] = key.id
        named[.label] = label ?? key.label
        return PKCS11URI(token: tokenURI, objectWith: named).description
    }

    private func uri(
        of object: ObjectHandle, _ key: TokenKey, _ session: inout Session<ReadWrite>
    ) -> String {
        let attributes = try? session.attributes(of: object, [AttributeKey<String>.label.type])
        return uri(key, attributes?[.label])
    }

    private func value(
        of object: ObjectHandle, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> [UInt8] {
        do throws(CryptokiError) {
            return try session.attributes(of: object, [AttributeKey.value.type])[.value] ?? []
        } catch {
            throw IssuanceError(error, at: .write, while: "reading a certificate")
        }
    }

    private func certificates(
        _ id: [UInt8], at step: Step, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> [ObjectHandle] {
        var template = Template()
        template[.class] = .certificate
        template[.id] = id
        do throws(CryptokiError) {
            return try session.findObjects(template)
        } catch {
            throw IssuanceError(error, at: step, while: "searching the token")
        }
    }
}
