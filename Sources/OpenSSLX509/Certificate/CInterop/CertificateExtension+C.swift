internal import CTokencertOpenSSL

extension CertificateExtension {
    /// Creates an `X509_EXTENSION`, which the caller must free.
    @unsafe package func makeX509Extension() throws(X509Error) -> OpaquePointer {
        guard let object = unsafe OBJ_txt2obj(identifier, 1) else {
            throw .fromOpenSSL(.malformed, "cannot create the extension \(identifier)")
        }
        defer { unsafe ASN1_OBJECT_free(object) }
        guard let data = unsafe ASN1_OCTET_STRING_new() else {
            throw .fromOpenSSL(.failed, "cannot create the extension \(identifier)")
        }
        defer { unsafe ASN1_OCTET_STRING_free(data) }
        guard unsafe ASN1_OCTET_STRING_set(data, value, Int32(clamping: value.count)) == 1,
            let made = unsafe X509_EXTENSION_create_by_OBJ(nil, object, isCritical ? 1 : 0, data)
        else {
            throw .fromOpenSSL(.failed, "cannot create the extension \(identifier)")
        }
        guard unsafe isReadable(made) else {
            unsafe X509_EXTENSION_free(made)
            throw X509Error(.malformed, "invalid value for the extension \(identifier)")
        }
        return unsafe made
    }
}

/// Owns a `STACK_OF(X509_EXTENSION)` and its elements.
@safe struct ExtensionStack: ~Copyable {
    let pointer: OpaquePointer

    private init(owning pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    static func holding(_ extensions: [CertificateExtension]) throws(X509Error) -> Self {
        guard let pointer = unsafe tokencert_sk_X509_EXTENSION_new_null() else {
            throw .fromOpenSSL(.failed, "cannot create a list of extensions")
        }
        let stack = unsafe Self(owning: pointer)
        for element in extensions {
            let made = try unsafe element.makeX509Extension()
            guard unsafe tokencert_sk_X509_EXTENSION_push(pointer, made) > 0 else {
                unsafe X509_EXTENSION_free(made)
                throw .fromOpenSSL(.failed, "cannot create a list of extensions")
            }
        }
        return stack
    }

    deinit {
        unsafe tokencert_sk_X509_EXTENSION_pop_free(pointer)
    }
}

/// Whether an extension's value is valid for its type, or the type is unknown to OpenSSL.
@unsafe func isReadable(_ element: OpaquePointer?) -> Bool {
    defer { ERR_clear_error() }
    switch unsafe tokencert_extension_form(element) {
    case TOKENCERT_EXTENSION_UNKNOWN: return true
    case TOKENCERT_EXTENSION_READABLE:
        return CertificateExtension.isUsable(
            unsafe bytes(X509_EXTENSION_get_data(element)),
            unsafe dotted(X509_EXTENSION_get_object(element)) ?? "")
    default: return false
    }
}

extension Certificate {
    /// The extensions that are repeated or have an invalid value, by name or object identifier;
    /// empty for a well-formed certificate.
    ///
    /// ``emailAddresses``, ``subjectAlternativeNames``, ``extendedKeyUsages`` and
    /// ``hasOtherAlternativeNames`` treat such an extension as absent. Do not rely on a certificate
    /// that has one: ``TrustAnchors/verify(_:intermediates:at:)`` rejects it. The C functions are
    /// `X509V3_EXT_d2i` and `X509_get_extension_flags`.
    public var malformedExtensions: [String] {
        unsafe handle.withPointer { pointer in
            var names: [String] = []
            var known: Set<String> = []
            for index in 0..<(unsafe max(0, X509_get_ext_count(pointer))) {
                let element = unsafe X509_get_ext(pointer, index)
                let name = unsafe extensionName(X509_EXTENSION_get_object(element))
                let isFirst = known.insert(name).inserted
                if unsafe !(isFirst && isReadable(element)), !names.contains(name) {
                    names.append(name)
                }
            }
            // Other errors that OpenSSL found, such as a negative path length.
            if names.isEmpty,
                unsafe X509_get_extension_flags(pointer) & UInt32(EXFLAG_INVALID) != 0
            {
                names.append("an extension that violates RFC 5280")
            }
            return names
        }
    }
}

/// OpenSSL's short name of an extension, or its object identifier.
@unsafe func extensionName(_ object: OpaquePointer?) -> String {
    let number = unsafe OBJ_obj2nid(object)
    if number != NID_undef, let name = unsafe OBJ_nid2sn(number) {
        return unsafe String(cString: name)
    }
    return unsafe dotted(object) ?? "an unknown extension"
}
