/// What came back for an order, before anything in it is trusted.
package enum OrderOutcome: Sendable, Hashable {
    /// The CA says that it issued, and this is the rest of its answer: a text with certificates in
    /// PEM. Nothing about them is checked yet.
    case issued(text: [UInt8])
    /// The CA says no, and nothing is queued.
    case refused(OrderRefusal)
    /// The CA took the order and had no certificate in time: it may yet issue one, which then is
    /// found in the web account and cannot be had here. The number is the CA's, where it gave one.
    case pending(identifier: String?)
    /// What came back cannot be understood, so it is unknown whether the order was taken.
    case unclear(reason: String)
}

/// Why the CA refused an order.
package struct OrderRefusal: Sendable, Hashable {
    /// What kind of refusal this is. Later versions may add to these.
    package struct Code: Sendable, Hashable {
        private let value: String

        /// User name or password; the CA does not tell which.
        package static let credentials = Code(value: "credentials")
        /// None of the addresses is a verified one of the account.
        package static let emailAddresses = Code(value: "emailAddresses")
        /// The key: its kind, its size or its numbers.
        package static let key = Code(value: "key")
        /// The request is not one, or its signature is wrong.
        package static let request = Code(value: "request")
        /// Anything else.
        package static let other = Code(value: "other")
    }

    /// The kind of refusal.
    package let code: Code
    /// What the CA says, as a person can read it.
    package let text: String
}

extension OrderOutcome {
    /// How the answers begin after which nothing is queued.
    private static let refusals: [(beginning: String, code: OrderRefusal.Code)] = [
        ("that username couldn't be found", .credentials),
        ("wasn't able to match any emails", .emailAddresses),
        ("the keys ", .key),
        ("i didn't receive a valid certificate request", .request),
        ("invalid or missing csr", .request),
    ]

    /// Reads an answer of `ccsr.php`.
    package init(_ answer: TransportAnswer) {
        guard let verdict = Verdict(answer.body[...]) else {
            if let identifier = Self.lateIdentifier(in: answer.body) {
                self = .pending(identifier: identifier)
                return
            }
            let what = HTMLText.plainText(answer.body[...]).prefix(120)
            self = .unclear(
                reason: answer.body.isEmpty
                    ? emptyAnswer(answer.status)
                    : "no answer of the API (HTTP \(answer.status)): \(what)")
            return
        }
        let text = verdict.text.lowercased()
        let known = Self.refusals.first { text.hasPrefix($0.beginning) }
        // The digits decide: the server translates the texts about keys.
        switch verdict.number {
        case 200: self = .issued(text: Array(verdict.rest))
        case 403 where answer.status == 200:
            self = .refused(OrderRefusal(code: known?.code ?? .other, text: verdict.text))
        case 404 where text.contains("request has failed") || Self.identifier(in: text) != nil:
            self = .pending(identifier: Self.identifier(in: text))
        case 404 where known != nil && answer.status == 200:
            self = .refused(OrderRefusal(code: known?.code ?? .other, text: verdict.text))
        default:
            // A text in other words may mean anything, and a refusal is taken as permission to
            // order again.
            self = .unclear(reason: "\(verdict.number), \(verdict.text)")
        }
    }

    /// The number of a queued order if a line of an answer that begins with something else, such as
    /// a PHP warning, reports that there was no certificate in time.
    private static func lateIdentifier(in body: [UInt8]) -> String? {
        for line in body.split(separator: UInt8(ascii: "\n")) where line.starts(with: "404,".utf8) {
            let text = Verdict(line)?.text.lowercased()
            if let identifier = text.flatMap({ Self.identifier(in: $0) }) { return identifier }
        }
        return nil
    }

    /// The number of a queued order, at the end of a text in lower case.
    private static func identifier(in text: String) -> String? {
        let parts = text.split(separator: "id:", omittingEmptySubsequences: false)
        guard parts.count > 1, let last = parts.last else { return nil }
        let digits = last.drop { $0 == " " }.prefix { ("0"..."9").contains($0) }
        return digits.isEmpty ? nil : String(digits)
    }
}
