internal import CTokencertOpenSSL
package import OpenSSLX509

extension HostPrivateKey {
    /// Generates an RSA key or a key on a named curve.
    package static func generate(_ kind: KeyKind) throws(X509Error) -> HostPrivateKey {
        ERR_clear_error()
        switch kind {
        case .rsa(let bits):
            return try unsafe HostPrivateKey(
                generated: tokencert_EVP_RSA_gen(Int32(clamping: bits)))
        case .ec(let curve):
            return try unsafe HostPrivateKey(generated: tokencert_EVP_EC_gen(curve.rawValue))
        default:
            throw X509Error(.unsupported, "cannot generate a key of type \(kind)")
        }
    }

    @unsafe private init(generated pointer: OpaquePointer?) throws(X509Error) {
        guard let pointer = unsafe pointer else {
            throw .fromOpenSSL(.failed, "cannot generate a key")
        }
        try self.init(handle: unsafe KeyHandle(owning: pointer))
    }

    /// Reads an unencrypted key in PEM.
    package init(pem: [UInt8]) throws(X509Error) {
        let input = try MemoryBIO(pem)
        ERR_clear_error()
        guard
            let pointer = unsafe PEM_read_bio_PrivateKey(
                input.pointer, nil, tokencert_no_password, nil)
        else {
            throw .fromOpenSSL(.malformed, "not a private key in PEM")
        }
        try self.init(handle: unsafe KeyHandle(owning: pointer))
    }

    private init(handle: KeyHandle) throws(X509Error) {
        self.handle = handle
        publicKey = try PublicKey(
            subjectPublicKeyInfo: unsafe handle.der("a public key") { unsafe i2d_PUBKEY($0, $1) })
        guard let algorithm = SignatureAlgorithm(for: publicKey.kind) else {
            throw X509Error(.unsupported, "a key of type \(publicKey.kind) cannot sign")
        }
        signatureAlgorithm = algorithm
    }

    /// The unencrypted key in PEM (PKCS#8).
    package var pem: String {
        guard let output = try? MemoryBIO() else { return "" }
        let isWritten = unsafe handle.withPointer {
            unsafe PEM_write_bio_PKCS8PrivateKey(output.pointer, $0, nil, nil, 0, nil, nil) == 1
        }
        return isWritten ? output.text : ""
    }

    /// Signs a message, not its hash. The signature has the form that X.509 uses.
    package func sign(_ message: [UInt8]) throws(X509Error) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else {
            throw .fromOpenSSL(.failed, "cannot sign the message")
        }
        defer { unsafe EVP_MD_CTX_free(context) }
        var length = 1024
        var signature = [UInt8](repeating: 0, count: length)
        let isSigned = unsafe handle.withPointer { key in
            unsafe EVP_DigestSignInit(
                context, nil, signatureAlgorithm.messageDigest, nil, key) == 1
                && EVP_DigestSign(context, &signature, &length, message, message.count) == 1
        }
        guard isSigned else {
            throw .fromOpenSSL(.failed, "cannot sign the message")
        }
        return Array(signature.prefix(length))
    }

    /// Issues a certificate. If `issuer`, the certificate of this key, is nil, the certificate's
    /// subject is also its issuer.
    package func issue(
        _ content: CertificateContent, issuer: Certificate?
    ) throws(X509Error) -> Certificate {
        ERR_clear_error()
        guard let pointer = unsafe X509_new() else {
            throw .fromOpenSSL(.failed, "cannot create a certificate")
        }
        defer { unsafe X509_free(pointer) }
        try unsafe fill(pointer, with: content, issuer)
        ERR_clear_error()
        let isSigned = unsafe handle.withPointer {
            unsafe X509_sign(pointer, $0, signatureAlgorithm.messageDigest) > 0
        }
        guard isSigned else {
            throw .fromOpenSSL(.failed, "cannot sign the certificate")
        }
        // Parsed again, so no state from the construction remains.
        return try Certificate(
            der: unsafe OpenSSLX509.der("a certificate") { unsafe i2d_X509(pointer, $0) })
    }

    @unsafe private func fill(
        _ pointer: OpaquePointer, with content: CertificateContent, _ issuer: Certificate?
    ) throws(X509Error) {
        func require(_ result: Int32) throws(X509Error) {
            guard result == 1 else {
                throw .fromOpenSSL(.failed, "cannot set the fields of the certificate")
            }
        }
        try unsafe require(X509_set_version(pointer, 2))
        let serialNumber = DER.integer(content.serialNumber)
        let (number, _) = try unsafe OpenSSLX509.parse(serialNumber, "not a serial number") {
            unsafe d2i_ASN1_INTEGER(nil, $0, $1)
        }
        defer { unsafe ASN1_INTEGER_free(number) }
        try unsafe require(X509_set_serialNumber(pointer, number))
        try unsafe content.subject.add(to: X509_get_subject_name(pointer))
        let isNamed =
            if let issuer {
                unsafe issuer.handle.withPointer {
                    unsafe X509_set_issuer_name(pointer, X509_get_subject_name($0))
                }
            } else {
                unsafe X509_set_issuer_name(pointer, X509_get_subject_name(pointer))
            }
        try require(isNamed)
        guard unsafe ASN1_TIME_set(X509_getm_notBefore(pointer), Int(content.notBefore)) != nil,
            unsafe ASN1_TIME_set(X509_getm_notAfter(pointer), Int(content.notAfter)) != nil
        else {
            throw .fromOpenSSL(.failed, "cannot set the validity of the certificate")
        }
        let key = try content.publicKey.makeHandle()
        try unsafe require(key.withPointer { unsafe X509_set_pubkey(pointer, $0) })
        for element in content.extensions {
            let made = try unsafe element.makeX509Extension()
            defer { unsafe X509_EXTENSION_free(made) }
            try unsafe require(X509_add_ext(pointer, made, -1))
        }
    }
}
