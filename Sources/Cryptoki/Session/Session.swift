internal import Logging

/// Whether a session may write: ``ReadOnly`` or ``ReadWrite``.
public protocol SessionAccess: Sendable {
    /// Whether the session is opened with `CKF_RW_SESSION`.
    static var writes: Bool { get }
}

/// A read-only session.
public enum ReadOnly: SessionAccess {
    /// Always false.
    public static var writes: Bool { false }
}

/// A read-write session.
public enum ReadWrite: SessionAccess {
    /// Always true.
    public static var writes: Bool { true }
}

/// A session with a token, `CK_SESSION_HANDLE`.
///
/// A session has one owner, cannot be copied, and is closed by ``close()`` or when its owner
/// releases it. It keeps its module initialised. Methods that start an operation are mutating, so
/// starting one inside another does not compile. A login belongs to the token, not to the session:
/// see ``Token/withLogin(as:pin:evenIfNotRequired:_:)`` and
/// ``logIn(as:pin:evenIfNotRequired:)``.
public struct Session<Access: SessionAccess>: ~Copyable {
    /// The token of the session.
    public let token: Token

    let handle: UInt
    private var isOpen: Bool
    private let initialization: Int

    /// Whether the module was reinitialised after the session was opened. The handle may then
    /// belong to another session.
    package var isOver: Bool { initialization != token.module.initialization }

    var functions: FunctionTable { token.module.functions }

    init(token: Token) throws(CryptokiError) {
        let functions = token.module.functions
        let handle = try functions.openSession(token.slot.id, writes: Access.writes)
        do throws(CryptokiError) {
            // Checked with the session open, since removing the token ends the session.
            let info = TokenInfo(try functions.tokenInfo(token.slot.id))
            guard info.isSameToken(as: token.info) else {
                throw CryptokiError(
                    .otherToken, function: "C_OpenSession",
                    context: "the token in the slot was exchanged")
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
            // Removing a token closes its sessions.
            logger.debug("a session was not closed: \(error)")
        }
    }

    /// Closes the session and reports any error.
    ///
    /// The C function is `C_CloseSession` (PKCS#11 v2.40, section 5.6).
    ///
    /// - Throws: ``CryptokiError``; the session cannot be used afterwards even then.
    public consuming func close() throws(CryptokiError) {
        isOpen = false
        guard !isOver else { return }
        try functions.closeSession(handle)
    }
}

extension Token {
    /// Opens a session and checks that this token is still in the slot.
    ///
    /// The C functions are `C_OpenSession` and `C_GetTokenInfo` (sections 5.6 and 5.5).
    ///
    /// - Parameter access: ``ReadOnly`` or ``ReadWrite``.
    /// - Returns: The session, which the caller owns and which is closed when released.
    /// - Throws: ``CryptokiError``; with code ``CryptokiError/Code/otherToken`` if another token is
    ///   in the slot. No session is left open.
    public func openSession<Access: SessionAccess>(
        _ access: Access.Type
    ) throws(CryptokiError) -> Session<Access> {
        try Session(token: self)
    }
}
