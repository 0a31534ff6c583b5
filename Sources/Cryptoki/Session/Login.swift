internal import Logging
public import TokencertPlatform

extension Token {
    /// Does something while somebody is logged in to the token.
    ///
    /// A login belongs to the token and this process: it holds for every session of the token that
    /// is opened inside of the closure. Somebody who was logged in before stays so; inside of another
    /// login of the same user nothing is sent. A token without
    /// ``TokenFlags/loginRequired`` is not logged in to, as such tokens count even a right PIN as
    /// wrong. The C functions are `C_Login` and `C_Logout` (PKCS#11 v2.40, section 5.6).
    ///
    /// - Parameters:
    ///   - user: Who logs in.
    ///   - pin: The PIN, UTF-8; it is sent once. Ignored where the token has
    ///     ``TokenFlags/protectedAuthenticationPath``, which asks at its own keys.
    ///   - evenWhereNotRequired: Whether a token without ``TokenFlags/loginRequired`` is logged in
    ///     to all the same, as it must be for what only the security officer may do.
    ///   - body: What is done. It must not log out.
    /// - Returns: What the closure returns.
    /// - Throws: ``CryptokiError`` where the login fails; what the closure throws.
    public func withLogin<Result>(
        as user: UserType, pin: borrowing Secret, evenWhereNotRequired: Bool = false,
        _ body: () throws -> Result
    ) throws -> Result {
        guard evenWhereNotRequired || info.flags.contains(.loginRequired),
            !module.isLoggedIn(slot.id, as: user)
        else { return try body() }
        // A read-write session, since the security officer is refused while a read-only one is
        // open.
        let keeper = try openSession(ReadWrite.self)
        let isOurs = try keeper.logIn(as: user, pin: pin, evenWhereNotRequired: true)
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

    /// Logs in once more after the token has forgotten who was logged in, as cards do that another
    /// program has reset. The caller logs out.
    ///
    /// The C function is `C_Login`.
    ///
    /// - Parameters:
    ///   - user: Who was logged in.
    ///   - pin: The PIN that the token has accepted before, UTF-8; it is sent once.
    /// - Returns: Whether this call has logged the user in; false if the token says that a user is
    ///   logged in.
    /// - Throws: ``CryptokiError`` where the login fails.
    @discardableResult
    public func renewLogin(
        as user: UserType, pin: borrowing Secret
    ) throws(CryptokiError) -> Bool {
        guard info.flags.contains(.loginRequired) else { return false }
        // What is remembered of the login does not hold any more.
        module.setLoggedIn(slot.id, as: nil)
        return try openSession(ReadWrite.self).logIn(as: user, pin: pin)
    }
}

extension Session where Access == ReadWrite {
    /// Logs a user in to the token of the session, until ``logOut()``.
    ///
    /// A login belongs to the token and this process: it holds for every session of the token. Where
    /// the user is logged in already nothing is sent, and a token without
    /// ``TokenFlags/loginRequired`` is not logged in to. The C function is `C_Login` (PKCS#11 v2.40,
    /// section 5.6).
    ///
    /// - Parameters:
    ///   - user: Who logs in.
    ///   - pin: The PIN, UTF-8; it is sent once. Ignored where the token has
    ///     ``TokenFlags/protectedAuthenticationPath``, which asks at its own keys.
    ///   - evenWhereNotRequired: Whether to log in to a token without ``TokenFlags/loginRequired``,
    ///     too.
    /// - Returns: Whether this call has logged the user in, so that the caller has to log out.
    /// - Throws: ``CryptokiError`` where the login fails.
    public func logIn(
        as user: UserType, pin: borrowing Secret, evenWhereNotRequired: Bool = false
    ) throws(CryptokiError) -> Bool {
        let (module, slot) = (token.module, token.slot.id)
        guard evenWhereNotRequired || token.info.flags.contains(.loginRequired),
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

    /// Logs the user of the token out.
    ///
    /// Handles of private objects are not valid any more. The C function is `C_Logout` (PKCS#11
    /// v2.40, section 5.6).
    ///
    /// - Throws: ``CryptokiError``.
    public func logOut() throws(CryptokiError) {
        forgetLogin()
        try functions.logout(handle)
    }

    /// Forgets a login that another part of the process, or the module, has made. ``logOut()`` is not
    /// called.
    package func forgetLogin() {
        token.module.setLoggedIn(token.slot.id, as: nil)
    }
}
