internal import CTokencertP11Kit

/// Reads a field of fixed length that is padded with spaces, as Cryptoki has them for text. NULs,
/// which some modules pad with, end it too.
func paddedText<Field>(_ field: Field) -> String {
    String(decoding: paddedBytes(field), as: UTF8.self)
}

/// The bytes of such a field without the padding.
func paddedBytes<Field>(_ field: Field) -> [UInt8] {
    unsafe withUnsafeBytes(of: field) { bytes in
        var end = bytes.count
        if let firstZero = unsafe bytes.firstIndex(of: 0) { end = firstZero }
        while end > 0, unsafe bytes[end - 1] == 0x20 { end -= 1 }
        return unsafe [UInt8](bytes.prefix(end))
    }
}

private func text(_ version: CK_VERSION) -> String { "\(version.major).\(version.minor)" }

/// A number of a token's memory or sessions; nil where the token does not tell.
private func known(_ number: CK_ULONG) -> Int? {
    number == tokencert_ck_unavailable_information() ? nil : Int(exactly: number)
}

extension ModuleInfo {
    init(_ info: CK_INFO) {
        cryptokiVersion = text(info.cryptokiVersion)
        manufacturer = paddedText(info.manufacturerID)
        libraryDescription = paddedText(info.libraryDescription)
        libraryVersion = text(info.libraryVersion)
    }
}

extension SlotInfo {
    init(_ info: CK_SLOT_INFO) {
        slotDescription = paddedText(info.slotDescription)
        manufacturer = paddedText(info.manufacturerID)
        isTokenPresent = info.flags & CK_FLAGS(CKF_TOKEN_PRESENT) != 0
        isRemovable = info.flags & CK_FLAGS(CKF_REMOVABLE_DEVICE) != 0
        isHardware = info.flags & CK_FLAGS(CKF_HW_SLOT) != 0
    }
}

extension TokenInfo {
    init(_ info: CK_TOKEN_INFO) {
        label = paddedText(info.label)
        labelBytes = paddedBytes(info.label)
        manufacturer = paddedText(info.manufacturerID)
        model = paddedText(info.model)
        serialNumber = paddedText(info.serialNumber)
        flags = TokenFlags(rawValue: info.flags)
        let minimum = known(info.ulMinPinLen) ?? 0
        // Some modules do not tell, and say zero.
        let maximum = known(info.ulMaxPinLen) ?? 0
        pinLengths = minimum...(maximum >= minimum && maximum > 0 ? maximum : Int.max)
        freePublicMemory = known(info.ulFreePublicMemory)
        freePrivateMemory = known(info.ulFreePrivateMemory)
        hardwareVersion = text(info.hardwareVersion)
        firmwareVersion = text(info.firmwareVersion)
    }
}

extension TokenFlags {
    /// `CKF_RNG`: the token makes random numbers.
    public static let rng = Self(rawValue: CK_FLAGS(CKF_RNG))
    /// `CKF_WRITE_PROTECTED`: nothing can be written.
    public static let writeProtected = Self(rawValue: CK_FLAGS(CKF_WRITE_PROTECTED))
    /// `CKF_LOGIN_REQUIRED`: some functions need a login.
    public static let loginRequired = Self(rawValue: CK_FLAGS(CKF_LOGIN_REQUIRED))
    /// `CKF_USER_PIN_INITIALIZED`: the user's PIN is set.
    public static let userPINInitialized = Self(rawValue: CK_FLAGS(CKF_USER_PIN_INITIALIZED))
    /// `CKF_PROTECTED_AUTHENTICATION_PATH`: the PIN is entered at the reader, not here.
    public static let protectedAuthenticationPath = Self(
        rawValue: CK_FLAGS(CKF_PROTECTED_AUTHENTICATION_PATH))
    /// `CKF_TOKEN_INITIALIZED`: the token is set up.
    public static let tokenInitialized = Self(rawValue: CK_FLAGS(CKF_TOKEN_INITIALIZED))
    /// `CKF_USER_PIN_COUNT_LOW`: the user's PIN was wrong since it was last right.
    public static let userPINCountLow = Self(rawValue: CK_FLAGS(CKF_USER_PIN_COUNT_LOW))
    /// `CKF_USER_PIN_FINAL_TRY`: one more wrong user PIN locks it.
    public static let userPINFinalTry = Self(rawValue: CK_FLAGS(CKF_USER_PIN_FINAL_TRY))
    /// `CKF_USER_PIN_LOCKED`: the user's PIN is locked.
    public static let userPINLocked = Self(rawValue: CK_FLAGS(CKF_USER_PIN_LOCKED))
    /// `CKF_USER_PIN_TO_BE_CHANGED`: the user's PIN has to be changed first.
    public static let userPINToBeChanged = Self(rawValue: CK_FLAGS(CKF_USER_PIN_TO_BE_CHANGED))
    /// `CKF_SO_PIN_COUNT_LOW`: the security officer's PIN was wrong since it was last right.
    public static let soPINCountLow = Self(rawValue: CK_FLAGS(CKF_SO_PIN_COUNT_LOW))
    /// `CKF_SO_PIN_FINAL_TRY`: one more wrong SO PIN locks it.
    public static let soPINFinalTry = Self(rawValue: CK_FLAGS(CKF_SO_PIN_FINAL_TRY))
    /// `CKF_SO_PIN_LOCKED`: the security officer's PIN is locked.
    public static let soPINLocked = Self(rawValue: CK_FLAGS(CKF_SO_PIN_LOCKED))
    /// `CKF_SO_PIN_TO_BE_CHANGED`: the security officer's PIN has to be changed first.
    public static let soPINToBeChanged = Self(rawValue: CK_FLAGS(CKF_SO_PIN_TO_BE_CHANGED))
}

extension MechanismInfo {
    init(_ info: CK_MECHANISM_INFO) {
        // Several modules answer zero or the largest number where the mechanism has no key.
        let smallest = Int(clamping: info.ulMinKeySize)
        let largest = Int(clamping: info.ulMaxKeySize)
        keySizes = largest > 0 && smallest <= largest ? smallest...largest : nil
        generatesKeyPairs = info.flags & CK_FLAGS(CKF_GENERATE_KEY_PAIR) != 0
        signs = info.flags & CK_FLAGS(CKF_SIGN) != 0
        decrypts = info.flags & CK_FLAGS(CKF_DECRYPT) != 0
        isHardware = info.flags & CK_FLAGS(CKF_HW) != 0
    }
}

extension UserType {
    /// The user of the token, `CKU_USER`.
    public static let user = UserType(rawValue: UInt(CKU_USER))
    /// The security officer, `CKU_SO`, who sets up tokens and, on some, writes them.
    public static let securityOfficer = UserType(rawValue: UInt(CKU_SO))
    /// The user once more for one use of one key, `CKU_CONTEXT_SPECIFIC`.
    public static let contextSpecific = UserType(rawValue: UInt(CKU_CONTEXT_SPECIFIC))
}
