internal import Cryptoki
internal import OpenSSLX509

/// Writes a certificate beside its key.
struct WriteStep {
    let tokenURI: PKCS11URI

    /// - Returns: The URI of the certificate's object.
    func callAsFunction(
        _ verified: VerifiedCertificate, for key: TokenKey, label: String?,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> String {
        let certificate = verified.certificate
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
        // Nothing had the id when a new key was made with it.
        let before = key.isNew ? [] : try certificates(key.id, &session)
        do throws(CryptokiError) {
            _ = try session.createObject(template)
        } catch {
            // What has appeared with this id is the half-made object that some modules leave.
            let after = (try? certificates(key.id, &session)) ?? []
            for object in after where !before.contains(object) {
                try? session.destroyObject(object)
            }
            throw IssuanceError(error, at: .write, while: "the certificate cannot be written")
        }
        var named = Template()
        named[.class] = .certificate
        named[.id] = key.id
        named[.label] = label ?? key.label
        return PKCS11URI(token: tokenURI, objectWith: named).description
    }

    private func certificates(
        _ id: [UInt8], _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> [ObjectHandle] {
        var template = Template()
        template[.class] = .certificate
        template[.id] = id
        do throws(CryptokiError) {
            return try session.findObjects(template)
        } catch {
            throw IssuanceError(error, at: .write, while: "searching the token")
        }
    }
}
