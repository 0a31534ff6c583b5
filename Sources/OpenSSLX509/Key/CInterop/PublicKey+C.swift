internal import CTokencertOpenSSL

extension SignatureAlgorithm {
    /// OpenSSL's object for ``digest``; nil if the message itself is signed.
    package var messageDigest: OpaquePointer? { unsafe digest.flatMap { unsafe $0.messageDigest } }
}

extension PublicKey {
    /// The key as an OpenSSL object: of an RSA key only the numbers, so that a key that its
    /// certificate restricts to RSASSA-PSS verifies a token's PKCS#1 v1.5 signature.
    package func makeHandle() throws(X509Error) -> KeyHandle {
        let (pointer, isWhole) = try unsafe parse(canonical, "a public key") {
            unsafe d2i_PUBKEY(nil, $0, $1)
        }
        let handle = unsafe KeyHandle(owning: pointer)
        guard isWhole else {
            throw X509Error(code: .malformed, context: "bytes after a public key", reasons: [])
        }
        return handle
    }

    /// Insists that a signature was made with this key's private half.
    ///
    /// The C function is `EVP_DigestVerify`.
    ///
    /// - Parameters:
    ///   - signature: The signature in X.509's form: ECDSA as DER.
    ///   - message: The bytes that were signed, not hashed.
    ///   - algorithm: How it was signed.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/badSignature`` where it was not.
    public func verify(
        _ signature: [UInt8], over message: [UInt8], _ algorithm: SignatureAlgorithm
    ) throws(X509Error) {
        let key = try makeHandle()
        ERR_clear_error()
        guard let context = unsafe EVP_MD_CTX_new() else {
            throw .fromOpenSSL(.failed, "the check of a signature")
        }
        defer { unsafe EVP_MD_CTX_free(context) }
        let isRight = unsafe key.withPointer { key in
            unsafe EVP_DigestVerifyInit(context, nil, algorithm.messageDigest, nil, key) == 1
                && EVP_DigestVerify(context, signature, signature.count, message, message.count)
                    == 1
        }
        guard isRight else {
            throw .fromOpenSSL(.badSignature, "the signature does not fit the key")
        }
    }
}
