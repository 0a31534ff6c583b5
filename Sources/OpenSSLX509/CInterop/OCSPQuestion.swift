internal import COpenSSL

extension Certificate {
    /// Where its status can be asked (OCSP, in authorityInformationAccess), in order.
    ///
    /// The C function is `X509_get1_ocsp`.
    public var ocspAddresses: [String] {
        guard let strings = unsafe X509_get1_ocsp(handle.pointer) else { return [] }
        defer { unsafe X509_email_free(strings) }
        return (0..<(unsafe tokencert_sk_OPENSSL_STRING_num(strings))).compactMap { index in
            unsafe tokencert_sk_OPENSSL_STRING_value(strings, index).map {
                unsafe String(cString: $0)
            }
        }
    }
}

/// The question whether a certificate is revoked (OCSP, RFC 6960).
public struct OCSPQuestion: Sendable {
    private let certificate: Certificate
    private let issuer: Certificate
    /// The DER of the request, for a POST with the type `application/ocsp-request`.
    public let der: [UInt8]

    /// Makes a question.
    ///
    /// The C function is `OCSP_request_add0_id`.
    ///
    /// - Parameters:
    ///   - certificate: The certificate.
    ///   - issuer: Who signed it.
    /// - Throws: ``X509Error`` where OpenSSL cannot make it.
    public init(about certificate: Certificate, issuedBy issuer: Certificate) throws(X509Error) {
        self.certificate = certificate
        self.issuer = issuer
        guard let request = unsafe OCSP_REQUEST_new() else {
            throw .fromOpenSSL(.failed, "an OCSP request")
        }
        defer { unsafe OCSP_REQUEST_free(request) }
        guard
            let id = unsafe OCSP_cert_to_id(nil, certificate.handle.pointer, issuer.handle.pointer),
            unsafe OCSP_request_add0_id(request, id) != nil
        else {
            throw .fromOpenSSL(.failed, "an OCSP request")
        }
        der = try unsafe OpenSSLX509.der("an OCSP request") {
            unsafe i2d_OCSP_REQUEST(request, $0)
        }
    }

    /// Reads an answer, and insists that the issuer or a responder of its choice has signed it and
    /// that it is of today.
    ///
    /// The C functions are `OCSP_basic_verify`, `OCSP_resp_find_status` and `OCSP_check_validity`.
    ///
    /// - Parameter answer: The DER of the response.
    /// - Throws: ``X509Error`` where it is none, is not signed as it must be, or is too old.
    public func status(in answer: [UInt8]) throws(X509Error) -> RevocationStatus {
        let (response, _) = try unsafe parse(answer, "no OCSP response") {
            unsafe d2i_OCSP_RESPONSE(nil, $0, $1)
        }
        defer { unsafe OCSP_RESPONSE_free(response) }
        let outcome = unsafe OCSP_response_status(response)
        guard outcome == OCSP_RESPONSE_STATUS_SUCCESSFUL,
            let basic = unsafe OCSP_response_get1_basic(response)
        else {
            let text = unsafe String(cString: OCSP_response_status_str(Int(outcome)))
            throw X509Error(
                code: .failed, context: "the OCSP responder says: \(text)", reasons: [])
        }
        defer { unsafe OCSP_BASICRESP_free(basic) }
        try unsafe requireSigned(basic)
        guard
            let id = unsafe OCSP_cert_to_id(nil, certificate.handle.pointer, issuer.handle.pointer)
        else { throw .fromOpenSSL(.failed, "an OCSP request") }
        defer { unsafe OCSP_CERTID_free(id) }
        var status: Int32 = 0
        var revoked: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        var thisUpdate: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        var nextUpdate: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
        guard
            unsafe OCSP_resp_find_status(
                basic, id, &status, nil, &revoked, &thisUpdate, &nextUpdate) == 1
        else {
            throw X509Error(
                code: .failed, context: "the OCSP response is about another certificate",
                reasons: [])
        }
        // Five minutes for clocks that differ. An answer that does not say until when it is good may
        // be one that somebody kept from before a revocation.
        let oldest = unsafe nextUpdate == nil ? 86_400 : -1
        guard unsafe OCSP_check_validity(thisUpdate, nextUpdate, 300, oldest) == 1 else {
            throw .fromOpenSSL(.outsideValidity, "the OCSP response is not of today")
        }
        switch status {
        case V_OCSP_CERTSTATUS_GOOD: return .good
        case V_OCSP_CERTSTATUS_REVOKED: return .revoked(at: unsafe try? seconds(revoked))
        default: return .unknown
        }
    }

    @unsafe private func requireSigned(_ basic: OpaquePointer) throws(X509Error) {
        let store = unsafe X509_STORE_new()
        defer { unsafe X509_STORE_free(store) }
        unsafe X509_STORE_set_check_issued(store) { _, subject, issuer in
            unsafe mayHaveIssued(subject, issuer) ? 1 : 0
        }
        unsafe X509_STORE_add_cert(store, issuer.handle.pointer)
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        let issuers = unsafe tokencert_sk_X509_new_null()
        defer { unsafe tokencert_sk_X509_free(issuers) }
        unsafe tokencert_sk_X509_push(issuers, issuer.handle.pointer)
        ERR_clear_error()
        guard unsafe OCSP_basic_verify(basic, issuers, store, 0) == 1 else {
            throw .fromOpenSSL(.badSignature, "the OCSP response is not signed by the CA")
        }
    }
}
