/// An error from the CA's account API.
package struct CAcertError: Error, Sendable, Equatable {
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The name of the code, which never changes.
        package var description: String { value }

        /// The CA rejects the user name or the password; it does not report which.
        package static let credentials = Code(value: "credentials")
        /// The CA refuses for another reason.
        package static let refused = Code(value: "refused")
        /// The answer is not one of the API.
        package static let notTheAPI = Code(value: "notTheAPI")
        /// There is no answer.
        package static let unreachable = Code(value: "unreachable")
    }

    package let code: Code
    /// The error message, or the CA's own text.
    package let reason: String

    init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }
}

func requireVerdict(_ answer: TransportAnswer) throws(CAcertError) -> Verdict {
    guard let verdict = Verdict(answer.body[...]) else {
        let what = HTMLText.plainText(answer.body[...]).prefix(120)
        throw CAcertError(
            .notTheAPI,
            answer.body.isEmpty
                ? emptyAnswer(answer.status) : "HTTP \(answer.status): \(what)")
    }
    return verdict
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

func refusal(_ verdict: Verdict) -> CAcertError {
    CAcertError(
        verdict.text.lowercased().contains("username") ? .credentials : .refused, verdict.text)
}
