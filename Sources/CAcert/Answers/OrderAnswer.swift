/// The meaning of the CA's answer to an order. No certificate in it has been verified.
package enum OrderOutcome: Sendable, Hashable {
    /// The CA has issued. The text is the rest of its answer, with certificates in PEM.
    case issued(text: [UInt8])
    /// The CA refuses the order and has not queued it.
    case refused(OrderRefusal)
    /// The CA has queued the order but had no certificate in time. It may still issue one, which
    /// then appears only in the web account. The identifier is the CA's number, if it sent one.
    case pending(identifier: String?)
    /// The answer cannot be interpreted, so it is unknown whether the CA has queued the order.
    case unclear(reason: String)
}

/// The CA's refusal of an order.
package struct OrderRefusal: Sendable, Hashable {
    package struct Code: Sendable, Hashable {
        private let value: String

        /// The CA rejects the user name or the password; it does not report which.
        package static let credentials = Code(value: "credentials")
        /// None of the addresses is a verified address of the account.
        package static let emailAddresses = Code(value: "emailAddresses")
        /// The CA rejects the type, the size or the numbers of the key.
        package static let key = Code(value: "key")
        /// The request is malformed or missing.
        package static let request = Code(value: "request")
        package static let other = Code(value: "other")
    }

    package let code: Code
    /// The CA's message, as plain text.
    package let text: String
}

extension OrderOutcome {
    /// The beginnings, in lower case, of the texts with which the CA refuses an order without queuing it.
    /// They make a 404 a refusal; a 403 is one with any text.
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
                    : "not an answer of the API (HTTP \(answer.status)): \(what)")
            return
        }
        let text = verdict.text.lowercased()
        let known = Self.refusals.first { text.hasPrefix($0.beginning) }
        // The number decides, because the server translates its texts about keys.
        switch verdict.number {
        case 200: self = .issued(text: Array(verdict.rest))
        case 403 where answer.status == 200:
            self = .refused(OrderRefusal(code: known?.code ?? .other, text: verdict.text))
        case 404 where text.contains("request has failed") || Self.identifier(in: text) != nil:
            self = .pending(identifier: Self.identifier(in: text))
        case 404 where known != nil && answer.status == 200:
            self = .refused(OrderRefusal(code: known?.code ?? .other, text: verdict.text))
        default:
            // An unknown text is not a refusal: after a refusal, the user may order again.
            self = .unclear(reason: "\(verdict.number), \(verdict.text)")
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
