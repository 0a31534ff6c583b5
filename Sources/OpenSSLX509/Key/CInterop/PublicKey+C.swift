internal import CTokencertOpenSSL

extension SignatureAlgorithm {
    /// The OpenSSL object for ``digest``; nil if the algorithm signs the message itself.
    package var messageDigest: OpaquePointer? { unsafe digest.flatMap { unsafe $0.messageDigest } }
}

extension PublicKey {
    /// Creates an OpenSSL key. A key that is marked as RSASSA-PSS becomes a plain RSA key, so it
    /// also verifies a token's PKCS#1 v1.5 signature.
    package func makeHandle() throws(X509Error) -> KeyHandle {
        let (pointer, isWhole) = try unsafe parse(canonical, "not a valid public key") {
            unsafe d2i_PUBKEY(nil, $0, $1)
        }
        let handle = unsafe KeyHandle(owning: pointer)
        guard isWhole else {
            throw X509Error(.malformed, "unexpected bytes after the public key")
        }
        return handle
    }

    /// Verifies a signature with this key.
    ///
    /// The C function is `EVP_DigestVerify`.
    ///
    /// - Parameters:
    ///   - signature: The signature in the form that X.509 uses: DER for ECDSA.
    ///   - message: The signed message, not its hash.
    ///   - algorithm: The signature algorithm.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/badSignature`` if the signature does not
    ///   match.
    public func verify(
        _ signature: [UInt8], over message: [UInt8], _ algorithm: SignatureAlgorithm
    ) throws(X509Error) {
        let key = try makeHandle()
        ERR_clear_error()
        guard let context = unsafe EVP_MD_CTX_new() else {
            throw .fromOpenSSL(.failed, "cannot verify the signature")
        }
        defer { unsafe EVP_MD_CTX_free(context) }
        let isRight = unsafe key.withPointer { key in
            unsafe EVP_DigestVerifyInit(context, nil, algorithm.messageDigest, nil, key) == 1
                && EVP_DigestVerify(context, signature, signature.count, message, message.count)
                    == 1
        }
        guard isRight else {
            throw .fromOpenSSL(.badSignature, "the signature does not match the key")
        }
    }
}
