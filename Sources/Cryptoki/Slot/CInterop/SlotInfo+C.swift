internal import CTokencertP11Kit

extension SlotInfo {
    init(_ info: CK_SLOT_INFO) {
        slotDescription = paddedText(info.slotDescription)
        manufacturer = paddedText(info.manufacturerID)
        isTokenPresent = info.flags & CK_FLAGS(CKF_TOKEN_PRESENT) != 0
        isRemovable = info.flags & CK_FLAGS(CKF_REMOVABLE_DEVICE) != 0
        isHardware = info.flags & CK_FLAGS(CKF_HW_SLOT) != 0
    }
}
