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
    /// The name in the standard, for messages; nil if it is not known.
    var standardName: String? {
        unsafe tokencert_attribute_name(rawValue).map { unsafe String(cString: $0) }
    }

    /// Finds an attribute type by its name in the standard.
    ///
    /// - Parameter name: The name, such as `CKA_LABEL`. The result is nil if the name is unknown.
    public init?(name: String) {
        self.init(rawValue: unsafe tokencert_attribute_type(name))
        // C reads a name only up to a NUL.
        guard standardName == name else { return nil }
    }
}
