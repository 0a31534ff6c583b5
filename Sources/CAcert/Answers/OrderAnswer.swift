package import TokencertIssuance

/// CAcert's answers to orders.
extension AnswerMeaning {
    private static let unknownUser = "that username couldn't be found"
    /// The beginnings, in lower case, of the texts with which the CA refuses an order without queuing it.
    /// They make a 404 a refusal; a 403 is one with any text.
    private static let refusals = [
        unknownUser, "wasn't able to match any emails", "the keys ",
        "i didn't receive a valid certificate request", "invalid or missing csr",
    ]

    /// Reads an answer of `ccsr.php`. A certificate of a pending order appears only in the web account.
    package init(_ answer: TransportAnswer) {
        guard let verdict = Verdict(answer.body[...]) else {
            if let identifier = Self.lateIdentifier(in: answer.body) {
                self = .pending(identifier)
                return
            }
            let what = HTMLText.plainText(answer.body[...]).prefix(120)
            self = .unclear(
                answer.body.isEmpty
                    ? emptyAnswer(answer.status)
                    : "not an answer of the API (HTTP \(answer.status)): \(what)")
            return
        }
        let text = verdict.text.lowercased()
        let isKnownRefusal = Self.refusals.contains { text.hasPrefix($0) }
        let refusal = AnswerMeaning.refused(
            verdict.text, concernsCredentials: text.hasPrefix(Self.unknownUser))
        // The number decides, because the server translates its texts about keys.
        switch verdict.number {
        case 200: self = .issued(Array(verdict.rest))
        case 403 where answer.status == 200: self = refusal
        case 404 where text.contains("request has failed") || Self.identifier(in: text) != nil:
            self = .pending(Self.identifier(in: text))
        case 404 where isKnownRefusal && answer.status == 200: self = refusal
        default:
            // An unknown text is not a refusal: after a refusal, the user may order again.
            self = .unclear("\(verdict.number), \(verdict.text)")
        }
    }

    /// The number of a queued order, in an answer that begins with another line, such as a PHP
    /// warning.
    private static func lateIdentifier(in body: [UInt8]) -> String? {
        for line in body.split(separator: UInt8(ascii: "\n")) where line.starts(with: "404,".utf8) {
            let text = Verdict(line)?.text.lowercased()
            if let identifier = text.flatMap({ Self.identifier(in: $0) }) { return identifier }
        }
        return nil
    }

    /// The number of a queued order, from a text in lower case.
    private static func identifier(in text: String) -> String? {
        let parts = text.split(separator: "id:", omittingEmptySubsequences: false)
        guard parts.count > 1, let last = parts.last else { return nil }
        let digits = last.drop { $0 == " " }.prefix { ("0"..."9").contains($0) }
        return digits.isEmpty ? nil : String(digits)
    }
}
