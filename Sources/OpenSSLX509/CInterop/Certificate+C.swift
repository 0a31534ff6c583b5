internal import COpenSSL

extension Certificate {
    static func parse(_ der: [UInt8]) throws(X509Error) -> CertificateHandle {
        let (pointer, isWhole) = try unsafe OpenSSLX509.parse(der, "not a certificate") {
            unsafe d2i_X509(nil, $0, $1)
        }
        let handle = unsafe CertificateHandle(owning: pointer)
        guard isWhole else {
            throw X509Error(code: .malformed, context: "bytes after a certificate", reasons: [])
        }
        return handle
    }

    init(handle: CertificateHandle) throws(X509Error) {
        self.handle = handle
        let pointer = unsafe handle.pointer
        der = try unsafe OpenSSLX509.der("a certificate") { unsafe i2d_X509(pointer, $0) }
        subject = try unsafe DistinguishedName(X509_get_subject_name(pointer))
        issuer = try unsafe DistinguishedName(X509_get_issuer_name(pointer))
        publicKey = try PublicKey(
            subjectPublicKeyInfo: unsafe OpenSSLX509.der("a public key") {
                unsafe i2d_X509_PUBKEY(X509_get_X509_PUBKEY(pointer), $0)
            })
        notBefore = try unsafe seconds(X509_get0_notBefore(pointer))
        notAfter = try unsafe seconds(X509_get0_notAfter(pointer))
        // Fills what OpenSSL keeps about the extensions, which other threads then only read.
        unsafe X509_check_purpose(pointer, -1, 0)
    }

    /// The serial number, a DER INTEGER with its tag, as `CKA_SERIAL_NUMBER` has it.
    public var serialNumberDER: [UInt8] {
        (try? unsafe OpenSSLX509.der("a serial number") {
            unsafe i2d_ASN1_INTEGER(X509_get_serialNumber(handle.pointer), $0)
        }) ?? []
    }

    /// The serial number in hexadecimal, two digits a byte.
    public var serialNumber: String {
        unsafe hexadecimal(bytes(X509_get0_serialNumber(handle.pointer)))
    }

    /// The SHA-256 hash of the DER, 32 bytes.
    public var sha256Fingerprint: [UInt8] { Digest.sha256.hash(der) }

    /// Whether it may sign other certificates, by its basic constraints.
    public var isAuthority: Bool {
        unsafe X509_get_extension_flags(handle.pointer) & UInt32(EXFLAG_CA) != 0
    }

    /// The rfc822Names in its subjectAltName, in order.
    public var emailAddresses: [String] {
        guard
            let names = unsafe X509_get_ext_d2i(
                handle.pointer, NID_subject_alt_name, nil, nil
            ).map({ OpaquePointer($0) })
        else { return [] }
        defer { unsafe GENERAL_NAMES_free(names) }
        var addresses: [String] = []
        for index in 0..<(unsafe tokencert_sk_GENERAL_NAME_num(names)) {
            let name = unsafe tokencert_sk_GENERAL_NAME_value(names, index)
            if let address = unsafe tokencert_GENERAL_NAME_rfc822(name) {
                addresses.append(unsafe String(decoding: bytes(address), as: UTF8.self))
            }
        }
        return addresses
    }

    /// Whether its subjectAltName has anything but rfc822Names.
    public var hasOtherAlternativeNames: Bool {
        guard
            let names = unsafe X509_get_ext_d2i(
                handle.pointer, NID_subject_alt_name, nil, nil
            ).map({ OpaquePointer($0) })
        else { return false }
        defer { unsafe GENERAL_NAMES_free(names) }
        return (0..<(unsafe tokencert_sk_GENERAL_NAME_num(names))).contains { index in
            unsafe tokencert_GENERAL_NAME_rfc822(tokencert_sk_GENERAL_NAME_value(names, index))
                == nil
        }
    }

    /// Whether the key may be used for something; nil where the certificate has no keyUsage, which
    /// allows everything.
    ///
    /// - Parameter usage: The use.
    public func allows(_ usage: KeyUsage) -> Bool? {
        let bits = unsafe X509_get_key_usage(handle.pointer)
        return bits == UInt32.max ? nil : bits & (0x80 >> UInt32(usage.rawValue)) != 0
    }

    /// What it is for, in order; empty where it does not say.
    public var extendedKeyUsages: [ExtendedKeyUsage] {
        guard
            let usages = unsafe X509_get_ext_d2i(handle.pointer, NID_ext_key_usage, nil, nil)
                .map({ OpaquePointer($0) })
        else { return [] }
        defer { unsafe EXTENDED_KEY_USAGE_free(usages) }
        return (0..<(unsafe tokencert_sk_ASN1_OBJECT_num(usages))).map {
            ExtendedKeyUsage(
                objectIdentifier: unsafe dotted(tokencert_sk_ASN1_OBJECT_value(usages, $0)))
        }
    }

    /// The name that its subjectKeyIdentifier gives its key, or nil.
    public var subjectKeyIdentifier: [UInt8]? {
        unsafe X509_get0_subject_key_id(handle.pointer).map { unsafe bytes($0) }
    }

    /// The certificate in PEM, with a line end at its end.
    public var pem: String {
        guard let output = try? MemoryBIO() else { return "" }
        unsafe PEM_write_bio_X509(output.pointer, handle.pointer)
        return output.text
    }

    /// Insists that the certificate was signed with a key.
    ///
    /// - Parameter key: The issuer's key.
    /// - Throws: ``X509Error`` with code ``X509Error/Code/badSignature`` where it was not.
    public func verifySignature(_ key: PublicKey) throws(X509Error) {
        let issuerKey = try key.makeHandle()
        ERR_clear_error()
        guard unsafe X509_verify(handle.pointer, issuerKey.pointer) == 1 else {
            throw .fromOpenSSL(.badSignature, "the certificate was not signed with that key")
        }
    }

    /// Reads every certificate in a text as people and servers send it: other text before, between
    /// and after them, any line ends.
    ///
    /// The C function is `PEM_read_bio_X509`.
    ///
    /// - Parameter text: The bytes.
    /// - Returns: The certificates in their order, none where the text has none; and an error with
    ///   code ``X509Error/Code/malformed`` where one that begins after them is broken or cut.
    public static func all(
        inPEM text: [UInt8]
    ) -> (certificates: [Certificate], error: X509Error?) {
        var certificates: [Certificate] = []
        do throws(X509Error) {
            let input = try MemoryBIO(text)
            ERR_clear_error()
            while let pointer = unsafe PEM_read_bio_X509(
                input.pointer, nil, tokencert_no_password, nil)
            {
                let handle = unsafe CertificateHandle(owning: pointer)
                certificates.append(try Certificate(handle: handle))
            }
            // What is left in the queue at a regular end.
            guard tokencert_is_pem_end(ERR_peek_last_error()) == 1 else {
                throw .fromOpenSSL(.malformed, "a certificate in PEM is broken or cut")
            }
            ERR_clear_error()
            return (certificates, nil)
        } catch {
            return (certificates, error)
        }
    }
}
