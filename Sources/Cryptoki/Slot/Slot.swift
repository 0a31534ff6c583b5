/// A place of a module where a token can be.
///
/// Slot numbers are a module's own affair and may change, even while a token stays where it is. A
/// token is found again by its URI.
public struct Slot: Sendable {
    /// The module that the slot belongs to, kept initialised by this reference.
    public let module: Module
    /// The module's number for the slot, `CK_SLOT_ID`.
    public let id: UInt

    /// What the slot says of itself.
    ///
    /// The C function is `C_GetSlotInfo` (PKCS#11 v2.40, section 5.5).
    ///
    /// - Throws: ``CryptokiError``.
    public func info() throws(CryptokiError) -> SlotInfo {
        SlotInfo(try module.functions.slotInfo(id))
    }

    /// The token that is in the slot now.
    ///
    /// The C function is `C_GetTokenInfo` (section 5.5).
    ///
    /// - Throws: ``CryptokiError``; with ``ReturnValue/tokenNotPresent`` where the slot is empty.
    public func token() throws(CryptokiError) -> Token {
        Token(slot: self, info: TokenInfo(try module.functions.tokenInfo(id)))
    }
}

/// What a slot says of itself, `CK_SLOT_INFO`.
public struct SlotInfo: Sendable, Hashable {
    /// What the slot is, often the name of a reader.
    public let slotDescription: String
    /// Who made the slot.
    public let manufacturer: String
    /// Whether a token is in it, `CKF_TOKEN_PRESENT`.
    public let isTokenPresent: Bool
    /// Whether tokens can be taken out, `CKF_REMOVABLE_DEVICE`.
    public let isRemovable: Bool
    /// Whether it is a device and not a program, `CKF_HW_SLOT`.
    public let isHardware: Bool
}
