internal import CTokencertOpenSSL

extension DistinguishedName {
    /// Reads an `X509_NAME`, which the caller keeps.
    @unsafe init(_ name: OpaquePointer?) throws(X509Error) {
        der = try unsafe OpenSSLX509.der("a name") { unsafe i2d_X509_NAME(name, $0) }
        let output = try MemoryBIO()
        // Fails if an attribute is not valid in its own encoding.
        let length = unsafe X509_NAME_print_ex(output.pointer, name, 0, tokencert_name_flags())
        text = length >= 0 ? output.text : "#" + hexadecimal(der)
        ERR_clear_error()
        var names: [String] = []
        var addresses: [String] = []
        var others = 0
        for index in 0..<(unsafe X509_NAME_entry_count(name)) {
            let entry = unsafe X509_NAME_get_entry(name, index)
            let value = unsafe utf8(X509_NAME_ENTRY_get_data(entry))
            switch unsafe OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) {
            case NID_commonName: names.append(value)
            case NID_pkcs9_emailAddress: addresses.append(value)
            default: others += 1
            }
        }
        commonNames = names
        emailAddresses = addresses
        hasOtherParts = others > 0
        var isKnown: Int32 = 0
        let hash = unsafe X509_NAME_hash_ex(name, nil, nil, &isKnown)
        comparisonHash = isKnown == 1 ? hash : nil
    }
}

/// The text of an `ASN1_STRING` as UTF-8; empty if its type does not hold text.
@unsafe private func utf8(_ string: UnsafeMutablePointer<ASN1_STRING>?) -> String {
    var place: UnsafeMutablePointer<UInt8>?
    let length = unsafe ASN1_STRING_to_UTF8(&place, string)
    guard length >= 0 else { return "" }
    defer { unsafe tokencert_OPENSSL_free(place) }
    return unsafe String(
        decoding: UnsafeBufferPointer(start: place, count: Int(length)), as: UTF8.self)
}

extension [NameAttribute] {
    /// Adds the attributes to an `X509_NAME`.
    @unsafe package func add(to name: OpaquePointer?) throws(X509Error) {
        for part in self {
            let identifier: Int32 =
                switch part.kind {
                case .commonName: NID_commonName
                case .organization: NID_organizationName
                case .organizationalUnit: NID_organizationalUnitName
                case .emailAddress: NID_pkcs9_emailAddress
                }
            ERR_clear_error()
            // MBSTRING_UTF8 is defined as MBSTRING_FLAG.
            let value = [UInt8](part.value.utf8)
            guard
                unsafe X509_NAME_add_entry_by_NID(
                    name, identifier, MBSTRING_FLAG, value, Int32(value.count), -1, 0) == 1
            else {
                throw .fromOpenSSL(.malformed, "\"\(part.value)\" cannot be part of a name")
            }
        }
    }
}
