internal import OpenSSLX509
internal import TokencertCAcert
internal import TokencertLedger

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
        let body = answer.body.bytes
        if let interruption = answer.interruption {
            let reason = "the order went out and its answer broke off: \(interruption)"
            return try whole(body, reason, journal)
        }
        // A certificate for this key is good, whatever verdict comes with it.
        switch OrderOutcome(TransportAnswer(status: answer.status, body: body)) {
        case .refused(let refusal):
            let reason = "the CA refuses: \(refusal.text)"
            if let received = self.received(body, reason) { return received }
            journal.recordFact(.refused(reason: reason))
            throw IssuanceError(
                refusal.code == .credentials ? .credentialsRefused : .orderRefused, at: .order,
                reason)
        case .pending(let identifier):
            let name = identifier.map { " (ID \($0))" } ?? ""
            return try whole(
                body,
                "the CA took the order\(name) and had no certificate in time; it may yet issue one",
                journal)
        case .unclear(let reason):
            return try whole(
                body, "the order went out and what came back is not understood: \(reason)", journal)
        case .issued(let text):
            let read = Self.certificates(in: text)
            // What is broken beside a certificate does it no harm.
            if !read.certificates.isEmpty {
                return ReceivedCertificates(certificates: read.certificates)
            }
            if let error = read.error {
                throw unclear("the CA issued, but its answer is cut: \(error)", journal)
            }
            throw unclear("the CA says that it issued, but sent no certificate", journal)
        }
    }

    /// What is whole in an answer that does not report a certificate; nil if nothing is.
    private func received(_ text: [UInt8], _ doubt: String) -> ReceivedCertificates? {
        let certificates = Self.certificates(in: text).certificates
        guard !certificates.isEmpty else { return nil }
        return ReceivedCertificates(certificates: certificates, doubt: doubt)
    }

    private func whole(
        _ text: [UInt8], _ doubt: String, _ journal: Journal
    ) throws(IssuanceError) -> ReceivedCertificates {
        guard let received = self.received(text, doubt) else { throw unclear(doubt, journal) }
        return received
    }

    private func unclear(_ reason: String, _ journal: Journal) -> IssuanceError {
        journal.recordFact(.unclear(reason: reason))
        return IssuanceError(.orderPending, at: .order, reason)
    }
}

extension AnswerStep {
    private static let beginning = Array("-----BEGIN CERTIFICATE-----".utf8)
    private static let ending = Array("-----END CERTIFICATE-----".utf8)

    /// The certificates in an answer. Each block is read without the others, also if it begins
    /// inside a line: a broken block hides no whole one.
    ///
    /// - Returns: The certificates, and what is wrong with the first block that is broken.
    static func certificates(in text: [UInt8]) -> (certificates: [Certificate], error: X509Error?) {
        var certificates: [Certificate] = []
        var error: X509Error?
        for piece in pieces(of: text) {
            let read = Certificate.all(inPEM: Array(piece))
            certificates += read.certificates
            error = error ?? read.error
        }
        return (certificates, error)
    }

    /// A text, cut before each beginning of a certificate and after each end of one.
    private static func pieces(of text: [UInt8]) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var (start, rest) = (text.startIndex, text[...])
        while let dash = rest.firstIndex(of: UInt8(ascii: "-")) {
            rest = rest[dash...]
            let cut: Int
            if rest.starts(with: Self.beginning) {
                cut = dash
                rest = rest.dropFirst(Self.beginning.count)
            } else if rest.starts(with: Self.ending) {
                rest = rest.dropFirst(Self.ending.count)
                cut = rest.startIndex
            } else {
                rest = rest.dropFirst()
                continue
            }
            pieces.append(text[start..<cut])
            start = cut
        }
        return pieces + [text[start...]]
    }
}
