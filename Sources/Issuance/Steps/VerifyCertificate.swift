package import OpenSSLX509
internal import TokencertLedger
internal import TokencertTokens

extension OrderWork {
    /// Verifies the certificate that was received for the order.
    mutating func verifyCertificate(
        on token: inout some OrderToken & ~Copyable
    ) throws(IssuanceError) -> StepOutcome {
        let key = try self.key(&token)
        var received: [Certificate]
        let doubt: String?
        switch try self.received() {
        case .certificates(let certificates, let reason): (received, doubt) = (certificates, reason)
        case .nothing(let outcome): return outcome
        }
        received = try order.replacement.leavingOut(received)
        if let failure = try filter(&received) { return failure }
        settings.observer.stepBegins(.verify)
        // The user accepted these changes when the certificate was verified before.
        let wasAccepted =
            brought.certificates.isEmpty && order.state != .answered
            && order.certified?.changes.isEmpty == false
        let expected = order.beginning.issue.map { CertificateGrant($0) }
        let verification = Verification(anchors: settings.anchors, time: settings.clock())
        let accepts = acceptsChanges || wasAccepted
        let verified: VerifiedCertificate
        do throws(IssuanceError) {
            do throws(IssuanceError) {
                verified = try verification.verify(
                    received, for: key, expected, acceptingChanges: accepts)
            } catch {
                // The CA may have sent the issuers only with an earlier certificate.
                let issuers = error.code == .issuerNotTrusted ? issuersInLedger(for: key) : []
                if issuers.isEmpty { throw error }
                verified = try verification.verify(
                    received + issuers, for: key, expected, acceptingChanges: accepts)
            }
            if expected == nil, !acceptsChanges {
                try verification.requireUsable(verified.certificate)
            }
        } catch {
            guard let doubt, !received.contains(where: { $0.publicKey == key.publicKey }) else {
                throw error
            }
            return .unclear(doubt)
        }
        notes.differences = verified.differences
        notes.remarks = verified.remarks
        return StepOutcome(
            [
                .certified(
                    .init(
                        certificate: verified.certificate.pem,
                        others: verified.others.map(\.pem).joined(),
                        changes: verified.differences.map(\.text),
                        notAfter: verified.certificate.notAfter))
            ],
            // The CA's answer is already in the ledger. If it is not, writing the certificate to
            // the token is the safest way to keep it.
            mustBeRecorded: expected == nil)
    }

    /// The CA certificates of the earlier orders for the key, and for that of the certificate to replace.
    private func issuersInLedger(for key: TokenKey) -> [Certificate] {
        let old = order.replacement?.certificate
        let hashes = [key.publicKey, old?.publicKey].compactMap {
            $0.map { hexadecimal($0.sha256Fingerprint) }
        }
        let orders = try? journal.openOrder.ledger.orders(
            forKeys: Set(hashes), replacing: old.map { [$0.pem] } ?? [])
        return (orders ?? []).authorities
    }

    /// The certificates for an order: those the user brought, or those in the ledger.
    private func received() throws(IssuanceError) -> AnswerReading {
        guard brought.certificates.isEmpty else {
            return .certificates(brought.certificates)
        }
        if order.state != .answered, let certified = order.certified {
            let pem = Array((certified.certificate + certified.others).utf8)
            return .certificates(Certificate.all(inPEM: pem).certificates)
        }
        if let fetched = order.fetched {
            return .certificates(
                Certificate.all(inPEM: Array(fetched.certificate.utf8)).certificates)
        }
        guard let answer = order.answer else {
            throw IssuanceError(
                .needsDecision, at: .plan, "the ledger has no certificate for this order")
        }
        return AnswerReading(answer, from: settings.authority)
    }

    /// Removes certificates that cannot be the outcome of the order. Returns the outcome of the step
    /// if the CA's answer contains no other.
    private mutating func filter(
        _ received: inout [Certificate]
    ) throws(IssuanceError) -> StepOutcome? {
        // An imported certificate may be the outcome of any order.
        guard order.beginning.imported == nil else { return nil }
        let isFromElsewhere = !brought.certificates.isEmpty
        // A certificate that passed every check before is not checked against the order again.
        guard isFromElsewhere || order.state == .answered else { return nil }
        do throws(IssuanceError) {
            received = try outcomes().filter(received, isFromElsewhere: isFromElsewhere)
            return nil
        } catch {
            guard !isFromElsewhere, error.code != .ledgerFailed else { throw error }
            // The CA may still issue a certificate.
            return StepOutcome([.unclear(reason: error.reason)], failure: error)
        }
    }
}

/// Decides whether a certificate may be written.
struct Verification {
    let anchors: TrustAnchors
    /// Now, in seconds since 1970-01-01 00:00 UTC.
    let time: Int64

    /// Finds the certificate of a key. `expected` is the requested content, or nil if nothing was
    /// requested from a CA; differences from it are accepted if `acceptsChanges` is set.
    func verify(
        _ received: [Certificate], for key: TokenKey, _ expected: CertificateGrant?,
        acceptingChanges acceptsChanges: Bool
    ) throws(IssuanceError) -> VerifiedCertificate {
        // An answer may also contain older or invalid certificates for the same key.
        let own = received.filter { $0.publicKey == key.publicKey }
            .sorted { $0.notBefore > $1.notBefore }
        guard let newest = own.first else {
            throw IssuanceError(
                .certificateWrong, at: .verify,
                received.isEmpty
                    ? "no certificate was received" : "the certificate is for another key")
        }
        let certificate =
            own.first { candidate in
                (expected.map { self.differences(candidate, $0).isEmpty } ?? true)
                    && isSound(candidate, among: received)
            }
            ?? own.first { isSound($0, among: received) } ?? newest
        let others = received.filter { $0 != certificate }
        try requireSound(certificate, others: others)
        let differences = expected.map { self.differences(certificate, $0) } ?? []
        guard differences.isEmpty || acceptsChanges else {
            throw IssuanceError(
                .certificateDiffers, at: .verify,
                "the certificate differs from what was requested: "
                    + differences.map(\.text).joined(separator: "; "))
        }
        return VerifiedCertificate(
            certificate: certificate, others: others, differences: differences,
            remarks: expected.map { remarks(certificate, $0) } ?? [])
    }

    private func isSound(_ certificate: Certificate, among received: [Certificate]) -> Bool {
        let others = received.filter { $0 != certificate }
        return (try? requireSound(certificate, others: others)) != nil
    }

    /// Explains a name that is correct but does not look like it.
    private func remarks(_ certificate: Certificate, _ expected: CertificateGrant) -> [String] {
        let names = certificate.subject.commonNames
        guard let name = names.first, names.count == 1,
            NameForm(of: expected.name, in: name) == .byteByByte
        else { return [] }
        return [
            "the CA encoded each byte of the name as one character: \"\(name)\" represents "
                + "\"\(expected.name)\""
        ]
    }

    /// Checks that a certificate is not a CA certificate, chains to a trust anchor and is valid now.
    func requireSound(_ certificate: Certificate, others: [Certificate]) throws(IssuanceError) {
        guard !certificate.isAuthority else {
            throw IssuanceError(
                .certificateWrong, at: .verify, "the certificate is a CA certificate")
        }
        do throws(X509Error) {
            // notBefore is the CA's time of signing, and this machine's clock may be behind.
            let moment = max(time, min(certificate.notBefore, time + clockTolerance))
            try anchors.verify(certificate, intermediates: others, at: moment)
        } catch {
            let issuers = missingIssuers(of: certificate, others)
            if error.code != .outsideValidity, !issuers.isEmpty {
                throw IssuanceError(
                    .issuerNotTrusted, at: .verify,
                    "the certificate does not chain to a trust anchor: its issuer "
                        + issuers.map { "\"\($0)\"" }.joined(separator: " or ") + " is not trusted")
            }
            throw IssuanceError(
                .certificateWrong, at: .verify,
                error.code == .outsideValidity
                    ? "the certificate is outside its validity period: \(error)"
                    : "the certificate does not chain to a trust anchor: \(error)")
        }
    }

    /// The valid issuers of a certificate, except the root: everyone who trusts it has it. `others` are
    /// candidates in addition to the anchors.
    func issuers(of certificate: Certificate, from others: [Certificate]) -> [Certificate] {
        var chain: [Certificate] = []
        var current = certificate
        while current.subject != current.issuer, chain.count < 8 {
            let next = (others + anchors.certificates).first { candidate in
                candidate.subject == current.issuer && candidate.isAuthority
                    && (try? current.verifySignature(candidate.publicKey)) != nil
                    && (try? anchors.verify(candidate, intermediates: others, at: time)) != nil
            }
            guard let next, next.subject != next.issuer else { break }
            chain.append(next)
            current = next
        }
        return chain
    }

    /// The names of the untrusted issuers at which chains of valid signatures end; there are several
    /// after cross-signing. Empty if a chain leads to an anchor or each ends at a wrong signature.
    private func missingIssuers(of certificate: Certificate, _ others: [Certificate]) -> [String] {
        let trusted = Set(anchors.certificates)
        let known = anchors.certificates + others
        var (names, namesInLoops): ([String], [String]) = ([], [])
        var seen: Set<Certificate> = [certificate]
        // Returns whether a chain leads to an anchor.
        func follow(_ current: Certificate, below path: Set<Certificate>) -> Bool {
            let name = current.issuer.commonNames.last ?? current.issuer.text
            let named = known.filter { $0.subject == current.issuer }
            guard !named.isEmpty, current.issuer != current.subject else {
                if named.contains(where: trusted.contains) { return true }
                if !names.contains(name) { names.append(name) }
                return false
            }
            let signers = named.filter { (try? current.verifySignature($0.publicKey)) != nil }
            if signers.contains(where: trusted.contains) { return true }
            if signers.contains(where: path.contains) { namesInLoops.append(name) }
            return signers.contains {
                seen.insert($0).inserted && follow($0, below: path.union([$0]))
            }
        }
        if follow(certificate, below: [certificate]) { return [] }
        // CAs that only sign each other form a loop without an end.
        return names.isEmpty ? Array(namesInLoops.prefix(1)) : names
    }

    /// Checks that an imported certificate is for client authentication, e-mail or code signing.
    /// The key usage must allow signatures or, for e-mail, contentCommitment or encryption, which
    /// suffice neither for TLS nor for code (RFC 5280, section 4.2.1.12).
    func requireUsable(_ certificate: Certificate) throws(IssuanceError) {
        let usages = certificate.extendedKeyUsages
        let wanted: Set<ExtendedKeyUsage> = [.clientAuth, .emailProtection, .codeSigning, .any]
        guard usages.isEmpty || usages.contains(where: wanted.contains) else {
            throw IssuanceError(
                .certificateDiffers, at: .verify,
                "the certificate is for \(usages.map(\.description).joined(separator: ", ")) only, "
                    + "not for client authentication, e-mail or code signing")
        }
        let isForMail = usages.isEmpty || usages.contains(.emailProtection) || usages.contains(.any)
        let mailUsages: [KeyUsage] = [.contentCommitment, .keyEncipherment, .keyAgreement]
        let servesMail = isForMail && mailUsages.contains { certificate.allows($0) == true }
        guard certificate.allows(.digitalSignature) != false || servesMail else {
            throw IssuanceError(
                .certificateDiffers, at: .verify,
                "the key usage of the certificate does not allow signatures")
        }
    }

    /// The differences from the request; the CA makes its changes silently.
    private func differences(_ certificate: Certificate, _ expected: CertificateGrant)
        -> [Difference]
    {
        var differences: [Difference] = []
        func add(_ subject: String, asked: String, got: String) {
            differences.append(Difference(subject: subject, asked: asked, got: got))
        }
        let names = certificate.subject.commonNames
        let form = names.first.flatMap { NameForm(of: expected.name, in: $0) }
        if names.count != 1 || form == nil {
            add("name", asked: expected.name, got: names.joined(separator: ", "))
        }
        if certificate.subject.hasOtherParts {
            add(
                "subject", asked: "name and e-mail addresses only",
                got: certificate.subject.text)
        }
        let addresses = certificate.emailAddresses
        let named = Set(addresses).union(certificate.subject.emailAddresses)
        if certificate.hasOtherAlternativeNames {
            add("subjectAltName", asked: "e-mail addresses only", got: "other names")
        }
        let asked = expected.emailAddresses.joined(separator: ", ")
        if named == Set(expected.emailAddresses), named != Set(addresses) {
            // E-mail programs do not look for addresses in the subject.
            add(
                "e-mail addresses in subjectAltName", asked: asked,
                got: addresses.isEmpty ? "none" : addresses.joined(separator: ", "))
        } else if named != Set(expected.emailAddresses) {
            add("e-mail addresses", asked: asked, got: named.sorted().joined(separator: ", "))
        }
        let usages = certificate.extendedKeyUsages
        let signsCode = usages.contains(.codeSigning) || usages.contains(.any) || usages.isEmpty
        if signsCode != expected.codeSigning {
            add(
                "code signing", asked: expected.codeSigning ? "yes" : "no",
                got: signsCode ? "yes" : "no")
        }
        for usage in [ExtendedKeyUsage.clientAuth, .emailProtection]
        where !usages.isEmpty && !usages.contains(usage) && !usages.contains(.any) {
            add("\(usage)", asked: "yes", got: "no")
        }
        // CAcert's signer adds some of these to every certificate, others for code signing.
        var known: Set<ExtendedKeyUsage> = [
            .clientAuth, .emailProtection, .codeSigning, .microsoftEFS, .microsoftSGC,
            .netscapeSGC, .any,
        ]
        if expected.codeSigning {
            known.formUnion([.microsoftIndividualCodeSigning, .microsoftCommercialCodeSigning])
        }
        for usage in usages where !known.contains(usage) {
            add("\(usage)", asked: "no", got: "yes")
        }
        if certificate.allows(.digitalSignature) == false {
            add("digital signatures", asked: "yes", got: "no")
        }
        return differences
    }
}

/// A difference between the request and the certificate.
package struct Difference: Sendable, Hashable {
    /// The field or extension that differs, such as `name` or `code signing`.
    package let subject: String
    package let asked: String
    package let got: String
}

/// A certificate that passed every check.
package struct VerifiedCertificate: Sendable {
    package let certificate: Certificate
    package let others: [Certificate]
    /// Accepted differences from the request.
    package let differences: [Difference]
    /// Remarks for the user, one per line.
    package internal(set) var remarks: [String] = []
}

extension Difference {
    var text: String { "\(subject): requested \"\(asked)\", got \"\(got)\"" }
}
