internal import CTokencertOpenSSL

extension PublicKey {
    /// Encrypts a short message with an RSA key (RSAES-PKCS1-v1_5, RFC 8017, section 7.2).
    ///
    /// Use this function for challenges: decrypting the message proves possession of the private
    /// key. The C function is `EVP_PKEY_encrypt`.
    ///
    /// - Parameter message: The message, at least 11 bytes shorter than the modulus.
    /// - Returns: The ciphertext, as long as the modulus.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/unsupported`` if the key is not RSA, or
    ///   ``X509Error/Code/failed`` if the message is too long.
    public func encrypt(_ message: [UInt8]) throws(X509Error) -> [UInt8] {
        guard rsaNumbers != nil else {
            throw X509Error(.unsupported, "encryption requires an RSA key, not \(kind)")
        }
        let key = try makeHandle()
        ERR_clear_error()
        guard let context = unsafe key.withPointer({ unsafe EVP_PKEY_CTX_new($0, nil) }) else {
            throw .fromOpenSSL(.failed, "cannot encrypt the message")
        }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var length = 0
        guard unsafe EVP_PKEY_encrypt_init(context) == 1,
            unsafe EVP_PKEY_encrypt(context, nil, &length, message, message.count) == 1
        else { throw .fromOpenSSL(.failed, "cannot encrypt the message") }
        var encrypted = [UInt8](repeating: 0, count: length)
        guard unsafe EVP_PKEY_encrypt(context, &encrypted, &length, message, message.count) == 1
        else { throw .fromOpenSSL(.failed, "cannot encrypt the message") }
        return Array(encrypted.prefix(length))
    }
}
