internal import Cryptoki
package import TokencertInventory

/// Sees to it that the right role is logged in for what is done.
///
/// Where the user does everything there is one login for the whole job. Where the security officer
/// makes keys or writes, the two take turns, as a token knows one of them at a time; the user comes
/// first, so that a wrong PIN is found before anything is changed.
package struct TokenLogin: Sendable {
    /// What is known of the token.
    package let capabilities: TokenCapabilities
    let pins: TokenPINs

    var token: Token { capabilities.token }

    /// Prepares logins. Nothing is sent yet.
    ///
    /// - Parameters:
    ///   - capabilities: What is known of the token.
    ///   - pins: The PINs that were asked for.
    package init(_ capabilities: TokenCapabilities, _ pins: TokenPINs) {
        self.capabilities = capabilities
        self.pins = pins
    }

    /// Does a whole job, in one login where one role does everything.
    ///
    /// - Parameter body: The job; each part of it is in ``performing(_:at:_:)`` or `changing`.
    /// - Returns: What the job returns.
    /// - Throws: ``IssuanceError`` where a login fails, or what the job throws.
    package func holding<Result>(
        _ body: () throws(IssuanceError) -> Result
    ) throws(IssuanceError) -> Result {
        guard capabilities.changesRoles else {
            return try logged(in: .user, at: .generate, body)
        }
        try prove()
        return try body()
    }

    /// Does a part of a job while the role that it needs is logged in; once more, from its beginning,
    /// where the token has forgotten meanwhile who was logged in.
    ///
    /// - Parameters:
    ///   - operation: What is done.
    ///   - step: At which step, for errors.
    ///   - body: The part. Handles of private objects do not outlive it where roles take turns.
    /// - Returns: What the part returns.
    /// - Throws: ``IssuanceError`` where a login fails, or what the part throws.
    package func performing<Result>(
        _ operation: TokenOperation, at step: Step, _ body: () throws(IssuanceError) -> Result
    ) throws(IssuanceError) -> Result {
        try changing(operation, at: step) { (_) throws(IssuanceError) in try body() }
    }

    /// The same for a part that must not be done twice: a call that was refused may have done its work
    /// all the same.
    ///
    /// - Parameters:
    ///   - operation: What is done.
    ///   - step: At which step, for errors.
    ///   - body: The part, which is told the refusal where it is done once more.
    /// - Returns: What the part returns.
    /// - Throws: ``IssuanceError`` where a login fails, or what the part throws.
    func changing<Result>(
        _ operation: TokenOperation, at step: Step,
        _ body: (_ refusal: IssuanceError?) throws(IssuanceError) -> Result
    ) throws(IssuanceError) -> Result {
        let role = capabilities.role(for: operation)
        return try logged(in: role, at: step) { () throws(IssuanceError) in
            do throws(IssuanceError) {
                return try body(nil)
            } catch {
                guard error.tokenError?.returnValue == .userNotLoggedIn, pins.mayRenew(role) else {
                    throw error
                }
                // Another program has reset the card.
                try renew(role, at: step)
                return try body(error)
            }
        }
    }

    /// Has each role log in once, so that a wrong PIN is found before anything is begun.
    ///
    /// - Throws: ``IssuanceError``.
    private func prove() throws(IssuanceError) {
        // At a reader's keys each login is a person's work, and one more chance to get it wrong.
        guard !token.info.flags.contains(.protectedAuthenticationPath) else { return }
        for role in pins.roles where !pins.wasAccepted(role) {
            try logged(in: role, at: .generate) { () throws(IssuanceError) in }
        }
    }

    private func logged<Result>(
        in role: UserType, at step: Step, _ body: () throws(IssuanceError) -> Result
    ) throws(IssuanceError) -> Result {
        var failure: IssuanceError?
        var result: Result?
        try pins.send(role, at: step) { pin throws(CryptokiError) in
            do {
                result = try token.withLogin(as: role, pin: pin) {
                    pins.accept(role)
                    return try body()
                }
            } catch let error as IssuanceError {
                failure = error
            } catch let error as CryptokiError {
                throw error
            } catch {
                failure = IssuanceError(.tokenFailed, at: step, "\(error)")
            }
        }
        if let failure { throw failure }
        guard let result else {
            throw IssuanceError(.tokenFailed, at: step, "the login came to no end")
        }
        return result
    }

    private func renew(_ role: UserType, at step: Step) throws(IssuanceError) {
        try pins.send(role, at: step) { pin throws(CryptokiError) in
            try token.renewLogin(as: role, pin: pin)
        }
    }
}
