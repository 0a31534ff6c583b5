internal import Cryptoki
internal import OpenSSLX509

/// Writes a certificate beside its key.
struct WriteStep {
    let tokenURI: PKCS11URI

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
        let before = isFresh ? [] : try certificates(key.id, at: .write, &session)
        for object in before
        where try value(of: object, &session) == verified.certificate.der {
            return (try self.uri(of: object, key, &session), true)
        }
        try requireSpace(for: verified.certificate, session.token)
        do throws(CryptokiError) {
            _ = try session.createObject(template(verified.certificate, key, label))
        } catch {
            try settle(error, verified.certificate, key, before, &session)
        }
        return (uri, false)
    }

    /// Looks at what a refused call has left. A whole certificate is what was wanted, whatever the
    /// call said, and has yet to be read back; anything else is the half-made object that some
    /// modules leave, and is removed.
    private func settle(
        _ error: CryptokiError, _ certificate: Certificate, _ key: TokenKey,
        _ before: [ObjectHandle], _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
        let failure = IssuanceError(error, at: .write, while: "the certificate cannot be written")
        guard let after = try? certificates(key.id, at: .write, &session) else { throw failure }
        for object in after where !before.contains(object) {
            guard let value = try? value(of: object, &session) else { throw failure }
            if value == certificate.der { return }
            // Another program may have written a certificate of its own just now.
            if (try? Certificate(der: value)) == nil { try? session.destroyObject(object) }
        }
        throw failure
    }

    /// Insists that a certificate can fit, by what the token says of its memory.
    private func requireSpace(
        for certificate: Certificate, _ token: Token
    ) throws(IssuanceError) {
        guard let free = token.info.freePublicMemory, free < certificate.der.count else { return }
        throw IssuanceError(
            .tokenNotWritable, at: .write,
            "the certificate has \(certificate.der.count) bytes, and the token has \(free) left")
    }

    private func template(
        _ certificate: Certificate, _ key: TokenKey, _ label: String?
    ) -> Template {
        var template = Template()
        template[.class] = .certificate
        template[.certificateType] = .x509
        template[.token] = true
        template[.private] = false
        template[.label] = label ?? key.label
        template[.id] = key.id
        template[.subject] = certificate.subject.der
        template[.issuer] = certificate.issuer.der
        template[.serialNumber] = certificate.serialNumberDER
        template[.value] = certificate.der
        return template
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
    ) throws(IssuanceError) -> String {
        do throws(CryptokiError) {
            let attributes = try session.attributes(
                of: object, [AttributeKey<String>.label.type])
            return uri(key, attributes[.label])
        } catch {
            throw IssuanceError(error, at: .write, while: "reading a certificate")
        }
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
