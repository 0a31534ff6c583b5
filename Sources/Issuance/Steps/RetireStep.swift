internal import Cryptoki
internal import OpenSSLX509

/// Removes a certificate that another one has replaced, and insists in a new session that it is
/// gone and that nothing else is.
struct RetireStep {
    let token: Token

    /// Removes the objects that hold a certificate.
    ///
    /// - Parameter values: Gets what the token returned as the values of what is removed, before
    ///   it is: they are looked for again.
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
    /// - Parameter values: What ``remove(_:_:_:)`` has read.
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

    /// Whether a value is a certificate, whatever follows it.
    private func isOne(_ value: [UInt8], _ certificate: Certificate) -> Bool {
        (try? Certificate(firstIn: value)) == certificate
    }

    /// All certificates with their values as the token returns them. Only the class is searched
    /// for: some modules take no notice of other attributes, and one that returns a value with
    /// bytes after it need not find it by those.
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
