/// The steps of an issue, in their order. Each makes a value that the next one needs.
package enum Step: String, Sendable, Hashable, CaseIterable {
    /// Read the token and the account; change nothing.
    case plan
    /// Generate the key pair, or find the one that was named, and check its attributes.
    case generate
    /// Make the request; the token signs it.
    case request
    /// Send the order, once.
    case order
    /// Verify the certificate.
    case verify
    /// Write the certificate beside its key.
    case write
    /// Read the certificate in a new session; the token proves possession of the key.
    case readBack = "read back"
    /// Remove the certificate that was replaced, if that was requested.
    case retire
    /// Not part of an issue: make evidence about a key for a third party.
    case evidence
    /// Not part of an issue: remove the named objects.
    case remove
    /// Not part of an issue: set up a token or one of its PINs.
    case setUp = "set up"
}

/// What kind of effect a step has outside of this process.
package enum StepEffect: Sendable, Hashable {
    /// None.
    case pure
    /// It looks whether it was done, and does it if not.
    case repeatable
    /// It happens once: done again it has a second effect. It needs an intent in the ledger.
    case once
    /// It removes something. It needs an intent in the ledger.
    case destructive
}

extension Step {
    /// The kind of effect that the step of an order has.
    package var effect: StepEffect {
        switch self {
        case .plan, .request, .verify, .readBack, .evidence: .pure
        case .generate, .write: .repeatable
        case .order: .once
        case .retire, .remove, .setUp: .destructive
        }
    }
}
