internal import CTokencertOpenSSL

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

extension TrustAnchors {
    /// Validates a chain, which begins with the certificate and ends with the anchor.
    ///
    /// Dates are left to ``status(of:intermediates:at:)``, because OpenSSL excludes the last second
    /// of the validity, which RFC 5280 includes.
    static func validate(_ chain: [Certificate]) throws(X509Error) {
        try requireSoundExtensions(chain)
        guard let store = unsafe X509_STORE_new() else {
            throw .fromOpenSSL(.failed, "cannot verify the chain")
        }
        defer { unsafe X509_STORE_free(store) }
        guard let untrusted = unsafe tokencert_sk_X509_new_null() else {
            throw .fromOpenSSL(.failed, "cannot verify the chain")
        }
        defer { unsafe tokencert_sk_X509_free(untrusted) }
        guard let context = unsafe X509_STORE_CTX_new() else {
            throw .fromOpenSSL(.failed, "cannot verify the chain")
        }
        defer { unsafe X509_STORE_CTX_free(context) }
        // The stack and the context hold pointers without counting references.
        defer { withExtendedLifetime(chain) {} }
        ERR_clear_error()
        unsafe X509_STORE_set_check_issued(store) { _, subject, issuer in
            unsafe mayHaveIssued(subject, issuer) ? 1 : 0
        }
        let isAnchorAdded = unsafe chain[chain.count - 1].handle.withPointer {
            unsafe X509_STORE_add_cert(store, $0) == 1
        }
        var isReady = isAnchorAdded
        for intermediate in chain.dropFirst().dropLast() {
            isReady = unsafe intermediate.handle.withPointer {
                unsafe tokencert_sk_X509_push(untrusted, $0) > 0 && isReady
            }
        }
        isReady = unsafe chain[0].handle.withPointer {
            unsafe isReady && X509_STORE_CTX_init(context, store, $0, untrusted) == 1
        }
        guard isReady, let parameters = unsafe X509_STORE_CTX_get0_param(context),
            unsafe X509_VERIFY_PARAM_set_flags(
                parameters, UInt(X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME)) == 1
        else {
            throw .fromOpenSSL(.failed, "cannot verify the chain")
        }
        unsafe X509_VERIFY_PARAM_set_auth_level(parameters, securityLevel)
        guard unsafe X509_verify_cert(context) == 1 else {
            let reason = unsafe X509_STORE_CTX_get_error(context)
            let depth = unsafe Int(X509_STORE_CTX_get_error_depth(context))
            let text = unsafe String(cString: X509_verify_cert_error_string(Int(reason)))
            ERR_clear_error()
            let place = place(of: chain[min(max(depth, 0), chain.count - 1)], in: chain)
            throw X509Error(.untrusted, "\(place): \(text)")
        }
        try requireUsage(chain)
    }

    /// Security level 2, 112 bits: RSA keys of 2048 bits or more, and no SHA-1 below an anchor. It
    /// is set here because OpenSSL does not read the system's configuration.
    static let securityLevel: Int32 = 2

    private static func requireSoundExtensions(_ chain: [Certificate]) throws(X509Error) {
        for (index, certificate) in chain.enumerated()
        where index == 0 || index < chain.count - 1 {
            let place = place(of: certificate, in: chain)
            guard certificate.hasStrictDates else {
                throw X509Error(.untrusted, "\(place): its validity dates are malformed")
            }
            let malformed = certificate.malformedExtensions
            guard malformed.isEmpty else {
                throw X509Error(
                    .untrusted,
                    "\(place): malformed or repeated extension: "
                        + malformed.joined(separator: ", "))
            }
        }
    }

    /// Checks that the intermediates allow at least one of the certificate's extended key usages.
    private static func requireUsage(_ chain: [Certificate]) throws(X509Error) {
        var usages = chain[0].limitedUsages
        for certificate in chain.dropFirst().dropLast() {
            guard let limit = certificate.limitedUsages else { continue }
            usages = usages.map { $0.intersection(limit) } ?? limit
            guard usages?.isEmpty == false else {
                throw X509Error(
                    .untrusted,
                    "\(place(of: certificate, in: chain)): it may issue certificates only for "
                        + certificate.extendedKeyUsages.map(\.description).joined(separator: ", "))
            }
        }
    }
}

extension Certificate {
    /// The extended key usages to which the certificate is limited; nil if every usage is allowed.
    fileprivate var limitedUsages: Set<ExtendedKeyUsage>? {
        let usages = extendedKeyUsages
        return usages.isEmpty || usages.contains(.any) ? nil : Set(usages)
    }

    /// Whether the dates have the form that RFC 5280 requires (section 4.1.2.5); `X509_cmp_time`
    /// returns 0 for any other form.
    fileprivate var hasStrictDates: Bool {
        unsafe handle.withPointer {
            var moment = time_t(0)
            return unsafe X509_cmp_time(X509_get0_notBefore($0), &moment) != 0
                && X509_cmp_time(X509_get0_notAfter($0), &moment) != 0
        }
    }

    /// Whether name and key identifier match those of another certificate's issuer.
    func mayHaveIssued(_ other: Certificate) -> Bool {
        // Usually false. The rest creates two X509 objects.
        if let own = subject.comparisonHash, let wanted = other.issuer.comparisonHash, own != wanted
        {
            return false
        }
        return unsafe handle.withPointer { issuer in
            unsafe other.handle.withPointer { unsafe OpenSSLX509.mayHaveIssued($0, issuer) }
        }
    }

    /// Whether another certificate was signed with this certificate's key.
    func hasSigned(_ other: Certificate) -> Bool {
        defer { ERR_clear_error() }
        return unsafe handle.withPointer { issuer in
            guard let key = unsafe X509_get0_pubkey(issuer) else { return false }
            return unsafe other.handle.withPointer { unsafe X509_verify($0, key) == 1 }
        }
    }
}

/// Whether one certificate may have issued another: the names match, and the key identifiers too if
/// both have one. OpenSSL verifies the signature later.
@unsafe func mayHaveIssued(_ subject: OpaquePointer?, _ issuer: OpaquePointer?) -> Bool {
    guard
        unsafe X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(subject)) == 0
    else { return false }
    guard let wanted = unsafe X509_get0_authority_key_id(subject),
        let offered = unsafe X509_get0_subject_key_id(issuer)
    else { return true }
    return unsafe ASN1_OCTET_STRING_cmp(wanted, offered) == 0
}
