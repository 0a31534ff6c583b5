public import TokencertPlatform

extension Slot {
    /// Sets up the token in the slot: everything on it is lost, the user's PIN too.
    ///
    /// The C function is `C_InitToken` (PKCS#11 v2.40, section 5.5). It fails while any session of
    /// the token is open. The slot's number may change with it.
    ///
    /// - Parameters:
    ///   - label: The token's new name, 32 bytes of UTF-8 at most.
    ///   - pin: The security officer's PIN, UTF-8: the one that the token has, or, where it was
    ///     never set up, the one that it gets. Sent once; ignored where the token asks at its own
    ///     keys.
    ///   - usesReaderKeys: Whether the token has ``TokenFlags/protectedAuthenticationPath``.
    /// - Throws: ``CryptokiError``; with ``ReturnValue/pinIncorrect`` where the PIN is another one.
    public func initializeToken(
        label: String, securityOfficerPIN pin: borrowing Secret, usesReaderKeys: Bool
    ) throws(CryptokiError) {
        var bytes = Array(label.utf8)
        guard bytes.count <= 32 else {
            throw CryptokiError(
                .malformedAnswer, function: "C_InitToken",
                context: "a label has 32 bytes at most, not \(bytes.count)")
        }
        bytes += [UInt8](repeating: UInt8(ascii: " "), count: 32 - bytes.count)
        try module.functions.initToken(id, usesReaderKeys, pin, bytes)
    }
}
