internal import CTokencertOpenSSL

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

// One owner type for each OpenSSL type. An owner frees only its own object. It passes its pointer
// to a closure, so that it outlives each use of the pointer.

/// Owns an object that is not changed after it is returned, so threads may share it.
@safe package class Handle: @unchecked Sendable {
    fileprivate let pointer: OpaquePointer

    /// Takes the object over.
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
}

/// Owns an `X509`.
@safe package final class CertificateHandle: Handle, @unchecked Sendable {
    deinit {
        unsafe X509_free(pointer)
    }
}

/// Owns an `X509_REQ`.
@safe final class RequestHandle: Handle, @unchecked Sendable {
    deinit {
        unsafe X509_REQ_free(pointer)
    }
}

/// Owns an `EVP_PKEY`.
@safe package final class KeyHandle: Handle, @unchecked Sendable {
    deinit {
        unsafe EVP_PKEY_free(pointer)
    }
}

/// Owns a `BIO` in memory.
@safe package struct MemoryBIO: ~Copyable {
    package let pointer: OpaquePointer

    /// Makes a buffer that holds bytes.
    package init(_ bytes: [UInt8] = []) throws(X509Error) {
        let length = Int32(clamping: bytes.count)
        guard let pointer = unsafe BIO_new(BIO_s_mem()) else {
            throw .fromOpenSSL(.failed, "a buffer")
        }
        guard Int(length) == bytes.count,
            unsafe bytes.isEmpty || BIO_write(pointer, bytes, length) == length
        else {
            unsafe BIO_free(pointer)
            throw .fromOpenSSL(.failed, "a buffer of \(bytes.count) bytes")
        }
        unsafe self.pointer = unsafe pointer
    }

    deinit {
        unsafe BIO_free(pointer)
    }

    /// What was written, as a copy.
    var bytes: [UInt8] {
        var data: UnsafeMutablePointer<CChar>?
        let length = unsafe tokencert_BIO_get_mem_data(pointer, &data)
        return unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: length))
    }

    /// ``bytes`` as text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension X509Error {
    /// Makes an error with what OpenSSL's queue of this thread holds, and empties the queue.
    package static func fromOpenSSL(_ code: Code, _ context: String) -> X509Error {
        var reasons: [String] = []
        while case let number = ERR_get_error(), number != 0 {
            let reason = unsafe ERR_reason_error_string(number).map { unsafe String(cString: $0) }
            reasons.append(reason ?? "error 0x" + String(number, radix: 16))
        }
        return X509Error(code: code, context: context, reasons: reasons)
    }
}

/// Takes the DER out of an `i2d_` function, which allocates it.
@unsafe package func der(
    _ context: String, _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>) -> Int32
) throws(X509Error) -> [UInt8] {
    var place: UnsafeMutablePointer<UInt8>?
    let length = unsafe encode(&place)
    guard length >= 0 else { throw .fromOpenSSL(.failed, context) }
    defer { unsafe tokencert_OPENSSL_free(place) }
    return unsafe [UInt8](UnsafeBufferPointer(start: place, count: Int(length)))
}

/// Hands DER to a `d2i_` function and insists that all of it is used.
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

/// The bytes of an `ASN1_STRING` of any type.
@unsafe func bytes(_ string: UnsafePointer<ASN1_STRING>?) -> [UInt8] {
    guard let string = unsafe string else { return [] }
    return unsafe [UInt8](
        UnsafeBufferPointer(
            start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string))))
}

/// An object identifier in dotted form; nil if OpenSSL cannot write it.
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
            der, "an object identifier", { unsafe d2i_ASN1_OBJECT(nil, $0, $1) })
    else { return nil }
    defer { unsafe ASN1_OBJECT_free(object) }
    return isWhole ? unsafe dotted(object) : nil
}

/// DER in PEM with a final line end.
///
/// The C function is `PEM_write_bio`.
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
        throw .fromOpenSSL(.malformed, "not a time")
    }
    return Int64(unsafe timegm(&parts))
}
