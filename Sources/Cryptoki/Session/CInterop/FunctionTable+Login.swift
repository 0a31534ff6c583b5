internal import CTokencertP11Kit
internal import TokencertPlatform

extension FunctionTable {
    func login(_ session: CK_SESSION_HANDLE, _ user: UserType) throws(CryptokiError) {
        try unsafe check(
            "C_Login", entry("C_Login", \.C_Login)(session, user.rawValue, nil, 0), "\(user)")
    }

    func login(
        _ session: CK_SESSION_HANDLE, _ user: UserType, _ pin: borrowing Secret
    ) throws(CryptokiError) {
        let function = try unsafe entry("C_Login", \.C_Login)
        let returned = unsafe pin.withUnsafeBytes { bytes in
            // SoftHSM 2.6.1 writes its token while it checks a PIN.
            changing {
                unsafe function(session, user.rawValue, bytes.baseAddress, CK_ULONG(bytes.count))
            }
        }
        try check("C_Login", returned, "\(user)")
    }

    /// The user who is logged in according to the state of a session; nil if none is.
    func loggedInUser(_ session: CK_SESSION_HANDLE) throws(CryptokiError) -> UserType? {
        var info = CK_SESSION_INFO()
        try unsafe check(
            "C_GetSessionInfo", entry("C_GetSessionInfo", \.C_GetSessionInfo)(session, &info))
        return switch info.state {
        case CK_STATE(CKS_RO_USER_FUNCTIONS), CK_STATE(CKS_RW_USER_FUNCTIONS): .user
        case CK_STATE(CKS_RW_SO_FUNCTIONS): .securityOfficer
        default: nil
        }
    }

    func logout(_ session: CK_SESSION_HANDLE) throws(CryptokiError) {
        try check("C_Logout", entry("C_Logout", \.C_Logout)(session))
    }
}
