internal import CTokencertOpenSSL

/// Owns an `EVP_PKEY`, a key pair or a public key, which does not change.
@safe final class Key: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Takes ownership of the object.
    @unsafe init(owning pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    /// Reads an unencrypted key pair in PEM.
    convenience init(pem: String) throws(StandInError) {
        let input = try Buffer(Array(pem.utf8))
        let read = unsafe PEM_read_bio_PrivateKey(
            input.pointer, nil, tokencert_no_password, nil)
        guard let pointer = unsafe read else { throw .fromOpenSSL("not a private key in PEM") }
        unsafe self.init(owning: pointer)
    }

    deinit { unsafe EVP_PKEY_free(pointer) }

    enum Kind: Sendable {
        case rsa2048
        case p256
    }

    /// Generates a key pair.
    static func generate(_ kind: Kind) throws(StandInError) -> Key {
        let generated =
            unsafe kind == .rsa2048 ? tokencert_EVP_RSA_gen(2048) : tokencert_EVP_EC_gen("P-256")
        guard let pointer = unsafe generated else { throw .fromOpenSSL("cannot generate a key") }
        return unsafe Key(owning: pointer)
    }

    /// Passes the pointer to a closure, which must not keep it.
    @unsafe func withPointer<Result, Failure: Error>(
        _ body: (OpaquePointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try unsafe body(pointer)
    }

    /// Whether both have the same public key.
    func isSamePublicKey(as other: Key) -> Bool {
        unsafe withPointer { own in
            unsafe other.withPointer { unsafe EVP_PKEY_eq(own, $0) == 1 }
        }
    }

    /// The unencrypted key pair in PEM (PKCS#8).
    func pem() throws(StandInError) -> String {
        let output = try Buffer()
        let isWritten = unsafe withPointer {
            unsafe PEM_write_bio_PKCS8PrivateKey(output.pointer, $0, nil, nil, 0, nil, nil) == 1
        }
        guard isWritten else { throw .fromOpenSSL("cannot write a private key") }
        return output.text
    }
}
