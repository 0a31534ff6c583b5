package import Cryptoki
internal import OpenSSLX509
package import TokencertTokens

/// A session with a token, and the role that is logged in.
///
/// Only one role can be logged in at a time. On most tokens the user can do everything; if the
/// security officer generates keys or writes, the connection changes roles as needed. It logs out
/// when it ends.
package struct Connection: ~Copyable {
    package let capabilities: TokenCapabilities
    let pins: TokenPINs
    let tokenURI: PKCS11URI
    /// Shows only the objects that the current role may see.
    var session: Session<ReadWrite>
    private var role: UserType?
    /// Whether this connection logged the role in.
    private var hasLoggedIn = false

    package var token: Token { capabilities.token }

    /// Opens a session without logging in.
    package init(_ capabilities: TokenCapabilities, _ pins: TokenPINs) throws(IssuanceError) {
        let uri = try TokencertIssuance.tokenURI(capabilities.token)
        session = try at(.generate, "cannot open a session with the token") {
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

    /// Logs in the role that an operation needs. A change of the role invalidates the handles of
    /// private objects.
    package mutating func logIn(
        for operation: TokenOperation, at step: Step
    ) throws(IssuanceError) {
        try logIn(as: capabilities.role(for: operation), at: step)
    }

    /// Logs in each required role in turn, to detect a wrong PIN before the job starts.
    package mutating func logInAll(at step: Step) throws(IssuanceError) {
        guard capabilities.changesRoles else { return try logIn(as: .user, at: step) }
        // On a reader's PIN pad the user types the PIN for each login, and each time may mistype it.
        guard !token.info.flags.contains(.protectedAuthenticationPath) else { return }
        for role in pins.roles where !pins.wasAccepted(role) { try logIn(as: role, at: step) }
    }

    /// Runs `body` while the user is logged in, so private objects are visible.
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

    /// Runs `body` while the role for an operation is logged in. If the token has lost the login,
    /// logs in and runs `body` once more with the error, since the failed call may have taken effect.
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
            // Another program may have reset the card.
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

    /// Objects left by interrupted calls; nil if the roles change, because such cards leave none.
    mutating func leftovers() -> LeftoverObjects? {
        capabilities.changesRoles ? nil : LeftoverObjects(&session)
    }

    /// Continues in a new session, because some modules show a new key correctly only there.
    mutating func openNewSession(at step: Step) throws(IssuanceError) {
        // Open it before the old one closes: the login ends with the last session.
        let new = try at(step, "cannot open a new session with the token") {
            try token.openSession(ReadWrite.self)
        }
        session = new
    }

    /// Reinitialises the module, logs the user in again and opens a new session. Returns false, and
    /// does nothing, if the user would have to enter the PIN again.
    mutating func reinitializeModule(at step: Step) throws(IssuanceError) -> Bool {
        let flags = token.info.flags
        let needsLogin = flags.contains(.loginRequired)
        guard
            !needsLogin
                || (pins.wasAccepted(.user) && !flags.contains(.protectedAuthenticationPath))
        else { return false }
        // Other code in this process may keep the module initialised, and with it the login.
        let wasOurs = hasLoggedIn
        hasLoggedIn = false
        role = nil
        let found = try at(step, "cannot reinitialise the module") {
            try token.module.reinitialize()
            return try token.refreshed()
        }
        guard found.info.label == token.info.label,
            found.info.serialNumber == token.info.serialNumber
        else {
            throw IssuanceError(
                .tokenFailed, at: step,
                "the token is no longer in its slot after the module was reinitialised")
        }
        session = try at(step, "cannot open a session with the token") {
            try token.openSession(ReadWrite.self)
        }
        try logIn(as: .user, at: step)
        hasLoggedIn = hasLoggedIn || (wasOurs && role != nil)
        return true
    }
}

func tokenURI(_ token: Token) throws(IssuanceError) -> PKCS11URI {
    try at(.plan, "cannot read the token") { try PKCS11URI(token: token) }
}
