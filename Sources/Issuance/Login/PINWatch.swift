package import Cryptoki

/// The token's answer to a PIN.
package enum PINOutcome: Sendable {
    /// The PIN is right.
    case accepted
    /// The token reports that the PIN is wrong or cannot be used.
    case refused
    /// The call failed for another reason.
    case unknown
}

/// Decides before a PIN that the token has not accepted yet is sent, and receives the result.
package struct PINWatch: Sendable {
    let willSend: @Sendable (UserType) -> String?
    let didSend: @Sendable (UserType, PINOutcome) -> Void

    /// - Parameters:
    ///   - willSend: Returns why the PIN of a role must not be sent, or nil to send it.
    ///   - didSend: Called immediately after each PIN that was sent, and again if a PIN that was
    ///     accepted before is refused.
    package init(
        willSend: @escaping @Sendable (UserType) -> String?,
        didSend: @escaping @Sendable (UserType, PINOutcome) -> Void
    ) {
        self.willSend = willSend
        self.didSend = didSend
    }
}
