/// A slot of a module, which may contain a token.
///
/// A module may renumber its slots, even while a token stays in place. To find a token again, use
/// its URI.
public struct Slot: Sendable {
    /// The slot's module, which this reference keeps initialised.
    public let module: Module
    /// The module's number for the slot, `CK_SLOT_ID`.
    public let id: UInt

    /// Reads information about the slot.
    ///
    /// The C function is `C_GetSlotInfo` (PKCS#11 v2.40, section 5.5).
    ///
    /// - Throws: ``CryptokiError``.
    public func info() throws(CryptokiError) -> SlotInfo {
        SlotInfo(try module.functions.slotInfo(id))
    }
}

/// Information about a slot, `CK_SLOT_INFO`.
public struct SlotInfo: Sendable, Hashable {
    /// The description of the slot, often the name of a reader.
    public let slotDescription: String
    /// The manufacturer of the slot.
    public let manufacturer: String
    /// Whether the slot contains a token, `CKF_TOKEN_PRESENT`.
    public let isTokenPresent: Bool
    /// Whether tokens can be removed, `CKF_REMOVABLE_DEVICE`.
    public let isRemovable: Bool
    /// Whether the slot is a hardware device, `CKF_HW_SLOT`.
    public let isHardware: Bool
}

extension Module {
    /// Lists the slots of the module.
    ///
    /// The C function is `C_GetSlotList` (section 5.5).
    ///
    /// - Parameter tokenPresent: Whether to list only slots that contain a token.
    /// - Returns: The slots, in the module's order.
    /// - Throws: ``CryptokiError``.
    public func slots(tokenPresent: Bool) throws(CryptokiError) -> [Slot] {
        try functions.slotList(tokenPresent: tokenPresent).map { Slot(module: self, id: $0) }
    }

    /// Whether the module reports that a token was inserted or removed since the last call.
    ///
    /// The C function is `C_WaitForSlotEvent` with `CKF_DONT_BLOCK` (section 5.5). Many modules do
    /// not support it; use ``slots(tokenPresent:)`` for them.
    public func hasSlotEvent() -> Bool {
        (try? functions.slotEvent()) != nil
    }
}
