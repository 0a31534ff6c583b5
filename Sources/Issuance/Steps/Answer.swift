internal import OpenSSLX509
internal import TokencertLedger

/// The certificates that came for an order.
struct ReceivedCertificates {
    var certificates: [Certificate]
    /// Why it is not known what the CA did if the key's own certificate is not among them, or nil.
    var doubt: String?
}

/// What a CA's answer brought.
enum AnswerReading {
    /// Certificates, not verified yet.
    case certificates(ReceivedCertificates)
    /// None. What that means for the order.
    case nothing(StepOutcome)

    /// Takes the certificates out of an answer. A certificate for the key is good, whatever verdict
    /// comes with it.
    ///
    /// - Parameters:
    ///   - answer: The answer.
    ///   - authority: The CA, which knows what its answers mean.
    init(_ answer: OrderEvent.Answer, from authority: any CertificateAuthority.Type) {
        let body = answer.body.bytes
        if let interruption = answer.interruption {
            self = Self.whole(
                body, "the order went out and its answer broke off: \(interruption)")
            return
        }
        switch authority.meaning(of: answer) {
        case .refused(let text, let concernsCredentials):
            let reason = "the CA refuses: \(text)"
            if let received = Self.received(body, reason) {
                self = .certificates(received)
                return
            }
            self = .nothing(
                StepOutcome(
                    [.refused(reason: reason)],
                    failure: IssuanceError(
                        concernsCredentials ? .credentialsRefused : .orderRefused, at: .order,
                        reason)))
        case .pending(let identifier):
            let name = identifier.map { " (ID \($0))" } ?? ""
            self = Self.whole(
                body,
                "the CA took the order\(name) and had no certificate in time; it may yet issue one")
        case .unclear(let reason):
            self = Self.whole(
                body, "the order went out and what came back is not understood: \(reason)")
        case .issued(let text):
            let read = Self.certificates(in: text)
            // What is broken beside a certificate does it no harm.
            if !read.certificates.isEmpty {
                self = .certificates(ReceivedCertificates(certificates: read.certificates))
            } else if let error = read.error {
                self = .nothing(.unclear("the CA issued, but its answer is cut: \(error)"))
            } else {
                self = .nothing(.unclear("the CA says that it issued, but sent no certificate"))
            }
        }
    }

    /// What is whole in an answer that does not report a certificate; nil if nothing is.
    private static func received(_ text: [UInt8], _ doubt: String) -> ReceivedCertificates? {
        let certificates = Self.certificates(in: text).certificates
        guard !certificates.isEmpty else { return nil }
        return ReceivedCertificates(certificates: certificates, doubt: doubt)
    }

    private static func whole(_ text: [UInt8], _ doubt: String) -> AnswerReading {
        received(text, doubt).map { .certificates($0) } ?? .nothing(.unclear(doubt))
    }
}

extension AnswerReading {
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
