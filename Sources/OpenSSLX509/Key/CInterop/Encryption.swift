internal import CTokencertOpenSSL

extension PublicKey {
    /// Encrypts a short message with an RSA key (RSAES-PKCS1-v1_5, RFC 8017, section 7.2).
    ///
    /// It is meant for challenges: decrypting the message proves possession of the private half.
    /// The C function is `EVP_PKEY_encrypt`.
    ///
    /// - Parameter message: The bytes, at least 11 fewer than the size of the modulus.
    /// - Returns: The ciphertext, which has the size of the modulus.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/unsupported`` for a key that is not RSA,
    ///   and ``X509Error/Code/failed`` for a message that is too long.
    public func encrypt(_ message: [UInt8]) throws(X509Error) -> [UInt8] {
        guard rsaNumbers != nil else {
            throw X509Error(
                code: .unsupported, context: "a key of kind \(kind) cannot encrypt", reasons: [])
        }
        let key = try makeHandle()
        ERR_clear_error()
        guard let context = unsafe key.withPointer({ unsafe EVP_PKEY_CTX_new($0, nil) }) else {
            throw .fromOpenSSL(.failed, "an encryption")
        }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var length = 0
        guard unsafe EVP_PKEY_encrypt_init(context) == 1,
            unsafe EVP_PKEY_encrypt(context, nil, &length, message, message.count) == 1
        else { throw .fromOpenSSL(.failed, "the message cannot be encrypted") }
        var encrypted = [UInt8](repeating: 0, count: length)
        guard unsafe EVP_PKEY_encrypt(context, &encrypted, &length, message, message.count) == 1
        else { throw .fromOpenSSL(.failed, "the message cannot be encrypted") }
        return Array(encrypted.prefix(length))
    }
}
