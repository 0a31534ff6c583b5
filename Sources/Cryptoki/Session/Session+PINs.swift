public import TokencertPlatform

extension Session where Access == ReadWrite {
    /// Sets the user's PIN, for the first time or to replace a locked or forgotten one. The
    /// security officer must be logged in.
    ///
    /// The C function is `C_InitPIN` (PKCS#11 v2.40, section 5.6).
    ///
    /// - Parameter pin: The new PIN, UTF-8. Ignored if the PIN is entered on the reader.
    /// - Throws: ``CryptokiError``.
    public mutating func initializePIN(_ pin: borrowing Secret) throws(CryptokiError) {
        try functions.initPIN(
            handle, token.info.flags.contains(.protectedAuthenticationPath), pin)
    }

    /// Changes the PIN of the user who is logged in; without a login, the user's PIN.
    ///
    /// The C function is `C_SetPIN` (section 5.6). A wrong old PIN counts as a failed attempt.
    ///
    /// - Parameters:
    ///   - old: The current PIN, UTF-8; sent once.
    ///   - new: The new PIN, UTF-8.
    /// - Throws: ``CryptokiError``.
    public mutating func changePIN(
        from old: borrowing Secret, to new: borrowing Secret
    ) throws(CryptokiError) {
        try functions.setPIN(
            handle, token.info.flags.contains(.protectedAuthenticationPath), old, new)
    }
}
