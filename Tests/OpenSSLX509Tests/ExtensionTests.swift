import Foundation
import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@Suite struct ExtensionTests {
    private func certificate(_ extensions: [CertificateExtension]) throws -> Certificate {
        let key = try HostPrivateKey.generate(.ec(.p256))
        return try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "x")], publicKey: key.publicKey, serialNumber: [1],
                notBefore: 1_700_000_000, notAfter: 1_900_000_000, extensions: extensions),
            issuer: nil)
    }

    private func refusal(_ certificate: Certificate, _ anchors: [Certificate]) -> X509Error? {
        do throws(X509Error) {
            try TrustAnchors(anchors).verify(certificate, at: certificate.notBefore)
            return nil
        } catch {
            return error
        }
    }

    /// Otherwise an unreadable extended key usage counts as absent, which permits everything.
    @Test("A malformed extension is reported, and its certificate is refused")
    func malformed() throws {
        let authority = try CommandLineAuthority()
        let root = try authority.certificate("root", CommandLineAuthority.authority)
        let sound = try authority.certificate("leaf", issuer: "root", CommandLineAuthority.leaf)
        #expect(sound.malformedExtensions.isEmpty)
        #expect(root.malformedExtensions.isEmpty)
        #expect(refusal(sound, [root]) == nil)
        for (line, name) in [
            ("extendedKeyUsage=DER:0101FF", "extendedKeyUsage"),
            ("extendedKeyUsage=DER:3000", "extendedKeyUsage"),
            ("extendedKeyUsage=DER:300A06082B06010505070302FF", "extendedKeyUsage"),
            ("extendedKeyUsage=DER:300A06082B060105050703", "extendedKeyUsage"),
            ("subjectAltName=DER:0500", "subjectAltName"),
            ("subjectAltName=DER:3000", "subjectAltName"),
            ("subjectAltName=DER:3003810161FF", "subjectAltName"),
            ("keyUsage=DER:030100", "keyUsage"), ("keyUsage=DER:03020700", "keyUsage"),
            ("keyUsage=DER:0500", "keyUsage"), ("basicConstraints=DER:0500", "basicConstraints"),
            ("basicConstraints=DER:3000FF", "basicConstraints"),
            ("authorityInfoAccess=DER:0500", "authorityInfoAccess"),
            ("nameConstraints=DER:0500", "nameConstraints"),
        ] {
            let made = try authority.certificate("leaf", issuer: "root", [line])
            #expect(made.malformedExtensions == [name], "\(line)")
            let error = refusal(made, [root])
            #expect(
                error?.description.contains(name) == true, "\(line): \(String(describing: error))")
            // The certificate itself is rejected even if it is an anchor.
            #expect(refusal(made, [made])?.code == .untrusted, "\(line)")
            // An intermediate with the extension is rejected, too.
            let between = try authority.certificate(
                "between", issuer: "root",
                CommandLineAuthority.authority.filter { !line.hasPrefix($0.prefix { $0 != "=" }) }
                    + [line])
            let below = try authority.certificate(
                "below", issuer: "between", CommandLineAuthority.leaf)
            #expect(throws: X509Error.self, "\(line)") {
                try TrustAnchors([root]).verify(below, intermediates: [between], at: nil)
            }
        }
        // RFC 5280 does not permit a negative path length.
        let pathLength = try authority.certificate(
            "leaf", issuer: "root", ["basicConstraints=DER:30060101FF0201FF"])
        #expect(!pathLength.malformedExtensions.isEmpty)
        // Extensions of unknown types may have any content.
        let unknown = try authority.certificate(
            "leaf", issuer: "root", ["1.2.3.4.5=DER:FFFF"])
        #expect(unknown.malformedExtensions.isEmpty)
        #expect(refusal(unknown, [root]) == nil)
    }

    @Test("A repeated extension is reported, and its certificate is refused")
    func doubled() throws {
        let address = { (name: String) throws in
            try CertificateExtension.subjectAlternativeName(emailAddresses: [name])
        }
        for (extensions, name) in [
            (
                [.extendedKeyUsage([.clientAuth]), .extendedKeyUsage([.codeSigning])],
                "extendedKeyUsage"
            ),
            ([try address("a@example.org"), try address("b@example.org")], "subjectAltName"),
            ([.keyUsage([.digitalSignature]), .keyUsage([.keyCertSign])], "keyUsage"),
            (
                [.basicConstraints(isAuthority: false), .basicConstraints(isAuthority: true)],
                "basicConstraints"
            ),
            (
                [
                    try CertificateExtension(
                        identifier: "1.2.3.4", isCritical: false, value: [5, 0]),
                    try CertificateExtension(
                        identifier: "1.2.3.4", isCritical: false, value: [5, 0]),
                ], "1.2.3.4"
            ),
        ] as [([CertificateExtension], String)] {
            let made = try certificate(extensions)
            // OpenSSL's command line prints both.
            let text = try run("openssl", ["x509", "-noout", "-text"], input: made.pem).output
            #expect(text.contains("X509v3 extensions"))
            #expect(made.malformedExtensions == [name])
            #expect(made.extendedKeyUsages.isEmpty)
            #expect(made.emailAddresses.isEmpty)
            #expect(refusal(made, [made])?.description.contains(name) == true)
        }
    }

    @Test("An empty list in an extension is refused for requests and certificates")
    func empty() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        for element: CertificateExtension in [
            .keyUsage([]), .extendedKeyUsage([]),
            try .subjectAlternativeName(emailAddresses: []),
            .subjectAlternativeName(serverNames: [], addresses: []),
        ] {
            let error = #expect(throws: X509Error.self) { _ = try certificate([element]) }
            #expect(error?.code == .malformed)
            #expect(throws: X509Error.self) {
                _ = try CertificateRequestDraft(
                    publicKey: key.publicKey, subject: [.init(.commonName, "x")],
                    extensions: [element])
            }
        }
        // All usages, to check every number of unused bits.
        for usage in [
            KeyUsage.digitalSignature, .contentCommitment, .keyEncipherment, .keyAgreement,
            .keyCertSign, .cRLSign,
        ] {
            let made = try certificate([.keyUsage([usage])])
            #expect(made.malformedExtensions.isEmpty)
            #expect(made.allows(usage) == true)
        }
    }

    @Test("An object identifier may have large numbers, and an invalid one is an error")
    func identifiers() throws {
        for text in [
            "", "1", "junk", "1.2.junk", "1..2", ".1.2", "1.2.", "3.1", "1.40", "0.40", "1.02",
            "-1.2",
            "1.2.-3", "1 2 3", "1.2.3 ", "١.2.3", "1.2.0x3", "2", "+1.2", "18446744073709551615.9",
            "1.2." + String(repeating: "9", count: 2000),
        ] {
            let error = #expect(throws: X509Error.self, "\(text)") {
                _ = try ExtendedKeyUsage(objectIdentifier: text)
            }
            #expect(error?.code == .malformed)
            #expect(throws: X509Error.self, "\(text)") {
                _ = try CertificateExtension(identifier: text, isCritical: false, value: [5, 0])
            }
        }
        for text in [
            "0.0", "0.39", "1.39.1", "2.0", "2.40", "2.999.3", "1.3.6.1.4.1.4294967296",
            "1.2.18446744073709551615", "1.2.18446744073709551616",
            "2.18446744073709551615.9", "2.25.329800735698586629295641978511506172918",
        ] {
            let usage = try ExtendedKeyUsage(objectIdentifier: text)
            let made = try certificate([.extendedKeyUsage([usage, .clientAuth])])
            #expect(made.extendedKeyUsages == [usage, .clientAuth], "\(text)")
            let read = try run("openssl", ["x509", "-noout", "-text"], input: made.pem).output
            #expect(read.contains(text + ", TLS Web Client Authentication"), "\(read)")
        }
        let other = try certificate([
            try CertificateExtension(
                identifier: "2.25.329800735698586629295641978511506172918", isCritical: false,
                value: [0x04, 0x01, 0x41])
        ])
        let text = try run("openssl", ["x509", "-noout", "-text"], input: other.pem).output
        #expect(text.contains("2.25.329800735698586629295641978511506172918"), "\(text)")
        for value: [UInt8] in [[], [5], [5, 0, 0], [0x30, 5, 0]] {
            #expect(throws: X509Error.self) {
                _ = try CertificateExtension(identifier: "1.2.3.4", isCritical: true, value: value)
            }
        }
    }
}
