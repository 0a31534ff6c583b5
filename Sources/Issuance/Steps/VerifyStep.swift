internal import CAcert
internal import OpenSSLX509

/// Checks what came back. Nothing is written that has not passed.
struct VerifyStep {
    let anchors: TrustAnchors
    /// Now, in seconds since 1970-01-01 00:00 UTC.
    let time: Int64

    /// How slow this machine's clock may be, in seconds.
    private static let clockTolerance: Int64 = 300

    func callAsFunction(
        _ outcome: OrderOutcome, for key: TokenKey, _ plan: Plan
    ) throws(IssuanceError) -> VerifiedCertificate {
        let received = try certificates(outcome)
        guard let certificate = received.first(where: { $0.publicKey == key.publicKey }) else {
            throw IssuanceError(
                .certificateWrong, at: .verify, "the certificate is for another key")
        }
        let others = received.filter { $0 != certificate }
        guard !certificate.isAuthority else {
            throw IssuanceError(
                .certificateWrong, at: .verify, "the certificate is one of an authority")
        }
        do throws(X509Error) {
            // The CA stamps the time at which it signs; this machine's clock may be a little slow.
            let moment = max(time, min(certificate.notBefore, time + Self.clockTolerance))
            try anchors.verify(certificate, intermediates: others, at: moment)
        } catch {
            throw IssuanceError(
                .certificateWrong, at: .verify,
                error.code == .outsideValidity
                    ? "the certificate is outside its validity: \(error)"
                    : "the certificate does not lead to a trust anchor: \(error)")
        }
        let differences = self.differences(certificate, plan)
        guard differences.isEmpty || plan.acceptsChanges else {
            let list = differences.map { "\($0.subject) asked “\($0.asked)”, got “\($0.got)”" }
            throw IssuanceError(
                .certificateDiffers, at: .verify,
                "the certificate is not what was asked for: " + list.joined(separator: "; "))
        }
        return VerifiedCertificate(
            certificate: certificate, others: others, differences: differences)
    }

    /// The certificates in an answer; an answer without any ends the issue.
    private func certificates(
        _ outcome: OrderOutcome
    ) throws(IssuanceError) -> [Certificate] {
        switch outcome {
        case .refused(let refusal):
            throw IssuanceError(
                refusal.code == .credentials ? .credentialsRefused : .orderRefused, at: .order,
                "the CA refuses: \(refusal.text)")
        case .pending(let identifier):
            let name = identifier.map { " (ID \($0))" } ?? ""
            throw IssuanceError(
                .orderPending, at: .order,
                "the CA took the order\(name) and had no certificate in time; it may yet issue one")
        case .unclear(let reason):
            throw IssuanceError(
                .orderPending, at: .order,
                "the order went out and what came back is not understood: \(reason)")
        case .issued(let text):
            let received = Certificate.all(inPEM: text)
            // What is broken after a certificate does it no harm.
            if !received.certificates.isEmpty { return received.certificates }
            if let error = received.error {
                throw IssuanceError(
                    .orderPending, at: .verify, "the CA issued, but its answer is cut: \(error)")
            }
            throw IssuanceError(
                .orderPending, at: .verify, "the CA says that it issued, but sent no certificate")
        }
    }

    /// What the CA changed in silence.
    private func differences(_ certificate: Certificate, _ plan: Plan) -> [Difference] {
        var differences: [Difference] = []
        let names = certificate.subject.commonNames
        if names != [plan.name.text] {
            differences.append(
                Difference(
                    subject: "name", asked: plan.name.text, got: names.joined(separator: ", ")))
        }
        if certificate.subject.hasOtherParts {
            differences.append(
                Difference(
                    subject: "subject", asked: "name and e-mail addresses only",
                    got: certificate.subject.text))
        }
        let addresses = certificate.emailAddresses
        let named = Set(addresses).union(certificate.subject.emailAddresses)
        if certificate.hasOtherAlternativeNames {
            differences.append(
                Difference(
                    subject: "subjectAltName", asked: "e-mail addresses only", got: "other names"))
        }
        if Set(addresses) != Set(plan.emailAddresses) || named != Set(plan.emailAddresses) {
            differences.append(
                Difference(
                    subject: "e-mail addresses",
                    asked: plan.emailAddresses.joined(separator: ", "),
                    got: named.sorted().joined(separator: ", ")))
        }
        let usages = certificate.extendedKeyUsages
        let signsCode =
            usages.contains(.codeSigning) || usages.contains(.any) || usages.isEmpty
        if signsCode != plan.codeSigning {
            differences.append(
                Difference(
                    subject: "code signing", asked: plan.codeSigning ? "yes" : "no",
                    got: signsCode ? "yes" : "no"))
        }
        for usage in [ExtendedKeyUsage.clientAuth, .emailProtection]
        where !usages.isEmpty && !usages.contains(usage) && !usages.contains(.any) {
            differences.append(Difference(subject: "\(usage)", asked: "yes", got: "no"))
        }
        let known: Set<ExtendedKeyUsage> = [
            .clientAuth, .emailProtection, .codeSigning, .microsoftSGC, .netscapeSGC, .any,
        ]
        for usage in usages where !known.contains(usage) {
            differences.append(Difference(subject: "\(usage)", asked: "no", got: "yes"))
        }
        if certificate.allows(.digitalSignature) == false {
            differences.append(Difference(subject: "digital signatures", asked: "yes", got: "no"))
        }
        return differences
    }
}
