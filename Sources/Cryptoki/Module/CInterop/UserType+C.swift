internal import CTokencertP11Kit

extension UserType {
    /// The user of the token, `CKU_USER`.
    public static let user = UserType(rawValue: UInt(CKU_USER))
    /// The security officer, `CKU_SO`, who initialises tokens and, for some tokens, writes objects.
    public static let securityOfficer = UserType(rawValue: UInt(CKU_SO))
    /// The user, logging in again for one use of a key, `CKU_CONTEXT_SPECIFIC`.
    public static let contextSpecific = UserType(rawValue: UInt(CKU_CONTEXT_SPECIFIC))
}
