internal import CTokencertOpenSSL

extension Certificate {
    /// Reads one element of DER.
    init(element der: [UInt8]) throws(X509Error) {
        let (pointer, isWhole) = try unsafe OpenSSLX509.parse(der, "not a certificate") {
            unsafe d2i_X509(nil, $0, $1)
        }
        let handle = unsafe CertificateHandle(owning: pointer)
        guard isWhole, let fields = Fields(der) else {
            throw X509Error(code: .malformed, context: "not a certificate in DER", reasons: [])
        }
        self.handle = handle
        self.der = der
        serialNumberDER = fields.serialNumber
        publicKey = try PublicKey(subjectPublicKeyInfo: fields.subjectPublicKeyInfo)
        (subject, issuer) = try unsafe handle.withPointer { pointer throws(X509Error) in
            (
                try unsafe DistinguishedName(X509_get_subject_name(pointer)),
                try unsafe DistinguishedName(X509_get_issuer_name(pointer))
            )
        }
        (notBefore, notAfter) = try unsafe handle.withPointer { pointer throws(X509Error) in
            (
                try unsafe seconds(X509_get0_notBefore(pointer)),
                try unsafe seconds(X509_get0_notAfter(pointer))
            )
        }
        // Fills what OpenSSL keeps about the extensions, which other threads then only read.
        unsafe handle.withPointer { _ = unsafe X509_check_purpose($0, -1, 0) }
        ERR_clear_error()
    }

    /// The fields that OpenSSL returns only re-encoded (RFC 5280, section 4.1).
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

    /// The serial number in hexadecimal, two digits a byte, after `-` if it is negative: RFC 5280
    /// forbids that, but such certificates exist. `openssl x509 -serial` has the same form.
    public var serialNumber: String {
        // OpenSSL keeps the sign apart from the bytes.
        let isNegative = DER.read(serialNumberDER[...])?.content.first.map { $0 >= 0x80 } ?? false
        return (isNegative ? "-" : "")
            + (unsafe handle.withPointer { unsafe hexadecimal(bytes(X509_get0_serialNumber($0))) })
    }

    /// The SHA-256 hash of the DER, 32 bytes.
    public var sha256Fingerprint: [UInt8] { Digest.sha256.hash(der) }

    /// Whether it may sign other certificates, by its basic constraints.
    public var isAuthority: Bool {
        unsafe handle.withPointer {
            unsafe X509_get_extension_flags($0) & UInt32(EXFLAG_CA) != 0
        }
    }

    /// The rfc822Names in its subjectAltName, in order.
    public var emailAddresses: [String] { alternativeNames.compactMap { $0 } }

    /// Whether its subjectAltName has anything except rfc822Names.
    public var hasOtherAlternativeNames: Bool { alternativeNames.contains(nil) }

    /// All names in its subjectAltName, of whatever type, each a GeneralName in DER.
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

    /// The names in its subjectAltName; nil for one that is not an rfc822Name.
    private var alternativeNames: [String?] {
        guard let names = unsafe decoded(NID_subject_alt_name) else { return [] }
        defer { unsafe GENERAL_NAMES_free(names) }
        return (0..<(unsafe tokencert_sk_GENERAL_NAME_num(names))).map { index in
            let name = unsafe tokencert_sk_GENERAL_NAME_value(names, index)
            return unsafe tokencert_GENERAL_NAME_rfc822(name).map {
                unsafe String(decoding: bytes($0), as: UTF8.self)
            }
        }
    }

    /// OpenSSL's decoded form of an extension, which the caller owns; nil if it is absent, or one
    /// of ``malformedExtensions``.
    ///
    /// The C function is `X509_get_ext_d2i`.
    @unsafe private func decoded(_ type: Int32) -> OpaquePointer? {
        unsafe handle.withPointer { pointer in
            defer { ERR_clear_error() }
            let index = unsafe X509_get_ext_by_NID(pointer, type, -1)
            guard index >= 0, unsafe isReadable(X509_get_ext(pointer, index)) else { return nil }
            // -1 if it is absent, -2 if there are several.
            var isCritical: Int32 = -1
            let value = unsafe X509_get_ext_d2i(pointer, type, &isCritical, nil)
            return isCritical >= 0 ? unsafe value.map { OpaquePointer($0) } : nil
        }
    }

    /// Whether the key may be used for something; nil where the certificate has no keyUsage, which
    /// allows everything.
    ///
    /// - Parameter usage: The use.
    public func allows(_ usage: KeyUsage) -> Bool? {
        let bits = unsafe handle.withPointer { unsafe X509_get_key_usage($0) }
        return bits == UInt32.max ? nil : bits & (0x80 >> UInt32(usage.rawValue)) != 0
    }

    /// What it is for, in order; empty where it does not say.
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

    /// The name that its subjectKeyIdentifier gives its key, or nil.
    public var subjectKeyIdentifier: [UInt8]? {
        unsafe handle.withPointer {
            unsafe X509_get0_subject_key_id($0).map { unsafe bytes($0) }
        }
    }

    /// The certificate in PEM with a final line end, from ``der`` unchanged.
    public var pem: String { pemText("CERTIFICATE", der) }

    /// Insists that the certificate was signed with a key.
    ///
    /// - Parameter key: The issuer's key.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/badSignature`` where it was not.
    public func verifySignature(_ key: PublicKey) throws(X509Error) {
        let issuerKey = try key.makeHandle()
        ERR_clear_error()
        let isSigned = unsafe handle.withPointer { certificate in
            unsafe issuerKey.withPointer { unsafe X509_verify(certificate, $0) == 1 }
        }
        guard isSigned else {
            throw .fromOpenSSL(.badSignature, "the certificate was not signed with that key")
        }
    }

    /// Reads every certificate in a text as people and servers send it: other text before, between
    /// and after them, any line ends.
    ///
    /// The blocks may be named `CERTIFICATE`, `X509 CERTIFICATE` or `TRUSTED CERTIFICATE`; the
    /// trust settings that OpenSSL adds to the last are ignored. Keys, requests and revocation
    /// lists are skipped. Any other block is an error. The C function is `PEM_read_bio`.
    ///
    /// - Parameter text: The bytes.
    /// - Returns: The certificates in their order, none if the text has none; and an error with
    ///   code ``X509Error/Code/malformed`` if one that begins after them is broken or cut, or is
    ///   of a kind that is not known. It names the block.
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
