internal import CTokencertP11Kit

extension AttributeKey<Bool> {
    /// Whether the object is stored on the token and outlives the session. `CKA_TOKEN`.
    public static var token: AttributeKey<Bool> { .init(rawValue: CKA_TOKEN) }
    /// Whether the object is visible only after a login. `CKA_PRIVATE`.
    public static var `private`: AttributeKey<Bool> { .init(rawValue: CKA_PRIVATE) }
    /// Whether attributes can be changed. `CKA_MODIFIABLE`.
    public static var modifiable: AttributeKey<Bool> { .init(rawValue: CKA_MODIFIABLE) }
    /// Whether the object can be destroyed. `CKA_DESTROYABLE`.
    public static var destroyable: AttributeKey<Bool> { .init(rawValue: CKA_DESTROYABLE) }
    /// Whether the key's value cannot be read in plain text. `CKA_SENSITIVE`.
    public static var sensitive: AttributeKey<Bool> { .init(rawValue: CKA_SENSITIVE) }
    /// Whether the key can be exported from the token. `CKA_EXTRACTABLE`.
    public static var extractable: AttributeKey<Bool> { .init(rawValue: CKA_EXTRACTABLE) }
    /// Whether the key has always been sensitive. `CKA_ALWAYS_SENSITIVE`.
    public static var alwaysSensitive: AttributeKey<Bool> { .init(rawValue: CKA_ALWAYS_SENSITIVE) }
    /// Whether the key has never been extractable. `CKA_NEVER_EXTRACTABLE`.
    public static var neverExtractable: AttributeKey<Bool> {
        .init(rawValue: CKA_NEVER_EXTRACTABLE)
    }
    /// Whether the key was generated on the token. `CKA_LOCAL`.
    public static var local: AttributeKey<Bool> { .init(rawValue: CKA_LOCAL) }
    /// Whether each use of the key requires the PIN. `CKA_ALWAYS_AUTHENTICATE`.
    public static var alwaysAuthenticate: AttributeKey<Bool> {
        .init(rawValue: CKA_ALWAYS_AUTHENTICATE)
    }
    /// Whether the key can encrypt. `CKA_ENCRYPT`.
    public static var encrypt: AttributeKey<Bool> { .init(rawValue: CKA_ENCRYPT) }
    /// Whether the key can decrypt. `CKA_DECRYPT`.
    public static var decrypt: AttributeKey<Bool> { .init(rawValue: CKA_DECRYPT) }
    /// Whether the key can sign. `CKA_SIGN`.
    public static var sign: AttributeKey<Bool> { .init(rawValue: CKA_SIGN) }
    /// Whether the key can verify signatures. `CKA_VERIFY`.
    public static var verify: AttributeKey<Bool> { .init(rawValue: CKA_VERIFY) }
    /// Whether the key can wrap other keys. `CKA_WRAP`.
    public static var wrap: AttributeKey<Bool> { .init(rawValue: CKA_WRAP) }
    /// Whether the key can unwrap other keys. `CKA_UNWRAP`.
    public static var unwrap: AttributeKey<Bool> { .init(rawValue: CKA_UNWRAP) }
    /// Whether other keys can be derived from the key. `CKA_DERIVE`.
    public static var derive: AttributeKey<Bool> { .init(rawValue: CKA_DERIVE) }
    /// Whether the certificate or key is trusted by the application. `CKA_TRUSTED`.
    public static var trusted: AttributeKey<Bool> { .init(rawValue: CKA_TRUSTED) }
}

extension AttributeKey<[UInt8]> {
    /// The identifier that a key pair and its certificates share, any bytes. `CKA_ID`.
    public static var id: AttributeKey<[UInt8]> { .init(rawValue: CKA_ID) }
    /// The subject's name, DER. `CKA_SUBJECT`.
    public static var subject: AttributeKey<[UInt8]> { .init(rawValue: CKA_SUBJECT) }
    /// The issuer's name, DER. `CKA_ISSUER`.
    public static var issuer: AttributeKey<[UInt8]> { .init(rawValue: CKA_ISSUER) }
    /// The serial number, a DER INTEGER with its tag. `CKA_SERIAL_NUMBER`.
    public static var serialNumber: AttributeKey<[UInt8]> { .init(rawValue: CKA_SERIAL_NUMBER) }
    /// The value; the DER encoding for an X.509 certificate. `CKA_VALUE`.
    public static var value: AttributeKey<[UInt8]> { .init(rawValue: CKA_VALUE) }
    /// The URL of a certificate whose value is not on the token. `CKA_URL`.
    public static var url: AttributeKey<[UInt8]> { .init(rawValue: CKA_URL) }
    /// The modulus n of an RSA key, unsigned big-endian. `CKA_MODULUS`.
    public static var modulus: AttributeKey<[UInt8]> { .init(rawValue: CKA_MODULUS) }
    /// The exponent e of an RSA key, unsigned big-endian. `CKA_PUBLIC_EXPONENT`.
    public static var publicExponent: AttributeKey<[UInt8]> { .init(rawValue: CKA_PUBLIC_EXPONENT) }
    /// The curve, DER-encoded ECParameters. `CKA_EC_PARAMS`.
    public static var ecParams: AttributeKey<[UInt8]> { .init(rawValue: CKA_EC_PARAMS) }
    /// The public point Q; the standard requires it in a DER OCTET STRING. `CKA_EC_POINT`.
    public static var ecPoint: AttributeKey<[UInt8]> { .init(rawValue: CKA_EC_POINT) }
    /// The public key, DER-encoded SubjectPublicKeyInfo. `CKA_PUBLIC_KEY_INFO`.
    public static var publicKeyInfo: AttributeKey<[UInt8]> { .init(rawValue: CKA_PUBLIC_KEY_INFO) }
}

extension AttributeKey<String> {
    /// The label that programs display, UTF-8. `CKA_LABEL`.
    public static var label: AttributeKey<String> { .init(rawValue: CKA_LABEL) }
}

extension AttributeKey<UInt> {
    /// The length of an RSA modulus in bits. `CKA_MODULUS_BITS`.
    public static var modulusBits: AttributeKey<UInt> { .init(rawValue: CKA_MODULUS_BITS) }
    /// 0: unspecified; 1: token user; 2: authority; 3: other entity. `CKA_CERTIFICATE_CATEGORY`.
    public static var certificateCategory: AttributeKey<UInt> {
        .init(rawValue: CKA_CERTIFICATE_CATEGORY)
    }
}

extension AttributeKey<ObjectClass> {
    /// The class of the object. `CKA_CLASS`.
    public static var `class`: AttributeKey<ObjectClass> { .init(rawValue: CKA_CLASS) }
}

extension AttributeKey<KeyType> {
    /// The type of the key. `CKA_KEY_TYPE`.
    public static var keyType: AttributeKey<KeyType> { .init(rawValue: CKA_KEY_TYPE) }
}

extension AttributeKey<CertificateType> {
    /// The type of the certificate. `CKA_CERTIFICATE_TYPE`.
    public static var certificateType: AttributeKey<CertificateType> {
        .init(rawValue: CKA_CERTIFICATE_TYPE)
    }
}

extension AttributeType {
    /// The names in the standard, for messages.
    static let names: [UInt: String] = [
        UInt(CKA_CLASS): "CKA_CLASS",
        UInt(CKA_TOKEN): "CKA_TOKEN",
        UInt(CKA_PRIVATE): "CKA_PRIVATE",
        UInt(CKA_LABEL): "CKA_LABEL",
        UInt(CKA_APPLICATION): "CKA_APPLICATION",
        UInt(CKA_VALUE): "CKA_VALUE",
        UInt(CKA_OBJECT_ID): "CKA_OBJECT_ID",
        UInt(CKA_CERTIFICATE_TYPE): "CKA_CERTIFICATE_TYPE",
        UInt(CKA_ISSUER): "CKA_ISSUER",
        UInt(CKA_SERIAL_NUMBER): "CKA_SERIAL_NUMBER",
        UInt(CKA_AC_ISSUER): "CKA_AC_ISSUER",
        UInt(CKA_OWNER): "CKA_OWNER",
        UInt(CKA_ATTR_TYPES): "CKA_ATTR_TYPES",
        UInt(CKA_TRUSTED): "CKA_TRUSTED",
        UInt(CKA_CERTIFICATE_CATEGORY): "CKA_CERTIFICATE_CATEGORY",
        UInt(CKA_JAVA_MIDP_SECURITY_DOMAIN): "CKA_JAVA_MIDP_SECURITY_DOMAIN",
        UInt(CKA_URL): "CKA_URL",
        UInt(CKA_HASH_OF_SUBJECT_PUBLIC_KEY): "CKA_HASH_OF_SUBJECT_PUBLIC_KEY",
        UInt(CKA_HASH_OF_ISSUER_PUBLIC_KEY): "CKA_HASH_OF_ISSUER_PUBLIC_KEY",
        UInt(CKA_NAME_HASH_ALGORITHM): "CKA_NAME_HASH_ALGORITHM",
        UInt(CKA_CHECK_VALUE): "CKA_CHECK_VALUE",
        UInt(CKA_KEY_TYPE): "CKA_KEY_TYPE",
        UInt(CKA_SUBJECT): "CKA_SUBJECT",
        UInt(CKA_ID): "CKA_ID",
        UInt(CKA_SENSITIVE): "CKA_SENSITIVE",
        UInt(CKA_ENCRYPT): "CKA_ENCRYPT",
        UInt(CKA_DECRYPT): "CKA_DECRYPT",
        UInt(CKA_WRAP): "CKA_WRAP",
        UInt(CKA_UNWRAP): "CKA_UNWRAP",
        UInt(CKA_SIGN): "CKA_SIGN",
        UInt(CKA_SIGN_RECOVER): "CKA_SIGN_RECOVER",
        UInt(CKA_VERIFY): "CKA_VERIFY",
        UInt(CKA_VERIFY_RECOVER): "CKA_VERIFY_RECOVER",
        UInt(CKA_DERIVE): "CKA_DERIVE",
        UInt(CKA_START_DATE): "CKA_START_DATE",
        UInt(CKA_END_DATE): "CKA_END_DATE",
        UInt(CKA_MODULUS): "CKA_MODULUS",
        UInt(CKA_MODULUS_BITS): "CKA_MODULUS_BITS",
        UInt(CKA_PUBLIC_EXPONENT): "CKA_PUBLIC_EXPONENT",
        UInt(CKA_PRIVATE_EXPONENT): "CKA_PRIVATE_EXPONENT",
        UInt(CKA_PRIME_1): "CKA_PRIME_1",
        UInt(CKA_PRIME_2): "CKA_PRIME_2",
        UInt(CKA_EXPONENT_1): "CKA_EXPONENT_1",
        UInt(CKA_EXPONENT_2): "CKA_EXPONENT_2",
        UInt(CKA_COEFFICIENT): "CKA_COEFFICIENT",
        UInt(CKA_PUBLIC_KEY_INFO): "CKA_PUBLIC_KEY_INFO",
        UInt(CKA_PRIME): "CKA_PRIME",
        UInt(CKA_SUBPRIME): "CKA_SUBPRIME",
        UInt(CKA_BASE): "CKA_BASE",
        UInt(CKA_PRIME_BITS): "CKA_PRIME_BITS",
        UInt(CKA_VALUE_BITS): "CKA_VALUE_BITS",
        UInt(CKA_VALUE_LEN): "CKA_VALUE_LEN",
        UInt(CKA_EXTRACTABLE): "CKA_EXTRACTABLE",
        UInt(CKA_LOCAL): "CKA_LOCAL",
        UInt(CKA_NEVER_EXTRACTABLE): "CKA_NEVER_EXTRACTABLE",
        UInt(CKA_ALWAYS_SENSITIVE): "CKA_ALWAYS_SENSITIVE",
        UInt(CKA_KEY_GEN_MECHANISM): "CKA_KEY_GEN_MECHANISM",
        UInt(CKA_MODIFIABLE): "CKA_MODIFIABLE",
        UInt(CKA_COPYABLE): "CKA_COPYABLE",
        UInt(CKA_DESTROYABLE): "CKA_DESTROYABLE",
        UInt(CKA_EC_PARAMS): "CKA_EC_PARAMS",
        UInt(CKA_EC_POINT): "CKA_EC_POINT",
        UInt(CKA_SECONDARY_AUTH): "CKA_SECONDARY_AUTH",
        UInt(CKA_AUTH_PIN_FLAGS): "CKA_AUTH_PIN_FLAGS",
        UInt(CKA_ALWAYS_AUTHENTICATE): "CKA_ALWAYS_AUTHENTICATE",
        UInt(CKA_WRAP_WITH_TRUSTED): "CKA_WRAP_WITH_TRUSTED",
        UInt(CKA_OTP_FORMAT): "CKA_OTP_FORMAT",
        UInt(CKA_OTP_LENGTH): "CKA_OTP_LENGTH",
        UInt(CKA_OTP_TIME_INTERVAL): "CKA_OTP_TIME_INTERVAL",
        UInt(CKA_OTP_USER_FRIENDLY_MODE): "CKA_OTP_USER_FRIENDLY_MODE",
        UInt(CKA_OTP_CHALLENGE_REQUIREMENT): "CKA_OTP_CHALLENGE_REQUIREMENT",
        UInt(CKA_OTP_TIME_REQUIREMENT): "CKA_OTP_TIME_REQUIREMENT",
        UInt(CKA_OTP_COUNTER_REQUIREMENT): "CKA_OTP_COUNTER_REQUIREMENT",
        UInt(CKA_OTP_PIN_REQUIREMENT): "CKA_OTP_PIN_REQUIREMENT",
        UInt(CKA_OTP_USER_IDENTIFIER): "CKA_OTP_USER_IDENTIFIER",
        UInt(CKA_OTP_SERVICE_IDENTIFIER): "CKA_OTP_SERVICE_IDENTIFIER",
        UInt(CKA_OTP_SERVICE_LOGO): "CKA_OTP_SERVICE_LOGO",
        UInt(CKA_OTP_SERVICE_LOGO_TYPE): "CKA_OTP_SERVICE_LOGO_TYPE",
        UInt(CKA_OTP_COUNTER): "CKA_OTP_COUNTER",
        UInt(CKA_OTP_TIME): "CKA_OTP_TIME",
        UInt(CKA_GOSTR3410_PARAMS): "CKA_GOSTR3410_PARAMS",
        UInt(CKA_GOSTR3411_PARAMS): "CKA_GOSTR3411_PARAMS",
        UInt(CKA_GOST28147_PARAMS): "CKA_GOST28147_PARAMS",
        UInt(CKA_HW_FEATURE_TYPE): "CKA_HW_FEATURE_TYPE",
        UInt(CKA_RESET_ON_INIT): "CKA_RESET_ON_INIT",
        UInt(CKA_HAS_RESET): "CKA_HAS_RESET",
        UInt(CKA_PIXEL_X): "CKA_PIXEL_X",
        UInt(CKA_PIXEL_Y): "CKA_PIXEL_Y",
        UInt(CKA_RESOLUTION): "CKA_RESOLUTION",
        UInt(CKA_CHAR_ROWS): "CKA_CHAR_ROWS",
        UInt(CKA_CHAR_COLUMNS): "CKA_CHAR_COLUMNS",
        UInt(CKA_COLOR): "CKA_COLOR",
        UInt(CKA_BITS_PER_PIXEL): "CKA_BITS_PER_PIXEL",
        UInt(CKA_CHAR_SETS): "CKA_CHAR_SETS",
        UInt(CKA_ENCODING_METHODS): "CKA_ENCODING_METHODS",
        UInt(CKA_MIME_TYPES): "CKA_MIME_TYPES",
        UInt(CKA_MECHANISM_TYPE): "CKA_MECHANISM_TYPE",
        UInt(CKA_REQUIRED_CMS_ATTRIBUTES): "CKA_REQUIRED_CMS_ATTRIBUTES",
        UInt(CKA_DEFAULT_CMS_ATTRIBUTES): "CKA_DEFAULT_CMS_ATTRIBUTES",
        UInt(CKA_SUPPORTED_CMS_ATTRIBUTES): "CKA_SUPPORTED_CMS_ATTRIBUTES",
    ]
}
