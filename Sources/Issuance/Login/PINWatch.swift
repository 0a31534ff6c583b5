public import Cryptoki

/// What a token made of a PIN.
public enum PINOutcome: Sendable {
    /// The PIN is right.
    case accepted
    /// The token says that the PIN is wrong or of no use.
    case refused
    /// The call failed for another reason.
    case unknown
}

/// Who is asked before a PIN is sent that the token has not accepted yet, and told what came of it.
public struct PINWatch: Sendable {
    let willSend: @Sendable (UserType) -> String?
    let didSend: @Sendable (UserType, PINOutcome) -> Void

    /// - Parameters:
    ///   - willSend: Returns why the PIN of a role is not sent, or nil to have it sent.
    ///   - didSend: Told once for each PIN that was sent, at once, and again if a PIN is refused
    ///     that was accepted before.
    public init(
        willSend: @escaping @Sendable (UserType) -> String?,
        didSend: @escaping @Sendable (UserType, PINOutcome) -> Void
    ) {
        self.willSend = willSend
        self.didSend = didSend
    }
}
