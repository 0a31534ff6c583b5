public import TokencertPlatform

extension Session where Access == ReadWrite {
    /// Generates a key pair on the token.
    ///
    /// The C function is `C_GenerateKeyPair` (PKCS#11 v2.40, section 5.13). Some tokens ignore
    /// parts of the templates, so read back the attributes that matter. If the call fails, some
    /// modules leave one of the keys behind.
    ///
    /// - Parameters:
    ///   - request: The attributes of the keys.
    ///   - mechanism: The key generation mechanism.
    /// - Returns: The two keys.
    /// - Throws: ``CryptokiError``.
    public mutating func generateKeyPair(
        _ request: KeyPairRequest, _ mechanism: Mechanism
    ) throws(CryptokiError) -> KeyPair {
        try functions.generateKeyPair(handle, mechanism, request)
    }
}

extension Session {
    /// Signs with a private key on the token.
    ///
    /// The C functions are `C_SignInit` and `C_Sign` (section 5.11).
    ///
    /// - Parameters:
    ///   - data: The mechanism's input: a message, a hash or a DigestInfo.
    ///   - key: The private key.
    ///   - mechanism: The signature mechanism.
    /// - Returns: The signature in Cryptoki's format, which for ECDSA is r followed by s.
    /// - Throws: ``CryptokiError``.
    public mutating func sign(
        _ data: [UInt8], with key: ObjectHandle, _ mechanism: Mechanism
    ) throws(CryptokiError) -> [UInt8] {
        try functions.signInit(handle, mechanism, key)
        return try functions.sign(handle, data, mechanism)
    }

    /// Begins a signature with a key that requires the PIN for each use,
    /// `CKA_ALWAYS_AUTHENTICATE`: ``authenticateSignature(_:)`` and ``finishSignature(_:_:)`` must
    /// follow with no other call in between, since some tokens forget the login otherwise.
    ///
    /// The C function is `C_SignInit`.
    ///
    /// - Parameters:
    ///   - key: The private key.
    ///   - mechanism: The signature mechanism.
    /// - Throws: ``CryptokiError``.
    public mutating func beginSignature(
        with key: ObjectHandle, _ mechanism: Mechanism
    ) throws(CryptokiError) {
        try functions.signInit(handle, mechanism, key)
    }

    /// Logs in for the active signature or decryption. If the login fails, the operation stays
    /// active and the session cannot start another one, so close the session.
    ///
    /// The C function is `C_Login` with `CKU_CONTEXT_SPECIFIC` (section 5.6).
    ///
    /// - Parameter pin: The user's PIN, UTF-8; sent once. Ignored if the token has
    ///   ``TokenFlags/protectedAuthenticationPath``.
    /// - Throws: ``CryptokiError``.
    public mutating func authenticateSignature(
        _ pin: borrowing Secret
    ) throws(CryptokiError) {
        if token.info.flags.contains(.protectedAuthenticationPath) {
            try functions.login(handle, .contextSpecific)
        } else {
            try functions.login(handle, .contextSpecific, pin)
        }
    }

    /// Finishes the active signature.
    ///
    /// The C function is `C_Sign`.
    ///
    /// - Parameters:
    ///   - data: The mechanism's input.
    ///   - mechanism: The mechanism passed to ``beginSignature(with:_:)``.
    /// - Returns: The signature in Cryptoki's format, which for ECDSA is r followed by s.
    /// - Throws: ``CryptokiError``.
    public mutating func finishSignature(
        _ data: [UInt8], _ mechanism: Mechanism
    ) throws(CryptokiError) -> [UInt8] {
        try functions.sign(handle, data, mechanism)
    }
}
