import Foundation
import OpenSSLX509
import Testing
import TokencertTestSupport

/// If a block is silently skipped, the chain is incomplete, and a valid certificate is not trusted.
@Suite struct PEMTests {
    private func read(_ text: String) -> (certificates: [Certificate], error: X509Error?) {
        Certificate.all(inPEM: Array(text.utf8))
    }

    @Test("A certificate is read from each kind of block that contains one")
    func kinds() throws {
        let authority = try CommandLineAuthority()
        let plain = try authority.certificate("leaf", CommandLineAuthority.leaf)
        let other = try authority.certificate("other", CommandLineAuthority.leaf)
        for arguments in [
            ["-trustout"], ["-trustout", "-addtrust", "emailProtection", "-setalias", "mine"],
            ["-trustout", "-addreject", "clientAuth"],
        ] {
            try authority.openssl(
                ["x509", "-in", "leaf.pem", "-out", "trusted.pem"] + arguments)
            let text = try authority.folder.read("trusted.pem")
            #expect(text.contains("BEGIN TRUSTED CERTIFICATE"))
            for bundle in [other.pem + text, text + other.pem] {
                let found = read(bundle)
                #expect(found.error == nil)
                #expect(Set(found.certificates) == [plain, other])
                // The trust settings are not part of the certificate.
                #expect(found.certificates.allSatisfy { $0.der == plain.der || $0 == other })
            }
        }
        let old = plain.pem.replacing("CERTIFICATE", with: "X509 CERTIFICATE")
        #expect(read(old).certificates == [plain])
    }

    @Test("A block that cannot be parsed is an error that names the block")
    func unknownKinds() throws {
        let authority = try CommandLineAuthority()
        let plain = try authority.certificate("leaf", CommandLineAuthority.leaf)
        try authority.openssl([
            "crl2pkcs7", "-nocrl", "-certfile", "leaf.pem", "-out", "leaf.p7b",
        ])
        let body = plain.pem.split(separator: "\n").dropFirst().dropLast().joined(separator: "\n")
        func block(_ name: String, _ body: String) -> String {
            "-----BEGIN \(name)-----\n\(body)\n-----END \(name)-----\n"
        }
        for (text, word) in [
            (try authority.folder.read("leaf.p7b"), "PKCS7"),
            (block("CERTIFICAT", body), "CERTIFICAT"), (block("CMS", body), "CMS"),
            (block("ATTRIBUTE CERTIFICATE", body), "ATTRIBUTE CERTIFICATE"),
            (block("CERTIFICATE", "AAAA"), "CERTIFICATE"),
            (block("TRUSTED CERTIFICATE", "MAA="), "TRUSTED CERTIFICATE"),
            (block("CERTIFICATE", "Comment: x\n\n" + body), "CERTIFICATE"),
            ("-----BEGIN CERTIFICATE---\n" + body + "\n-----END CERTIFICATE-----\n", "line"),
            ("-----BEGIN CERTIFICATE----- x\n" + body + "\n-----END CERTIFICATE-----\n", "line"),
            ("-----BEGIN CERTIFICATE-----\n" + body + "\n", "2"),
        ] {
            let found = read(plain.pem + text + plain.pem)
            #expect(found.certificates == [plain] || found.certificates.isEmpty, "\(text)")
            #expect(found.error?.code == .malformed, "\(text)")
            #expect(
                found.error?.description.contains(word) == true,
                "\(String(describing: found.error))")
        }
        // Bytes after the certificate in its block.
        var der = plain.der + [0, 0, 0]
        let longer = read(
            block("CERTIFICATE", Data(der).base64EncodedString(options: .lineLength64Characters)))
        #expect(longer.certificates.isEmpty)
        #expect(longer.error?.description.contains("bytes after the certificate") == true)
        der = plain.der + [0x30, 5]
        #expect(
            read(
                block(
                    "TRUSTED CERTIFICATE",
                    Data(der).base64EncodedString(options: .lineLength64Characters))
            ).error != nil)
    }

    // Otherwise the certificates after it are silently lost.
    @Test("A block without data is an error, not the end of the text")
    func emptyBlock() throws {
        let authority = try CommandLineAuthority()
        let plain = try authority.certificate("leaf", CommandLineAuthority.leaf)
        let empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
        for text in [empty, empty + plain.pem, plain.pem + empty, "text\n" + empty + plain.pem] {
            #expect(read(text).error?.code == .malformed, "\(text)")
        }
    }

    @Test("Keys, requests and revocation lists among certificates are skipped")
    func others() throws {
        let authority = try CommandLineAuthority()
        let plain = try authority.certificate("leaf", CommandLineAuthority.leaf)
        try authority.openssl([
            "ecparam", "-name", "prime256v1", "-genkey", "-out", "parameters.pem",
        ])
        try authority.openssl(["pkey", "-in", "leaf.key", "-pubout", "-out", "public.pem"])
        let others = try ["leaf.key", "leaf.csr", "parameters.pem", "public.pem"]
            .map { try authority.folder.read($0) }
        #expect(others.joined().contains("BEGIN EC PARAMETERS"))
        for other in others {
            for text in [other + plain.pem, plain.pem + other] {
                let found = read(text)
                #expect(found.certificates == [plain])
                #expect(found.error == nil, "\(String(describing: found.error))")
            }
        }
    }

    @Test("Byte order marks, leading blanks and any line ends are accepted")
    func layout() throws {
        let authority = try CommandLineAuthority()
        let plain = try authority.certificate("leaf", CommandLineAuthority.leaf)
        let indented = plain.pem.split(separator: "\n").map { "  \t" + $0 }
            .joined(separator: "\n")
        for text in [
            "\u{FEFF}" + plain.pem, indented, plain.pem.replacing("\n", with: "\r"),
            plain.pem.replacing("\n", with: "\r\n"), plain.pem.replacing("\n", with: "  \r\n"),
            "text\n" + indented + "\nmore", String(plain.pem.dropLast()),
        ] {
            let found = read(text + "\n" + plain.pem)
            #expect(found.certificates == [plain, plain])
            #expect(found.error == nil)
        }
    }
}
