public import TokencertPlatform

extension Slot {
    /// Initialises the token in the slot. Everything on it is lost, including the user's PIN.
    ///
    /// The C function is `C_InitToken` (PKCS#11 v2.40, section 5.5). It fails while a session with
    /// the token is open. The number of the slot may change.
    ///
    /// - Parameters:
    ///   - label: The token's new label, at most 32 bytes of UTF-8.
    ///   - pin: The security officer's PIN, UTF-8: the current one, or the first one if the token
    ///     was never initialised. Sent once; ignored if the PIN is entered on the reader.
    ///   - usesReaderKeys: Whether the token has ``TokenFlags/protectedAuthenticationPath``.
    /// - Throws: ``CryptokiError``; with ``ReturnValue/pinIncorrect`` if the PIN is wrong.
    public func initializeToken(
        label: String, securityOfficerPIN pin: borrowing Secret, usesReaderKeys: Bool
    ) throws(CryptokiError) {
        var bytes = Array(label.utf8)
        guard bytes.count <= 32 else {
            throw CryptokiError(
                .malformedAnswer, function: "C_InitToken",
                context: "the label has \(bytes.count) bytes; the maximum is 32")
        }
        bytes += [UInt8](repeating: UInt8(ascii: " "), count: 32 - bytes.count)
        try module.functions.initToken(id, usesReaderKeys, pin, bytes)
    }
}
