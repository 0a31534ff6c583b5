package import TokencertPlatform

/// Sends forms to the CA.
package protocol Transport: ~Copyable {
    /// Posts an `application/x-www-form-urlencoded` form once. Returns the answer with any status.
    mutating func post(
        to url: String, form: borrowing Secret
    ) throws(TransportError) -> TransportAnswer
}

/// The answer of a server.
package struct TransportAnswer: Sendable, Hashable {
    /// The HTTP status.
    package let status: Int
    /// The absolute URL that a redirect names, or nil; known only of a page.
    package let redirect: String?
    /// The value of the `Content-Type` header, or nil; known only of a page.
    package let contentType: String?
    package let body: [UInt8]

    package init(
        status: Int, redirect: String? = nil, contentType: String? = nil, body: [UInt8] = []
    ) {
        self.status = status
        self.redirect = redirect
        self.contentType = contentType
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
