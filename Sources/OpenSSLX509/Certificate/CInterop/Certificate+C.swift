internal import CTokencertOpenSSL

extension Certificate {
    /// Parses exactly one DER element.
    init(element der: [UInt8]) throws(X509Error) {
        let (parsed, isWhole) = try unsafe OpenSSLX509.parse(der, "not a certificate") {
            unsafe tokencert_d2i_certificate($0, $1)
        }
        defer { unsafe tokencert_certificate_free(parsed) }
        guard isWhole, let fields = Fields(der), let signed = unsafe parsed.pointee.tbsCertificate
        else {
            throw X509Error(.malformed, "not a certificate in DER form")
        }
        handle = LazyCertificateHandle(der: der)
        self.der = der
        serialNumberDER = fields.serialNumber
        // OpenSSL stores the sign separately from the bytes.
        let isNegative =
            DER.read(fields.serialNumber[...])?.content.first.map { $0 >= 0x80 } ?? false
        serialNumber =
            (isNegative ? "-" : "") + hexadecimal(unsafe bytes(signed.pointee.serialNumber))
        publicKey = try PublicKey(subjectPublicKeyInfo: fields.subjectPublicKeyInfo)
        subject = try unsafe DistinguishedName(signed.pointee.subject)
        issuer = try unsafe DistinguishedName(signed.pointee.issuer)
        notBefore = try unsafe seconds(signed.pointee.validity.pointee.notBefore)
        notAfter = try unsafe seconds(signed.pointee.validity.pointee.notAfter)
        var hash: Int32 = NID_undef
        let algorithm = unsafe OBJ_obj2nid(parsed.pointee.signatureAlgorithm.pointee.algorithm)
        let isKnown = unsafe OBJ_find_sigid_algs(algorithm, &hash, nil) == 1
        signatureHash = isKnown && hash != NID_undef ? hash : nil
        let extensions = unsafe tokencert_certificate_extensions(parsed)
        isAuthority = unsafe tokencert_extensions_name_ca(extensions) != 0
        alternativeNames = unsafe Self.alternativeNames(in: extensions)
        ERR_clear_error()
    }

    /// The fields that OpenSSL would encode again (RFC 5280, section 4.1).
    private struct Fields {
        let serialNumber: [UInt8]
        let subjectPublicKeyInfo: [UInt8]

        init?(_ der: [UInt8]) {
            guard let whole = DER.readWhole(0x30, der), let signed = DER.read(whole[...]) else {
                return nil
            }
            var rest = signed.content
            // Certificates of version 1 have no version field.
            if let version = DER.read(rest), version.tag == 0xA0 { rest = version.rest }
            var elements: [DER.Element] = []
            // serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo.
            for tag: UInt8 in [0x02, 0x30, 0x30, 0x30, 0x30, 0x30] {
                guard let element = DER.read(rest), element.tag == tag else { return nil }
                elements.append(element)
                rest = element.rest
            }
            serialNumber = Array(elements[0].bytes)
            subjectPublicKeyInfo = Array(elements[5].bytes)
        }
    }

    /// Whether OpenSSL can parse the whole certificate, as it always must; for tests.
    package var isReadableByOpenSSL: Bool {
        unsafe handle.withPointer { pointer in
            let encoded = try? unsafe OpenSSLX509.der("a certificate") {
                unsafe i2d_X509(pointer, $0)
            }
            return !(encoded ?? []).isEmpty
        }
    }

    /// The SHA-256 hash of the DER, 32 bytes.
    public var sha256Fingerprint: [UInt8] { Digest.sha256.hash(der) }

    /// The rfc822Names in the subjectAltName, in order.
    public var emailAddresses: [String] { alternativeNames.compactMap { $0 } }

    /// Whether the subjectAltName has names other than rfc822Names.
    public var hasOtherAlternativeNames: Bool { alternativeNames.contains(nil) }

    /// All names in the subjectAltName, each a GeneralName in DER.
    public var subjectAlternativeNames: Set<[UInt8]> {
        guard let names = unsafe decoded(NID_subject_alt_name) else { return [] }
        defer { unsafe GENERAL_NAMES_free(names) }
        return Set(
            (0..<(unsafe tokencert_sk_GENERAL_NAME_num(names))).map { index -> [UInt8] in
                let name = unsafe tokencert_sk_GENERAL_NAME_value(names, index)
                return
                    (try? unsafe OpenSSLX509.der("a name") { unsafe i2d_GENERAL_NAME(name, $0) })
                    ?? []
            })
    }

    /// The names in the subjectAltName; nil for each name that is not an rfc822Name.
    @unsafe private static func alternativeNames(in extensions: OpaquePointer?) -> [String?] {
        guard let names = unsafe decoded(NID_subject_alt_name, in: extensions) else { return [] }
        defer { unsafe GENERAL_NAMES_free(names) }
        return (0..<(unsafe tokencert_sk_GENERAL_NAME_num(names))).map { index in
            let name = unsafe tokencert_sk_GENERAL_NAME_value(names, index)
            return unsafe tokencert_GENERAL_NAME_rfc822(name).map {
                unsafe String(decoding: bytes($0), as: UTF8.self)
            }
        }
    }

    /// The decoded form of an extension, which the caller must free; nil if it is absent or one of
    /// ``malformedExtensions``.
    @unsafe func decoded(_ type: Int32) -> OpaquePointer? {
        // Parsing the fields again takes less time than creating an X509.
        let parsed = try? unsafe OpenSSLX509.parse(der, "not a certificate") {
            unsafe tokencert_d2i_certificate($0, $1)
        }
        guard let fields = unsafe parsed?.handle else { return nil }
        defer { unsafe tokencert_certificate_free(fields) }
        return unsafe Self.decoded(type, in: tokencert_certificate_extensions(fields))
    }

    @unsafe private static func decoded(
        _ type: Int32, in extensions: OpaquePointer?
    ) -> OpaquePointer? {
        defer { ERR_clear_error() }
        let index = unsafe X509v3_get_ext_by_NID(extensions, type, -1)
        guard index >= 0, unsafe isReadable(X509v3_get_ext(extensions, index)) else { return nil }
        // OpenSSL sets this to -1 if the extension is absent, and to -2 if it is repeated.
        var isCritical: Int32 = -1
        let value = unsafe X509V3_get_d2i(extensions, type, &isCritical, nil)
        return isCritical >= 0 ? unsafe value.map { OpaquePointer($0) } : nil
    }

    /// Whether the keyUsage extension allows a usage; nil if the extension is absent, which allows
    /// every usage.
    ///
    /// The C function is `X509V3_get_d2i`.
    ///
    /// - Parameter usage: The usage.
    public func allows(_ usage: KeyUsage) -> Bool? {
        guard let bits = unsafe decoded(NID_key_usage) else { return nil }
        defer { unsafe tokencert_bit_string_free(UnsafeMutableRawPointer(bits)) }
        return unsafe tokencert_bit_string_has(UnsafeRawPointer(bits), Int32(usage.rawValue)) != 0
    }

    /// The extended key usages, in order; empty if the extension is absent, which allows every
    /// usage.
    public var extendedKeyUsages: [ExtendedKeyUsage] {
        guard let usages = unsafe decoded(NID_ext_key_usage) else { return [] }
        defer { unsafe EXTENDED_KEY_USAGE_free(usages) }
        return (0..<(unsafe tokencert_sk_ASN1_OBJECT_num(usages))).map {
            let object = unsafe tokencert_sk_ASN1_OBJECT_value(usages, $0)
            let der =
                (try? unsafe OpenSSLX509.der("an identifier") {
                    unsafe i2d_ASN1_OBJECT(object, $0)
                }) ?? []
            return ExtendedKeyUsage(
                objectIdentifier: unsafe dotted(object) ?? hexadecimal(der), der: der)
        }
    }

    /// The content of the subjectKeyIdentifier; nil if the extension is absent.
    ///
    /// The C function is `X509_get0_subject_key_id`.
    public var subjectKeyIdentifier: [UInt8]? {
        unsafe handle.withPointer {
            unsafe X509_get0_subject_key_id($0).map { unsafe bytes($0) }
        }
    }

    /// The certificate as PEM, with a line end after the last line.
    ///
    /// The C function is `PEM_write_bio`.
    public var pem: String { pemText("CERTIFICATE", der) }

    /// Verifies the certificate's signature.
    ///
    /// The C function is `X509_verify`.
    ///
    /// - Parameter key: The issuer's key.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/badSignature`` if the certificate was not
    ///   signed with the key.
    public func verifySignature(_ key: PublicKey) throws(X509Error) {
        let issuerKey = try key.makeHandle()
        ERR_clear_error()
        let isSigned = unsafe handle.withPointer { certificate in
            unsafe issuerKey.withPointer { unsafe X509_verify(certificate, $0) == 1 }
        }
        guard isSigned else {
            throw .fromOpenSSL(.badSignature, "the certificate was not signed with this key")
        }
    }

    /// Reads all certificates from PEM text. There may be other text before, between and after
    /// them, and any line ends.
    ///
    /// The blocks may be named `CERTIFICATE`, `X509 CERTIFICATE` or `TRUSTED CERTIFICATE`; the
    /// trust settings that OpenSSL adds to the last are ignored. Keys, requests and revocation
    /// lists are skipped. Any other block is an error. The C function is `PEM_read_bio`.
    ///
    /// - Parameter text: The bytes.
    /// - Returns: The certificates up to the first broken, truncated or unknown block, in order;
    ///   and an error with code ``X509Error/Code/malformed`` that names this block. The error is
    ///   nil if the whole text was read.
    public static func all(
        inPEM text: [UInt8]
    ) -> (certificates: [Certificate], error: X509Error?) {
        var certificates: [Certificate] = []
        do throws(X509Error) {
            var reader = try PEMReader(text)
            while let block = try reader.next() {
                if let certificate = try block.certificate() { certificates.append(certificate) }
            }
            return (certificates, nil)
        } catch {
            return (certificates, error)
        }
    }
}
