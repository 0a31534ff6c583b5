package import TokencertPlatform

/// Sends forms to the CA.
package protocol Transport: ~Copyable {
    /// Posts an `application/x-www-form-urlencoded` form once. Returns the answer with any status.
    mutating func post(
        to url: String, form: borrowing Secret
    ) throws(TransportError) -> TransportAnswer
}

/// The answer that a ``Transport`` received.
package struct TransportAnswer: Sendable, Hashable {
    /// The HTTP status.
    package let status: Int
    package let body: [UInt8]

    package init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// An error that prevented a complete answer.
package struct TransportError: Error, Sendable, Equatable {
    package let reason: String
    /// Whether the server may have received the request, and may have acted on it.
    package let mayHaveBeenSent: Bool
    /// The part of the answer's body that was received.
    package let partialAnswer: [UInt8]
    /// The HTTP status of the partial answer, if it was received.
    package let partialStatus: Int?

    package init(
        reason: String, mayHaveBeenSent: Bool, partialAnswer: [UInt8] = [],
        partialStatus: Int? = nil
    ) {
        self.reason = reason
        self.mayHaveBeenSent = mayHaveBeenSent
        self.partialAnswer = partialAnswer
        self.partialStatus = partialStatus
    }
}
