package import TokencertPlatform

/// What carries a form to the CA and its answer back. The API says nothing about how.
package protocol Transport: ~Copyable {
    /// Posts a form once.
    ///
    /// - Parameters:
    ///   - url: The whole address, `https:`.
    ///   - form: The body, `application/x-www-form-urlencoded`, with the password in it.
    /// - Returns: What came back, whatever its status.
    mutating func post(
        to url: String, form: borrowing Secret
    ) throws(TransportError) -> TransportAnswer
}

/// What a ``Transport`` brought back.
package struct TransportAnswer: Sendable, Hashable {
    /// The HTTP status.
    package let status: Int
    /// The body.
    package let body: [UInt8]

    /// Makes an answer.
    package init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// Why a ``Transport`` brought nothing back.
package struct TransportError: Error, Sendable, Equatable {
    /// What happened, for a person to read.
    package let reason: String
    /// Whether the server may have got the request, and so may have acted on it.
    package let mayHaveBeenSent: Bool
    /// What of the answer's body had come by then.
    package let partialAnswer: [UInt8]
    /// The HTTP status of that answer, or nil where none had come.
    package let partialStatus: Int?

    /// Makes an error.
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
