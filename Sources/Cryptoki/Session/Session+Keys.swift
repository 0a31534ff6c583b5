public import TokencertPlatform

extension Session where Access == ReadWrite {
    /// Makes a key pair inside the token.
    ///
    /// The C function is `C_GenerateKeyPair` (PKCS#11 v2.40, section 5.13). Only a conforming token
    /// keeps to the templates: read back what matters. Some modules leave half of a pair behind
    /// when they refuse.
    ///
    /// - Parameters:
    ///   - request: What the keys shall be like.
    ///   - mechanism: How they are made.
    /// - Returns: The two keys.
    /// - Throws: ``CryptokiError``.
    public mutating func generateKeyPair(
        _ request: KeyPairRequest, _ mechanism: Mechanism
    ) throws(CryptokiError) -> KeyPair {
        try functions.generateKeyPair(handle, mechanism, request)
    }
}

extension Session {
    /// Signs with a private key of the token.
    ///
    /// The C functions are `C_SignInit` and `C_Sign` (section 5.11).
    ///
    /// - Parameters:
    ///   - data: What the mechanism signs: a message, a hash or a DigestInfo.
    ///   - key: The private key.
    ///   - mechanism: How it signs.
    /// - Returns: The signature as Cryptoki has it: for ECDSA r and s one after the other.
    /// - Throws: ``CryptokiError``.
    public mutating func sign(
        _ data: [UInt8], with key: ObjectHandle, _ mechanism: Mechanism
    ) throws(CryptokiError) -> [UInt8] {
        try functions.signInit(handle, mechanism, key)
        return try functions.sign(handle, data, mechanism)
    }

    /// Begins a signature with a key that wants the PIN again for each use,
    /// `CKA_ALWAYS_AUTHENTICATE`: ``authenticateSignature(_:)`` and ``finishSignature(_:_:)`` follow
    /// with nothing else in between, as some tokens forget the login otherwise.
    ///
    /// The C function is `C_SignInit`.
    ///
    /// - Parameters:
    ///   - key: The private key.
    ///   - mechanism: How it signs.
    /// - Throws: ``CryptokiError``.
    public mutating func beginSignature(
        with key: ObjectHandle, _ mechanism: Mechanism
    ) throws(CryptokiError) {
        try functions.signInit(handle, mechanism, key)
    }

    /// Logs in for the one signature that was begun. After a login that failed the signature is
    /// still begun: the session signs nothing more and is to be closed.
    ///
    /// The C function is `C_Login` with `CKU_CONTEXT_SPECIFIC` (section 5.6).
    ///
    /// - Parameter pin: The user's PIN; sent once. Ignored where the token has
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

    /// Makes the signature that was begun.
    ///
    /// The C function is `C_Sign`.
    ///
    /// - Parameters:
    ///   - data: What the mechanism signs.
    ///   - mechanism: The mechanism that it was begun with.
    /// - Returns: The signature as Cryptoki has it.
    /// - Throws: ``CryptokiError``.
    public mutating func finishSignature(
        _ data: [UInt8], _ mechanism: Mechanism
    ) throws(CryptokiError) -> [UInt8] {
        try functions.sign(handle, data, mechanism)
    }
}
