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

    func logout(_ session: CK_SESSION_HANDLE) throws(CryptokiError) {
        try check("C_Logout", entry("C_Logout", \.C_Logout)(session))
    }
}
