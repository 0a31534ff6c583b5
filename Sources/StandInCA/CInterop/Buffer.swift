internal import CTokencertOpenSSL

/// Owns a `BIO` in memory, from which OpenSSL reads or to which it writes.
@safe final class Buffer {
    let pointer: OpaquePointer

    /// Creates a buffer with a copy of the bytes.
    init(_ bytes: [UInt8] = []) throws(StandInError) {
        guard let pointer = unsafe BIO_new(BIO_s_mem()) else {
            throw .fromOpenSSL("cannot allocate a buffer")
        }
        unsafe self.pointer = unsafe pointer
        let count = Int32(clamping: bytes.count)
        let written = unsafe bytes.isEmpty ? 0 : BIO_write(pointer, bytes, count)
        guard written == bytes.count else {
            throw .fromOpenSSL("cannot copy \(bytes.count) bytes")
        }
    }

    deinit { unsafe BIO_free_all(pointer) }

    /// The bytes that are in the buffer, as text.
    var text: String {
        var start: UnsafeMutablePointer<CChar>?
        let count = unsafe tokencert_BIO_get_mem_data(pointer, &start)
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: max(0, count))
        return unsafe String(decoding: bytes, as: UTF8.self)
    }
}

/// Initializes OpenSSL without reading the machine's configuration file, which may change what is
/// signed.
func startOpenSSL() {
    _ = OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil)
}

extension StandInError {
    /// An error with the reasons that OpenSSL has recorded in this thread.
    static func fromOpenSSL(_ description: String) -> StandInError {
        var reasons: [String] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { break }
            reasons.append(
                unsafe ERR_reason_error_string(code).map { unsafe String(cString: $0) }
                    ?? "error \(code)")
        }
        return StandInError(([description] + reasons).joined(separator: ": "))
    }
}
