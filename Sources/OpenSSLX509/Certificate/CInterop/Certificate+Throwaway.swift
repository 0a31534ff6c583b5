internal import CTokencertOpenSSL

extension Certificate {
    /// Creates a certificate for testing what a token does with certificates. It is valid for one
    /// day and signed with a new key, which is discarded. The issuer has the common name; the
    /// subject's has the serial number, too. `notBefore` is in seconds since 1970-01-01 00:00 UTC.
    package static func throwaway(
        for key: PublicKey, _ name: String, serialNumber: Int, from notBefore: Int64
    ) throws(X509Error) -> Certificate {
        ERR_clear_error()
        guard let signer = unsafe tokencert_EVP_EC_gen("P-256") else {
            throw .fromOpenSSL(.failed, "cannot generate a key")
        }
        defer { unsafe EVP_PKEY_free(signer) }
        guard let made = unsafe X509_new() else {
            throw .fromOpenSSL(.failed, "cannot create a certificate")
        }
        defer { unsafe X509_free(made) }
        try unsafe [NameAttribute(.commonName, name)].add(to: X509_get_issuer_name(made))
        try unsafe [NameAttribute(.commonName, "\(name) \(serialNumber)")]
            .add(to: X509_get_subject_name(made))
        let handle = try key.makeHandle()
        let notAfter = Int(notBefore) + 86_400
        guard unsafe handle.withPointer({ unsafe X509_set_pubkey(made, $0) }) == 1,
            unsafe X509_set_version(made, 2) == 1,
            unsafe ASN1_INTEGER_set(X509_get_serialNumber(made), serialNumber) == 1,
            unsafe ASN1_TIME_set(X509_getm_notBefore(made), Int(notBefore)) != nil,
            unsafe ASN1_TIME_set(X509_getm_notAfter(made), notAfter) != nil,
            unsafe X509_sign(made, signer, EVP_sha256()) > 0
        else {
            throw .fromOpenSSL(.failed, "cannot create a certificate")
        }
        return try Certificate(
            der: unsafe OpenSSLX509.der("a certificate") { unsafe i2d_X509(made, $0) })
    }
}
