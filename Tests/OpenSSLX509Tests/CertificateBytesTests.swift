import Foundation
import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

/// Reading a certificate from CKA_VALUE.
@Suite struct CertificateBytesTests {
    /// The same certificate with an outer length that is one byte longer than necessary.
    private func widened(_ der: [UInt8]) throws -> [UInt8] {
        try #require(der.starts(with: [0x30, 0x82]))
        return [0x30, 0x83, 0] + der.dropFirst(2)
    }

    /// Cards with files of a fixed size pad the value. Otherwise such a certificate is not found or
    /// renewed, and is written again.
    @Test("A certificate is read without the padding after it")
    func padding() throws {
        let authority = try CommandLineAuthority()
        let plain = try authority.certificate("leaf", CommandLineAuthority.leaf)
        for padding: [UInt8] in [
            [0], [0xFF], .init(repeating: 0, count: 900), .init(repeating: 0xFF, count: 900),
            plain.der,
        ] {
            let read = try Certificate(firstIn: plain.der + padding)
            #expect(read == plain)
            #expect(read.der == plain.der)
            #expect(read.pem == plain.pem)
            // In a file or an answer, bytes after the certificate are an error.
            #expect(throws: X509Error.self) { _ = try Certificate(der: plain.der + padding) }
        }
        for bytes: [UInt8] in [
            [], [0], .init(repeating: 0xFF, count: 100), .init(repeating: 0, count: 100),
            Array(plain.der.dropLast()), [0] + plain.der, [0x30, 0x80] + plain.der,
        ] {
            #expect(throws: X509Error.self) { _ = try Certificate(firstIn: bytes) }
        }
    }

    /// Otherwise the bytes differ from those on the token: the certificate is reported as removed,
    /// but is still there.
    @Test(
        "A certificate keeps the bytes that were read, including an overlong length")
    func notMinimal() throws {
        let authority = try CommandLineAuthority()
        let root = try authority.certificate("root", CommandLineAuthority.authority)
        let plain = try authority.certificate("leaf", issuer: "root", CommandLineAuthority.leaf)
        let bytes = try widened(plain.der)
        let pem =
            "-----BEGIN CERTIFICATE-----\n"
            + Data(bytes).base64EncodedString(options: .lineLength64Characters)
            + "\n-----END CERTIFICATE-----\n"
        let inPEM = Certificate.all(inPEM: Array(pem.utf8))
        for read in [
            try Certificate(der: bytes), try Certificate(firstIn: bytes + [0, 0]),
            try #require(inPEM.certificates.first),
        ] {
            #expect(read.der == bytes)
            #expect(read != plain)
            #expect(read.sha256Fingerprint == Digest.sha256.hash(bytes))
            #expect(read.publicKey == plain.publicKey)
            #expect(read.serialNumberDER == plain.serialNumberDER)
            #expect(Certificate.all(inPEM: Array(read.pem.utf8)).certificates == [read])
            try TrustAnchors([root]).verify(read, at: plain.notBefore)
        }
    }

    @Test("A certificate with extra bytes inside is malformed")
    func garbageInside() throws {
        let authority = try CommandLineAuthority()
        let der = try authority.certificate("leaf", CommandLineAuthority.leaf).der
        try #require(der.starts(with: [0x30, 0x82]))
        let length = Int(der[2]) << 8 | Int(der[3])
        let longer = [0x30, 0x82, UInt8((length + 2) >> 8), UInt8((length + 2) & 0xFF)]
        #expect(throws: X509Error.self) {
            _ = try Certificate(der: longer + der.dropFirst(4) + [5, 0])
        }
    }

    /// RFC 5280 forbids negative numbers, but they exist. Without the sign, the number is that of
    /// another certificate.
    @Test("A negative serial number keeps its sign")
    func negativeSerialNumber() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        func certificate(_ serialNumber: [UInt8]) throws -> Certificate {
            let plain = try key.issue(
                CertificateContent(
                    subject: [.init(.commonName, "x")], publicKey: key.publicKey,
                    serialNumber: [0x7F, 0x7F], notBefore: 1_700_000_000,
                    notAfter: 1_900_000_000, extensions: [.basicConstraints(isAuthority: false)]),
                issuer: nil)
            let start = try #require(
                plain.der.indices.first { plain.der[$0...].starts(with: [2, 2, 0x7F, 0x7F]) })
            var der = plain.der
            der.replaceSubrange(start + 2..<start + 4, with: serialNumber)
            return try Certificate(der: der)
        }
        for (bytes, text) in [
            ([0xFF, 0x7F], "-81"), ([0xFF, 0x01], "-ff"), ([0xFE, 0xFF], "-0101"),
            ([0x80, 0x00], "-8000"), ([0x80, 0x01], "-7fff"), ([0x00, 0x81], "81"),
            ([0x01, 0x01], "0101"),
        ] as [([UInt8], String)] {
            let read = try certificate(bytes)
            #expect(read.serialNumber == text)
            #expect(read.serialNumberDER == [2, 2] + bytes)
        }
    }

    /// Some programs write PEM text to CKA_VALUE.
    @Test("PEM text is distinguished from bytes that are not a certificate")
    func textInPEM() throws {
        let authority = try CommandLineAuthority()
        let plain = try authority.certificate("leaf", CommandLineAuthority.leaf)
        let attributes = "Bag Attributes\n    localKeyID: 01\nsubject=CN = x\n"
        for before in ["", "\n", " \r\n\t", "\u{FEFF}", attributes] {
            let text = Array((before + plain.pem).utf8)
            #expect(Certificate.isPEM(text))
            let strict = #expect(throws: X509Error.self) { _ = try Certificate(der: text) }
            #expect(strict?.code == .textInPEM)
            let first = #expect(throws: X509Error.self) { _ = try Certificate(firstIn: text) }
            #expect(first?.code == .textInPEM)
        }
        for bytes in [plain.der, [], Array("text".utf8), Array("x -----BEGIN".utf8)] {
            #expect(!Certificate.isPEM(bytes))
        }
        let error = #expect(throws: X509Error.self) { _ = try Certificate(der: [1, 2, 3]) }
        #expect(error?.code == .malformed)
    }

    /// Otherwise a table has a blank cell, and "certificate of " has no name.
    @Test("Every certificate has a display name, whatever its subject")
    func displayName() throws {
        let authority = try CommandLineAuthority()
        let none = ["basicConstraints=CA:FALSE"]
        for (subject, extensions, name) in [
            ("/CN=first/CN=last", none, "last"),
            ("/CN=Anna/emailAddress=a@example.org", none, "Anna"),
            ("/", CommandLineAuthority.leaf, "anna@example.org"),
            ("/emailAddress=b@example.org", none, "b@example.org"),
            ("/O=Club", none, "O=Club"),
            ("/CN= /O=Club", ["subjectAltName=email:c@example.org"], "c@example.org"),
        ] {
            let made = try authority.certificate("x", extensions, subject: subject)
            #expect(made.displayName == name, "\(subject)")
        }
        let bare = try authority.certificate("x", none, subject: "/")
        #expect(bare.displayName == "serial \(bare.serialNumber)")
        let host = try authority.certificate("x", ["subjectAltName=DNS:localhost"], subject: "/")
        #expect(host.displayName == "serial \(host.serialNumber)")
    }
}
