/// A token in a slot, with what it said of itself when it was looked at.
public struct Token: Sendable {
    /// The slot in which the token was found.
    public let slot: Slot
    /// What the token said of itself then. Its PIN flags change with each try.
    public let info: TokenInfo

    /// The module that the token was reached through.
    public var module: Module { slot.module }

    /// Looks at the token once more.
    ///
    /// The C function is `C_GetTokenInfo` (PKCS#11 v2.40, section 5.5).
    ///
    /// - Returns: What is in the same slot now.
    /// - Throws: ``CryptokiError``.
    public func refreshed() throws(CryptokiError) -> Token {
        try slot.token()
    }

    /// The mechanisms of the token, in its own order.
    ///
    /// The C function is `C_GetMechanismList` (section 5.5).
    ///
    /// - Throws: ``CryptokiError``.
    public func mechanisms() throws(CryptokiError) -> [MechanismType] {
        try module.functions.mechanismList(slot.id).map { MechanismType(rawValue: $0) }
    }

    /// What the token can do with a mechanism.
    ///
    /// The C function is `C_GetMechanismInfo` (section 5.5).
    ///
    /// - Parameter type: A mechanism of ``mechanisms()``.
    /// - Throws: ``CryptokiError``.
    public func mechanismInfo(_ type: MechanismType) throws(CryptokiError) -> MechanismInfo {
        MechanismInfo(try module.functions.mechanismInfo(slot.id, type))
    }
}

extension Slot {
    /// The token that is in the slot now.
    ///
    /// The C function is `C_GetTokenInfo` (section 5.5).
    ///
    /// - Throws: ``CryptokiError``; with ``ReturnValue/tokenNotPresent`` where the slot is empty.
    public func token() throws(CryptokiError) -> Token {
        Token(slot: self, info: TokenInfo(try module.functions.tokenInfo(id)))
    }
}
