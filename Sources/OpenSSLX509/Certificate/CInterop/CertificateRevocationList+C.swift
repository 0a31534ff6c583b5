internal import CTokencertOpenSSL

extension CertificateRevocationList {
    /// Parses exactly one DER element.
    init(element der: [UInt8]) throws(X509Error) {
        let (pointer, isWhole) = try unsafe OpenSSLX509.parse(der, "not a revocation list") {
            unsafe d2i_X509_CRL(nil, $0, $1)
        }
        let handle = unsafe RevocationListHandle(owning: pointer)
        guard isWhole else {
            throw X509Error(.malformed, "unexpected bytes after the revocation list")
        }
        self.handle = handle
        self.der = der
        issuer = try unsafe handle.withPointer(Self.issuer)
        (thisUpdate, nextUpdate) = try unsafe handle.withPointer(Self.updates)
        number = unsafe handle.withPointer { unsafe Self.number($0) }
        let (names, isLimited) = unsafe handle.withPointer { unsafe Self.scope($0) }
        scope = names
        if isLimited {
            obstacle =
                "it covers only some certificates or reasons, or those of other CAs "
                + "(issuingDistributionPoint)"
        } else {
            obstacle = unsafe handle.withPointer { unsafe Self.obstacle($0) }
        }
        ERR_clear_error()
    }

    @unsafe private static func issuer(
        _ list: OpaquePointer
    ) throws(X509Error) -> DistinguishedName {
        try unsafe DistinguishedName(X509_CRL_get_issuer(list))
    }

    /// The times of this and of the next update. The next one may be absent, which OpenSSL would take as
    /// the current time.
    @unsafe private static func updates(
        _ list: OpaquePointer
    ) throws(X509Error) -> (Int64, Int64?) {
        let this = try unsafe seconds(X509_CRL_get0_lastUpdate(list))
        guard let next = unsafe X509_CRL_get0_nextUpdate(list) else { return (this, nil) }
        return (this, try unsafe seconds(next))
    }

    @unsafe private static func number(_ list: OpaquePointer) -> String? {
        guard let value = unsafe X509_CRL_get_ext_d2i(list, NID_crl_number, nil, nil) else {
            return nil
        }
        let number = unsafe value.assumingMemoryBound(to: ASN1_INTEGER.self)
        defer { unsafe ASN1_INTEGER_free(number) }
        return unsafe hexadecimal(bytes(number))
    }

    /// What the issuingDistributionPoint says.
    @unsafe private static func scope(
        _ list: OpaquePointer
    ) -> (names: [String]?, isLimited: Bool) {
        guard
            let value = unsafe X509_CRL_get_ext_d2i(
                list, NID_issuing_distribution_point, nil, nil)
        else { return (nil, false) }
        defer { unsafe tokencert_scope_free(value) }
        let isLimited = unsafe tokencert_scope_is_limited(value) != 0
        guard let names = unsafe tokencert_scope_full_name(value) else { return (nil, isLimited) }
        return (unsafe addresses(names), isLimited)
    }

    private static let deltaIndicator = "2.5.29.27"
    /// The extensions that may be critical: cRLNumber, issuingDistributionPoint and
    /// authorityKeyIdentifier.
    private static let supported: Set = ["2.5.29.20", "2.5.29.28", "2.5.29.35"]

    @unsafe private static func obstacle(_ list: OpaquePointer) -> String? {
        var known: Set<String> = []
        for index in 0..<(unsafe max(0, X509_CRL_get_ext_count(list))) {
            let element = unsafe X509_CRL_get_ext(list, index)
            let object = unsafe X509_EXTENSION_get_object(element)
            let name = unsafe extensionName(object)
            let identifier = unsafe dotted(object) ?? name
            guard known.insert(identifier).inserted, unsafe isReadable(element) else {
                return "malformed or repeated extension: \(name)"
            }
            guard identifier != deltaIndicator else {
                return "it has only the changes since another list (deltaCRLIndicator)"
            }
            guard
                supported.contains(identifier) || (unsafe X509_EXTENSION_get_critical(element)) == 0
            else { return "its critical extension is not supported: \(name)" }
        }
        return unsafe tokencert_X509_CRL_has_foreign_entry(list) == 0
            ? nil : "an entry has a critical extension that is not supported, or is for another CA"
    }

    /// Verifies the signature.
    func verifySignature(_ key: PublicKey) throws(X509Error) {
        let issuerKey = try key.makeHandle()
        ERR_clear_error()
        let isSigned = unsafe handle.withPointer { list in
            unsafe issuerKey.withPointer { unsafe X509_CRL_verify(list, $0) == 1 }
        }
        guard isSigned else {
            throw .fromOpenSSL(.badSignature, "the revocation list is not signed by the CA")
        }
    }

    /// The entry with a serial number, which is a DER INTEGER.
    func revocation(ofSerialNumber der: [UInt8]) throws(X509Error) -> ListedRevocation? {
        let (number, _) = try unsafe OpenSSLX509.parse(der, "not a serial number") {
            unsafe d2i_ASN1_INTEGER(nil, $0, $1)
        }
        defer { unsafe ASN1_INTEGER_free(number) }
        return unsafe handle.withPointer { list -> ListedRevocation? in
            var entry: OpaquePointer?
            // 0 is "not listed", and 2 is removeFromCRL.
            guard unsafe X509_CRL_get0_by_serial(list, &entry, number) == 1 else { return nil }
            let time = unsafe try? seconds(X509_REVOKED_get0_revocationDate(entry))
            let reason = unsafe tokencert_X509_REVOKED_reason(entry)
            ERR_clear_error()
            return ListedRevocation(time: time, reason: RevocationReason(rawValue: Int(reason)))
        }
    }
}

extension Certificate {
    /// The `http:` and `https:` addresses of revocation lists in cRLDistributionPoints, in order.
    /// Only complete lists of the certificate's issuer are included: no distribution point with a
    /// relative name, a cRLIssuer or reasons.
    ///
    /// The C function is `X509_get_ext_d2i`.
    public var revocationListAddresses: [String] {
        guard let points = unsafe decoded(NID_crl_distribution_points) else { return [] }
        defer { unsafe CRL_DIST_POINTS_free(points) }
        return (0..<(unsafe tokencert_sk_DIST_POINT_num(points))).flatMap { index -> [String] in
            guard let names = unsafe tokencert_DIST_POINT_full_name(points, index) else {
                return []
            }
            return unsafe addresses(names).filter { address in
                let start = address.prefix(8).lowercased()
                return (start.hasPrefix("http://") || start == "https://")
                    && address.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            }
        }
    }

    /// The hash function of the certificate's signature if it is broken, such as `SHA-1`; otherwise
    /// nil. The signature of a trust anchor does not matter.
    ///
    /// The C function is `X509_get_signature_info`.
    public var weakSignatureHash: String? {
        defer { ERR_clear_error() }
        var hash: Int32 = signatureHash ?? NID_undef
        if signatureHash == nil {
            // The result is 0 if this OpenSSL does not have the hash function, which is known anyway.
            _ = unsafe handle.withPointer {
                unsafe X509_get_signature_info($0, &hash, nil, nil, nil)
            }
        }
        switch hash {
        case NID_md2: return "MD2"
        case NID_md4: return "MD4"
        case NID_md5: return "MD5"
        case NID_sha1: return "SHA-1"
        default: return nil
        }
    }
}

/// The URIs among names, in order.
@unsafe private func addresses(_ names: OpaquePointer) -> [String] {
    (0..<(unsafe max(0, tokencert_sk_GENERAL_NAME_num(names)))).compactMap { index in
        let name = unsafe tokencert_sk_GENERAL_NAME_value(names, index)
        return unsafe tokencert_GENERAL_NAME_uri(name).map {
            unsafe String(decoding: bytes($0), as: UTF8.self)
        }
    }
}
