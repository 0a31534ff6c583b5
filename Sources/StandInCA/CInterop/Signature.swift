internal import CTokencertOpenSSL

/// The content of a certificate.
struct CertificateContent: Sendable {
    /// The attributes of the subject, with OpenSSL's names of their types.
    var subject: [(type: String, value: String)]
    /// The encoding of the subject.
    var names = StandInConfiguration.Names.utf8
    /// The serial number in hexadecimal.
    var serialNumber: String
    /// The first second of the validity, in seconds since 1970-01-01 00:00 UTC.
    var notBefore: Int64
    /// The last second of the validity.
    var notAfter: Int64
    /// The extensions, each a line of OpenSSL's configuration.
    var extensions: [String]
}

struct SignedCertificate: Sendable {
    let pem: String
    /// The serial number, upper-case hexadecimal.
    let serialNumber: String
    /// The last second of the validity, in seconds since 1970-01-01 00:00 UTC.
    let notAfter: Int64
}

/// A key pair that signs certificates, and its certificate.
struct Signer: Sendable {
    let key: Key
    let certificate: Certificate
}

extension CertificateContent {
    /// Signs a certificate for a key. Without a signer, the key pair signs its own certificate.
    ///
    /// The stand-in shares no code for certificates with tokencert, because tests would not find an
    /// error in shared code.
    func signed(by signer: Signer?, for key: Key) throws(StandInError) -> Certificate {
        ERR_clear_error()
        guard let pointer = unsafe X509_new() else { throw .fromOpenSSL("out of memory") }
        let certificate = unsafe Certificate(owning: pointer)
        try unsafe fill(pointer, for: key)
        let issuer = signer?.certificate ?? certificate
        let isNamed = unsafe issuer.withPointer {
            unsafe X509_set_issuer_name(pointer, X509_get_subject_name($0))
        }
        try require(isNamed, "issuer")
        try unsafe addExtensions(to: pointer, issuedBy: issuer)
        let size = unsafe (signer?.key ?? key).withPointer { key in
            // Their algorithms include a digest.
            let isEdwards =
                unsafe EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1
            return unsafe X509_sign(pointer, key, isEdwards ? nil : EVP_sha512())
        }
        guard size > 0 else { throw .fromOpenSSL("cannot sign") }
        return certificate
    }

    @unsafe private func fill(_ pointer: OpaquePointer, for key: Key) throws(StandInError) {
        try unsafe require(X509_set_version(pointer, 2), "version")
        try unsafe setSerialNumber(of: pointer)
        let name = unsafe X509_get_subject_name(pointer)
        let form = names == .utf8 ? MBSTRING_UTF8 : MBSTRING_ASC
        // The program `openssl` skips empty values, too.
        for (type, value) in subject where !value.isEmpty {
            let bytes = Array(value.utf8)
            try require(
                unsafe X509_NAME_add_entry_by_txt(
                    name, type, form, bytes, Int32(clamping: bytes.count), -1, 0),
                "\(type) \(value)")
        }
        guard unsafe ASN1_TIME_set(X509_getm_notBefore(pointer), time_t(notBefore)) != nil,
            unsafe ASN1_TIME_set(X509_getm_notAfter(pointer), time_t(notAfter)) != nil
        else {
            throw .fromOpenSSL("cannot set the validity")
        }
        try require(unsafe key.withPointer { unsafe X509_set_pubkey(pointer, $0) }, "key")
    }

    @unsafe private func setSerialNumber(of pointer: OpaquePointer) throws(StandInError) {
        var number: OpaquePointer?
        defer { unsafe BN_free(number) }
        let isSet =
            unsafe BN_hex2bn(&number, serialNumber) == serialNumber.utf8.count
            && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil
        try require(isSet ? 1 : 0, "serial number \(serialNumber)")
    }

    @unsafe private func addExtensions(
        to pointer: OpaquePointer, issuedBy issuer: Certificate
    ) throws(StandInError) {
        let lines = "[extensions]\n" + extensions.joined(separator: "\n") + "\n"
        let input = try Buffer(Array(lines.utf8))
        let configuration = unsafe NCONF_new(nil)
        defer { unsafe NCONF_free(configuration) }
        try require(unsafe NCONF_load_bio(configuration, input.pointer, nil) > 0 ? 1 : 0, lines)
        let isAdded = unsafe issuer.withPointer { issuer in
            var context = unsafe X509V3_CTX()
            unsafe X509V3_set_ctx(&context, issuer, pointer, nil, nil, 0)
            unsafe X509V3_set_nconf(&context, configuration)
            return unsafe X509V3_EXT_add_nconf(configuration, &context, "extensions", pointer)
        }
        try require(isAdded, lines)
    }

    private func require(_ result: Int32, _ part: String) throws(StandInError) {
        guard result == 1 else { throw .fromOpenSSL("cannot set this: \(part)") }
    }
}
