internal import CAcert
internal import Ledger
internal import OpenSSLX509

/// The certificates of an answer.
struct ReceivedCertificates {
    var certificates: [Certificate]
    /// Why nobody knows what the CA did where the key's own certificate is not among them, or nil.
    var doubt: String?
}

/// Takes the certificates out of what the CA answered.
struct AnswerStep {
    /// - Throws: ``IssuanceError`` where there is none; the ledger then says what that means.
    func callAsFunction(
        _ answer: OrderEvent.Answer, _ journal: Journal
    ) throws(IssuanceError) -> ReceivedCertificates {
        let outcome = OrderOutcome(TransportAnswer(status: answer.status, body: answer.body.bytes))
        if let interruption = answer.interruption {
            let reason = "the order went out and its answer broke off: \(interruption)"
            if case .issued(let text) = outcome { return try whole(text, reason, journal) }
            throw unclear(reason, journal)
        }
        switch outcome {
        case .refused(let refusal):
            let reason = "the CA refuses: \(refusal.text)"
            journal.note(.refused(reason: reason))
            throw IssuanceError(
                refusal.code == .credentials ? .credentialsRefused : .orderRefused, at: .order,
                reason)
        case .pending(let identifier):
            let name = identifier.map { " (ID \($0))" } ?? ""
            throw unclear(
                "the CA took the order\(name) and had no certificate in time; it may yet issue one",
                journal)
        case .unclear(let reason):
            // Whatever stands around a certificate for this key: it is the one.
            return try whole(
                answer.body.bytes,
                "the order went out and what came back is not understood: \(reason)", journal)
        case .issued(let text):
            let received = Certificate.all(inPEM: text)
            // What is broken after a certificate does it no harm.
            if !received.certificates.isEmpty {
                return ReceivedCertificates(certificates: received.certificates)
            }
            if let error = received.error {
                throw unclear("the CA issued, but its answer is cut: \(error)", journal)
            }
            throw unclear("the CA says that it issued, but sent no certificate", journal)
        }
    }

    /// What is whole in an answer that is not; it is as good as ever.
    private func whole(
        _ text: [UInt8], _ doubt: String, _ journal: Journal
    ) throws(IssuanceError) -> ReceivedCertificates {
        let received = Certificate.all(inPEM: text).certificates
        guard !received.isEmpty else { throw unclear(doubt, journal) }
        return ReceivedCertificates(certificates: received, doubt: doubt)
    }

    private func unclear(_ reason: String, _ journal: Journal) -> IssuanceError {
        journal.note(.unclear(reason: reason))
        return IssuanceError(.orderPending, at: .order, reason)
    }
}
