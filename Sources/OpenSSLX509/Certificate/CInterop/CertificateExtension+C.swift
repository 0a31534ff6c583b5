internal import CTokencertOpenSSL

extension CertificateExtension {
    /// Makes an `X509_EXTENSION`, which the caller owns.
    @unsafe package func makeX509Extension() throws(X509Error) -> OpaquePointer {
        guard let object = unsafe OBJ_txt2obj(identifier, 1) else {
            throw .fromOpenSSL(.malformed, "the extension \(identifier)")
        }
        defer { unsafe ASN1_OBJECT_free(object) }
        guard let data = unsafe ASN1_OCTET_STRING_new() else {
            throw .fromOpenSSL(.failed, "the extension \(identifier)")
        }
        defer { unsafe ASN1_OCTET_STRING_free(data) }
        guard unsafe ASN1_OCTET_STRING_set(data, value, Int32(clamping: value.count)) == 1,
            let made = unsafe X509_EXTENSION_create_by_OBJ(nil, object, isCritical ? 1 : 0, data)
        else {
            throw .fromOpenSSL(.failed, "the extension \(identifier)")
        }
        guard unsafe isReadable(made) else {
            unsafe X509_EXTENSION_free(made)
            throw X509Error(
                code: .malformed, context: "a value that the extension \(identifier) cannot have",
                reasons: [])
        }
        return unsafe made
    }
}

/// Owns a `STACK_OF(X509_EXTENSION)` and what is in it.
@safe struct ExtensionStack: ~Copyable {
    let pointer: OpaquePointer

    private init(owning pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    static func holding(_ extensions: [CertificateExtension]) throws(X509Error) -> Self {
        guard let pointer = unsafe tokencert_sk_X509_EXTENSION_new_null() else {
            throw .fromOpenSSL(.failed, "an empty list of extensions")
        }
        let stack = unsafe Self(owning: pointer)
        for element in extensions {
            let made = try unsafe element.makeX509Extension()
            guard unsafe tokencert_sk_X509_EXTENSION_push(pointer, made) > 0 else {
                unsafe X509_EXTENSION_free(made)
                throw .fromOpenSSL(.failed, "a list of extensions")
            }
        }
        return stack
    }

    deinit {
        unsafe tokencert_sk_X509_EXTENSION_pop_free(pointer)
    }
}

/// Whether an extension has a valid value for its type, or a type that OpenSSL does not know.
///
/// The C function is `X509V3_EXT_d2i`.
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
    /// The extensions that occur more than once or have an invalid value for their type, by name or
    /// by identifier; empty for a well-formed certificate.
    ///
    /// What the certificate says in them is not known. ``emailAddresses``,
    /// ``subjectAlternativeNames``, ``extendedKeyUsages`` and ``hasOtherAlternativeNames`` have nothing
    /// of such an extension, as if it were absent, so a certificate that has one must not be relied
    /// on: ``TrustAnchors/verify(_:intermediates:at:)`` refuses it.
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
                names.append("an extension with a value against RFC 5280")
            }
            return names
        }
    }
}

/// OpenSSL's short name of an extension, or its identifier.
@unsafe private func extensionName(_ object: OpaquePointer?) -> String {
    let number = unsafe OBJ_obj2nid(object)
    if number != NID_undef, let name = unsafe OBJ_nid2sn(number) {
        return unsafe String(cString: name)
    }
    return unsafe dotted(object) ?? "an extension without a name"
}
