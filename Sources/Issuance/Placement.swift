internal import Cryptoki
internal import OpenSSLX509
internal import TokencertLedger

/// The end of every job: a certificate is checked, written beside its key, read back and proved;
/// then, where that was asked for, the one that it replaces is removed.
struct Placement {
    let work: TokenWork
    let anchors: TrustAnchors
    /// Now, in seconds since 1970-01-01 00:00 UTC.
    let time: Int64
    let progress: @Sendable (Step) -> Void
    /// Whether a certificate that nobody was asked for may be for anything.
    var acceptsAnyUse = false

    /// - Parameters:
    ///   - received: The certificates that came, in any order.
    ///   - key: The key that one of them is for.
    ///   - expected: What was asked for, or nil.
    ///   - replacement: What it replaces, or nil.
    ///   - label: The bytes of the certificate's label, or nil for that of the key.
    ///   - writesChain: Whether the certificates up to the anchor are written, too.
    ///   - isFresh: Whether nothing on the token can have the key's id but the key itself.
    func callAsFunction(
        _ received: ReceivedCertificates, for key: TokenKey,
        expecting expected: Expectation?, replacing replacement: Replacement?, label: [UInt8]?,
        writingChain writesChain: Bool, isFresh: Bool, _ journal: Journal,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> IssuedCertificate {
        progress(.verify)
        let verified = try verify(received, key, expected, journal)
        let certified = OrderEvent.certified(
            .init(
                certificate: verified.certificate.pem,
                others: verified.others.map(\.pem).joined(),
                changes: verified.differences.map(\.text)))
        if expected == nil {
            try journal.recordIntent(certified, at: .write)
        } else {
            // The answer is in the ledger already; where it is not, the token is the safer place.
            journal.recordFact(certified)
        }
        progress(.write)
        try work.requireRoom(
            for: key, replacing: replacement, having: [verified.certificate], at: .write, &session)
        let written: (uri: String, wasThere: Bool) = try work.login.changing(.write, at: .write) {
            (refusal) throws(IssuanceError) in
            // A refused call may have written it. Only another process can tell whether the token
            // has it or this module shows it only.
            if let refusal, refusal.seenCertificate != nil { throw refusal }
            let write = WriteStep(tokenURI: work.tokenURI, capabilities: work.capabilities)
            let written = try write(
                verified, for: key, label: label, isFresh: isFresh && refusal == nil, &session)
            guard var refusal, isFresh, written.wasThere else { return written }
            refusal.seenCertificate = written.uri
            throw refusal
        }
        journal.recordFact(.written(uri: written.uri))
        var chain: [String] = []
        let proof: ProofStep.Proof
        do throws(IssuanceError) {
            if writesChain {
                // After the certificate, which is of use without it.
                let step = ChainStep(
                    capabilities: work.capabilities, anchors: anchors, time: time)
                try work.login.performing(.write, at: .write) { () throws(IssuanceError) in
                    try step(
                        of: verified.certificate, from: received.certificates, journal, &session,
                        &chain)
                }
            }
            progress(.readBack)
            let readBack = ReadBackStep(signer: work.signer, acceptsNoProof: acceptsAnyUse)
            proof = try work.login.performing(.sign, at: .readBack) {
                () throws(IssuanceError) in try readBack(verified, for: key, on: work.token)
            }
            journal.recordFact(proof.event(verified.certificate, uri: written.uri))
        } catch {
            var error = error
            error.writtenCertificate = written.uri
            error.writtenChain = chain
            throw error
        }
        return IssuedCertificate(
            certificate: verified.certificate, key: key, uri: written.uri,
            wasThere: written.wasThere, chain: chain, proof: proof.possession,
            differences: verified.differences, order: journal.openOrder.number,
            unrecorded: journal.failure?.reason,
            remarks: verified.remarks
                + verified.certificate.remarks(for: key, label: label, proof))
    }

    /// Removes the certificate that was replaced, where that was asked for.
    func retire(
        _ replacement: Replacement?, keeping issued: IssuedCertificate, _ journal: Journal,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> IssuedCertificate {
        guard let replacement, replacement.isRetired else { return issued }
        do throws(IssuanceError) {
            return try removing(replacement, keeping: issued, journal, &session)
        } catch {
            var error = error
            error.writtenCertificate = issued.uri
            throw error
        }
    }

    private func removing(
        _ replacement: Replacement, keeping issued: IssuedCertificate, _ journal: Journal,
        _ session: inout Session<ReadWrite>
    ) throws(IssuanceError) -> IssuedCertificate {
        progress(.retire)
        let old = replacement.certificate
        guard old != issued.certificate else {
            throw IssuanceError(
                .certificateWrong, at: .retire,
                "the certificate on the token is the one that was to be replaced; it stays")
        }
        let name = replacement.name
        if let reason = old.reasonToStay(beside: issued.certificate) {
            let remark = "the old certificate stays on the token: \(reason)"
            journal.recordFact(.closed(reason: remark))
            var issued = issued
            issued.unrecorded = journal.failure?.reason
            issued.remarks.append("\(remark) (\(name))")
            return issued
        }
        try journal.recordIntent(.retiring(certificate: name), at: .retire)
        let retire = RetireStep(token: work.token)
        var values: Set<[UInt8]> = []
        do throws(IssuanceError) {
            try work.login.performing(.write, at: .retire) { () throws(IssuanceError) in
                try retire.remove(old, &session, &values)
            }
        } catch {
            guard error.code == .notDestroyable else { throw error }
            var refusal = IssuanceError(
                .notDestroyable, at: .retire,
                "the new certificate is on the token, but the token does not let the old one be "
                    + "removed: \(name)", tokenError: error.tokenError)
            // Another attempt would have the same result.
            refusal.isClosed = true
            throw refusal
        }
        // No session that only reads can be opened while the security officer is logged in.
        try work.login.performing(.read, at: .retire) { () throws(IssuanceError) in
            try retire.requireGone(old, values, keeping: issued.certificate)
        }
        journal.recordFact(.retired(certificate: name))
        var issued = issued
        issued.unrecorded = journal.failure?.reason
        // A certificate that was already absent was not removed here.
        if values.isEmpty {
            issued.remarks.append("the old certificate was not on the token any more: \(name)")
        } else {
            issued.retired = name
        }
        return issued
    }

    /// Checks what came.
    private func verify(
        _ received: ReceivedCertificates, _ key: TokenKey, _ expected: Expectation?,
        _ journal: Journal
    ) throws(IssuanceError) -> VerifiedCertificate {
        let verify = VerifyStep(anchors: anchors, time: time)
        do throws(IssuanceError) {
            let verified = try verify(received.certificates, for: key, expected)
            if expected == nil, !acceptsAnyUse { try verify.requireUsable(verified.certificate) }
            return verified
        } catch {
            guard let doubt = received.doubt,
                !received.certificates.contains(where: { $0.publicKey == key.publicKey })
            else { throw error }
            journal.recordFact(.unclear(reason: doubt))
            throw IssuanceError(.orderPending, at: .order, doubt)
        }
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

extension Replacement? {
    /// What of certificates that came can be the new one: never the one that is to be replaced, and
    /// none for its key that was issued before it.
    func leavingOut(
        _ received: ReceivedCertificates
    ) throws(IssuanceError) -> ReceivedCertificates {
        guard let old = self?.certificate else { return received }
        var left = received
        left.certificates.removeAll {
            $0 == old || ($0.publicKey == old.publicKey && $0.notBefore < old.notBefore)
        }
        guard left.certificates.isEmpty, !received.certificates.isEmpty else { return left }
        throw IssuanceError(
            .certificateWrong, at: .verify,
            received.certificates.contains(old)
                ? "that is the certificate which is to be replaced"
                : "that certificate is older than the one which is to be replaced")
    }
}

extension Difference {
    /// The difference in one line.
    var text: String { "\(subject) asked “\(asked)”, got “\(got)”" }
}
