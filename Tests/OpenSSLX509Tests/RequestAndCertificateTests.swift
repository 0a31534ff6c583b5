import Foundation
import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

/// 2026-11-23 00:00 UTC. A fixed time keeps the tests independent of the clock.
private let today: Int64 = 1_795_392_000
private let day: Int64 = 86_400

/// A CA with an intermediate and a certificate, created for each test.
private struct Hierarchy {
    let rootKey: HostPrivateKey
    let root: Certificate
    let intermediateKey: HostPrivateKey
    let intermediate: Certificate
    let leafKey: HostPrivateKey

    init() throws {
        rootKey = try HostPrivateKey.generate(.ec(.p256))
        root = try Self.authority(rootKey, "Root", serial: 1, issuer: nil)
        intermediateKey = try HostPrivateKey.generate(.ec(.p256))
        intermediate = try Self.authority(
            intermediateKey, "Intermediate", serial: 2, issuer: (rootKey, root))
        leafKey = try HostPrivateKey.generate(.ec(.p256))
    }

    static func authority(
        _ key: HostPrivateKey, _ name: String, serial: UInt8,
        issuer: (key: HostPrivateKey, certificate: Certificate)?,
        notAfter: Int64 = today + 3000 * day,
        isAuthority: Bool = true
    ) throws -> Certificate {
        let signer = issuer?.key ?? key
        return try signer.issue(
            CertificateContent(
                subject: [.init(.commonName, name)], publicKey: key.publicKey,
                serialNumber: [serial], notBefore: today - 100 * day, notAfter: notAfter,
                extensions: [
                    .basicConstraints(isAuthority: isAuthority),
                    .keyUsage([.keyCertSign, .cRLSign]), .subjectKeyIdentifier(key.publicKey),
                    .authorityKeyIdentifier(signer.publicKey),
                ]), issuer: issuer?.certificate)
    }

    func leaf(
        signedBy key: HostPrivateKey? = nil, issuer: Certificate? = nil,
        notBefore: Int64 = today - day, notAfter: Int64 = today + day,
        subject: [NameAttribute] = [
            .init(.commonName, "Anna Müller"), .init(.emailAddress, "anna@example.org"),
        ]
    ) throws -> Certificate {
        let signer = key ?? intermediateKey
        return try signer.issue(
            CertificateContent(
                subject: subject, publicKey: leafKey.publicKey, serialNumber: [0xFF, 0x01],
                notBefore: notBefore, notAfter: notAfter,
                extensions: [
                    .basicConstraints(isAuthority: false),
                    .extendedKeyUsage([.emailProtection, .clientAuth]),
                    try .subjectAlternativeName(emailAddresses: ["anna@example.org"]),
                    .authorityKeyIdentifier(signer.publicKey),
                ]), issuer: issuer ?? intermediate)
    }
}

@Suite struct ChainTests {
    @Test("A valid chain is accepted")
    func goodChain() throws {
        let tree = try Hierarchy()
        let leaf = try tree.leaf()
        try TrustAnchors([tree.root]).verify(leaf, intermediates: [tree.intermediate], at: today)
        // An intermediate may be the anchor, and unrelated certificates do no harm.
        try TrustAnchors([tree.intermediate]).verify(leaf, at: today)
        let other = try Hierarchy()
        try TrustAnchors([other.root, tree.root]).verify(
            leaf, intermediates: [other.intermediate, tree.intermediate, leaf], at: today)
    }

    @Test("A root and a class 3 that were signed again with the same keys are accepted")
    func reissuedAuthorities() throws {
        let tree = try Hierarchy()
        let leaf = try tree.leaf()
        let newRoot = try Hierarchy.authority(tree.rootKey, "Root", serial: 15, issuer: nil)
        let newIntermediate = try Hierarchy.authority(
            tree.intermediateKey, "Intermediate", serial: 16, issuer: (tree.rootKey, newRoot))
        for root in [tree.root, newRoot] {
            for intermediate in [tree.intermediate, newIntermediate] {
                try TrustAnchors([root]).verify(leaf, intermediates: [intermediate], at: today)
            }
        }
        // An expired certificate beside the renewed one does no harm, in any order.
        let expired = try Hierarchy.authority(
            tree.intermediateKey, "Intermediate", serial: 17, issuer: (tree.rootKey, tree.root),
            notAfter: today - day)
        for intermediates in [[expired, newIntermediate], [newIntermediate, expired]] {
            try TrustAnchors([tree.root]).verify(leaf, intermediates: intermediates, at: today)
        }
        // Nor does it if it is the anchor, and the renewed one is an intermediate.
        try TrustAnchors([tree.root, expired]).verify(
            leaf, intermediates: [newIntermediate], at: today)
        try TrustAnchors([expired, newIntermediate]).verify(leaf, at: today)
    }

    @Test("An invalid chain is refused")
    func badChains() throws {
        let tree = try Hierarchy()
        let other = try Hierarchy()
        let leaf = try tree.leaf()
        func refused(
            _ certificate: Certificate, _ anchors: [Certificate], _ between: [Certificate],
            at time: Int64 = today
        ) -> X509Error.Code? {
            do throws(X509Error) {
                try TrustAnchors(anchors).verify(certificate, intermediates: between, at: time)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(refused(leaf, [], [tree.intermediate]) == .untrusted)
        #expect(refused(leaf, [tree.root], []) == .untrusted)
        #expect(refused(leaf, [other.root], [other.intermediate]) == .untrusted)
        #expect(
            refused(leaf, [tree.root], [tree.intermediate], at: today + 2 * day) == .outsideValidity
        )
        #expect(
            refused(leaf, [tree.root], [tree.intermediate], at: today - 2 * day) == .outsideValidity
        )
        // The issuer has the right name but a different key.
        let forged = try tree.leaf(signedBy: other.intermediateKey, issuer: tree.intermediate)
        #expect(refused(forged, [tree.root], [tree.intermediate]) == .untrusted)
        // The issuer may not sign certificates.
        let plain = try Hierarchy.authority(
            tree.intermediateKey, "Intermediate", serial: 9, issuer: (tree.rootKey, tree.root),
            isAuthority: false)
        #expect(refused(leaf, [tree.root], [plain]) == .untrusted)
        let expired = try Hierarchy.authority(
            tree.intermediateKey, "Intermediate", serial: 17, issuer: (tree.rootKey, tree.root),
            notAfter: today - day)
        #expect(refused(leaf, [tree.root], [expired]) == .outsideValidity)
    }
}

@Suite struct CertificateTests {
    @Test("The fields of a certificate are read")
    func fields() throws {
        let tree = try Hierarchy()
        let leaf = try Certificate(der: try tree.leaf().der)
        #expect(leaf.subject.commonNames == ["Anna Müller"])
        #expect(leaf.subject.emailAddresses == ["anna@example.org"])
        #expect(leaf.emailAddresses == ["anna@example.org"])
        #expect(!leaf.subject.hasOtherParts)
        #expect(!leaf.hasOtherAlternativeNames)
        #expect(leaf.extendedKeyUsages == [.emailProtection, .clientAuth])
        #expect(!leaf.isAuthority)
        #expect(tree.root.isAuthority)
        #expect(leaf.notBefore == today - day)
        #expect(leaf.notAfter == today + day)
        #expect(leaf.serialNumber == "ff01")
        // A DER INTEGER, including its tag, and not negative.
        #expect(leaf.serialNumberDER == [2, 3, 0, 0xFF, 1])
        #expect(leaf.publicKey == tree.leafKey.publicKey)
        #expect(leaf.allows(.digitalSignature) == nil)
        #expect(tree.root.allows(.digitalSignature) == false)
        #expect(tree.root.allows(.keyCertSign) == true)
        #expect(tree.root.subjectKeyIdentifier == tree.rootKey.publicKey.keyIdentifier)
    }

    @Test("Certificates are found in text such as CAcert sends")
    func messyPEM() throws {
        let tree = try Hierarchy()
        let leaf = try tree.leaf()
        let messy =
            ("Certificate:\n    Data: -----\n" + leaf.pem + "\nmore\n" + tree.root.pem)
            .replacing("\n", with: "\r\n")
        let read = Certificate.all(inPEM: Array(messy.utf8))
        #expect(read.certificates == [leaf, tree.root])
        #expect(read.error == nil)
        let noLastLineEnd = Certificate.all(inPEM: Array(leaf.pem.dropLast().utf8))
        #expect(noLastLineEnd.certificates == [leaf])
        #expect(Certificate.all(inPEM: Array("nothing here".utf8)).certificates.isEmpty)
        #expect(Certificate.all(inPEM: []).error == nil)
    }

    @Test("A truncated or broken certificate is an error, and those before it are returned")
    func brokenPEM() throws {
        let tree = try Hierarchy()
        let leaf = try tree.leaf()
        let pem = Array(leaf.pem.utf8)
        for length in stride(from: 60, to: pem.count - 2, by: 37) {
            let read = Certificate.all(inPEM: Array(pem.prefix(length)))
            #expect(read.certificates.isEmpty, "\(length)")
        }
        let followed = Certificate.all(inPEM: pem + pem.prefix(200))
        #expect(followed.certificates == [leaf])
        #expect(followed.error?.code == .malformed)
        #expect(throws: X509Error.self) { _ = try Certificate(der: leaf.der + [0]) }
        #expect(throws: X509Error.self) { _ = try Certificate(der: Array(leaf.der.dropLast())) }
    }

    @Test("Encrypted PEM is an error, without a prompt at the terminal")
    func encryptedPEM() throws {
        let text = """
            -----BEGIN CERTIFICATE-----
            Proc-Type: 4,ENCRYPTED
            DEK-Info: DES-EDE3-CBC,0102030405060708

            AAAA
            -----END CERTIFICATE-----
            """
        let read = Certificate.all(inPEM: Array(text.utf8))
        #expect(read.certificates.isEmpty)
        #expect(read.error != nil)
    }
}

@Suite struct RequestTests {
    @Test(
        "A request is accepted by OpenSSL",
        arguments: [
            KeyKind.rsa(bits: 2048), .ec(.p256), .ec(.p384), .ec(.p521),
        ])
    func requests(kind: KeyKind) throws {
        let key = try HostPrivateKey.generate(kind)
        let draft = try CertificateRequestDraft(
            publicKey: key.publicKey,
            subject: [.init(.commonName, "Ünïcode"), .init(.emailAddress, "a@example.org")],
            extensions: [
                .keyUsage([.digitalSignature]), .extendedKeyUsage([.emailProtection, .clientAuth]),
                try .subjectAlternativeName(emailAddresses: ["a@example.org", "b@example.org"]),
            ])
        let signature = try key.sign(draft.toBeSigned)
        let request = try draft.signed(signature)
        #expect(request.publicKey == key.publicKey)
        #expect(request.publicKey.kind == kind)
        let checked = try run(
            "openssl", ["req", "-verify", "-noout", "-text", "-nameopt", "utf8"],
            input: request.pem)
        #expect(checked.errors.contains("verify OK"), "\(checked)")
        #expect(checked.output.contains("email:a@example.org, email:b@example.org"), "\(checked)")
        #expect(checked.output.contains("Ünïcode"), "\(checked)")
        // A request without a valid signature is an error.
        var wrong = signature
        wrong[wrong.count - 1] ^= 1
        #expect(throws: X509Error.self) { _ = try draft.signed(wrong) }
    }

    @Test("A name or an address that X.509 does not allow is refused")
    func badNames() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        for name in ["", String(repeating: "x", count: 65)] {
            #expect(throws: X509Error.self) {
                _ = try CertificateRequestDraft(
                    publicKey: key.publicKey, subject: [.init(.commonName, name)], extensions: [])
            }
        }
        #expect(throws: X509Error.self) {
            _ = try CertificateExtension.subjectAlternativeName(emailAddresses: ["ü@example.org"])
        }
    }
}

@Suite struct PublicKeyTests {
    @Test("The point of a key is read in every wrapper that tokens use")
    func ecPointForms() throws {
        for curve in NamedCurve.allCases {
            let key = try HostPrivateKey.generate(.ec(curve)).publicKey
            let length = curve.coordinateLength * 2 + 1
            let bare = Array(key.subjectPublicKeyInfo.suffix(length))
            let header: [UInt8] = length < 128 ? [4, UInt8(length)] : [4, 0x81, UInt8(length)]
            let bitString: [UInt8] =
                length + 1 < 128 ? [3, UInt8(length + 1), 0] : [3, 0x81, UInt8(length + 1), 0]
            for form in [bare, header + bare, bitString + bare] {
                #expect(try PublicKey(ecParameters: curve.ecParameters, point: form) == key)
            }
            #expect(throws: X509Error.self) {
                _ = try PublicKey(ecParameters: curve.ecParameters, point: Array(bare.dropLast()))
            }
        }
    }

    @Test("An explicit curve is recognized only if its parameters match exactly")
    func explicitCurves() throws {
        for (curve, name) in [
            (NamedCurve.p256, "prime256v1"), (.p384, "secp384r1"), (.p521, "secp521r1"),
        ] {
            let key = try HostPrivateKey.generate(.ec(curve)).publicKey
            let point = Array(key.subjectPublicKeyInfo.suffix(curve.coordinateLength * 2 + 1))
            for form in ["uncompressed", "compressed"] {
                let folder = try TemporaryFolder()
                let made = try run(
                    "openssl",
                    [
                        "ecparam", "-name", name, "-param_enc", "explicit", "-conv_form", form,
                        "-outform", "DER", "-out", folder.file("parameters"),
                    ])
                #expect(made.status == 0, "\(made.errors)")
                let file = URL(filePath: folder.file("parameters"))
                var parameters = [UInt8](try Data(contentsOf: file))
                #expect(try PublicKey(ecParameters: parameters, point: point) == key)
                // One digit of the order is changed.
                parameters[parameters.count - 4] ^= 1
                #expect(throws: X509Error.self) {
                    _ = try PublicKey(ecParameters: parameters, point: point)
                }
            }
        }
    }

    @Test("RSA numbers with and without leading zeros are the same key")
    func rsaNumbers() throws {
        let key = try HostPrivateKey.generate(.rsa(bits: 2048)).publicKey
        let numbers = try #require(key.rsaNumbers)
        #expect(PublicKey(rsaModulus: numbers.modulus, publicExponent: [1, 0, 1]) == key)
        #expect(PublicKey(rsaModulus: [0] + numbers.modulus, publicExponent: [0, 1, 0, 1]) == key)
        #expect(key.kind == .rsa(bits: 2048))
        #expect(key.keyIdentifier.count == 20)
    }

    @Test("An ECDSA signature with leading zeros is converted correctly")
    func ecdsaForm() throws {
        let zeros = [UInt8](repeating: 0, count: 31)
        let der = try SignatureForm.ecdsaDER(fromConcatenation: zeros + [0x80] + zeros + [0x01])
        #expect(der == [0x30, 7, 2, 2, 0, 0x80, 2, 1, 1])
        #expect(throws: X509Error.self) {
            _ = try SignatureForm.ecdsaDER(fromConcatenation: [1, 2, 3])
        }
    }
}
