extension Session {
    /// Decrypts with a private key on the token.
    ///
    /// The C functions are `C_DecryptInit` and `C_Decrypt` (PKCS#11 v2.40, section 5.9).
    ///
    /// - Parameters:
    ///   - data: The ciphertext.
    ///   - key: The private key.
    ///   - mechanism: The mechanism that encrypted the message.
    /// - Returns: The message. With ``MechanismType/rsaPKCS`` a token may return other bytes
    ///   instead of an error if the padding is wrong.
    /// - Throws: ``CryptokiError``.
    public mutating func decrypt(
        _ data: [UInt8], with key: ObjectHandle, _ mechanism: Mechanism
    ) throws(CryptokiError) -> [UInt8] {
        try functions.decryptInit(handle, mechanism, key)
        return try functions.decrypt(handle, data, mechanism)
    }

    /// Begins a decryption with a key that requires the PIN for each use,
    /// `CKA_ALWAYS_AUTHENTICATE`: ``authenticateSignature(_:)`` and ``finishDecryption(_:_:)`` must
    /// follow with no other call in between, since some tokens forget the login otherwise.
    ///
    /// The C function is `C_DecryptInit`.
    ///
    /// - Parameters:
    ///   - key: The private key.
    ///   - mechanism: The mechanism that encrypted the message.
    /// - Throws: ``CryptokiError``.
    public mutating func beginDecryption(
        with key: ObjectHandle, _ mechanism: Mechanism
    ) throws(CryptokiError) {
        try functions.decryptInit(handle, mechanism, key)
    }

    /// Finishes the active decryption.
    ///
    /// The C function is `C_Decrypt`.
    ///
    /// - Parameters:
    ///   - data: The ciphertext.
    ///   - mechanism: The mechanism passed to ``beginDecryption(with:_:)``.
    /// - Returns: The message.
    /// - Throws: ``CryptokiError``.
    public mutating func finishDecryption(
        _ data: [UInt8], _ mechanism: Mechanism
    ) throws(CryptokiError) -> [UInt8] {
        try functions.decrypt(handle, data, mechanism)
    }
}
