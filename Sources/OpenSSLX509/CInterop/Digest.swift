internal import CTokencertOpenSSL

/// A hash function.
public enum Digest: Sendable, Hashable {
    /// SHA-1, for key identifiers only.
    case sha1
    /// SHA-256.
    case sha256
    /// SHA-384.
    case sha384
    /// SHA-512.
    case sha512

    /// Hashes a message.
    ///
    /// The C function is `EVP_Digest`.
    ///
    /// - Parameter bytes: The message.
    /// - Returns: The hash: 20, 32, 48 or 64 bytes.
    public func hash(_ bytes: [UInt8]) -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        // This fails only if memory or the algorithm is missing. Without a hash, different values
        // would compare as equal.
        let fetched = self == .sha256 ? Self.fetchedSHA256 : nil
        let digest = unsafe fetched?.withPointer { unsafe $0 } ?? messageDigest
        guard unsafe EVP_Digest(bytes, bytes.count, &hash, &length, digest, nil) == 1 else {
            fatalError("OpenSSL cannot compute \(self)")
        }
        return Array(hash.prefix(Int(length)))
    }

    /// SHA-256, fetched once: OpenSSL 3.0 looks up the algorithm of `EVP_sha256` for each hash.
    private static let fetchedSHA256 = unsafe EVP_MD_fetch(nil, "SHA256", nil).map {
        unsafe Handle(owning: $0)
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
