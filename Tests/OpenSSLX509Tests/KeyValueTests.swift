import Foundation
import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

/// Keys are compared by value, because a token has numbers and a certificate has one of several
/// encodings.
@Suite struct KeyValueTests {
    private static let rsa2048 = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    private static let rsaEncryption: [UInt8] = [
        0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01,
    ]
    private static let pss: [UInt8] = [
        0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A,
    ]
    /// SHA-256, MGF1 with SHA-256 and a salt of 32 bytes (RFC 4055).
    private static let pssParameters = bytes(
        hexadecimal: "3030a00d300b0609608648016503040201a11a301806092a864886f70d010108300b060960"
            + "8648016503040201a203020120")

    /// A DER element.
    private func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        let length: [UInt8] =
            count < 0x80
            ? [UInt8(count)]
            : count < 0x100
                ? [0x81, UInt8(count)] : [0x82, UInt8(count >> 8), UInt8(count & 0xFF)]
        return [tag] + length + content
    }

    private func expectSame(
        _ left: PublicKey, _ right: PublicKey, _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(left == right, sourceLocation: location)
        #expect(left.hashValue == right.hashValue, sourceLocation: location)
        #expect(left.kind == right.kind, sourceLocation: location)
        #expect(left.sha256Fingerprint == right.sha256Fingerprint, sourceLocation: location)
        #expect(left.keyIdentifier == right.keyIdentifier, sourceLocation: location)
    }

    /// Otherwise the certificate seems to be for another key, and its key is removed although the
    /// certificate is valid.
    @Test("An RSA key is equal with any algorithm identifier")
    func rsa() throws {
        let authority = try CommandLineAuthority()
        try authority.makeKey("a", Self.rsa2048)
        let plain = try authority.publicKey("a")
        let numbers = try #require(plain.rsaNumbers)
        let number = { (digits: [UInt8]) in self.element(2, [0] + digits) }
        let key = element(
            3, [0] + element(0x30, number(numbers.modulus) + element(2, numbers.publicExponent)))
        let parameters = try #require(Self.pssParameters)
        for algorithm in [
            Self.rsaEncryption, Self.rsaEncryption + [5, 0], Self.pss, Self.pss + [5, 0],
            Self.pss + parameters, Self.pss + [0x30, 0],
        ] {
            let info = element(0x30, element(0x30, algorithm) + key)
            let other = try PublicKey(subjectPublicKeyInfo: info)
            expectSame(other, plain)
            #expect(other.subjectPublicKeyInfo == info)
            #expect(other.kind == .rsa(bits: 2048))
            #expect(other.rsaNumbers?.modulus == numbers.modulus)
        }
        let made = PublicKey(
            rsaModulus: [0, 0] + numbers.modulus, publicExponent: [0, 0, 1, 0, 1])
        expectSame(made, plain)
        #expect(plain.sha256Fingerprint == Digest.sha256.hash(plain.subjectPublicKeyInfo))
        try authority.makeKey("b", Self.rsa2048)
        #expect(try authority.publicKey("b") != plain)
        var otherExponent = numbers.publicExponent
        otherExponent[otherExponent.count - 1] ^= 2
        #expect(PublicKey(rsaModulus: numbers.modulus, publicExponent: otherExponent) != plain)
    }

    /// Otherwise a token's PKCS#1 v1.5 signature does not prove that the certificate is for its
    /// key.
    @Test("A key that is marked as RSASSA-PSS verifies a PKCS#1 v1.5 signature")
    func pssCertificate() throws {
        let authority = try CommandLineAuthority()
        try authority.certificate("root", CommandLineAuthority.authority)
        try authority.makeKey("leaf", Self.rsa2048)
        let plain = try authority.publicKey("leaf")
        let numbers = try #require(plain.rsaNumbers)
        for parameters in [[], try #require(Self.pssParameters)] {
            let info = element(
                0x30,
                element(0x30, Self.pss + parameters)
                    + element(
                        3,
                        [0]
                            + element(
                                0x30,
                                element(2, [0] + numbers.modulus)
                                    + element(2, numbers.publicExponent))))
            try authority.write(info, "pss.der")
            let certificate = try authority.certificate(
                "leaf", issuer: "root", CommandLineAuthority.leaf,
                options: ["-sha256", "-force_pubkey", "pss.der", "-keyform", "DER"])
            let text = try authority.openssl(["x509", "-in", "leaf.pem", "-noout", "-text"])
            #expect(text.output.contains("Public Key Algorithm: rsassaPss"), "\(text.output)")
            expectSame(certificate.publicKey, plain)
            let key = try HostPrivateKey(pem: try authority.bytes("leaf.key"))
            let message = Array("challenge".utf8)
            try certificate.publicKey.verify(
                try key.sign(message), over: message, .sha256WithRSAEncryption)
            try TrustAnchors([try authority.read("root.pem")]).verify(
                certificate, at: certificate.notBefore)
        }
    }

    @Test("A certificate whose RSA key lacks the NULL parameters matches the key on the token")
    func withoutNull() throws {
        let authority = try CommandLineAuthority()
        let plain = try authority.certificate("leaf", CommandLineAuthority.leaf, key: Self.rsa2048)
        var der = plain.der
        let pattern = [0x30, 0x0D] + Self.rsaEncryption + [5, 0]
        let place = try #require(
            der.indices.first { der[$0...].starts(with: pattern) && der[$0 - 4] == 0x30 })
        der.replaceSubrange(
            place..<place + pattern.count, with: [0x30, 0x0B] + Self.rsaEncryption)
        // The certificate, its signed part and the SubjectPublicKeyInfo become two bytes shorter.
        for header in [0, 4, place - 4] {
            try #require(der[header] == 0x30 && der[header + 1] == 0x82)
            let length = Int(der[header + 2]) << 8 | Int(der[header + 3])
            der[header + 2] = UInt8((length - 2) >> 8)
            der[header + 3] = UInt8((length - 2) & 0xFF)
        }
        let read = try Certificate(der: der)
        #expect(
            read.publicKey.subjectPublicKeyInfo.count == plain.publicKey.subjectPublicKeyInfo.count
                - 2)
        expectSame(read.publicKey, plain.publicKey)
    }

    @Test("An EC key is equal with a named or explicit curve, and with any form of the point")
    func curves() throws {
        for (name, curve) in [
            ("P-256", NamedCurve.p256), ("P-384", .p384), ("P-521", .p521),
        ] {
            let authority = try CommandLineAuthority()
            try authority.makeKey(
                "a", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(name)"])
            let plain = try authority.publicKey("a")
            #expect(plain.kind == .ec(curve))
            for form in ["compressed", "uncompressed", "hybrid"] {
                for parameters in ["named_curve", "explicit"] {
                    let other = try authority.publicKey(
                        "a", ["ec", "-conv_form", form, "-param_enc", parameters])
                    expectSame(other, plain)
                    if (form, parameters) != ("uncompressed", "named_curve") {
                        #expect(other.subjectPublicKeyInfo != plain.subjectPublicKeyInfo)
                    }
                }
            }
            let length = curve.coordinateLength
            let point = Array(plain.subjectPublicKeyInfo.suffix(2 * length + 1))
            let compressed = [2 + (point[2 * length] & 1)] + point[1...length]
            let key = try HostPrivateKey(pem: try authority.bytes("a.key"))
            for point in [point, compressed] {
                let made = try PublicKey(ecParameters: curve.ecParameters, point: point)
                expectSame(made, plain)
                let message = Array("challenge".utf8)
                try made.verify(try key.sign(message), over: message, key.signatureAlgorithm)
            }
            #expect(plain.sha256Fingerprint == Digest.sha256.hash(plain.subjectPublicKeyInfo))
            let mirrored = [2 + (1 - point[2 * length] & 1)] + point[1...length]
            #expect(try PublicKey(ecParameters: curve.ecParameters, point: mirrored) != plain)
        }
    }

    @Test("Ed25519 keys are compared by 32 bytes, and other kinds have their object identifier")
    func otherKinds() throws {
        let authority = try CommandLineAuthority()
        try authority.makeKey("a", ["-algorithm", "ED25519"])
        let plain = try authority.publicKey("a")
        #expect(plain.kind == .ed25519)
        let point = Array(plain.subjectPublicKeyInfo.suffix(32))
        for parameters in [PublicKey.ed25519PrintableName, [6, 3, 0x2B, 0x65, 0x70]] {
            expectSame(try PublicKey(ecParameters: parameters, point: point), plain)
        }
        // Some programs write NULL as the parameters, which RFC 8410 does not allow.
        let withNull = element(
            0x30, element(0x30, [6, 3, 0x2B, 0x65, 0x70, 5, 0]) + element(3, [0] + point))
        expectSame(try PublicKey(subjectPublicKeyInfo: withNull), plain)

        for (options, identifier) in [
            (["-algorithm", "ED448"], "1.3.101.113"), (["-algorithm", "X25519"], "1.3.101.110"),
            (["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"], "1.3.132.0.10"),
        ] {
            let authority = try CommandLineAuthority()
            try authority.makeKey("b", options)
            let key = try authority.publicKey("b")
            #expect(key.kind == .other(identifier))
            #expect(try PublicKey(subjectPublicKeyInfo: key.subjectPublicKeyInfo) == key)
            #expect(key.sha256Fingerprint == Digest.sha256.hash(key.subjectPublicKeyInfo))
            let error = #expect(throws: X509Error.self) {
                _ = try CertificateRequestDraft(publicKey: key, subject: [], extensions: [])
            }
            #expect(error?.description.contains(identifier) == true)
        }
    }

    @Test("Bytes that are not a SubjectPublicKeyInfo and bytes after the key are malformed")
    func malformed() throws {
        let info = try HostPrivateKey.generate(.ec(.p256)).publicKey.subjectPublicKeyInfo
        let longer = [0x30, info[1] + 2] + info.dropFirst(2) + [5, 0]
        for bytes in [[], [0x30, 0], info + [0], Array(info.dropLast()), longer] {
            #expect(throws: X509Error.self) { _ = try PublicKey(subjectPublicKeyInfo: bytes) }
        }
        // A key with a point that is not on the curve is equal only to itself.
        var wrong = info
        wrong[wrong.count - 1] ^= 1
        #expect(try PublicKey(subjectPublicKeyInfo: wrong) != PublicKey(subjectPublicKeyInfo: info))
    }
}
