internal import CTokencertOpenSSL

extension Certificate {
    /// The addresses of the OCSP responders in authorityInformationAccess, in order.
    ///
    /// The C function is `X509_get1_ocsp`.
    public var ocspAddresses: [String] {
        guard let strings = unsafe handle.withPointer({ unsafe X509_get1_ocsp($0) }) else {
            return []
        }
        defer { unsafe X509_email_free(strings) }
        return (0..<(unsafe tokencert_sk_OPENSSL_STRING_num(strings))).compactMap { index in
            unsafe tokencert_sk_OPENSSL_STRING_value(strings, index).map {
                unsafe String(cString: $0)
            }
        }
    }
}

/// An OCSP request for the revocation status of a certificate (RFC 6960).
public struct OCSPQuestion: Sendable {
    private let certificate: Certificate
    private let issuer: Certificate
    /// The DER of the request, for a POST with the type `application/ocsp-request`.
    public let der: [UInt8]

    /// Creates a request.
    ///
    /// The C function is `OCSP_request_add0_id`.
    ///
    /// - Parameters:
    ///   - certificate: The certificate.
    ///   - issuer: The certificate of its issuer.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/failed`` if OpenSSL cannot create the
    ///   request.
    public init(about certificate: Certificate, issuedBy issuer: Certificate) throws(X509Error) {
        self.certificate = certificate
        self.issuer = issuer
        guard let request = unsafe OCSP_REQUEST_new() else {
            throw .fromOpenSSL(.failed, "cannot create an OCSP request")
        }
        defer { unsafe OCSP_REQUEST_free(request) }
        guard let id = unsafe Self.identifier(of: certificate, issuer, nil) else {
            throw .fromOpenSSL(.failed, "cannot create an OCSP request")
        }
        guard unsafe OCSP_request_add0_id(request, id) != nil else {
            unsafe OCSP_CERTID_free(id)
            throw .fromOpenSSL(.failed, "cannot create an OCSP request")
        }
        der = try unsafe OpenSSLX509.der("an OCSP request") {
            unsafe i2d_OCSP_REQUEST(request, $0)
        }
    }

    /// Creates the OCSP identifier of a certificate, which the caller must free.
    ///
    /// - Parameter hash: The hash function; nil for SHA-1, which every responder supports.
    @unsafe private static func identifier(
        of certificate: Certificate, _ issuer: Certificate, _ hash: OpaquePointer?
    ) -> OpaquePointer? {
        unsafe certificate.handle.withPointer { certificate in
            unsafe issuer.handle.withPointer { unsafe OCSP_cert_to_id(hash, certificate, $0) }
        }
    }

    /// Reads a response and verifies that it was signed by the issuer, or by a responder that the
    /// issuer has authorized, and that it is current. An outdated response is accepted if it reports
    /// a revocation other than a hold, because such a revocation is final.
    ///
    /// A response without nextUpdate is outdated after a day. The response may identify the
    /// certificate with a different hash function than the request. If it has several statuses for
    /// the certificate, "revoked" takes precedence, then "good". The C functions are
    /// `OCSP_basic_verify`, `OCSP_single_get0_status` and `OCSP_check_validity`.
    ///
    /// - Parameter answer: The DER of the response.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/malformed`` if the bytes are not a
    ///   response with a status, ``X509Error/Code/badSignature`` if the signature is not
    ///   acceptable, ``X509Error/Code/outsideValidity`` if the response is outdated or not yet
    ///   valid, or ``X509Error/Code/failed`` if the responder reports an error or the response is
    ///   for a different certificate.
    public func status(in answer: [UInt8]) throws(X509Error) -> RevocationStatus {
        let (response, isWhole) = try unsafe parse(answer, "not an OCSP response") {
            unsafe d2i_OCSP_RESPONSE(nil, $0, $1)
        }
        defer { unsafe OCSP_RESPONSE_free(response) }
        guard isWhole else {
            throw X509Error(.malformed, "unexpected bytes after the OCSP response")
        }
        let outcome = unsafe OCSP_response_status(response)
        guard outcome == OCSP_RESPONSE_STATUS_SUCCESSFUL else {
            let text = unsafe String(cString: OCSP_response_status_str(Int(outcome)))
            throw X509Error(.failed, "the OCSP responder reports an error: \(text)")
        }
        guard let basic = unsafe OCSP_response_get1_basic(response) else {
            throw .fromOpenSSL(.malformed, "the OCSP response contains no status")
        }
        defer { unsafe OCSP_BASICRESP_free(basic) }
        try unsafe requireSigned(basic)
        var statuses: [RevocationStatus] = []
        var tooOld: X509Error?
        for index in 0..<(unsafe max(0, OCSP_resp_count(basic))) {
            guard let single = unsafe OCSP_resp_get0(basic, index),
                unsafe isAboutCertificate(OCSP_SINGLERESP_get0_id(single))
            else { continue }
            do throws(X509Error) {
                statuses.append(try unsafe Self.status(single))
            } catch {
                tooOld = error
            }
        }
        if let revoked = statuses.first(where: { $0.isRevoked }) { return revoked }
        if statuses.contains(.good) { return .good }
        if let other = statuses.first { return other }
        throw tooOld
            ?? X509Error(.failed, "the OCSP response is for a different certificate")
    }

    @unsafe private static func status(_ single: OpaquePointer) throws(X509Error)
        -> RevocationStatus
    {
        var revoked: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        var thisUpdate: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        var nextUpdate: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        var reason: Int32 = 0
        ERR_clear_error()
        let status = unsafe OCSP_single_get0_status(
            single, &reason, &revoked, &thisUpdate, &nextUpdate)
        // Clocks may differ by five minutes. A response without nextUpdate could be replayed long
        // after a revocation, so it must not be older than a day.
        let oldest = unsafe nextUpdate == nil ? 86_400 : -1
        guard unsafe OCSP_check_validity(thisUpdate, nextUpdate, 300, oldest) == 1 else {
            let error = X509Error.fromOpenSSL(
                .outsideValidity, "the OCSP response is outdated or not yet valid")
            // A revocation is final unless it is a hold, so an old response still proves it.
            let isOnlyOld = unsafe OCSP_check_validity(thisUpdate, nil, 300, -1) == 1
            ERR_clear_error()
            guard isOnlyOld, status == V_OCSP_CERTSTATUS_REVOKED,
                reason != OCSP_REVOKED_STATUS_CERTIFICATEHOLD
            else { throw error }
            return .revoked(at: unsafe try? seconds(revoked))
        }
        switch status {
        case V_OCSP_CERTSTATUS_GOOD: return .good
        case V_OCSP_CERTSTATUS_REVOKED: return .revoked(at: unsafe try? seconds(revoked))
        default: return .unknown
        }
    }

    /// Whether a response's identifier is that of the certificate, in the response's hash function.
    @unsafe private func isAboutCertificate(_ id: OpaquePointer?) -> Bool {
        var algorithm: OpaquePointer?
        defer { ERR_clear_error() }
        guard unsafe OCSP_id_get0_info(nil, &algorithm, nil, nil, id) == 1,
            let hash = unsafe EVP_get_digestbyname(OBJ_nid2sn(OBJ_obj2nid(algorithm))),
            let own = unsafe Self.identifier(of: certificate, issuer, hash)
        else { return false }
        defer { unsafe OCSP_CERTID_free(own) }
        return unsafe OCSP_id_cmp(own, id) == 0
    }

    @unsafe private func requireSigned(_ basic: OpaquePointer) throws(X509Error) {
        guard let store = unsafe X509_STORE_new() else {
            throw .fromOpenSSL(.failed, "cannot verify the OCSP response")
        }
        defer { unsafe X509_STORE_free(store) }
        guard let issuers = unsafe tokencert_sk_X509_new_null() else {
            throw .fromOpenSSL(.failed, "cannot verify the OCSP response")
        }
        defer { unsafe tokencert_sk_X509_free(issuers) }
        ERR_clear_error()
        unsafe X509_STORE_set_check_issued(store) { _, subject, issuer in
            unsafe mayHaveIssued(subject, issuer) ? 1 : 0
        }
        let isSigned = unsafe issuer.handle.withPointer { pointer -> Bool? in
            guard unsafe X509_STORE_add_cert(store, pointer) == 1,
                unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN)) == 1,
                unsafe tokencert_sk_X509_push(issuers, pointer) > 0
            else { return nil }
            unsafe X509_VERIFY_PARAM_set_auth_level(
                X509_STORE_get0_param(store), TrustAnchors.securityLevel)
            return unsafe OCSP_basic_verify(basic, issuers, store, 0) == 1
        }
        guard let isSigned else {
            throw .fromOpenSSL(.failed, "cannot verify the OCSP response")
        }
        guard isSigned else {
            throw .fromOpenSSL(.badSignature, "the OCSP response is not signed by the CA")
        }
    }
}

extension RevocationStatus {
    fileprivate var isRevoked: Bool {
        if case .revoked = self { true } else { false }
    }
}
