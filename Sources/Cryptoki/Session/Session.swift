internal import Logging

/// Whether a session may write. The two that exist are ``ReadOnly`` and ``ReadWrite``.
public protocol SessionAccess: Sendable {
    /// Whether `CKF_RW_SESSION` is asked for.
    static var writes: Bool { get }
}

/// A session that may only read.
public enum ReadOnly: SessionAccess {
    /// False.
    public static var writes: Bool { false }
}

/// A session that may write.
public enum ReadWrite: SessionAccess {
    /// True.
    public static var writes: Bool { true }
}

/// A conversation with a token, `CK_SESSION_HANDLE`.
///
/// A session has one owner and cannot be copied; it is closed by ``close()`` or when its owner goes
/// away. It keeps its module initialised. Whatever starts an operation needs the session for
/// itself, so a second operation inside of a first one does not compile. Who is logged in does not
/// belong to the session but to the token: see ``Token/withLogin(as:pin:evenWhereNotRequired:_:)``
/// and ``logIn(as:pin:evenWhereNotRequired:)``.
public struct Session<Access: SessionAccess>: ~Copyable {
    /// The token of the session.
    public let token: Token

    let handle: UInt
    private var isOpen: Bool
    private let initialization: Int

    /// Whether the module was reinitialised since, so that the handle may belong to another
    /// session.
    package var isOver: Bool { initialization != token.module.initialization }

    var functions: FunctionTable { token.module.functions }

    init(token: Token) throws(CryptokiError) {
        let functions = token.module.functions
        let handle = try functions.openSession(token.slot.id, writes: Access.writes)
        do throws(CryptokiError) {
            // Checked after the session is open, since replacing the token later ends the session.
            let info = TokenInfo(try functions.tokenInfo(token.slot.id))
            guard info.isSameToken(as: token.info) else {
                throw CryptokiError(
                    .otherToken, function: "C_OpenSession",
                    context: "another token is in the slot than the one that was chosen")
            }
        } catch {
            try? functions.closeSession(handle)
            throw error
        }
        self.token = token
        self.handle = handle
        initialization = token.module.initialization
        isOpen = true
    }

    deinit {
        guard isOpen, !isOver else { return }
        do throws(CryptokiError) {
            try functions.closeSession(handle)
        } catch {
            // A token that was taken out has closed the session itself.
            logger.debug("a session was not closed: \(error)")
        }
    }

    /// Closes the session, and tells whether that went well.
    ///
    /// The C function is `C_CloseSession` (PKCS#11 v2.40, section 5.6).
    ///
    /// - Throws: ``CryptokiError``; the session is gone all the same.
    public consuming func close() throws(CryptokiError) {
        isOpen = false
        guard !isOver else { return }
        try functions.closeSession(handle)
    }
}

extension Token {
    /// Opens a session, and checks that this token is still in the slot.
    ///
    /// The C functions are `C_OpenSession` and `C_GetTokenInfo` (sections 5.6 and 5.5).
    ///
    /// - Parameter access: ``ReadOnly`` or ``ReadWrite``.
    /// - Returns: The session; the caller owns it, and it is closed when it goes out of use.
    /// - Throws: ``CryptokiError``; with code ``CryptokiError/Code/otherToken`` if another token is in
    ///   the slot. No session is open then.
    public func openSession<Access: SessionAccess>(
        _ access: Access.Type
    ) throws(CryptokiError) -> Session<Access> {
        try Session(token: self)
    }
}
