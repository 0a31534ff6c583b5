internal import CTokencertOpenSSL

extension CertificateRequestDraft {
    /// Makes a draft.
    ///
    /// The C functions are `X509_REQ_set_pubkey`, `X509_REQ_add_extensions` and
    /// `i2d_re_X509_REQ_tbs`.
    ///
    /// - Parameters:
    ///   - publicKey: The key that the certificate shall be for.
    ///   - subject: The parts of the subject's name.
    ///   - extensions: What the certificate shall say besides; may be empty.
    /// - Throws: ``X509Error`` for a kind of key that cannot sign a request, and for a name that
    ///   X.509 has no room for.
    public init(
        publicKey: PublicKey, subject: [NameAttribute], extensions: [CertificateExtension]
    ) throws(X509Error) {
        guard let algorithm = SignatureAlgorithm(for: publicKey.kind) else {
            throw X509Error(
                code: .unsupported, context: "a key of kind \(publicKey.kind) signs no request",
                reasons: [])
        }
        ERR_clear_error()
        guard let pointer = unsafe X509_REQ_new() else {
            throw .fromOpenSSL(.failed, "an empty request")
        }
        let handle = unsafe RequestHandle(owning: pointer)
        self.publicKey = publicKey
        signatureAlgorithm = algorithm
        let key = try publicKey.makeHandle()
        toBeSigned = try unsafe handle.withPointer { request throws(X509Error) in
            guard unsafe X509_REQ_set_version(request, 0) == 1,
                let name = unsafe X509_REQ_get_subject_name(request)
            else {
                throw .fromOpenSSL(.failed, "an empty request")
            }
            try unsafe subject.add(to: name)
            guard unsafe key.withPointer({ unsafe X509_REQ_set_pubkey(request, $0) }) == 1 else {
                throw .fromOpenSSL(.failed, "a request's key")
            }
            if !extensions.isEmpty {
                let stack = try ExtensionStack.holding(extensions)
                guard unsafe X509_REQ_add_extensions(request, stack.pointer) == 1 else {
                    throw .fromOpenSSL(.failed, "a request's extensions")
                }
            }
            return try unsafe der("a request") { unsafe i2d_re_X509_REQ_tbs(request, $0) }
        }
    }

    /// Makes the request, and insists that its signature fits its key.
    ///
    /// - Parameter signature: The signature over ``toBeSigned`` in X.509's form: ECDSA as DER.
    /// - Returns: The request.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/badSignature`` where it does not fit.
    public func signed(_ signature: [UInt8]) throws(X509Error) -> CertificateRequest {
        // Put around the very bytes that were signed, which are not written a second time.
        let der = DER.sequence(
            toBeSigned, signatureAlgorithm.algorithmIdentifier, DER.bitString(signature))
        let (pointer, _) = try unsafe parse(der, "a signed request") {
            unsafe d2i_X509_REQ(nil, $0, $1)
        }
        return try CertificateRequest(handle: unsafe RequestHandle(owning: pointer))
    }
}

extension CertificateRequest {
    /// Reads a request in PEM and verifies it.
    ///
    /// - Parameter pem: The bytes; text before the request is passed over.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` where there is none, and
    ///   ``X509Error/Code/badSignature`` where its signature does not fit its key.
    public init(pem: [UInt8]) throws(X509Error) {
        try self.init(unverifiedPEM: pem)
        try verifySignature()
    }

    /// Reads a request in PEM without a look at its signature, for a CA that checks other things
    /// first.
    ///
    /// The C function is `PEM_read_bio_X509_REQ`.
    ///
    /// - Parameter pem: The bytes; text before the request is passed over.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` where there is none.
    public init(unverifiedPEM pem: [UInt8]) throws(X509Error) {
        let input = try MemoryBIO(pem)
        ERR_clear_error()
        guard
            let pointer = unsafe PEM_read_bio_X509_REQ(
                input.pointer, nil, tokencert_no_password, nil)
        else {
            throw .fromOpenSSL(.malformed, "no certificate request in PEM")
        }
        try self.init(unverified: unsafe RequestHandle(owning: pointer))
    }

    init(handle: RequestHandle) throws(X509Error) {
        try self.init(unverified: handle)
        try verifySignature()
    }

    private init(unverified handle: RequestHandle) throws(X509Error) {
        self.handle = handle
        der = try unsafe handle.withPointer { request throws(X509Error) in
            try unsafe OpenSSLX509.der("a request") { unsafe i2d_X509_REQ(request, $0) }
        }
        subject = try unsafe handle.withPointer { request throws(X509Error) in
            try unsafe DistinguishedName(X509_REQ_get_subject_name(request))
        }
        publicKey = try unsafe handle.withPointer { request throws(X509Error) in
            try PublicKey(
                subjectPublicKeyInfo: unsafe OpenSSLX509.der("a public key") {
                    unsafe i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(request), $0)
                })
        }
    }

    /// Insists that the request was signed with the key inside it.
    ///
    /// The C function is `X509_REQ_verify`.
    ///
    /// - Throws: ``X509Error`` with code ``X509Error/Code/badSignature`` where it was not.
    public func verifySignature() throws(X509Error) {
        ERR_clear_error()
        let isSigned = unsafe handle.withPointer {
            unsafe X509_REQ_verify($0, X509_REQ_get0_pubkey($0)) == 1
        }
        guard isSigned else {
            throw .fromOpenSSL(.badSignature, "the request was not signed with the key inside it")
        }
    }

    /// The request in PEM, with a line end at its end.
    public var pem: String { pemText("CERTIFICATE REQUEST", der) }
}
