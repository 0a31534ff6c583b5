internal import Logging
public import TokencertPlatform

extension Token {
    /// Runs a closure while a user is logged in to the token.
    ///
    /// A login belongs to the token and this process, so it applies to every session that the
    /// closure opens with the token. If the user is logged in already, no PIN is sent and the user
    /// stays logged in. A token without ``TokenFlags/loginRequired`` gets no login, since such
    /// tokens may count even a correct PIN as wrong. The C functions are `C_Login` and `C_Logout`
    /// (PKCS#11 v2.40, section 5.6).
    ///
    /// - Parameters:
    ///   - user: The user who logs in.
    ///   - pin: The PIN, UTF-8; sent once. Ignored if the token has
    ///     ``TokenFlags/protectedAuthenticationPath``: the PIN is then entered on the reader.
    ///   - evenIfNotRequired: Whether to log in even if the token does not have
    ///     ``TokenFlags/loginRequired``, which the security officer's functions require.
    ///   - body: The closure. It must not log out.
    /// - Returns: The result of the closure.
    /// - Throws: ``CryptokiError`` if the login fails; otherwise the closure's error.
    public func withLogin<Result>(
        as user: UserType, pin: borrowing Secret, evenIfNotRequired: Bool = false,
        _ body: () throws -> Result
    ) throws -> Result {
        guard evenIfNotRequired || info.flags.contains(.loginRequired),
            !module.isLoggedIn(slot.id, as: user)
        else { return try body() }
        // The security officer cannot log in while a read-only session is open.
        let keeper = try openSession(ReadWrite.self)
        let isOurs = try keeper.logIn(as: user, pin: pin, evenIfNotRequired: true)
        defer {
            module.setLoggedIn(slot.id, as: nil)
            if isOurs || keeper.isOver {
                do throws(CryptokiError) {
                    if keeper.isOver {
                        let later = try openSession(ReadWrite.self)
                        try module.functions.logout(later.handle)
                    } else {
                        try module.functions.logout(keeper.handle)
                    }
                } catch {
                    logger.debug("no logout: \(error)")
                }
            }
        }
        return try body()
    }

    /// Logs in again after the token has lost the login, for example because another program reset
    /// the card. The caller must log out.
    ///
    /// The C function is `C_Login`.
    ///
    /// - Parameters:
    ///   - user: The user who was logged in.
    ///   - pin: The PIN that the token accepted before, UTF-8; sent once.
    /// - Returns: Whether this call logged the user in; false if the token requires no login or
    ///   reports that the user is logged in already.
    /// - Throws: ``CryptokiError`` if the login fails.
    @discardableResult
    public func renewLogin(
        as user: UserType, pin: borrowing Secret
    ) throws(CryptokiError) -> Bool {
        guard info.flags.contains(.loginRequired) else { return false }
        // The recorded login is no longer valid.
        module.setLoggedIn(slot.id, as: nil)
        return try openSession(ReadWrite.self).logIn(as: user, pin: pin)
    }
}

extension Session {
    /// The user who is logged in to the token in this process, as the state of the session shows it.
    ///
    /// Another program can end a login, for example by resetting the card, and some modules then only
    /// show fewer objects. Do not call this between the beginning of a signature and its end, since
    /// some cards lose a context-specific login. The C function is `C_GetSessionInfo` (PKCS#11 v2.40,
    /// section 5.6).
    ///
    /// - Returns: The user, or nil if the module reports none.
    /// - Throws: ``CryptokiError``.
    public func loggedInUser() throws(CryptokiError) -> UserType? {
        try functions.loggedInUser(handle)
    }
}

extension Session where Access == ReadWrite {
    /// Logs a user in to the session's token until ``logOut()``.
    ///
    /// A login belongs to the token and this process, so it applies to every session with the
    /// token. Nothing is sent if the user is logged in already or the token does not have
    /// ``TokenFlags/loginRequired``. The C function is `C_Login` (PKCS#11 v2.40, section 5.6).
    ///
    /// - Parameters:
    ///   - user: The user who logs in.
    ///   - pin: The PIN, UTF-8; sent once. Ignored if the token has
    ///     ``TokenFlags/protectedAuthenticationPath``: the PIN is then entered on the reader.
    ///   - evenIfNotRequired: Whether to log in even if the token does not have
    ///     ``TokenFlags/loginRequired``.
    /// - Returns: Whether this call logged the user in. If true, the caller must log out.
    /// - Throws: ``CryptokiError`` if the login fails.
    public func logIn(
        as user: UserType, pin: borrowing Secret, evenIfNotRequired: Bool = false
    ) throws(CryptokiError) -> Bool {
        let (module, slot) = (token.module, token.slot.id)
        guard evenIfNotRequired || token.info.flags.contains(.loginRequired),
            !module.isLoggedIn(slot, as: user)
        else { return false }
        var isOurs = true
        do throws(CryptokiError) {
            if token.info.flags.contains(.protectedAuthenticationPath) {
                try functions.login(handle, user)
            } else {
                try functions.login(handle, user, pin)
            }
        } catch {
            guard error.returnValue == .userAlreadyLoggedIn else { throw error }
            isOurs = false
        }
        module.setLoggedIn(slot, as: user)
        return isOurs
    }

    /// Logs out of the session's token.
    ///
    /// Handles of private objects become invalid. The C function is `C_Logout` (PKCS#11 v2.40,
    /// section 5.6).
    ///
    /// - Throws: ``CryptokiError``.
    public func logOut() throws(CryptokiError) {
        forgetLogin()
        try functions.logout(handle)
    }

    /// Discards the record of a login without logging out.
    package func forgetLogin() {
        token.module.setLoggedIn(token.slot.id, as: nil)
    }
}
