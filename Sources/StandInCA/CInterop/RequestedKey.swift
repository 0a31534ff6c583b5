internal import CTokencertOpenSSL

/// What the server checks of a request's key.
struct RequestedKey: Sendable, Hashable {
    /// OpenSSL's name of the key algorithm, such as `rsaEncryption`.
    let algorithm: String
    /// The size of the key.
    let bits: Int
    /// The public exponent of an RSA key; nil for other keys, and if it has more than 64 bits.
    let exponent: UInt64?
    /// The modulus of an RSA key in upper-case hexadecimal without leading zeros; nil for other keys.
    let modulus: String?

    /// The SHA-1 hash of `Modulus=...` with a line end, in lower-case hexadecimal. Debian's lists
    /// of weak keys contain it. Nil for keys other than RSA, and if OpenSSL cannot compute it.
    var weakKeyHash: String? {
        guard let modulus else { return nil }
        let line = Array("Modulus=\(modulus)\n".utf8)
        var hash = [UInt8](repeating: 0, count: 20)
        guard unsafe EVP_Digest(line, line.count, &hash, nil, EVP_sha1(), nil) == 1 else {
            return nil
        }
        return hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

extension RequestedKey {
    /// Reads the key of an `X509_REQ`; nil if OpenSSL cannot decode it.
    @unsafe init?(of request: OpaquePointer) {
        guard let key = unsafe X509_REQ_get0_pubkey(request) else { return nil }
        var identifier: OpaquePointer?
        var name = [CChar](repeating: 0, count: 128)
        guard
            unsafe X509_PUBKEY_get0_param(
                &identifier, nil, nil, nil, X509_REQ_get_X509_PUBKEY(request)) == 1,
            unsafe OBJ_obj2txt(&name, Int32(name.count), identifier, 0) > 0
        else { return nil }
        algorithm = String(
            decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        bits = Int(unsafe EVP_PKEY_get_bits(key))
        exponent = unsafe Self.number("e", of: key) {
            unsafe BN_num_bits($0) <= 64 ? UInt64(BN_get_word($0)) : nil
        }
        modulus = unsafe Self.number("n", of: key) {
            guard let output = try? Buffer(), unsafe BN_print(output.pointer, $0) == 1 else {
                return nil
            }
            return output.text
        }
    }

    /// Passes a number of the key to a closure; nil if it is not an RSA key.
    @unsafe private static func number<Value>(
        _ name: String, of key: OpaquePointer, _ value: (OpaquePointer) -> Value?
    ) -> Value? {
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(key, name, &number) == 1, let number = unsafe number
        else { return nil }
        defer { unsafe BN_free(number) }
        return unsafe value(number)
    }
}
