internal import CTokencertP11Kit

extension MechanismInfo {
    init(_ info: CK_MECHANISM_INFO) {
        // Several modules return zero or the largest number if the mechanism has no key size.
        let smallest = Int(clamping: info.ulMinKeySize)
        let largest = Int(clamping: info.ulMaxKeySize)
        keySizes = largest > 0 && smallest <= largest ? smallest...largest : nil
        generatesKeyPairs = info.flags & CK_FLAGS(CKF_GENERATE_KEY_PAIR) != 0
        signs = info.flags & CK_FLAGS(CKF_SIGN) != 0
        decrypts = info.flags & CK_FLAGS(CKF_DECRYPT) != 0
        isHardware = info.flags & CK_FLAGS(CKF_HW) != 0
    }
}

extension MechanismType {
    /// Generates RSA key pairs. `CKM_RSA_PKCS_KEY_PAIR_GEN`.
    public static let rsaPKCSKeyPairGen = MechanismType(rawValue: CKM_RSA_PKCS_KEY_PAIR_GEN)
    /// Generates key pairs on curves in Weierstrass form. `CKM_EC_KEY_PAIR_GEN`.
    public static let ecKeyPairGen = MechanismType(rawValue: CKM_EC_KEY_PAIR_GEN)
    /// Generates key pairs on Edwards curves. `CKM_EC_EDWARDS_KEY_PAIR_GEN`.
    public static let ecEdwardsKeyPairGen = MechanismType(rawValue: CKM_EC_EDWARDS_KEY_PAIR_GEN)
    /// RSASSA-PKCS1-v1_5 with a DigestInfo that the application provides. `CKM_RSA_PKCS`.
    public static let rsaPKCS = MechanismType(rawValue: CKM_RSA_PKCS)
    /// RSA without padding. `CKM_RSA_X_509`.
    public static let rsaX509 = MechanismType(rawValue: CKM_RSA_X_509)
    /// RSASSA-PKCS1-v1_5 with SHA-256, hashed on the token. `CKM_SHA256_RSA_PKCS`.
    public static let sha256RSAPKCS = MechanismType(rawValue: CKM_SHA256_RSA_PKCS)
    /// ECDSA with a hash from the application; the signature is r and s, not DER. `CKM_ECDSA`.
    public static let ecdsa = MechanismType(rawValue: CKM_ECDSA)
    /// ECDSA with SHA-256, hashed on the token. `CKM_ECDSA_SHA256`.
    public static let ecdsaSHA256 = MechanismType(rawValue: CKM_ECDSA_SHA256)
    /// ECDSA with SHA-384, hashed on the token. `CKM_ECDSA_SHA384`.
    public static let ecdsaSHA384 = MechanismType(rawValue: CKM_ECDSA_SHA384)
    /// ECDSA with SHA-512, hashed on the token. `CKM_ECDSA_SHA512`.
    public static let ecdsaSHA512 = MechanismType(rawValue: CKM_ECDSA_SHA512)
    /// EdDSA of the message. `CKM_EDDSA`.
    public static let eddsa = MechanismType(rawValue: CKM_EDDSA)

    /// The name in the standard, for messages; nil if it is not known.
    var standardName: String? {
        unsafe tokencert_mechanism_name(rawValue).map { unsafe String(cString: $0) }
    }
}
