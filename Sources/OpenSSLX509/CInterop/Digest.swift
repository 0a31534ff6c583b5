internal import CTokencertOpenSSL

/// A hash function.
public enum Digest: Sendable, Hashable {
    /// SHA-1, for identifiers only.
    case sha1
    /// SHA-256.
    case sha256
    /// SHA-384.
    case sha384
    /// SHA-512.
    case sha512

    /// Hashes bytes.
    ///
    /// The C function is `EVP_Digest`.
    ///
    /// - Parameter bytes: The message.
    /// - Returns: The hash: 20, 32, 48 or 64 bytes.
    public func hash(_ bytes: [UInt8]) -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        // Fails only without memory or without the algorithm. Continuing without the hash would
        // make different values equal.
        guard unsafe EVP_Digest(bytes, bytes.count, &hash, &length, messageDigest, nil) == 1 else {
            fatalError("OpenSSL cannot compute \(self)")
        }
        return Array(hash.prefix(Int(length)))
    }

    var messageDigest: OpaquePointer? {
        switch self {
        case .sha1: unsafe EVP_sha1()
        case .sha256: unsafe EVP_sha256()
        case .sha384: unsafe EVP_sha384()
        case .sha512: unsafe EVP_sha512()
        }
    }
}

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
