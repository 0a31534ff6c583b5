internal import CTokencertOpenSSL

/// Owns an `X509`, which does not change.
@safe final class Certificate: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Takes ownership of the object.
    @unsafe init(owning pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    /// Reads the first certificate of a PEM text.
    convenience init(pem: String) throws(StandInError) {
        let input = try Buffer(Array(pem.utf8))
        guard
            let pointer = unsafe PEM_read_bio_X509(input.pointer, nil, tokencert_no_password, nil)
        else { throw .fromOpenSSL("not a certificate in PEM") }
        unsafe self.init(owning: pointer)
    }

    deinit { unsafe X509_free(pointer) }

    /// Passes the pointer to a closure, which must not keep it.
    @unsafe func withPointer<Result, Failure: Error>(
        _ body: (OpaquePointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try unsafe body(pointer)
    }

    /// The public key.
    func key() throws(StandInError) -> Key {
        guard let key = unsafe withPointer({ unsafe X509_get_pubkey($0) }) else {
            throw .fromOpenSSL("a certificate with an unknown key")
        }
        return unsafe Key(owning: key)
    }

    func pem() throws(StandInError) -> String {
        try unsafe text { unsafe PEM_write_bio_X509($0, $1) }
    }

    /// The fields in human-readable form, as the program `openssl` prints them.
    func description() throws(StandInError) -> String {
        try unsafe text { unsafe X509_print($0, $1) }
    }

    @unsafe private func text(
        _ write: (OpaquePointer, OpaquePointer) -> Int32
    ) throws(StandInError) -> String {
        let output = try Buffer()
        guard unsafe withPointer({ unsafe write(output.pointer, $0) }) == 1 else {
            throw .fromOpenSSL("cannot write a certificate")
        }
        return output.text
    }
}
