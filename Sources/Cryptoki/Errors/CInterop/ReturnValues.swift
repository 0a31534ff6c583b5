internal import CTokencertP11Kit

extension ReturnValue {
    static let vendorDefined = ReturnValue(rawValue: tokencert_ckr_vendor_defined())

    /// The function succeeded. `CKR_OK`.
    public static let ok = ReturnValue(rawValue: CKR_OK)
    /// The computer has too little memory. `CKR_HOST_MEMORY`.
    public static let hostMemory = ReturnValue(rawValue: CKR_HOST_MEMORY)
    /// The module failed for an unspecified reason. `CKR_GENERAL_ERROR`.
    public static let generalError = ReturnValue(rawValue: CKR_GENERAL_ERROR)
    /// The function failed; the session can still be used. `CKR_FUNCTION_FAILED`.
    public static let functionFailed = ReturnValue(rawValue: CKR_FUNCTION_FAILED)
    /// The arguments are invalid. `CKR_ARGUMENTS_BAD`.
    public static let argumentsBad = ReturnValue(rawValue: CKR_ARGUMENTS_BAD)
    /// The token's policy or the object's attributes forbid it. `CKR_ACTION_PROHIBITED`.
    public static let actionProhibited = ReturnValue(rawValue: CKR_ACTION_PROHIBITED)
    /// The attribute cannot be set by the application. `CKR_ATTRIBUTE_READ_ONLY`.
    public static let attributeReadOnly = ReturnValue(rawValue: CKR_ATTRIBUTE_READ_ONLY)
    /// The attribute is sensitive and cannot be read. `CKR_ATTRIBUTE_SENSITIVE`.
    public static let attributeSensitive = ReturnValue(rawValue: CKR_ATTRIBUTE_SENSITIVE)
    /// The object or the module does not have the attribute. `CKR_ATTRIBUTE_TYPE_INVALID`.
    public static let attributeTypeInvalid = ReturnValue(rawValue: CKR_ATTRIBUTE_TYPE_INVALID)
    /// The attribute cannot have this value. `CKR_ATTRIBUTE_VALUE_INVALID`.
    public static let attributeValueInvalid = ReturnValue(rawValue: CKR_ATTRIBUTE_VALUE_INVALID)
    /// The token or slot has a problem. `CKR_DEVICE_ERROR`.
    public static let deviceError = ReturnValue(rawValue: CKR_DEVICE_ERROR)
    /// The token is full. `CKR_DEVICE_MEMORY`.
    public static let deviceMemory = ReturnValue(rawValue: CKR_DEVICE_MEMORY)
    /// The token was removed while the function ran. `CKR_DEVICE_REMOVED`.
    public static let deviceRemoved = ReturnValue(rawValue: CKR_DEVICE_REMOVED)
    /// The module does not have the function. `CKR_FUNCTION_NOT_SUPPORTED`.
    public static let functionNotSupported = ReturnValue(rawValue: CKR_FUNCTION_NOT_SUPPORTED)
    /// The function was cancelled, often on the reader. `CKR_FUNCTION_CANCELED`.
    public static let functionCanceled = ReturnValue(rawValue: CKR_FUNCTION_CANCELED)
    /// The key's attributes forbid this use. `CKR_KEY_FUNCTION_NOT_PERMITTED`.
    public static let keyFunctionNotPermitted = ReturnValue(
        rawValue: CKR_KEY_FUNCTION_NOT_PERMITTED)
    /// The mechanism does not support this type of key. `CKR_KEY_TYPE_INCONSISTENT`.
    public static let keyTypeInconsistent = ReturnValue(rawValue: CKR_KEY_TYPE_INCONSISTENT)
    /// The token does not support keys of this size. `CKR_KEY_SIZE_RANGE`.
    public static let keySizeRange = ReturnValue(rawValue: CKR_KEY_SIZE_RANGE)
    /// The token does not support the mechanism for this operation. `CKR_MECHANISM_INVALID`.
    public static let mechanismInvalid = ReturnValue(rawValue: CKR_MECHANISM_INVALID)
    /// The mechanism does not accept this parameter. `CKR_MECHANISM_PARAM_INVALID`.
    public static let mechanismParamInvalid = ReturnValue(rawValue: CKR_MECHANISM_PARAM_INVALID)
    /// The object no longer exists. `CKR_OBJECT_HANDLE_INVALID`.
    public static let objectHandleInvalid = ReturnValue(rawValue: CKR_OBJECT_HANDLE_INVALID)
    /// Another operation of the session is still active. `CKR_OPERATION_ACTIVE`.
    public static let operationActive = ReturnValue(rawValue: CKR_OPERATION_ACTIVE)
    /// The PIN is wrong, and the attempt was counted. `CKR_PIN_INCORRECT`.
    public static let pinIncorrect = ReturnValue(rawValue: CKR_PIN_INCORRECT)
    /// The PIN contains characters that the token does not accept. `CKR_PIN_INVALID`.
    public static let pinInvalid = ReturnValue(rawValue: CKR_PIN_INVALID)
    /// The PIN is too short or too long for the token. `CKR_PIN_LEN_RANGE`.
    public static let pinLenRange = ReturnValue(rawValue: CKR_PIN_LEN_RANGE)
    /// The PIN must be changed first. `CKR_PIN_EXPIRED`.
    public static let pinExpired = ReturnValue(rawValue: CKR_PIN_EXPIRED)
    /// The PIN is locked after too many failed attempts. `CKR_PIN_LOCKED`.
    public static let pinLocked = ReturnValue(rawValue: CKR_PIN_LOCKED)
    /// The session was closed while the function ran. `CKR_SESSION_CLOSED`.
    public static let sessionClosed = ReturnValue(rawValue: CKR_SESSION_CLOSED)
    /// The token has reached its maximum number of sessions. `CKR_SESSION_COUNT`.
    public static let sessionCount = ReturnValue(rawValue: CKR_SESSION_COUNT)
    /// The session no longer exists. `CKR_SESSION_HANDLE_INVALID`.
    public static let sessionHandleInvalid = ReturnValue(rawValue: CKR_SESSION_HANDLE_INVALID)
    /// The session is read-only. `CKR_SESSION_READ_ONLY`.
    public static let sessionReadOnly = ReturnValue(rawValue: CKR_SESSION_READ_ONLY)
    /// A read-only session prevents the security officer's login. `CKR_SESSION_READ_ONLY_EXISTS`.
    public static let sessionReadOnlyExists = ReturnValue(rawValue: CKR_SESSION_READ_ONLY_EXISTS)
    /// The security officer is logged in, so a read-only session cannot be opened.
    /// `CKR_SESSION_READ_WRITE_SO_EXISTS`.
    public static let sessionReadWriteSoExists = ReturnValue(
        rawValue: CKR_SESSION_READ_WRITE_SO_EXISTS)
    /// The slot does not exist. `CKR_SLOT_ID_INVALID`.
    public static let slotIDInvalid = ReturnValue(rawValue: CKR_SLOT_ID_INVALID)
    /// The template lacks a required attribute. `CKR_TEMPLATE_INCOMPLETE`.
    public static let templateIncomplete = ReturnValue(rawValue: CKR_TEMPLATE_INCOMPLETE)
    /// The template contradicts itself. `CKR_TEMPLATE_INCONSISTENT`.
    public static let templateInconsistent = ReturnValue(rawValue: CKR_TEMPLATE_INCONSISTENT)
    /// There is no token in the slot. `CKR_TOKEN_NOT_PRESENT`.
    public static let tokenNotPresent = ReturnValue(rawValue: CKR_TOKEN_NOT_PRESENT)
    /// The module does not recognise the token. `CKR_TOKEN_NOT_RECOGNIZED`.
    public static let tokenNotRecognized = ReturnValue(rawValue: CKR_TOKEN_NOT_RECOGNIZED)
    /// The token is write-protected. `CKR_TOKEN_WRITE_PROTECTED`.
    public static let tokenWriteProtected = ReturnValue(rawValue: CKR_TOKEN_WRITE_PROTECTED)
    /// The user is logged in already. `CKR_USER_ALREADY_LOGGED_IN`.
    public static let userAlreadyLoggedIn = ReturnValue(rawValue: CKR_USER_ALREADY_LOGGED_IN)
    /// Another user is logged in. `CKR_USER_ANOTHER_ALREADY_LOGGED_IN`.
    public static let userAnotherAlreadyLoggedIn = ReturnValue(
        rawValue: CKR_USER_ANOTHER_ALREADY_LOGGED_IN)
    /// The function requires a login. `CKR_USER_NOT_LOGGED_IN`.
    public static let userNotLoggedIn = ReturnValue(rawValue: CKR_USER_NOT_LOGGED_IN)
    /// The token has no user PIN yet. `CKR_USER_PIN_NOT_INITIALIZED`.
    public static let userPINNotInitialized = ReturnValue(rawValue: CKR_USER_PIN_NOT_INITIALIZED)
    /// The token does not have this type of user. `CKR_USER_TYPE_INVALID`.
    public static let userTypeInvalid = ReturnValue(rawValue: CKR_USER_TYPE_INVALID)
    /// The buffer is too small; the module returns the required length. `CKR_BUFFER_TOO_SMALL`.
    public static let bufferTooSmall = ReturnValue(rawValue: CKR_BUFFER_TOO_SMALL)
    /// The module is not initialised or was finalised. `CKR_CRYPTOKI_NOT_INITIALIZED`.
    public static let cryptokiNotInitialized = ReturnValue(rawValue: CKR_CRYPTOKI_NOT_INITIALIZED)
    /// The module is initialised already. `CKR_CRYPTOKI_ALREADY_INITIALIZED`.
    public static let cryptokiAlreadyInitialized = ReturnValue(
        rawValue: CKR_CRYPTOKI_ALREADY_INITIALIZED)
    /// The token does not support the curve. `CKR_DOMAIN_PARAMS_INVALID`.
    public static let domainParamsInvalid = ReturnValue(rawValue: CKR_DOMAIN_PARAMS_INVALID)
    /// The token does not support the curve. `CKR_CURVE_NOT_SUPPORTED`.
    public static let curveNotSupported = ReturnValue(rawValue: CKR_CURVE_NOT_SUPPORTED)

    /// The name in the standard, for messages; nil if it is not known.
    var standardName: String? {
        unsafe tokencert_return_value_name(rawValue).map { unsafe String(cString: $0) }
    }
}
