internal import Cryptoki
internal import OpenSSLX509

/// Removes a certificate that another one has replaced, and insists in a new session that it is
/// gone and that nothing else is.
struct RetireStep {
    let token: Token

    /// Removes the objects that hold a certificate.
    func remove(
        _ old: Certificate, _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) {
        do throws(CryptokiError) {
            for object in try find(old, &session) {
                try session.destroyObject(object)
            }
        } catch {
            throw IssuanceError(
                error, at: .retire, while: "the old certificate cannot be removed")
        }
    }

    /// Insists that a certificate is gone and another one is not.
    func requireGone(_ old: Certificate, keeping new: Certificate) throws(IssuanceError) {
        let isGone: Bool
        let isKept: Bool
        do throws(CryptokiError) {
            var later = try token.openSession(ReadOnly.self)
            isGone = try find(old, &later).isEmpty
            isKept = try !find(new, &later).isEmpty
        } catch {
            throw IssuanceError(error, at: .retire, while: "the token cannot be read again")
        }
        guard isGone else {
            throw IssuanceError(
                .notProved, at: .retire,
                "the token says that it removed the old certificate, and still has it")
        }
        guard isKept else {
            throw IssuanceError(
                .notProved, at: .retire, "the new certificate is not found on the token any more")
        }
    }

    /// The objects that hold a certificate, byte for byte. Some modules search by other attributes
    /// than were asked for, so each object that is found is read.
    private func find<Access>(
        _ certificate: Certificate, _ session: inout Session<Access>
    ) throws(CryptokiError) -> [ObjectHandle] {
        var template = Template()
        template[.class] = .certificate
        template[.value] = certificate.der
        var found: [ObjectHandle] = []
        for object in try session.findObjects(template) {
            let attributes = try session.attributes(
                of: object, [AttributeKey<ObjectClass>.class.type, AttributeKey.value.type])
            if attributes[.class] == ObjectClass.certificate,
                attributes[.value] == certificate.der
            {
                found.append(object)
            }
        }
        return found
    }
}
