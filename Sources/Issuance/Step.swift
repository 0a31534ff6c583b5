/// The steps of an issue, in their order. Each makes a value that the next one needs.
package enum Step: String, Sendable, Hashable, CaseIterable {
    /// Look at the token and the account; change nothing.
    case plan
    /// Make the key pair, or take the one that was named, and insist on what it must be.
    case generate
    /// Make the request and have the token sign it.
    case request
    /// Send the order, once.
    case order
    /// Check what came back.
    case verify
    /// Write the certificate beside its key.
    case write
    /// Find the certificate again and have the token prove that it holds the key.
    case readBack = "read back"
    /// Remove the certificate that was replaced, where that was asked for.
    case retire
    /// Outside of an issue: have a key prove itself to somebody else.
    case evidence
    /// Outside of an issue: remove what a person has named.
    case remove
    /// Outside of an issue: set up a token, or a PIN of it.
    case setUp = "set up"
}
