package import OpenSSLX509
internal import TokencertLedger

/// The result of reading a CA's answer.
enum AnswerReading {
    /// Certificates, not verified yet. `doubt` is why the outcome is unknown if none of them is for the
    /// order's key, or nil.
    case certificates([Certificate], doubt: String? = nil)
    /// No certificates, and what that means for the order.
    case nothing(StepOutcome)

    /// Reads the certificates in an answer. They count whatever the CA's verdict is.
    init(_ answer: OrderEvent.Answer, from authority: any CertificateAuthority.Type) {
        let body = Array(answer.body)
        if let interruption = answer.interruption {
            self = Self.whole(
                body, "the order was sent, but its answer is incomplete: \(interruption)")
            return
        }
        switch authority.meaning(of: answer) {
        case .refused(let text, let concernsCredentials):
            let reason = "the CA refused the order: \(text)"
            if let received = Self.received(body, reason) {
                self = received
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
                "the CA accepted the order\(name) but sent no certificate in time; "
                    + "it may still issue one")
        case .unclear(let reason):
            self = Self.whole(
                body, "the order was sent, but the CA's answer is not understood: \(reason)")
        case .issued(let text):
            let read = Certificate.all(inAnswer: text)
            // Broken blocks do not matter if at least one certificate is intact.
            if !read.certificates.isEmpty {
                self = .certificates(read.certificates)
            } else if let error = read.error {
                self = .nothing(
                    .unclear("the CA issued a certificate, but its answer is damaged: \(error)"))
            } else {
                self = .nothing(
                    .unclear("the CA reports that it issued a certificate, but sent none"))
            }
        }
    }

    /// The intact certificates in an answer that does not report one, or nil if there are none.
    private static func received(_ text: [UInt8], _ doubt: String) -> AnswerReading? {
        let certificates = Certificate.all(inAnswer: text).certificates
        guard !certificates.isEmpty else { return nil }
        return .certificates(certificates, doubt: doubt)
    }

    private static func whole(_ text: [UInt8], _ doubt: String) -> AnswerReading {
        received(text, doubt) ?? .nothing(.unclear(doubt))
    }
}

extension Certificate {
    private static let beginning = Array("-----BEGIN CERTIFICATE-----".utf8)
    private static let ending = Array("-----END CERTIFICATE-----".utf8)

    /// The certificates in an answer, and the error of the first broken block. Each block is read
    /// on its own, even if it begins within a line, so a broken block cannot hide an intact one.
    package static func all(
        inAnswer text: [UInt8]
    ) -> (certificates: [Certificate], error: X509Error?) {
        var certificates: [Certificate] = []
        var error: X509Error?
        for piece in pieces(of: text) {
            let read = Certificate.all(inPEM: Array(piece))
            certificates += read.certificates
            error = error ?? read.error
        }
        return (certificates, error)
    }

    /// Splits a text before each BEGIN line of a certificate and after each END line.
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
    /// Removes the certificate to be replaced, and those for its key that were issued before it.
    /// Throws if none is left.
    func leavingOut(_ received: [Certificate]) throws(IssuanceError) -> [Certificate] {
        guard let old = self?.certificate else { return received }
        let left = received.filter {
            $0 != old && ($0.publicKey != old.publicKey || $0.notBefore >= old.notBefore)
        }
        guard left.isEmpty, !received.isEmpty else { return left }
        throw IssuanceError(
            .certificateWrong, at: .verify,
            received.contains(old)
                ? "this is the certificate to be replaced"
                : "the certificate is older than the one to be replaced")
    }
}
