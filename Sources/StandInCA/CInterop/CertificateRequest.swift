internal import CTokencertOpenSSL

/// Owns an `X509_REQ`, which does not change.
@safe final class CertificateRequest: @unchecked Sendable {
    /// The key, whose signature of the request has not been verified.
    let key: RequestedKey

    private let pointer: OpaquePointer

    /// Reads the first request of a PEM text. Throws if OpenSSL cannot parse it or its key.
    init(pem: [UInt8]) throws(StandInError) {
        ERR_clear_error()
        let input = try Buffer(pem)
        guard
            let pointer = unsafe PEM_read_bio_X509_REQ(
                input.pointer, nil, tokencert_no_password, nil)
        else { throw .fromOpenSSL("not a request in PEM") }
        guard let key = unsafe RequestedKey(of: pointer) else {
            unsafe X509_REQ_free(pointer)
            throw .fromOpenSSL("a request with an unknown key")
        }
        unsafe self.pointer = unsafe pointer
        self.key = key
    }

    deinit { unsafe X509_REQ_free(pointer) }

    /// The public key. Throws if the signature of the request is wrong.
    func verifiedKey() throws(StandInError) -> Key {
        ERR_clear_error()
        defer { withExtendedLifetime(self) {} }
        guard let key = unsafe X509_REQ_get_pubkey(pointer) else {
            throw .fromOpenSSL("a request with an unknown key")
        }
        let owned = unsafe Key(owning: key)
        guard unsafe X509_REQ_verify(pointer, key) == 1 else {
            throw .fromOpenSSL("the signature of the request is wrong")
        }
        return owned
    }
}

/// What the server understands of the field with the request.
enum ReadRequest: Sendable {
    /// The text contains no request in PEM.
    case notPEM
    /// OpenSSL cannot parse the request.
    case unreadable
    case request(CertificateRequest)

    init(_ pem: [UInt8]) {
        let text = String(decoding: pem, as: UTF8.self)
        guard
            text.contains("-----BEGIN CERTIFICATE REQUEST-----")
                || text.contains("-----BEGIN NEW CERTIFICATE REQUEST-----")
        else {
            self = .notPEM
            return
        }
        // The server passes a file to OpenSSL, which reads no further than a NUL.
        let end = text.firstRange(of: "-----END").map { text[..<$0.lowerBound] } ?? text[...]
        guard !end.utf8.contains(0), let request = try? CertificateRequest(pem: pem) else {
            self = .unreadable
            return
        }
        self = .request(request)
    }
}
