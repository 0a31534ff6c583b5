internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

extension OrderWork {
    /// Checks that the replaced certificate may be removed, without removing it. An outcome without
    /// an intent says why it stays.
    mutating func prepareToRetireOld() throws(IssuanceError) -> StepOutcome {
        guard let replacement = order.replacement else {
            return StepOutcome([.closed(reason: "no certificate was replaced")])
        }
        let old = replacement.certificate
        let (new, others) = try order.certificates()
        guard old != new else {
            throw IssuanceError(
                .certificateWrong, at: .retire,
                "the certificate on the token is the one to be replaced, so it was not removed")
        }
        // Its issuers may be known only from its own order.
        let orders = (try? journal.openOrder.ledger.orders(concerning: old)) ?? []
        let known = others + settings.anchors.certificates + orders.authorities
        // A user who accepted the CA's changes accepted the new certificate in place of the old one.
        let hasAccepted = order.certified?.changes.isEmpty == false
        if let reason = old.reasonToStay(beside: new, among: known, acceptingLoss: hasAccepted) {
            let remark = "the old certificate is not removed from the token: \(reason)"
            notes.remarks.append("\(remark) (\(replacement.name))")
            return StepOutcome([.closed(reason: remark)])
        }
        return .intent(.retiring(certificate: replacement.name))
    }

    /// Removes the replaced certificate, and checks that it is gone and the new one is not.
    mutating func retireOld(
        _ intent: consuming RecordedIntent, on token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        let (new, _) = try order.certificates()
        guard let replacement = order.replacement else { return StepOutcome([]) }
        let (old, name) = (replacement.certificate, replacement.name)
        let wasThere: Bool
        do throws(IssuanceError) {
            wasThere = try token.remove(old, keeping: new)
        } catch {
            guard error.code == .notDestroyable else { throw error }
            let refusal = IssuanceError(
                .notDestroyable, at: .retire,
                "the new certificate is on the token, but the token does not allow the old one "
                    + "to be removed: \(name)", tokenError: error.tokenError)
            return StepOutcome([], failure: refusal.with(circumstances: [.orderIsOver]))
        }
        if !wasThere {
            notes.remarks.append(
                "the old certificate was no longer on the token: \(name)")
        } else {
            notes.retired = name
        }
        return StepOutcome([.retired(certificate: name)])
    }
}

extension Certificate {
    /// Why this certificate is not removed although it is replaced, or nil. `known` are possible issuers.
    func reasonToStay(
        beside new: Certificate, among known: [Certificate], acceptingLoss acceptsLoss: Bool = false
    ) -> String? {
        let missing = acceptsLoss ? [] : contentMissing(in: new)
        if !missing.isEmpty {
            return "the new one does not have \(missing.joined(separator: ", "))"
        }
        if isFromOtherCA(than: new, among: known) { return "it was issued by another CA" }
        if new.notBefore < notBefore { return "it is newer than its replacement" }
        if new.notAfter < notAfter { return "it is valid for longer than its replacement" }
        return nil
    }
}

/// Removes a replaced certificate, and checks in a new session that it is gone and its replacement
/// is not.
struct CertificateRemoval {
    let token: Token

    /// Removes the objects that contain a certificate. `values` receives their `CKA_VALUE`, to check
    /// later that they are gone.
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

    /// Throws unless the old certificate is gone and the new one is not.
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
                "the token reports that it removed the old certificate, but still has it")
        }
        guard left.contains(where: { isOne($0, new) }) else {
            throw IssuanceError(
                .notProved, at: .retire, "the new certificate is no longer on the token")
        }
    }

    /// Whether a value begins with a certificate; bytes after it are ignored.
    private func isOne(_ value: [UInt8], _ certificate: Certificate) -> Bool {
        (try? Certificate(firstIn: value)) == certificate
    }

    /// All certificate objects with their `CKA_VALUE`. The search is by class only: some modules
    /// ignore other attributes, and a module that pads values may not find them by value.
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
        guard try showStoredCertificates() else {
            throw IssuanceError(
                .notProved, at: .retire,
                "the old certificate is not removed yet, because only a new process sees the "
                    + "current certificates through this module")
        }
        try perform(.write, at: .retire) { connection, _ in
            try removal.remove(old, &connection.session, &values)
        }
        hasChangedCertificates = true
        _ = try showStoredCertificates()
        // A read-only session cannot be opened while the security officer is logged in.
        try perform(.read, at: .retire) { _, _ in
            try removal.requireGone(old, values, keeping: new)
        }
        return !values.isEmpty
    }

    /// Has a module that shows objects as it first read them read the certificates again, if this process
    /// has changed them. The new one may have taken the place of the old one in a file, so destroying what
    /// the module still shows would destroy the new one. Returns false if the user would have to enter the
    /// PIN again.
    private mutating func showStoredCertificates() throws(IssuanceError) -> Bool {
        guard hasChangedCertificates, capabilities.profile?.cachesObjects ?? false else {
            return true
        }
        guard try reinitializeModule(at: .retire) else { return false }
        hasChangedCertificates = false
        return true
    }
}
