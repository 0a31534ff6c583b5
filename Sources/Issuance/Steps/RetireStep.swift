internal import Cryptoki
internal import OpenSSLX509

/// Removes a certificate that another one has replaced, and insists in a new session that it is
/// gone and that nothing else is.
struct RetireStep {
    let token: Token

    /// Removes the objects that hold a certificate.
    ///
    /// - Parameter values: Receives the values of the removed objects as the token returned them
    ///   before the removal; they are searched for again.
    func remove(
        _ old: Certificate, _ session: inout Session<ReadWrite>, _ values: inout Set<[UInt8]>
    ) throws(IssuanceError) {
        do throws(CryptokiError) {
            for (object, value) in try stored(&session) where isOne(value, old) {
                values.insert(value)
                try session.destroyObject(object)
            }
        } catch {
            throw IssuanceError(
                error, at: .retire, while: "the old certificate cannot be removed")
        }
    }

    /// Insists that a certificate is gone and another one is not.
    ///
    /// - Parameter values: The values that ``remove(_:_:_:)`` read.
    func requireGone(
        _ old: Certificate, _ values: Set<[UInt8]>, keeping new: Certificate
    ) throws(IssuanceError) {
        let left = try at(.retire, "the token cannot be read again") {
            () throws(CryptokiError) in
            var later = try token.openSession(ReadOnly.self)
            return try stored(&later).map(\.value)
        }
        guard !left.contains(where: { values.contains($0) || isOne($0, old) }) else {
            throw IssuanceError(
                .notProved, at: .retire,
                "the token says that it removed the old certificate, and still has it")
        }
        guard left.contains(where: { isOne($0, new) }) else {
            throw IssuanceError(
                .notProved, at: .retire, "the new certificate is not found on the token any more")
        }
    }

    /// Whether a value begins with a certificate, ignoring any bytes after it.
    private func isOne(_ value: [UInt8], _ certificate: Certificate) -> Bool {
        (try? Certificate(firstIn: value)) == certificate
    }

    /// All certificates with their values as the token returns them. The search is by class only:
    /// some modules ignore other attributes, and one that returns a padded value may not find it by
    /// that value.
    private func stored<Access>(
        _ session: inout Session<Access>
    ) throws(CryptokiError) -> [(object: ObjectHandle, value: [UInt8])] {
        var template = Template()
        template[.class] = .certificate
        var stored: [(object: ObjectHandle, value: [UInt8])] = []
        for object in try session.findObjects(template) {
            let attributes = try session.attributes(
                of: object, [AttributeKey<ObjectClass>.class.type, AttributeKey.value.type])
            guard attributes[.class] == ObjectClass.certificate, let value = attributes[.value]
            else { continue }
            stored.append((object, value))
        }
        return stored
    }
}
