internal import Logging
public import TokencertPlatform

/// Who logs in, `CK_USER_TYPE`.
public struct UserType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The `CKU_` number.
    public let rawValue: UInt

    /// Makes a user type of any number.
    ///
    /// - Parameter rawValue: The `CKU_` number.
    public init(rawValue: UInt) {
        self.rawValue = rawValue
    }

    /// The user in words.
    public var description: String {
        switch self {
        case .user: "user"
        case .securityOfficer: "security officer"
        case .contextSpecific: "user, for one use of a key"
        default: "user type \(rawValue)"
        }
    }
}

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
        let isOurs: Bool
        do throws(CryptokiError) {
            if info.flags.contains(.protectedAuthenticationPath) {
                try module.functions.login(keeper.handle, user)
            } else {
                try module.functions.login(keeper.handle, user, pin)
            }
            isOurs = true
        } catch {
            guard error.returnValue == .userAlreadyLoggedIn else { throw error }
            isOurs = false
        }
        module.setLoggedIn(slot.id, as: user)
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
    /// program has reset. Only inside of
    /// ``withLogin(as:pin:evenWhereNotRequired:_:)``, which logs out in the end.
    ///
    /// The C function is `C_Login`.
    ///
    /// - Parameters:
    ///   - user: Who was logged in.
    ///   - pin: The PIN that the token has accepted before, UTF-8; it is sent once.
    /// - Throws: ``CryptokiError`` where the login fails; that somebody is logged in is no failure.
    public func renewLogin(as user: UserType, pin: borrowing Secret) throws(CryptokiError) {
        guard info.flags.contains(.loginRequired) else { return }
        let session = try openSession(ReadWrite.self)
        do throws(CryptokiError) {
            if info.flags.contains(.protectedAuthenticationPath) {
                try module.functions.login(session.handle, user)
            } else {
                try module.functions.login(session.handle, user, pin)
            }
        } catch {
            guard error.returnValue == .userAlreadyLoggedIn else { throw error }
        }
        module.setLoggedIn(slot.id, as: user)
    }
}
