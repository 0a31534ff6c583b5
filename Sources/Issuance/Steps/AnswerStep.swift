internal import CAcert
internal import Ledger
internal import OpenSSLX509

/// Takes the certificates out of what the CA answered.
struct AnswerStep {
    /// - Throws: ``IssuanceError`` where there is none; the ledger then says what that means.
    func callAsFunction(
        _ answer: OrderEvent.Answer, _ journal: Journal
    ) throws(IssuanceError) -> [Certificate] {
        let outcome = OrderOutcome(TransportAnswer(status: answer.status, body: answer.body.bytes))
        if let interruption = answer.interruption {
            // What is whole in a broken answer is as good as ever; anything else says nothing.
            if case .issued(let text) = outcome {
                let received = Certificate.all(inPEM: text).certificates
                if !received.isEmpty { return received }
            }
            throw unclear("the order went out and its answer broke off: \(interruption)", journal)
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
            throw unclear(
                "the order went out and what came back is not understood: \(reason)", journal)
        case .issued(let text):
            let received = Certificate.all(inPEM: text)
            // What is broken after a certificate does it no harm.
            if !received.certificates.isEmpty { return received.certificates }
            if let error = received.error {
                throw unclear("the CA issued, but its answer is cut: \(error)", journal)
            }
            throw unclear("the CA says that it issued, but sent no certificate", journal)
        }
    }

    private func unclear(_ reason: String, _ journal: Journal) -> IssuanceError {
        journal.note(.unclear(reason: reason))
        return IssuanceError(.orderPending, at: .order, reason)
    }
}
