internal import CTokencertP11Kit

extension TokenInfo {
    init(_ info: CK_TOKEN_INFO) {
        label = paddedText(info.label)
        labelBytes = paddedBytes(info.label)
        manufacturer = paddedText(info.manufacturerID)
        model = paddedText(info.model)
        serialNumber = paddedText(info.serialNumber)
        flags = TokenFlags(rawValue: info.flags)
        let minimum = knownNumber(info.ulMinPinLen) ?? 0
        // Some modules report zero if they do not know the length.
        let maximum = knownNumber(info.ulMaxPinLen) ?? 0
        pinLengths = minimum...(maximum >= minimum && maximum > 0 ? maximum : Int.max)
        freePublicMemory = knownNumber(info.ulFreePublicMemory)
        freePrivateMemory = knownNumber(info.ulFreePrivateMemory)
        hardwareVersion = versionText(info.hardwareVersion)
        firmwareVersion = versionText(info.firmwareVersion)
    }
}

extension TokenFlags {
    /// `CKF_RNG`: the token has a random number generator.
    public static let rng = Self(rawValue: CK_FLAGS(CKF_RNG))
    /// `CKF_WRITE_PROTECTED`: the token is write-protected.
    public static let writeProtected = Self(rawValue: CK_FLAGS(CKF_WRITE_PROTECTED))
    /// `CKF_LOGIN_REQUIRED`: some functions require a login.
    public static let loginRequired = Self(rawValue: CK_FLAGS(CKF_LOGIN_REQUIRED))
    /// `CKF_USER_PIN_INITIALIZED`: the user's PIN is set.
    public static let userPINInitialized = Self(rawValue: CK_FLAGS(CKF_USER_PIN_INITIALIZED))
    /// `CKF_PROTECTED_AUTHENTICATION_PATH`: the PIN is entered on the reader.
    public static let protectedAuthenticationPath = Self(
        rawValue: CK_FLAGS(CKF_PROTECTED_AUTHENTICATION_PATH))
    /// `CKF_TOKEN_INITIALIZED`: the token is initialised.
    public static let tokenInitialized = Self(rawValue: CK_FLAGS(CKF_TOKEN_INITIALIZED))
    /// `CKF_USER_PIN_COUNT_LOW`: a wrong user PIN was entered since the last correct one.
    public static let userPINCountLow = Self(rawValue: CK_FLAGS(CKF_USER_PIN_COUNT_LOW))
    /// `CKF_USER_PIN_FINAL_TRY`: one more wrong PIN locks the user's PIN.
    public static let userPINFinalTry = Self(rawValue: CK_FLAGS(CKF_USER_PIN_FINAL_TRY))
    /// `CKF_USER_PIN_LOCKED`: the user's PIN is locked.
    public static let userPINLocked = Self(rawValue: CK_FLAGS(CKF_USER_PIN_LOCKED))
    /// `CKF_USER_PIN_TO_BE_CHANGED`: the user's PIN must be changed first.
    public static let userPINToBeChanged = Self(rawValue: CK_FLAGS(CKF_USER_PIN_TO_BE_CHANGED))
    /// `CKF_SO_PIN_COUNT_LOW`: a wrong SO PIN was entered since the last correct one.
    public static let soPINCountLow = Self(rawValue: CK_FLAGS(CKF_SO_PIN_COUNT_LOW))
    /// `CKF_SO_PIN_FINAL_TRY`: one more wrong PIN locks the security officer's PIN.
    public static let soPINFinalTry = Self(rawValue: CK_FLAGS(CKF_SO_PIN_FINAL_TRY))
    /// `CKF_SO_PIN_LOCKED`: the security officer's PIN is locked.
    public static let soPINLocked = Self(rawValue: CK_FLAGS(CKF_SO_PIN_LOCKED))
    /// `CKF_SO_PIN_TO_BE_CHANGED`: the security officer's PIN must be changed first.
    public static let soPINToBeChanged = Self(rawValue: CK_FLAGS(CKF_SO_PIN_TO_BE_CHANGED))
}
