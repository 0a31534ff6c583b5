internal import CTokencertP11Kit

extension ObjectClass {
    /// Application data. `CKO_DATA`.
    public static let data = ObjectClass(rawValue: CKO_DATA)
    /// A certificate. `CKO_CERTIFICATE`.
    public static let certificate = ObjectClass(rawValue: CKO_CERTIFICATE)
    /// A public key. `CKO_PUBLIC_KEY`.
    public static let publicKey = ObjectClass(rawValue: CKO_PUBLIC_KEY)
    /// A private key. `CKO_PRIVATE_KEY`.
    public static let privateKey = ObjectClass(rawValue: CKO_PRIVATE_KEY)
    /// A symmetric key. `CKO_SECRET_KEY`.
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
