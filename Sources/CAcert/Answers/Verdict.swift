internal import TokencertIssuance

/// The first line of an answer: three digits, a comma and a text.
struct Verdict {
    let number: Int
    /// The server's message, as plain text.
    let text: String
    /// The lines after the first.
    let rest: ArraySlice<UInt8>

    /// Reads an answer; nil if it does not begin with a verdict.
    init?(_ body: ArraySlice<UInt8>) {
        let end = body.firstIndex(of: UInt8(ascii: "\n")) ?? body.endIndex
        let line = body[..<end]
        let digits = line.prefix(3)
        guard digits.count == 3, digits.allSatisfy({ (48...57).contains($0) }),
            line.dropFirst(3).first == UInt8(ascii: ",")
        else { return nil }
        number = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
        text = HTMLText.plainText(line.dropFirst(4))
        rest = body[min(end + 1, body.endIndex)...]
    }
}

/// The verdict in an answer about the account.
func requireVerdict(_ answer: TransportAnswer) throws(IssuanceError) -> Verdict {
    if let verdict = Verdict(answer.body[...]) { return verdict }
    let what = HTMLText.plainText(answer.body[...]).prefix(120)
    throw IssuanceError(
        notTheAPI: answer.body.isEmpty
            ? emptyAnswer(answer.status) : "HTTP \(answer.status): \(what)")
}

/// Describes an empty answer. CAcert's server sends both kinds before it queues an order, but a
/// later server error looks like the second.
func emptyAnswer(_ status: Int) -> String {
    let meaning =
        switch status {
        case 302: ", which CAcert's server sends for a host name other than its own"
        case 500: ", which CAcert's server sends if it cannot read its list of weak keys"
        default: ""
        }
    return "an empty answer (HTTP \(status))\(meaning)"
}

extension IssuanceError {
    /// The failure after an answer about the account that is not one of the API.
    init(notTheAPI reason: String) {
        self.init(
            .caUnreachable, at: .plan, "the answer does not come from the CA's API: \(reason)")
    }

    /// The failure after a verdict that refuses to show the account.
    init(refusal verdict: Verdict) {
        // The CA does not report whether the user name or the password is wrong.
        let concernsCredentials = verdict.text.lowercased().contains("username")
        self.init(
            concernsCredentials ? .credentialsRefused : .orderRefused, at: .plan,
            concernsCredentials
                ? "the CA does not accept this user name and password"
                : "the CA refuses: \(verdict.text)")
    }
}
