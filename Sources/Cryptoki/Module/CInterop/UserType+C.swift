internal import CTokencertP11Kit

extension UserType {
    /// The user of the token, `CKU_USER`.
    public static let user = UserType(rawValue: UInt(CKU_USER))
    /// The security officer, `CKU_SO`, who sets up tokens and, on some, writes them.
    public static let securityOfficer = UserType(rawValue: UInt(CKU_SO))
    /// The user once more for one use of one key, `CKU_CONTEXT_SPECIFIC`.
    public static let contextSpecific = UserType(rawValue: UInt(CKU_CONTEXT_SPECIFIC))
}
