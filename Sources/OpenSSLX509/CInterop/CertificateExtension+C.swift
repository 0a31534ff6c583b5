internal import COpenSSL

extension CertificateExtension {
    /// Makes an `X509_EXTENSION`, which the caller owns.
    @unsafe func makeX509Extension() throws(X509Error) -> OpaquePointer {
        let object = unsafe OBJ_txt2obj(identifier, 1)
        defer { unsafe ASN1_OBJECT_free(object) }
        let data = unsafe ASN1_OCTET_STRING_new()
        defer { unsafe ASN1_OCTET_STRING_free(data) }
        unsafe ASN1_OCTET_STRING_set(data, value, Int32(value.count))
        guard
            let made = unsafe X509_EXTENSION_create_by_OBJ(nil, object, isCritical ? 1 : 0, data)
        else {
            throw .fromOpenSSL(.failed, "the extension \(identifier)")
        }
        return unsafe made
    }
}
