/// A token in a slot, with its information as last read.
public struct Token: Sendable {
    /// The slot that contained the token.
    public let slot: Slot
    /// The token's information when it was last read. The PIN flags change with each login attempt.
    public let info: TokenInfo

    /// The token's module.
    public var module: Module { slot.module }

    /// Reads the token's information again.
    ///
    /// The C function is `C_GetTokenInfo` (PKCS#11 v2.40, section 5.5).
    ///
    /// - Returns: The token that is in the slot now, which may be a different one.
    /// - Throws: ``CryptokiError``.
    public func refreshed() throws(CryptokiError) -> Token {
        try slot.token()
    }

    /// The mechanisms of the token, in the order in which it lists them.
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
    /// - Parameter type: A mechanism from ``mechanisms()``.
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
    /// - Throws: ``CryptokiError``; with ``ReturnValue/tokenNotPresent`` if the slot is empty.
    public func token() throws(CryptokiError) -> Token {
        Token(slot: self, info: TokenInfo(try module.functions.tokenInfo(id)))
    }
}
