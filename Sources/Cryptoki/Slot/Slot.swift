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

extension Module {
    /// All slots of the module.
    ///
    /// The C function is `C_GetSlotList` (section 5.5).
    ///
    /// - Parameter tokenPresent: Only those with a token in them.
    /// - Returns: The slots, in the module's order.
    /// - Throws: ``CryptokiError``.
    public func slots(tokenPresent: Bool) throws(CryptokiError) -> [Slot] {
        try functions.slotList(tokenPresent: tokenPresent).map { Slot(module: self, id: $0) }
    }

    /// Whether a token was put in or taken out since this was asked last, as far as the module
    /// tells.
    ///
    /// The C function is `C_WaitForSlotEvent` with `CKF_DONT_BLOCK` (section 5.5). Many modules do
    /// not have it; they are asked for their slots instead.
    public func hasSlotEvent() -> Bool {
        (try? functions.slotEvent()) != nil
    }
}
