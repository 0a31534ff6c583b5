internal import CP11Kit

extension AttributeKey<Bool> {
    /// Whether the object stays on the token after the session. `CKA_TOKEN`.
    public static var token: AttributeKey<Bool> { .init(rawValue: CKA_TOKEN) }
    /// Whether the object is seen only after a login. `CKA_PRIVATE`.
    public static var `private`: AttributeKey<Bool> { .init(rawValue: CKA_PRIVATE) }
    /// Whether attributes can be changed. `CKA_MODIFIABLE`.
    public static var modifiable: AttributeKey<Bool> { .init(rawValue: CKA_MODIFIABLE) }
    /// Whether the key's value can never be read in clear. `CKA_SENSITIVE`.
    public static var sensitive: AttributeKey<Bool> { .init(rawValue: CKA_SENSITIVE) }
    /// Whether the key can leave the token wrapped. `CKA_EXTRACTABLE`.
    public static var extractable: AttributeKey<Bool> { .init(rawValue: CKA_EXTRACTABLE) }
    /// Whether the key was sensitive from its first moment. `CKA_ALWAYS_SENSITIVE`.
    public static var alwaysSensitive: AttributeKey<Bool> { .init(rawValue: CKA_ALWAYS_SENSITIVE) }
    /// Whether the key was unextractable from its first moment. `CKA_NEVER_EXTRACTABLE`.
    public static var neverExtractable: AttributeKey<Bool> {
        .init(rawValue: CKA_NEVER_EXTRACTABLE)
    }
    /// Whether the key was made on the token. `CKA_LOCAL`.
    public static var local: AttributeKey<Bool> { .init(rawValue: CKA_LOCAL) }
    /// Whether each use of the key needs the PIN. `CKA_ALWAYS_AUTHENTICATE`.
    public static var alwaysAuthenticate: AttributeKey<Bool> {
        .init(rawValue: CKA_ALWAYS_AUTHENTICATE)
    }
    /// Whether the key encrypts. `CKA_ENCRYPT`.
    public static var encrypt: AttributeKey<Bool> { .init(rawValue: CKA_ENCRYPT) }
    /// Whether the key decrypts. `CKA_DECRYPT`.
    public static var decrypt: AttributeKey<Bool> { .init(rawValue: CKA_DECRYPT) }
    /// Whether the key signs. `CKA_SIGN`.
    public static var sign: AttributeKey<Bool> { .init(rawValue: CKA_SIGN) }
    /// Whether the key verifies signatures. `CKA_VERIFY`.
    public static var verify: AttributeKey<Bool> { .init(rawValue: CKA_VERIFY) }
    /// Whether the key wraps others. `CKA_WRAP`.
    public static var wrap: AttributeKey<Bool> { .init(rawValue: CKA_WRAP) }
    /// Whether the key unwraps others. `CKA_UNWRAP`.
    public static var unwrap: AttributeKey<Bool> { .init(rawValue: CKA_UNWRAP) }
    /// Whether others are derived from the key. `CKA_DERIVE`.
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
    /// The value: of an X.509 certificate its DER. `CKA_VALUE`.
    public static var value: AttributeKey<[UInt8]> { .init(rawValue: CKA_VALUE) }
    /// The modulus n of an RSA key, big-endian, unsigned. `CKA_MODULUS`.
    public static var modulus: AttributeKey<[UInt8]> { .init(rawValue: CKA_MODULUS) }
    /// The exponent e of an RSA key, big-endian, unsigned. `CKA_PUBLIC_EXPONENT`.
    public static var publicExponent: AttributeKey<[UInt8]> { .init(rawValue: CKA_PUBLIC_EXPONENT) }
    /// The curve, DER of ECParameters. `CKA_EC_PARAMS`.
    public static var ecParams: AttributeKey<[UInt8]> { .init(rawValue: CKA_EC_PARAMS) }
    /// The public point Q, by the standard DER of an OCTET STRING around it. `CKA_EC_POINT`.
    public static var ecPoint: AttributeKey<[UInt8]> { .init(rawValue: CKA_EC_POINT) }
    /// The public key, DER of SubjectPublicKeyInfo. `CKA_PUBLIC_KEY_INFO`.
    public static var publicKeyInfo: AttributeKey<[UInt8]> { .init(rawValue: CKA_PUBLIC_KEY_INFO) }
}

extension AttributeKey<String> {
    /// The name that people see, UTF-8. `CKA_LABEL`.
    public static var label: AttributeKey<String> { .init(rawValue: CKA_LABEL) }
}

extension AttributeKey<UInt> {
    /// The length of an RSA modulus in bits. `CKA_MODULUS_BITS`.
    public static var modulusBits: AttributeKey<UInt> { .init(rawValue: CKA_MODULUS_BITS) }
    /// 1 the user's own, 2 an authority's, 3 another entity's; 0 not told. `CKA_CERTIFICATE_CATEGORY`.
    public static var certificateCategory: AttributeKey<UInt> {
        .init(rawValue: CKA_CERTIFICATE_CATEGORY)
    }
}

extension AttributeKey<ObjectClass> {
    /// What kind of object it is. `CKA_CLASS`.
    public static var `class`: AttributeKey<ObjectClass> { .init(rawValue: CKA_CLASS) }
}

extension AttributeKey<KeyType> {
    /// What kind of key it is. `CKA_KEY_TYPE`.
    public static var keyType: AttributeKey<KeyType> { .init(rawValue: CKA_KEY_TYPE) }
}

extension AttributeKey<CertificateType> {
    /// What kind of certificate it is. `CKA_CERTIFICATE_TYPE`.
    public static var certificateType: AttributeKey<CertificateType> {
        .init(rawValue: CKA_CERTIFICATE_TYPE)
    }
}

extension AttributeType {
    /// The names of the standard, for messages.
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

extension ObjectClass {
    /// Data of an application. `CKO_DATA`.
    public static let data = ObjectClass(rawValue: CKO_DATA)
    /// A certificate. `CKO_CERTIFICATE`.
    public static let certificate = ObjectClass(rawValue: CKO_CERTIFICATE)
    /// A public key. `CKO_PUBLIC_KEY`.
    public static let publicKey = ObjectClass(rawValue: CKO_PUBLIC_KEY)
    /// A private key. `CKO_PRIVATE_KEY`.
    public static let privateKey = ObjectClass(rawValue: CKO_PRIVATE_KEY)
    /// A key of a symmetric cipher. `CKO_SECRET_KEY`.
    public static let secretKey = ObjectClass(rawValue: CKO_SECRET_KEY)
}

extension KeyType {
    /// RSA. `CKK_RSA`.
    public static let rsa = KeyType(rawValue: CKK_RSA)
    /// An elliptic curve in short Weierstrass form, for ECDSA and ECDH. `CKK_EC`.
    public static let ec = KeyType(rawValue: CKK_EC)
    /// An Edwards curve, for EdDSA. `CKK_EC_EDWARDS`.
    public static let ecEdwards = KeyType(rawValue: CKK_EC_EDWARDS)
}

extension CertificateType {
    /// An X.509 public-key certificate. `CKC_X_509`.
    public static let x509 = CertificateType(rawValue: CKC_X_509)
}

extension MechanismType {
    /// Makes RSA key pairs. `CKM_RSA_PKCS_KEY_PAIR_GEN`.
    public static let rsaPKCSKeyPairGen = MechanismType(rawValue: CKM_RSA_PKCS_KEY_PAIR_GEN)
    /// Makes key pairs on curves in Weierstrass form. `CKM_EC_KEY_PAIR_GEN`.
    public static let ecKeyPairGen = MechanismType(rawValue: CKM_EC_KEY_PAIR_GEN)
    /// Makes key pairs on Edwards curves. `CKM_EC_EDWARDS_KEY_PAIR_GEN`.
    public static let ecEdwardsKeyPairGen = MechanismType(rawValue: CKM_EC_EDWARDS_KEY_PAIR_GEN)
    /// RSASSA-PKCS1-v1_5 of a DigestInfo that the application made. `CKM_RSA_PKCS`.
    public static let rsaPKCS = MechanismType(rawValue: CKM_RSA_PKCS)
    /// RSA without any padding. `CKM_RSA_X_509`.
    public static let rsaX509 = MechanismType(rawValue: CKM_RSA_X_509)
    /// RSASSA-PKCS1-v1_5 with SHA-256, hashed on the token. `CKM_SHA256_RSA_PKCS`.
    public static let sha256RSAPKCS = MechanismType(rawValue: CKM_SHA256_RSA_PKCS)
    /// ECDSA of a hash that the application made; the signature is r and s, no DER. `CKM_ECDSA`.
    public static let ecdsa = MechanismType(rawValue: CKM_ECDSA)
    /// ECDSA with SHA-256, hashed on the token. `CKM_ECDSA_SHA256`.
    public static let ecdsaSHA256 = MechanismType(rawValue: CKM_ECDSA_SHA256)
    /// EdDSA of the message itself. `CKM_EDDSA`.
    public static let eddsa = MechanismType(rawValue: CKM_EDDSA)

    /// The names of the standard, for messages.
    static let names: [UInt: String] = [
        UInt(CKM_RSA_PKCS_KEY_PAIR_GEN): "CKM_RSA_PKCS_KEY_PAIR_GEN",
        UInt(CKM_RSA_PKCS): "CKM_RSA_PKCS",
        UInt(CKM_RSA_9796): "CKM_RSA_9796",
        UInt(CKM_RSA_X_509): "CKM_RSA_X_509",
        UInt(CKM_MD2_RSA_PKCS): "CKM_MD2_RSA_PKCS",
        UInt(CKM_MD5_RSA_PKCS): "CKM_MD5_RSA_PKCS",
        UInt(CKM_SHA1_RSA_PKCS): "CKM_SHA1_RSA_PKCS",
        UInt(CKM_RIPEMD128_RSA_PKCS): "CKM_RIPEMD128_RSA_PKCS",
        UInt(CKM_RIPEMD160_RSA_PKCS): "CKM_RIPEMD160_RSA_PKCS",
        UInt(CKM_RSA_PKCS_OAEP): "CKM_RSA_PKCS_OAEP",
        UInt(CKM_RSA_X9_31_KEY_PAIR_GEN): "CKM_RSA_X9_31_KEY_PAIR_GEN",
        UInt(CKM_RSA_X9_31): "CKM_RSA_X9_31",
        UInt(CKM_SHA1_RSA_X9_31): "CKM_SHA1_RSA_X9_31",
        UInt(CKM_RSA_PKCS_PSS): "CKM_RSA_PKCS_PSS",
        UInt(CKM_SHA1_RSA_PKCS_PSS): "CKM_SHA1_RSA_PKCS_PSS",
        UInt(CKM_DSA_KEY_PAIR_GEN): "CKM_DSA_KEY_PAIR_GEN",
        UInt(CKM_DSA_SHA1): "CKM_DSA_SHA1",
        UInt(CKM_DSA_SHA224): "CKM_DSA_SHA224",
        UInt(CKM_DSA_SHA256): "CKM_DSA_SHA256",
        UInt(CKM_DSA_SHA384): "CKM_DSA_SHA384",
        UInt(CKM_DSA_SHA512): "CKM_DSA_SHA512",
        UInt(CKM_DH_PKCS_KEY_PAIR_GEN): "CKM_DH_PKCS_KEY_PAIR_GEN",
        UInt(CKM_DH_PKCS_DERIVE): "CKM_DH_PKCS_DERIVE",
        UInt(CKM_X9_42_DH_DERIVE): "CKM_X9_42_DH_DERIVE",
        UInt(CKM_X9_42_DH_HYBRID_DERIVE): "CKM_X9_42_DH_HYBRID_DERIVE",
        UInt(CKM_X9_42_MQV_DERIVE): "CKM_X9_42_MQV_DERIVE",
        UInt(CKM_SHA256_RSA_PKCS): "CKM_SHA256_RSA_PKCS",
        UInt(CKM_SHA384_RSA_PKCS): "CKM_SHA384_RSA_PKCS",
        UInt(CKM_SHA512_RSA_PKCS): "CKM_SHA512_RSA_PKCS",
        UInt(CKM_SHA256_RSA_PKCS_PSS): "CKM_SHA256_RSA_PKCS_PSS",
        UInt(CKM_SHA384_RSA_PKCS_PSS): "CKM_SHA384_RSA_PKCS_PSS",
        UInt(CKM_SHA512_RSA_PKCS_PSS): "CKM_SHA512_RSA_PKCS_PSS",
        UInt(CKM_SHA512_224): "CKM_SHA512_224",
        UInt(CKM_SHA512_224_HMAC): "CKM_SHA512_224_HMAC",
        UInt(CKM_SHA512_224_HMAC_GENERAL): "CKM_SHA512_224_HMAC_GENERAL",
        UInt(CKM_SHA512_224_KEY_DERIVATION): "CKM_SHA512_224_KEY_DERIVATION",
        UInt(CKM_SHA512_256): "CKM_SHA512_256",
        UInt(CKM_SHA512_256_HMAC): "CKM_SHA512_256_HMAC",
        UInt(CKM_SHA512_256_HMAC_GENERAL): "CKM_SHA512_256_HMAC_GENERAL",
        UInt(CKM_SHA512_256_KEY_DERIVATION): "CKM_SHA512_256_KEY_DERIVATION",
        UInt(CKM_SHA512_T): "CKM_SHA512_T",
        UInt(CKM_SHA512_T_HMAC): "CKM_SHA512_T_HMAC",
        UInt(CKM_SHA512_T_HMAC_GENERAL): "CKM_SHA512_T_HMAC_GENERAL",
        UInt(CKM_SHA512_T_KEY_DERIVATION): "CKM_SHA512_T_KEY_DERIVATION",
        UInt(CKM_RC2_KEY_GEN): "CKM_RC2_KEY_GEN",
        UInt(CKM_RC2_ECB): "CKM_RC2_ECB",
        UInt(CKM_RC2_MAC_GENERAL): "CKM_RC2_MAC_GENERAL",
        UInt(CKM_RC2_CBC_PAD): "CKM_RC2_CBC_PAD",
        UInt(CKM_RC4_KEY_GEN): "CKM_RC4_KEY_GEN",
        UInt(CKM_RC4): "CKM_RC4",
        UInt(CKM_DES_KEY_GEN): "CKM_DES_KEY_GEN",
        UInt(CKM_DES_ECB): "CKM_DES_ECB",
        UInt(CKM_DES_CBC): "CKM_DES_CBC",
        UInt(CKM_DES_MAC): "CKM_DES_MAC",
        UInt(CKM_DES_MAC_GENERAL): "CKM_DES_MAC_GENERAL",
        UInt(CKM_DES_CBC_PAD): "CKM_DES_CBC_PAD",
        UInt(CKM_DES2_KEY_GEN): "CKM_DES2_KEY_GEN",
        UInt(CKM_DES3_KEY_GEN): "CKM_DES3_KEY_GEN",
        UInt(CKM_DES3_ECB): "CKM_DES3_ECB",
        UInt(CKM_DES3_CBC): "CKM_DES3_CBC",
        UInt(CKM_DES3_MAC): "CKM_DES3_MAC",
        UInt(CKM_DES3_MAC_GENERAL): "CKM_DES3_MAC_GENERAL",
        UInt(CKM_DES3_CBC_PAD): "CKM_DES3_CBC_PAD",
        UInt(CKM_DES3_CMAC_GENERAL): "CKM_DES3_CMAC_GENERAL",
        UInt(CKM_DES3_CMAC): "CKM_DES3_CMAC",
        UInt(CKM_CDMF_KEY_GEN): "CKM_CDMF_KEY_GEN",
        UInt(CKM_CDMF_ECB): "CKM_CDMF_ECB",
        UInt(CKM_CDMF_CBC): "CKM_CDMF_CBC",
        UInt(CKM_CDMF_MAC): "CKM_CDMF_MAC",
        UInt(CKM_CDMF_MAC_GENERAL): "CKM_CDMF_MAC_GENERAL",
        UInt(CKM_CDMF_CBC_PAD): "CKM_CDMF_CBC_PAD",
        UInt(CKM_DES_OFB64): "CKM_DES_OFB64",
        UInt(CKM_DES_OFB8): "CKM_DES_OFB8",
        UInt(CKM_DES_CFB64): "CKM_DES_CFB64",
        UInt(CKM_DES_CFB8): "CKM_DES_CFB8",
        UInt(CKM_MD2): "CKM_MD2",
        UInt(CKM_MD2_HMAC): "CKM_MD2_HMAC",
        UInt(CKM_MD2_HMAC_GENERAL): "CKM_MD2_HMAC_GENERAL",
        UInt(CKM_MD5): "CKM_MD5",
        UInt(CKM_MD5_HMAC): "CKM_MD5_HMAC",
        UInt(CKM_MD5_HMAC_GENERAL): "CKM_MD5_HMAC_GENERAL",
        UInt(CKM_SHA_1): "CKM_SHA_1",
        UInt(CKM_SHA_1_HMAC): "CKM_SHA_1_HMAC",
        UInt(CKM_SHA_1_HMAC_GENERAL): "CKM_SHA_1_HMAC_GENERAL",
        UInt(CKM_RIPEMD128): "CKM_RIPEMD128",
        UInt(CKM_RIPEMD128_HMAC): "CKM_RIPEMD128_HMAC",
        UInt(CKM_RIPEMD128_HMAC_GENERAL): "CKM_RIPEMD128_HMAC_GENERAL",
        UInt(CKM_RIPEMD160): "CKM_RIPEMD160",
        UInt(CKM_RIPEMD160_HMAC): "CKM_RIPEMD160_HMAC",
        UInt(CKM_RIPEMD160_HMAC_GENERAL): "CKM_RIPEMD160_HMAC_GENERAL",
        UInt(CKM_SHA256): "CKM_SHA256",
        UInt(CKM_SHA256_HMAC): "CKM_SHA256_HMAC",
        UInt(CKM_SHA256_HMAC_GENERAL): "CKM_SHA256_HMAC_GENERAL",
        UInt(CKM_SHA384): "CKM_SHA384",
        UInt(CKM_SHA384_HMAC): "CKM_SHA384_HMAC",
        UInt(CKM_SHA384_HMAC_GENERAL): "CKM_SHA384_HMAC_GENERAL",
        UInt(CKM_SHA512): "CKM_SHA512",
        UInt(CKM_SHA512_HMAC): "CKM_SHA512_HMAC",
        UInt(CKM_SHA512_HMAC_GENERAL): "CKM_SHA512_HMAC_GENERAL",
        UInt(CKM_SECURID_KEY_GEN): "CKM_SECURID_KEY_GEN",
        UInt(CKM_SECURID): "CKM_SECURID",
        UInt(CKM_HOTP_KEY_GEN): "CKM_HOTP_KEY_GEN",
        UInt(CKM_HOTP): "CKM_HOTP",
        UInt(CKM_ACTI): "CKM_ACTI",
        UInt(CKM_ACTI_KEY_GEN): "CKM_ACTI_KEY_GEN",
        UInt(CKM_CAST_KEY_GEN): "CKM_CAST_KEY_GEN",
        UInt(CKM_CAST_ECB): "CKM_CAST_ECB",
        UInt(CKM_CAST_CBC): "CKM_CAST_CBC",
        UInt(CKM_CAST_MAC): "CKM_CAST_MAC",
        UInt(CKM_CAST_MAC_GENERAL): "CKM_CAST_MAC_GENERAL",
        UInt(CKM_CAST_CBC_PAD): "CKM_CAST_CBC_PAD",
        UInt(CKM_CAST3_KEY_GEN): "CKM_CAST3_KEY_GEN",
        UInt(CKM_CAST3_ECB): "CKM_CAST3_ECB",
        UInt(CKM_CAST3_CBC): "CKM_CAST3_CBC",
        UInt(CKM_CAST3_MAC): "CKM_CAST3_MAC",
        UInt(CKM_CAST3_MAC_GENERAL): "CKM_CAST3_MAC_GENERAL",
        UInt(CKM_CAST3_CBC_PAD): "CKM_CAST3_CBC_PAD",
        UInt(CKM_CAST5_KEY_GEN): "CKM_CAST5_KEY_GEN",
        UInt(CKM_CAST5_ECB): "CKM_CAST5_ECB",
        UInt(CKM_CAST5_CBC): "CKM_CAST5_CBC",
        UInt(CKM_CAST5_MAC): "CKM_CAST5_MAC",
        UInt(CKM_CAST5_MAC_GENERAL): "CKM_CAST5_MAC_GENERAL",
        UInt(CKM_CAST5_CBC_PAD): "CKM_CAST5_CBC_PAD",
        UInt(CKM_RC5_KEY_GEN): "CKM_RC5_KEY_GEN",
        UInt(CKM_RC5_ECB): "CKM_RC5_ECB",
        UInt(CKM_RC5_CBC): "CKM_RC5_CBC",
        UInt(CKM_RC5_MAC): "CKM_RC5_MAC",
        UInt(CKM_RC5_MAC_GENERAL): "CKM_RC5_MAC_GENERAL",
        UInt(CKM_RC5_CBC_PAD): "CKM_RC5_CBC_PAD",
        UInt(CKM_IDEA_KEY_GEN): "CKM_IDEA_KEY_GEN",
        UInt(CKM_IDEA_ECB): "CKM_IDEA_ECB",
        UInt(CKM_IDEA_MAC): "CKM_IDEA_MAC",
        UInt(CKM_IDEA_MAC_GENERAL): "CKM_IDEA_MAC_GENERAL",
        UInt(CKM_IDEA_CBC_PAD): "CKM_IDEA_CBC_PAD",
        UInt(CKM_GENERIC_SECRET_KEY_GEN): "CKM_GENERIC_SECRET_KEY_GEN",
        UInt(CKM_CONCATENATE_BASE_AND_KEY): "CKM_CONCATENATE_BASE_AND_KEY",
        UInt(CKM_CONCATENATE_BASE_AND_DATA): "CKM_CONCATENATE_BASE_AND_DATA",
        UInt(CKM_CONCATENATE_DATA_AND_BASE): "CKM_CONCATENATE_DATA_AND_BASE",
        UInt(CKM_XOR_BASE_AND_DATA): "CKM_XOR_BASE_AND_DATA",
        UInt(CKM_EXTRACT_KEY_FROM_KEY): "CKM_EXTRACT_KEY_FROM_KEY",
        UInt(CKM_SSL3_PRE_MASTER_KEY_GEN): "CKM_SSL3_PRE_MASTER_KEY_GEN",
        UInt(CKM_SSL3_MASTER_KEY_DERIVE): "CKM_SSL3_MASTER_KEY_DERIVE",
        UInt(CKM_SSL3_KEY_AND_MAC_DERIVE): "CKM_SSL3_KEY_AND_MAC_DERIVE",
        UInt(CKM_SSL3_MASTER_KEY_DERIVE_DH): "CKM_SSL3_MASTER_KEY_DERIVE_DH",
        UInt(CKM_TLS_PRE_MASTER_KEY_GEN): "CKM_TLS_PRE_MASTER_KEY_GEN",
        UInt(CKM_TLS_MASTER_KEY_DERIVE): "CKM_TLS_MASTER_KEY_DERIVE",
        UInt(CKM_TLS_KEY_AND_MAC_DERIVE): "CKM_TLS_KEY_AND_MAC_DERIVE",
        UInt(CKM_TLS_MASTER_KEY_DERIVE_DH): "CKM_TLS_MASTER_KEY_DERIVE_DH",
        UInt(CKM_TLS_PRF): "CKM_TLS_PRF",
        UInt(CKM_SSL3_MD5_MAC): "CKM_SSL3_MD5_MAC",
        UInt(CKM_SSL3_SHA1_MAC): "CKM_SSL3_SHA1_MAC",
        UInt(CKM_MD5_KEY_DERIVATION): "CKM_MD5_KEY_DERIVATION",
        UInt(CKM_MD2_KEY_DERIVATION): "CKM_MD2_KEY_DERIVATION",
        UInt(CKM_SHA1_KEY_DERIVATION): "CKM_SHA1_KEY_DERIVATION",
        UInt(CKM_SHA256_KEY_DERIVATION): "CKM_SHA256_KEY_DERIVATION",
        UInt(CKM_SHA384_KEY_DERIVATION): "CKM_SHA384_KEY_DERIVATION",
        UInt(CKM_SHA512_KEY_DERIVATION): "CKM_SHA512_KEY_DERIVATION",
        UInt(CKM_PBE_MD2_DES_CBC): "CKM_PBE_MD2_DES_CBC",
        UInt(CKM_PBE_MD5_DES_CBC): "CKM_PBE_MD5_DES_CBC",
        UInt(CKM_PBE_MD5_CAST_CBC): "CKM_PBE_MD5_CAST_CBC",
        UInt(CKM_PBE_MD5_CAST3_CBC): "CKM_PBE_MD5_CAST3_CBC",
        UInt(CKM_PBE_MD5_CAST5_CBC): "CKM_PBE_MD5_CAST5_CBC",
        UInt(CKM_PBE_SHA1_CAST5_CBC): "CKM_PBE_SHA1_CAST5_CBC",
        UInt(CKM_PBE_SHA1_RC4_128): "CKM_PBE_SHA1_RC4_128",
        UInt(CKM_PBE_SHA1_RC4_40): "CKM_PBE_SHA1_RC4_40",
        UInt(CKM_PBE_SHA1_DES3_EDE_CBC): "CKM_PBE_SHA1_DES3_EDE_CBC",
        UInt(CKM_PBE_SHA1_DES2_EDE_CBC): "CKM_PBE_SHA1_DES2_EDE_CBC",
        UInt(CKM_PBE_SHA1_RC2_128_CBC): "CKM_PBE_SHA1_RC2_128_CBC",
        UInt(CKM_PBE_SHA1_RC2_40_CBC): "CKM_PBE_SHA1_RC2_40_CBC",
        UInt(CKM_PKCS5_PBKD2): "CKM_PKCS5_PBKD2",
        UInt(CKM_PBA_SHA1_WITH_SHA1_HMAC): "CKM_PBA_SHA1_WITH_SHA1_HMAC",
        UInt(CKM_WTLS_PRE_MASTER_KEY_GEN): "CKM_WTLS_PRE_MASTER_KEY_GEN",
        UInt(CKM_WTLS_MASTER_KEY_DERIVE): "CKM_WTLS_MASTER_KEY_DERIVE",
        UInt(CKM_WTLS_MASTER_KEY_DERIVE_DH_ECC): "CKM_WTLS_MASTER_KEY_DERIVE_DH_ECC",
        UInt(CKM_WTLS_PRF): "CKM_WTLS_PRF",
        UInt(CKM_WTLS_SERVER_KEY_AND_MAC_DERIVE): "CKM_WTLS_SERVER_KEY_AND_MAC_DERIVE",
        UInt(CKM_WTLS_CLIENT_KEY_AND_MAC_DERIVE): "CKM_WTLS_CLIENT_KEY_AND_MAC_DERIVE",
        UInt(CKM_TLS10_MAC_SERVER): "CKM_TLS10_MAC_SERVER",
        UInt(CKM_TLS10_MAC_CLIENT): "CKM_TLS10_MAC_CLIENT",
        UInt(CKM_TLS12_MAC): "CKM_TLS12_MAC",
        UInt(CKM_TLS12_KDF): "CKM_TLS12_KDF",
        UInt(CKM_TLS12_MASTER_KEY_DERIVE): "CKM_TLS12_MASTER_KEY_DERIVE",
        UInt(CKM_TLS12_KEY_AND_MAC_DERIVE): "CKM_TLS12_KEY_AND_MAC_DERIVE",
        UInt(CKM_TLS12_MASTER_KEY_DERIVE_DH): "CKM_TLS12_MASTER_KEY_DERIVE_DH",
        UInt(CKM_TLS12_KEY_SAFE_DERIVE): "CKM_TLS12_KEY_SAFE_DERIVE",
        UInt(CKM_TLS_MAC): "CKM_TLS_MAC",
        UInt(CKM_TLS_KDF): "CKM_TLS_KDF",
        UInt(CKM_KEY_WRAP_LYNKS): "CKM_KEY_WRAP_LYNKS",
        UInt(CKM_KEY_WRAP_SET_OAEP): "CKM_KEY_WRAP_SET_OAEP",
        UInt(CKM_CMS_SIG): "CKM_CMS_SIG",
        UInt(CKM_KIP_DERIVE): "CKM_KIP_DERIVE",
        UInt(CKM_KIP_WRAP): "CKM_KIP_WRAP",
        UInt(CKM_KIP_MAC): "CKM_KIP_MAC",
        UInt(CKM_ARIA_KEY_GEN): "CKM_ARIA_KEY_GEN",
        UInt(CKM_ARIA_ECB): "CKM_ARIA_ECB",
        UInt(CKM_ARIA_CBC): "CKM_ARIA_CBC",
        UInt(CKM_ARIA_MAC): "CKM_ARIA_MAC",
        UInt(CKM_ARIA_MAC_GENERAL): "CKM_ARIA_MAC_GENERAL",
        UInt(CKM_ARIA_CBC_PAD): "CKM_ARIA_CBC_PAD",
        UInt(CKM_ARIA_ECB_ENCRYPT_DATA): "CKM_ARIA_ECB_ENCRYPT_DATA",
        UInt(CKM_ARIA_CBC_ENCRYPT_DATA): "CKM_ARIA_CBC_ENCRYPT_DATA",
        UInt(CKM_SEED_KEY_GEN): "CKM_SEED_KEY_GEN",
        UInt(CKM_SEED_ECB): "CKM_SEED_ECB",
        UInt(CKM_SEED_CBC): "CKM_SEED_CBC",
        UInt(CKM_SEED_MAC): "CKM_SEED_MAC",
        UInt(CKM_SEED_MAC_GENERAL): "CKM_SEED_MAC_GENERAL",
        UInt(CKM_SEED_CBC_PAD): "CKM_SEED_CBC_PAD",
        UInt(CKM_SEED_ECB_ENCRYPT_DATA): "CKM_SEED_ECB_ENCRYPT_DATA",
        UInt(CKM_SEED_CBC_ENCRYPT_DATA): "CKM_SEED_CBC_ENCRYPT_DATA",
        UInt(CKM_SKIPJACK_KEY_GEN): "CKM_SKIPJACK_KEY_GEN",
        UInt(CKM_SKIPJACK_ECB64): "CKM_SKIPJACK_ECB64",
        UInt(CKM_SKIPJACK_CBC64): "CKM_SKIPJACK_CBC64",
        UInt(CKM_SKIPJACK_OFB64): "CKM_SKIPJACK_OFB64",
        UInt(CKM_SKIPJACK_CFB64): "CKM_SKIPJACK_CFB64",
        UInt(CKM_SKIPJACK_CFB32): "CKM_SKIPJACK_CFB32",
        UInt(CKM_SKIPJACK_CFB16): "CKM_SKIPJACK_CFB16",
        UInt(CKM_SKIPJACK_CFB8): "CKM_SKIPJACK_CFB8",
        UInt(CKM_SKIPJACK_WRAP): "CKM_SKIPJACK_WRAP",
        UInt(CKM_SKIPJACK_PRIVATE_WRAP): "CKM_SKIPJACK_PRIVATE_WRAP",
        UInt(CKM_SKIPJACK_RELAYX): "CKM_SKIPJACK_RELAYX",
        UInt(CKM_KEA_KEY_PAIR_GEN): "CKM_KEA_KEY_PAIR_GEN",
        UInt(CKM_KEA_KEY_DERIVE): "CKM_KEA_KEY_DERIVE",
        UInt(CKM_FORTEZZA_TIMESTAMP): "CKM_FORTEZZA_TIMESTAMP",
        UInt(CKM_BATON_KEY_GEN): "CKM_BATON_KEY_GEN",
        UInt(CKM_BATON_ECB128): "CKM_BATON_ECB128",
        UInt(CKM_BATON_ECB96): "CKM_BATON_ECB96",
        UInt(CKM_BATON_CBC128): "CKM_BATON_CBC128",
        UInt(CKM_BATON_COUNTER): "CKM_BATON_COUNTER",
        UInt(CKM_BATON_SHUFFLE): "CKM_BATON_SHUFFLE",
        UInt(CKM_BATON_WRAP): "CKM_BATON_WRAP",
        UInt(CKM_EC_KEY_PAIR_GEN): "CKM_EC_KEY_PAIR_GEN",
        UInt(CKM_ECDSA): "CKM_ECDSA",
        UInt(CKM_ECDSA_SHA1): "CKM_ECDSA_SHA1",
        UInt(CKM_ECDSA_SHA224): "CKM_ECDSA_SHA224",
        UInt(CKM_ECDSA_SHA256): "CKM_ECDSA_SHA256",
        UInt(CKM_ECDSA_SHA384): "CKM_ECDSA_SHA384",
        UInt(CKM_ECDSA_SHA512): "CKM_ECDSA_SHA512",
        UInt(CKM_ECDH1_DERIVE): "CKM_ECDH1_DERIVE",
        UInt(CKM_ECDH1_COFACTOR_DERIVE): "CKM_ECDH1_COFACTOR_DERIVE",
        UInt(CKM_ECMQV_DERIVE): "CKM_ECMQV_DERIVE",
        UInt(CKM_ECDH_AES_KEY_WRAP): "CKM_ECDH_AES_KEY_WRAP",
        UInt(CKM_RSA_AES_KEY_WRAP): "CKM_RSA_AES_KEY_WRAP",
        UInt(CKM_JUNIPER_KEY_GEN): "CKM_JUNIPER_KEY_GEN",
        UInt(CKM_JUNIPER_ECB128): "CKM_JUNIPER_ECB128",
        UInt(CKM_JUNIPER_CBC128): "CKM_JUNIPER_CBC128",
        UInt(CKM_JUNIPER_COUNTER): "CKM_JUNIPER_COUNTER",
        UInt(CKM_JUNIPER_SHUFFLE): "CKM_JUNIPER_SHUFFLE",
        UInt(CKM_JUNIPER_WRAP): "CKM_JUNIPER_WRAP",
        UInt(CKM_FASTHASH): "CKM_FASTHASH",
        UInt(CKM_AES_KEY_GEN): "CKM_AES_KEY_GEN",
        UInt(CKM_AES_ECB): "CKM_AES_ECB",
        UInt(CKM_AES_CBC): "CKM_AES_CBC",
        UInt(CKM_AES_MAC): "CKM_AES_MAC",
        UInt(CKM_AES_MAC_GENERAL): "CKM_AES_MAC_GENERAL",
        UInt(CKM_AES_CBC_PAD): "CKM_AES_CBC_PAD",
        UInt(CKM_AES_CTR): "CKM_AES_CTR",
        UInt(CKM_AES_GCM): "CKM_AES_GCM",
        UInt(CKM_AES_CCM): "CKM_AES_CCM",
        UInt(CKM_AES_CTS): "CKM_AES_CTS",
        UInt(CKM_AES_CMAC): "CKM_AES_CMAC",
        UInt(CKM_AES_CMAC_GENERAL): "CKM_AES_CMAC_GENERAL",
        UInt(CKM_AES_XCBC_MAC): "CKM_AES_XCBC_MAC",
        UInt(CKM_AES_XCBC_MAC_96): "CKM_AES_XCBC_MAC_96",
        UInt(CKM_AES_GMAC): "CKM_AES_GMAC",
        UInt(CKM_BLOWFISH_KEY_GEN): "CKM_BLOWFISH_KEY_GEN",
        UInt(CKM_BLOWFISH_CBC): "CKM_BLOWFISH_CBC",
        UInt(CKM_TWOFISH_KEY_GEN): "CKM_TWOFISH_KEY_GEN",
        UInt(CKM_TWOFISH_CBC): "CKM_TWOFISH_CBC",
        UInt(CKM_BLOWFISH_CBC_PAD): "CKM_BLOWFISH_CBC_PAD",
        UInt(CKM_TWOFISH_CBC_PAD): "CKM_TWOFISH_CBC_PAD",
        UInt(CKM_DES_ECB_ENCRYPT_DATA): "CKM_DES_ECB_ENCRYPT_DATA",
        UInt(CKM_DES_CBC_ENCRYPT_DATA): "CKM_DES_CBC_ENCRYPT_DATA",
        UInt(CKM_DES3_ECB_ENCRYPT_DATA): "CKM_DES3_ECB_ENCRYPT_DATA",
        UInt(CKM_DES3_CBC_ENCRYPT_DATA): "CKM_DES3_CBC_ENCRYPT_DATA",
        UInt(CKM_AES_ECB_ENCRYPT_DATA): "CKM_AES_ECB_ENCRYPT_DATA",
        UInt(CKM_AES_CBC_ENCRYPT_DATA): "CKM_AES_CBC_ENCRYPT_DATA",
        UInt(CKM_GOSTR3410_KEY_PAIR_GEN): "CKM_GOSTR3410_KEY_PAIR_GEN",
        UInt(CKM_GOSTR3410): "CKM_GOSTR3410",
        UInt(CKM_GOSTR3410_WITH_GOSTR3411): "CKM_GOSTR3410_WITH_GOSTR3411",
        UInt(CKM_GOSTR3410_KEY_WRAP): "CKM_GOSTR3410_KEY_WRAP",
        UInt(CKM_GOSTR3410_DERIVE): "CKM_GOSTR3410_DERIVE",
        UInt(CKM_GOSTR3411): "CKM_GOSTR3411",
        UInt(CKM_GOSTR3411_HMAC): "CKM_GOSTR3411_HMAC",
        UInt(CKM_GOST28147_KEY_GEN): "CKM_GOST28147_KEY_GEN",
        UInt(CKM_GOST28147_ECB): "CKM_GOST28147_ECB",
        UInt(CKM_GOST28147): "CKM_GOST28147",
        UInt(CKM_GOST28147_MAC): "CKM_GOST28147_MAC",
        UInt(CKM_GOST28147_KEY_WRAP): "CKM_GOST28147_KEY_WRAP",
        UInt(CKM_DSA_PARAMETER_GEN): "CKM_DSA_PARAMETER_GEN",
        UInt(CKM_DH_PKCS_PARAMETER_GEN): "CKM_DH_PKCS_PARAMETER_GEN",
        UInt(CKM_X9_42_DH_PARAMETER_GEN): "CKM_X9_42_DH_PARAMETER_GEN",
        UInt(CKM_DSA_PROBABLISTIC_PARAMETER_GEN): "CKM_DSA_PROBABLISTIC_PARAMETER_GEN",
        UInt(CKM_DSA_SHAWE_TAYLOR_PARAMETER_GEN): "CKM_DSA_SHAWE_TAYLOR_PARAMETER_GEN",
        UInt(CKM_AES_OFB): "CKM_AES_OFB",
        UInt(CKM_AES_CFB64): "CKM_AES_CFB64",
        UInt(CKM_AES_CFB8): "CKM_AES_CFB8",
        UInt(CKM_AES_CFB128): "CKM_AES_CFB128",
        UInt(CKM_AES_CFB1): "CKM_AES_CFB1",
        UInt(CKM_SHA224): "CKM_SHA224",
        UInt(CKM_SHA224_HMAC): "CKM_SHA224_HMAC",
        UInt(CKM_SHA224_HMAC_GENERAL): "CKM_SHA224_HMAC_GENERAL",
        UInt(CKM_SHA224_RSA_PKCS): "CKM_SHA224_RSA_PKCS",
        UInt(CKM_SHA224_RSA_PKCS_PSS): "CKM_SHA224_RSA_PKCS_PSS",
        UInt(CKM_SHA224_KEY_DERIVATION): "CKM_SHA224_KEY_DERIVATION",
        UInt(CKM_CAMELLIA_KEY_GEN): "CKM_CAMELLIA_KEY_GEN",
        UInt(CKM_CAMELLIA_ECB): "CKM_CAMELLIA_ECB",
        UInt(CKM_CAMELLIA_CBC): "CKM_CAMELLIA_CBC",
        UInt(CKM_CAMELLIA_MAC): "CKM_CAMELLIA_MAC",
        UInt(CKM_CAMELLIA_MAC_GENERAL): "CKM_CAMELLIA_MAC_GENERAL",
        UInt(CKM_CAMELLIA_CBC_PAD): "CKM_CAMELLIA_CBC_PAD",
        UInt(CKM_CAMELLIA_ECB_ENCRYPT_DATA): "CKM_CAMELLIA_ECB_ENCRYPT_DATA",
        UInt(CKM_CAMELLIA_CBC_ENCRYPT_DATA): "CKM_CAMELLIA_CBC_ENCRYPT_DATA",
        UInt(CKM_CAMELLIA_CTR): "CKM_CAMELLIA_CTR",
        UInt(CKM_AES_KEY_WRAP): "CKM_AES_KEY_WRAP",
        UInt(CKM_AES_KEY_WRAP_PAD): "CKM_AES_KEY_WRAP_PAD",
        UInt(CKM_RSA_PKCS_TPM_1_1): "CKM_RSA_PKCS_TPM_1_1",
        UInt(CKM_RSA_PKCS_OAEP_TPM_1_1): "CKM_RSA_PKCS_OAEP_TPM_1_1",
        UInt(CKM_EC_EDWARDS_KEY_PAIR_GEN): "CKM_EC_EDWARDS_KEY_PAIR_GEN",
        UInt(CKM_EDDSA): "CKM_EDDSA",
    ]
}
