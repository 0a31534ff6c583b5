internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger

/// Removes the certificate that was replaced, and insists that it is gone and the new one is not.
enum RetireOld: IrrevocableStep {
    static func prepare(
        _ work: inout OrderWork, _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        guard let replacement = work.order.replacement else {
            return StepOutcome([.closed(reason: "no certificate was replaced")])
        }
        let old = replacement.certificate
        let (new, _) = try work.order.certificates()
        guard old != new else {
            throw IssuanceError(
                .certificateWrong, at: .retire,
                "the certificate on the token is the one that was to be replaced; it stays")
        }
        if let reason = old.reasonToStay(beside: new) {
            let remark = "the old certificate stays on the token: \(reason)"
            work.notes.remarks.append("\(remark) (\(replacement.name))")
            return StepOutcome([.closed(reason: remark)])
        }
        return .intent(.retiring(certificate: replacement.name))
    }

    static func run(
        _ intent: consuming RecordedIntent, _ work: inout OrderWork,
        _ token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        let (new, _) = try work.order.certificates()
        guard let replacement = work.order.replacement else { return StepOutcome([]) }
        let (old, name) = (replacement.certificate, replacement.name)
        let wasThere: Bool
        do throws(IssuanceError) {
            wasThere = try token.remove(old, keeping: new)
        } catch {
            guard error.code == .notDestroyable else { throw error }
            let refusal = IssuanceError(
                .notDestroyable, at: .retire,
                "the new certificate is on the token, but the token does not let the old one be "
                    + "removed: \(name)", tokenError: error.tokenError)
            return StepOutcome([], failure: refusal.with(circumstances: [.orderIsOver]))
        }
        // A certificate that was already absent was not removed here.
        if !wasThere {
            work.notes.remarks.append(
                "the old certificate was not on the token any more: \(name)")
        } else {
            work.notes.retired = name
        }
        return StepOutcome([.retired(certificate: name)])
    }
}

extension Certificate {
    /// Why this certificate is not removed in favour of another one, or nil. A certificate is never
    /// removed if it is newer or valid for longer than the other one.
    func reasonToStay(beside new: Certificate) -> String? {
        if new.notBefore < notBefore { return "it is newer than the one that was written" }
        if new.notAfter < notAfter { return "it is valid for longer than the one that was written" }
        return nil
    }
}

/// Removes a certificate that another one has replaced, and insists in a new session that it is
/// gone and that nothing else is.
struct CertificateRemoval {
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
    func requireGone(
        _ old: Certificate, _ values: Set<[UInt8]>, keeping new: Certificate
    ) throws(IssuanceError) {
        let left = try at(.retire, "the token cannot be read again") {
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

extension Connection {
    mutating func remove(
        _ old: Certificate, keeping new: Certificate
    ) throws(IssuanceError) -> Bool {
        let removal = CertificateRemoval(token: token)
        var values: Set<[UInt8]> = []
        try perform(.write, at: .retire) { connection, _ in
            try removal.remove(old, &connection.session, &values)
        }
        // No session that only reads can be opened while the security officer is logged in.
        try perform(.read, at: .retire) { _, _ in
            try removal.requireGone(old, values, keeping: new)
        }
        return !values.isEmpty
    }
}
