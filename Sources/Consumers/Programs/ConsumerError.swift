/// Why a consumer cannot be set up, or does not work.
package struct ConsumerError: Error, Sendable, Hashable {
    /// The kinds of failure; their names are stable.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// A program of the consumer is not installed.
        case consumerNotInstalled
        /// A program of the consumer is too old.
        case consumerTooOld
        /// The certificate lacks something that the consumer requires.
        case certificateUnfit
        /// The consumer cannot use a key on such a token.
        case tokenUnfit
        /// The place is not known exactly: no profile or several, or no host is named.
        case placeUnknown
        /// A file of the user would have to be overwritten, was changed by someone else, or belongs to the
        /// set-up of another consumer.
        case fileInTheWay
        /// The consumer runs, and would overwrite the changes.
        case consumerRuns
        /// Nothing is set up.
        case notSetUp
        /// It was tried, and it does not work.
        case checkFailed
    }

    package let code: Code
    /// One line without a full stop.
    package let message: String
    /// Instructions for the user, with the command to type.
    package let advice: [String]

    package init(_ code: Code, _ message: String, advice: [String]) {
        self.code = code
        self.message = message
        self.advice = advice
    }
}
