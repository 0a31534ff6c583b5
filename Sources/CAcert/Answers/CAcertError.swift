/// Why the CA did not say what it was asked.
package struct CAcertError: Error, Sendable, Equatable {
    /// What kind of failure this is. Later versions may add to these.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let value: String
        /// The code's name. It stays the same in later versions.
        package var description: String { value }

        /// User name or password; the CA does not tell which.
        package static let credentials = Code(value: "credentials")
        /// The CA refuses for another reason.
        package static let refused = Code(value: "refused")
        /// What came back is not an answer of the API.
        package static let notTheAPI = Code(value: "notTheAPI")
        /// Nothing came back: see ``CAcertError/transportError``.
        package static let unreachable = Code(value: "unreachable")
    }

    /// The kind of failure.
    package let code: Code
    /// What happened, for a person to read.
    package let reason: String
    /// What kept the answer away, or nil.
    package let transportError: TransportError?

    init(_ code: Code, _ reason: String, transportError: TransportError? = nil) {
        self.code = code
        self.reason = reason
        self.transportError = transportError
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

/// What an empty answer may mean. CAcert's server sends both kinds before it queues anything, but
/// any later server error looks like the second.
func emptyAnswer(_ status: Int) -> String {
    let meaning =
        switch status {
        case 302: ", as CAcert's server sends it if it is called by another host name than its own"
        case 500: ", as CAcert's server sends it if it cannot read its list of weak keys"
        default: ""
        }
    return "an empty answer (HTTP \(status))\(meaning)"
}

func refusal(_ verdict: Verdict) -> CAcertError {
    CAcertError(
        verdict.text.lowercased().contains("username") ? .credentials : .refused, verdict.text)
}
