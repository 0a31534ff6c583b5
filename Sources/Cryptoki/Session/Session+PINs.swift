public import TokencertPlatform

extension Session where Access == ReadWrite {
    /// Gives the user a PIN, a first one or a new one for one that is locked or forgotten. The
    /// security officer has to be logged in.
    ///
    /// The C function is `C_InitPIN` (PKCS#11 v2.40, section 5.6).
    ///
    /// - Parameter pin: The new PIN, UTF-8. Ignored where the token asks at its own keys.
    /// - Throws: ``CryptokiError``.
    public mutating func initializePIN(_ pin: borrowing Secret) throws(CryptokiError) {
        try functions.initPIN(
            handle, token.info.flags.contains(.protectedAuthenticationPath), pin)
    }

    /// Changes the PIN of the role that is logged in; without a login, the PIN of the user.
    ///
    /// The C function is `C_SetPIN` (section 5.6). A wrong old PIN counts as a wrong try.
    ///
    /// - Parameters:
    ///   - old: The PIN as it is, UTF-8; sent once.
    ///   - new: The PIN as it shall be, UTF-8.
    /// - Throws: ``CryptokiError``.
    public mutating func changePIN(
        from old: borrowing Secret, to new: borrowing Secret
    ) throws(CryptokiError) {
        try functions.setPIN(
            handle, token.info.flags.contains(.protectedAuthenticationPath), old, new)
    }
}
