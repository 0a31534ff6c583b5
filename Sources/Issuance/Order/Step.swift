/// The steps of issuing a certificate, in order. Each produces a value that the next one needs.
package enum Step: String, Sendable, Hashable, CaseIterable {
    /// Read the token and the account; change nothing.
    case plan
    /// Generate the key pair, or find the requested one, and check its attributes.
    case generate
    /// Create the certificate signing request; the token signs it.
    case request
    /// Send the order once.
    case order
    /// Fetch the certificate from the account at the CA, if its answer had none.
    case fetch
    case verify
    /// Write the certificate to the token that holds its key.
    case write
    /// Read the certificate in a new session; the token proves possession of the key.
    case readBack = "read back"
    /// Remove the replaced certificate, if the user requested that.
    case retire
    /// Not part of issuing: produce evidence about a key for a third party.
    case evidence
    /// Not part of issuing: remove the selected objects.
    case remove
    /// Not part of issuing: set up a token or one of its PINs.
    case setUp = "set up"
}

/// The effect of a step outside this process.
package enum StepEffect: Sendable, Hashable {
    /// None.
    case pure
    /// Checks whether it has already happened, and acts only if not.
    case repeatable
    /// Has a second effect if repeated. Needs an intent in the ledger.
    case once
    /// Removes something. Needs an intent in the ledger.
    case destructive
}

extension Step {
    package var effect: StepEffect {
        switch self {
        case .plan, .request, .verify, .readBack, .evidence: .pure
        case .generate, .fetch, .write: .repeatable
        case .order: .once
        case .retire, .remove, .setUp: .destructive
        }
    }
}
