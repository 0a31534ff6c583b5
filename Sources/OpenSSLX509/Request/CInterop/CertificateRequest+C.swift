internal import CTokencertOpenSSL

extension CertificateRequestDraft {
    /// Creates a draft.
    ///
    /// The C functions are `X509_REQ_set_pubkey`, `X509_REQ_add_extensions` and
    /// `i2d_re_X509_REQ_tbs`.
    ///
    /// - Parameters:
    ///   - publicKey: The public key for the certificate.
    ///   - subject: The attributes of the subject, in order.
    ///   - extensions: The requested extensions; may be empty.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/unsupported`` if the key cannot sign a
    ///   request, or ``X509Error/Code/malformed`` if X.509 does not allow a name or an extension.
    public init(
        publicKey: PublicKey, subject: [NameAttribute], extensions: [CertificateExtension]
    ) throws(X509Error) {
        guard let algorithm = SignatureAlgorithm(for: publicKey.kind) else {
            throw X509Error(.unsupported, "a key of type \(publicKey.kind) cannot sign a request")
        }
        ERR_clear_error()
        guard let request = unsafe X509_REQ_new() else {
            throw .fromOpenSSL(.failed, "cannot create a request")
        }
        defer { unsafe X509_REQ_free(request) }
        self.publicKey = publicKey
        signatureAlgorithm = algorithm
        let key = try publicKey.makeHandle()
        guard unsafe X509_REQ_set_version(request, 0) == 1,
            let name = unsafe X509_REQ_get_subject_name(request)
        else {
            throw .fromOpenSSL(.failed, "cannot create a request")
        }
        try unsafe subject.add(to: name)
        guard unsafe key.withPointer({ unsafe X509_REQ_set_pubkey(request, $0) }) == 1 else {
            throw .fromOpenSSL(.failed, "cannot set the key of the request")
        }
        if !extensions.isEmpty {
            let stack = try ExtensionStack.holding(extensions)
            guard unsafe X509_REQ_add_extensions(request, stack.pointer) == 1 else {
                throw .fromOpenSSL(.failed, "cannot add extensions to the request")
            }
        }
        toBeSigned = try unsafe der("a request") { unsafe i2d_re_X509_REQ_tbs(request, $0) }
    }

    /// Adds a signature and verifies it with the key in the request.
    ///
    /// The C functions are `d2i_X509_REQ` and `X509_REQ_verify`.
    ///
    /// - Parameter signature: The signature of ``toBeSigned`` in the form that X.509 uses: DER for
    ///   ECDSA.
    /// - Returns: The signed request.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/badSignature`` if the signature does not
    ///   match the key.
    public func signed(_ signature: [UInt8]) throws(X509Error) -> CertificateRequest {
        // Wraps the bytes that were signed. Encoding them again might change them.
        let der = DER.sequence(
            toBeSigned, signatureAlgorithm.algorithmIdentifier, DER.bitString(signature))
        let (pointer, _) = try unsafe parse(der, "not a valid request") {
            unsafe d2i_X509_REQ(nil, $0, $1)
        }
        return try CertificateRequest(handle: unsafe RequestHandle(owning: pointer))
    }
}

extension CertificateRequest {
    /// Reads a request in PEM and verifies its signature.
    ///
    /// The C functions are `PEM_read_bio_X509_REQ` and `X509_REQ_verify`.
    ///
    /// - Parameter pem: PEM text. Text before the request is ignored.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` if there is no request, or
    ///   ``X509Error/Code/badSignature`` if its signature does not match its key.
    public init(pem: [UInt8]) throws(X509Error) {
        try self.init(unverifiedPEM: pem)
        try verifySignature()
    }

    /// Reads a request in PEM without verifying its signature, for a CA that checks other things
    /// first.
    ///
    /// The C function is `PEM_read_bio_X509_REQ`.
    ///
    /// - Parameter pem: PEM text. Text before the request is ignored.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` if there is no request.
    public init(unverifiedPEM pem: [UInt8]) throws(X509Error) {
        let input = try MemoryBIO(pem)
        ERR_clear_error()
        guard
            let pointer = unsafe PEM_read_bio_X509_REQ(
                input.pointer, nil, tokencert_no_password, nil)
        else {
            throw .fromOpenSSL(.malformed, "not a certificate request in PEM")
        }
        try self.init(unverified: unsafe RequestHandle(owning: pointer))
    }

    init(handle: RequestHandle) throws(X509Error) {
        try self.init(unverified: handle)
        try verifySignature()
    }

    private init(unverified handle: RequestHandle) throws(X509Error) {
        self.handle = handle
        der = try unsafe handle.der("a request") { unsafe i2d_X509_REQ($0, $1) }
        subject = try unsafe handle.withPointer(Self.subject)
        publicKey = try PublicKey(
            subjectPublicKeyInfo: unsafe handle.der("a public key") {
                unsafe i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY($0), $1)
            })
    }

    @unsafe private static func subject(
        _ request: OpaquePointer
    ) throws(X509Error) -> DistinguishedName {
        try unsafe DistinguishedName(X509_REQ_get_subject_name(request))
    }

    /// Verifies the request's signature with the key in the request.
    ///
    /// The C function is `X509_REQ_verify`.
    ///
    /// - Throws: ``X509Error`` with code ``X509Error/Code/badSignature`` if the signature does not
    ///   match the key.
    public func verifySignature() throws(X509Error) {
        ERR_clear_error()
        let isSigned = unsafe handle.withPointer {
            unsafe X509_REQ_verify($0, X509_REQ_get0_pubkey($0)) == 1
        }
        guard isSigned else {
            throw .fromOpenSSL(.badSignature, "the request was not signed with its own key")
        }
    }

    /// The request as PEM, with a line end after the last line.
    ///
    /// The C function is `PEM_write_bio`.
    public var pem: String { pemText("CERTIFICATE REQUEST", der) }
}
