internal import CTokencertOpenSSL
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

// There is one owner type for each OpenSSL type. An owner passes its pointer to a closure, so the
// owner outlives every use of the pointer.

/// Owns an OpenSSL object that does not change once it is returned, so threads can share it.
@safe package class Handle: @unchecked Sendable {
    fileprivate let pointer: OpaquePointer

    /// Takes ownership of the object.
    package init(owning pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    /// Passes the pointer to a closure, which must not keep it.
    @unsafe package final func withPointer<Result, Failure: Error>(
        _ body: (OpaquePointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(self) {} }
        return try unsafe body(pointer)
    }

    /// Returns the DER that an `i2d_` function makes of the object or of a part of it.
    @unsafe package final func der(
        _ context: String,
        _ encode: (OpaquePointer, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>) -> Int32
    ) throws(X509Error) -> [UInt8] {
        defer { withExtendedLifetime(self) {} }
        return try unsafe OpenSSLX509.der(context) { unsafe encode(pointer, $0) }
    }
}

/// Owns an `X509`.
@safe package final class CertificateHandle: Handle, @unchecked Sendable {
    deinit {
        unsafe X509_free(pointer)
    }
}

/// Owns an `X509` that is created from the DER when it is first used. Most certificates on a token are
/// only listed, which does not require it.
package final class LazyCertificateHandle: Sendable {
    private let der: [UInt8]
    private let made = Mutex<CertificateHandle?>(nil)

    /// - Parameter der: The DER of a certificate that OpenSSL can parse.
    init(der: [UInt8]) {
        self.der = der
    }

    private var handle: CertificateHandle {
        made.withLock { made in
            if let made { return made }
            let parsed = try? unsafe OpenSSLX509.parse(der, "not a certificate") {
                unsafe d2i_X509(nil, $0, $1)
            }
            // No check accepts an empty certificate. It is used only if memory is exhausted.
            guard let pointer = unsafe parsed?.handle ?? X509_new() else {
                fatalError("out of memory")
            }
            // Makes OpenSSL cache the extensions now, because threads that share the object must not
            // change it.
            _ = unsafe X509_check_purpose(pointer, -1, 0)
            ERR_clear_error()
            let handle = unsafe CertificateHandle(owning: pointer)
            made = handle
            return handle
        }
    }

    /// Passes the pointer to a closure, which must not keep it.
    @unsafe package func withPointer<Result, Failure: Error>(
        _ body: (OpaquePointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe handle.withPointer(body)
    }
}

/// Owns an `X509_REQ`.
@safe final class RequestHandle: Handle, @unchecked Sendable {
    deinit {
        unsafe X509_REQ_free(pointer)
    }
}

/// Owns an `X509_CRL`, which OpenSSL sorts under its own lock when it is first searched.
@safe final class RevocationListHandle: Handle, @unchecked Sendable {
    deinit {
        unsafe X509_CRL_free(pointer)
    }
}

/// Owns an `EVP_PKEY`.
@safe package final class KeyHandle: Handle, @unchecked Sendable {
    deinit {
        unsafe EVP_PKEY_free(pointer)
    }
}

/// Owns a memory `BIO`.
@safe package struct MemoryBIO: ~Copyable {
    package let pointer: OpaquePointer

    /// Creates a buffer with a copy of the bytes.
    package init(_ bytes: [UInt8] = []) throws(X509Error) {
        let length = Int32(clamping: bytes.count)
        guard let pointer = unsafe BIO_new(BIO_s_mem()) else {
            throw .fromOpenSSL(.failed, "cannot allocate a buffer")
        }
        guard Int(length) == bytes.count,
            unsafe bytes.isEmpty || BIO_write(pointer, bytes, length) == length
        else {
            unsafe BIO_free(pointer)
            throw .fromOpenSSL(.failed, "cannot allocate a buffer of \(bytes.count) bytes")
        }
        unsafe self.pointer = unsafe pointer
    }

    deinit {
        unsafe BIO_free(pointer)
    }

    /// A copy of the contents.
    var bytes: [UInt8] {
        var data: UnsafeMutablePointer<CChar>?
        let length = unsafe tokencert_BIO_get_mem_data(pointer, &data)
        return unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: length))
    }

    /// The contents as UTF-8 text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension X509Error {
    /// Creates an error with the reasons from OpenSSL's error queue, and clears the queue.
    package static func fromOpenSSL(_ code: Code, _ context: String) -> X509Error {
        var reasons: [String] = []
        while case let number = ERR_get_error(), number != 0 {
            let reason = unsafe ERR_reason_error_string(number).map { unsafe String(cString: $0) }
            reasons.append(reason ?? "error 0x" + String(number, radix: 16))
        }
        return X509Error(code, context, reasons: reasons)
    }
}

/// Returns the DER that an `i2d_` function allocates, and frees the original.
@unsafe package func der(
    _ context: String, _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>) -> Int32
) throws(X509Error) -> [UInt8] {
    var place: UnsafeMutablePointer<UInt8>?
    let length = unsafe encode(&place)
    guard length >= 0 else { throw .fromOpenSSL(.failed, "cannot encode \(context)") }
    defer { unsafe tokencert_OPENSSL_free(place) }
    return unsafe [UInt8](UnsafeBufferPointer(start: place, count: Int(length)))
}

/// Parses DER with a `d2i_` function and reports whether it consumed all of the bytes.
@unsafe package func parse<Handle>(
    _ bytes: [UInt8], _ context: String,
    _ decode: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> Handle?
) throws(X509Error) -> (handle: Handle, isWhole: Bool) {
    ERR_clear_error()
    var isWhole = false
    let handle = unsafe bytes.withUnsafeBufferPointer { buffer -> Handle? in
        var place = buffer.baseAddress
        let handle = unsafe decode(&place, buffer.count)
        isWhole = unsafe buffer.baseAddress.map { unsafe $0 + buffer.count } == place
        return handle
    }
    guard let handle else { throw .fromOpenSSL(.malformed, context) }
    return (handle, isWhole)
}

/// The bytes of any type of `ASN1_STRING`.
@unsafe func bytes(_ string: UnsafePointer<ASN1_STRING>?) -> [UInt8] {
    guard let string = unsafe string else { return [] }
    return unsafe [UInt8](
        UnsafeBufferPointer(
            start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string))))
}

/// An object identifier in dotted form; nil if OpenSSL cannot format it.
@unsafe func dotted(_ object: OpaquePointer?) -> String? {
    let length = unsafe OBJ_obj2txt(nil, 0, object, 1)
    guard length > 0 else { return nil }
    var buffer = [CChar](repeating: 0, count: Int(length) + 1)
    guard unsafe OBJ_obj2txt(&buffer, length + 1, object, 1) == length else { return nil }
    return String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// The object identifier in a DER element, in dotted form; nil if the element is anything else.
func dottedIdentifier(_ der: [UInt8]) -> String? {
    guard
        let (object, isWhole) = try? unsafe parse(
            der, "not an object identifier", { unsafe d2i_ASN1_OBJECT(nil, $0, $1) })
    else { return nil }
    defer { unsafe ASN1_OBJECT_free(object) }
    return isWhole ? unsafe dotted(object) : nil
}

/// DER as PEM, with a line end after the last line.
func pemText(_ name: String, _ der: [UInt8]) -> String {
    guard let output = try? MemoryBIO(),
        unsafe PEM_write_bio(output.pointer, name, "", der, der.count) > 0
    else { return "" }
    return output.text
}

/// Seconds since 1970-01-01 00:00 UTC.
@unsafe func seconds(_ time: UnsafePointer<ASN1_TIME>?) throws(X509Error) -> Int64 {
    var parts = unsafe tm()
    guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else {
        throw .fromOpenSSL(.malformed, "not a valid time")
    }
    return Int64(unsafe timegm(&parts))
}
