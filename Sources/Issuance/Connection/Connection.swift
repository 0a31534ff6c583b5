package import Cryptoki
internal import OpenSSLX509
package import TokencertTokens

/// A session with a token and the role that is logged in, as one value.
///
/// A token knows one role at a time. On most tokens the user does everything, in one login; where
/// the security officer makes keys or writes, the two roles take turns. The role is logged out when the
/// connection ends.
package struct Connection: ~Copyable {
    /// What is known of the token.
    package let capabilities: TokenCapabilities
    let pins: TokenPINs
    let tokenURI: PKCS11URI
    /// Sees what the role that is logged in may see.
    var session: Session<ReadWrite>
    private var role: UserType?
    /// Whether the role was logged in by this connection.
    private var hasLoggedIn = false

    package var token: Token { capabilities.token }

    /// Opens a session. It does not log in.
    package init(_ capabilities: TokenCapabilities, _ pins: TokenPINs) throws(IssuanceError) {
        let uri = try TokencertIssuance.tokenURI(capabilities.token)
        session = try at(.generate, "no session can be opened") {
            try capabilities.token.openSession(ReadWrite.self)
        }
        self.capabilities = capabilities
        self.pins = pins
        tokenURI = uri
    }

    deinit {
        endLogin()
    }

    // MARK: Roles

    /// Logs in the role that an operation needs. Handles of private objects are not valid any more
    /// if another role was logged in.
    ///
    /// - Throws: ``IssuanceError`` if the login fails.
    package mutating func logIn(
        for operation: TokenOperation, at step: Step
    ) throws(IssuanceError) {
        try logIn(as: capabilities.role(for: operation), at: step)
    }

    /// Logs in each role that will be needed, so that a wrong PIN is found before anything is begun.
    ///
    /// - Throws: ``IssuanceError`` if a login fails.
    package mutating func logInAll(at step: Step) throws(IssuanceError) {
        guard capabilities.changesRoles else { return try logIn(as: .user, at: step) }
        // At a reader's keys each login is the user's work, and one more chance to get it wrong.
        guard !token.info.flags.contains(.protectedAuthenticationPath) else { return }
        for role in pins.roles where !pins.wasAccepted(role) { try logIn(as: role, at: step) }
    }

    /// Does something while the user is logged in and private objects are seen.
    ///
    /// - Parameters:
    ///   - step: At which step, for errors of the login.
    ///   - body: What is done.
    package mutating func seeingPrivateObjects<Result>(
        at step: Step, _ body: () throws -> Result
    ) throws -> Result {
        try logIn(for: .read, at: step)
        return try body()
    }

    private mutating func logIn(as needed: UserType, at step: Step) throws(IssuanceError) {
        guard token.info.flags.contains(.loginRequired), role != needed else { return }
        logOut()
        hasLoggedIn = try pins.send(needed, at: step) { pin in
            try session.logIn(as: needed, pin: pin)
        }
        role = needed
    }

    private mutating func logOut() {
        endLogin()
        hasLoggedIn = false
        role = nil
    }

    private func endLogin() {
        guard role != nil, !session.isOver else { return }
        if hasLoggedIn {
            // This fails if the token was removed.
            try? session.logOut()
        } else {
            session.forgetLogin()
        }
    }

    /// Does a part of a job while the role that it needs is logged in; once more, from its beginning,
    /// if the token has forgotten meanwhile who was logged in.
    ///
    /// - Parameters:
    ///   - operation: What is done.
    ///   - step: At which step, for errors.
    ///   - body: The part. If it is done once more it is given the refusal: the refused call may have
    ///     taken effect.
    /// - Returns: What the part returns.
    /// - Throws: ``IssuanceError`` if a login fails, or what the part throws.
    mutating func perform<Result>(
        _ operation: TokenOperation, at step: Step,
        _ body: (inout Connection, _ refusal: IssuanceError?) throws -> Result
    ) throws(IssuanceError) -> Result {
        try logIn(for: operation, at: step)
        do {
            return try body(&self, nil)
        } catch {
            let refusal = IssuanceError(any: error, at: step)
            let role = capabilities.role(for: operation)
            guard refusal.tokenError?.returnValue == .userNotLoggedIn, pins.mayRenew(role) else {
                throw refusal
            }
            // Another program has reset the card.
            try renewLogin(role, at: step)
            do {
                return try body(&self, refusal)
            } catch {
                throw IssuanceError(any: error, at: step)
            }
        }
    }

    private mutating func renewLogin(_ role: UserType, at step: Step) throws(IssuanceError) {
        let isOurs = try pins.send(role, at: step) { pin in
            try token.renewLogin(as: role, pin: pin)
        }
        hasLoggedIn = hasLoggedIn || isOurs
    }

    // MARK: Sessions

    /// What interrupted calls have left; nil where roles take turns, as cards leave nothing.
    mutating func leftovers() -> LeftoverObjects? {
        capabilities.changesRoles ? nil : LeftoverObjects(&session)
    }

    /// Goes on in a new session, since some modules show a new key correctly only there.
    mutating func openNewSession(at step: Step) throws(IssuanceError) {
        // The login would end with the only session.
        let new = try at(step, "no new session can be opened") {
            try token.openSession(ReadWrite.self)
        }
        session = new
    }

    /// Reinitialises the token's module, logs the user in again and goes on in a new session.
    ///
    /// - Returns: Whether that was done: false if the user would have to enter the PIN again.
    /// - Throws: ``IssuanceError`` if no session with the same token can be opened.
    mutating func reinitializeModule(at step: Step) throws(IssuanceError) -> Bool {
        let flags = token.info.flags
        let needsLogin = flags.contains(.loginRequired)
        guard
            !needsLogin
                || (pins.wasAccepted(.user) && !flags.contains(.protectedAuthenticationPath))
        else { return false }
        // Another user of the module in this process may keep it, and the login with it.
        let wasOurs = hasLoggedIn
        hasLoggedIn = false
        role = nil
        let found = try at(step, "the module cannot be reinitialised") {
            try token.module.reinitialize()
            return try token.refreshed()
        }
        guard found.info.label == token.info.label,
            found.info.serialNumber == token.info.serialNumber
        else {
            throw IssuanceError(
                .tokenFailed, at: step,
                "the token is not in its slot after the module was reinitialised")
        }
        session = try at(step, "no session can be opened") {
            try token.openSession(ReadWrite.self)
        }
        try logIn(as: .user, at: step)
        hasLoggedIn = hasLoggedIn || (wasOurs && role != nil)
        return true
    }
}

/// The URI of a token.
func tokenURI(_ token: Token) throws(IssuanceError) -> PKCS11URI {
    try at(.plan, "reading the token") { try PKCS11URI(token: token) }
}
