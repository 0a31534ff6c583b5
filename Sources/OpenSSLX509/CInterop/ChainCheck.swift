internal import COpenSSL

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

extension TrustAnchors {
    /// Insists that a chain of signatures leads from a certificate to an anchor.
    ///
    /// An issuer is found by its name and key identifier and proved by its signature. Its serial
    /// number plays no part, since CAcert has signed its root and its class 3 certificate anew
    /// with the same keys. RSA keys in the chain have 2048 bits or more, and no signature below an
    /// anchor is made with SHA-1 or MD5. The C function is `X509_verify_cert`.
    ///
    /// - Parameters:
    ///   - certificate: The certificate.
    ///   - intermediates: Certificates that may stand between; they need not be of use, nor right.
    ///   - time: When all of the chain must be valid, in seconds since 1970-01-01 00:00 UTC.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/outsideValidity`` where dates are the
    ///   reason, and ``X509Error/Code/untrusted`` for any other.
    public func verify(
        _ certificate: Certificate, intermediates: [Certificate] = [], at time: Int64
    ) throws(X509Error) {
        let store = unsafe X509_STORE_new()
        defer { unsafe X509_STORE_free(store) }
        for anchor in certificates where !isShadow(anchor, beside: intermediates, at: time) {
            unsafe X509_STORE_add_cert(store, anchor.handle.pointer)
        }
        unsafe X509_STORE_set_check_issued(store) { _, subject, issuer in
            unsafe mayHaveIssued(subject, issuer) ? 1 : 0
        }
        let untrusted = unsafe tokencert_sk_X509_new_null()
        defer { unsafe tokencert_sk_X509_free(untrusted) }
        for intermediate in intermediates {
            unsafe tokencert_sk_X509_push(untrusted, intermediate.handle.pointer)
        }
        let context = unsafe X509_STORE_CTX_new()
        defer { unsafe X509_STORE_CTX_free(context) }
        ERR_clear_error()
        guard
            unsafe X509_STORE_CTX_init(context, store, certificate.handle.pointer, untrusted) == 1
        else {
            throw .fromOpenSSL(.failed, "the check of a chain")
        }
        let parameters = unsafe X509_STORE_CTX_get0_param(context)
        unsafe X509_VERIFY_PARAM_set_flags(
            parameters, UInt(X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_USE_CHECK_TIME))
        unsafe X509_VERIFY_PARAM_set_time(parameters, time_t(time))
        unsafe X509_VERIFY_PARAM_set_auth_level(parameters, 2)
        guard unsafe X509_verify_cert(context) == 1 else {
            let reason = unsafe X509_STORE_CTX_get_error(context)
            let depth = unsafe X509_STORE_CTX_get_error_depth(context)
            let text = unsafe String(cString: X509_verify_cert_error_string(Int(reason)))
            let place = depth == 0 ? "the certificate" : "certificate \(depth) of its chain"
            ERR_clear_error()
            throw X509Error(
                code: Self.validityReasons.contains(reason) ? .outsideValidity : .untrusted,
                context: "\(place): \(text)", reasons: [])
        }
    }

    /// Whether an anchor is not valid and another form of it, signed anew with the same key, is.
    /// OpenSSL would take the one that it finds first.
    private func isShadow(
        _ anchor: Certificate, beside others: [Certificate], at time: Int64
    ) -> Bool {
        guard !anchor.isValid(at: time) else { return false }
        return (certificates + others).contains { other in
            other.isValid(at: time) && other.subject == anchor.subject
                && other.publicKey == anchor.publicKey
        }
    }

    private static let validityReasons = [
        X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID,
    ]
}

extension Certificate {
    fileprivate func isValid(at time: Int64) -> Bool { notBefore <= time && time <= notAfter }
}

/// Whether one certificate may have issued another: the names fit, and so do the key identifiers
/// where both have one. The signature is checked by OpenSSL afterwards.
@unsafe func mayHaveIssued(_ subject: OpaquePointer?, _ issuer: OpaquePointer?) -> Bool {
    guard
        unsafe X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(subject)) == 0
    else { return false }
    guard let wanted = unsafe X509_get0_authority_key_id(subject),
        let offered = unsafe X509_get0_subject_key_id(issuer)
    else { return true }
    return unsafe ASN1_OCTET_STRING_cmp(wanted, offered) == 0
}
