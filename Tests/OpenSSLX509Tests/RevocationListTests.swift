import Foundation
import Testing
import TokencertTestSupport

@testable import OpenSSLX509

/// Revocation lists from `openssl ca`.
@Suite struct RevocationListTests {
    private let authority: CommandLineAuthority
    private let root: Certificate
    private let leaf: Certificate

    init() throws {
        authority = try CommandLineAuthority()
        root = try authority.certificate("root", CommandLineAuthority.authority)
        leaf = try authority.certificate(
            "leaf", issuer: "root",
            CommandLineAuthority.leaf + ["crlDistributionPoints=URI:http://a.example/one.crl"])
    }

    private func signed(_ file: RevocationListFile, by name: String = "root") throws -> [UInt8] {
        try file.sign(authority.folder.file(name), in: authority.folder)
    }

    private func list(
        _ revoked: [(serialNumber: String, time: String)] = [], extensions: [String] = []
    ) throws -> CertificateRevocationList {
        try CertificateRevocationList(
            signed(RevocationListFile(revoked, extensions: extensions)))
    }

    private func refusal(
        _ list: CertificateRevocationList, issuer: Certificate? = nil
    ) -> X509Error? {
        do throws(X509Error) {
            try list.verify(issuedBy: issuer ?? root)
            return nil
        } catch {
            return error
        }
    }

    /// Otherwise the user keeps a certificate that the CA has revoked.
    @Test("A list shows when and why a certificate was revoked, and none that it does not contain")
    func entries() throws {
        let number = leaf.serialNumber
        let empty = try list()
        #expect(refusal(empty) == nil)
        #expect(try empty.revocation(of: leaf) == nil)
        for (time, reason) in [
            ("260101000000Z", nil), ("260101000000Z,keyCompromise", .keyCompromise),
            ("260101000000Z,superseded", .superseded),
            ("260101000000Z,holdInstruction,1.2.840.10040.2.1", .certificateHold),
        ] as [(String, RevocationReason?)] {
            let list = try list([("51", "260102000000Z"), (number, time)])
            #expect(refusal(list) == nil)
            let found = try list.revocation(of: leaf)
            #expect(found == ListedRevocation(time: 1_767_225_600, reason: reason), "\(time)")
        }
        let removed = try list([(number, "260101000000Z,removeFromCRL")])
        #expect(refusal(removed) == nil)
        #expect(try removed.revocation(of: leaf) == nil)
    }

    @Test("Serial numbers of any length are found")
    func serialNumbers() throws {
        let huge = String(repeating: "F1", count: 60)
        let list = try list([(huge, "260101000000Z"), ("80", "260101000000Z")])
        let found = { (digits: [UInt8]) throws in
            try list.revocation(ofSerialNumber: DER.integer(digits)) != nil
        }
        #expect(try found([UInt8](repeating: 0xF1, count: 60)))
        #expect(try !found([UInt8](repeating: 0xF1, count: 59)))
        #expect(try found([0x80]))
        // -128 has the same digits.
        #expect(try list.revocation(ofSerialNumber: [2, 1, 0x80]) == nil)
    }

    @Test("The issuer, times and number of a list are read from DER and from PEM")
    func fields() throws {
        let der = try signed(RevocationListFile(from: -2, to: 5))
        let text = try authority.bytes("list.crl.pem")
        let now = Int64(Date().timeIntervalSince1970)
        for list in [try CertificateRevocationList(der), try CertificateRevocationList(text)] {
            #expect(list.der == der && list.issuer == root.subject && list.number == "1001")
            #expect(abs(list.thisUpdate - (now - 2 * 86_400)) < 120)
            let next = try #require(list.nextUpdate)
            #expect(abs(next - (now + 5 * 86_400)) < 120)
            #expect(list.scope == nil && list.obstacle == nil)
        }
    }

    /// Otherwise another party can hide a revocation.
    @Test("A list that the CA has not signed, or may not sign, is refused")
    func signature() throws {
        let stranger = try authority.certificate(
            "stranger", CommandLineAuthority.authority, subject: "/CN=root")
        #expect(stranger.subject == root.subject)
        let foreign = try CertificateRevocationList(
            signed(RevocationListFile(), by: "stranger"))
        #expect(refusal(foreign, issuer: stranger) == nil)
        #expect(refusal(foreign)?.code == .badSignature)
        let other = try authority.certificate("other", CommandLineAuthority.authority)
        let otherList = try CertificateRevocationList(signed(RevocationListFile(), by: "other"))
        #expect(refusal(otherList, issuer: other) == nil)
        #expect(refusal(otherList)?.description.contains("a different CA: CN=other") == true)
        #expect(throws: X509Error.self) { _ = try otherList.revocation(of: leaf) }
        var changed = try signed(RevocationListFile())
        changed[changed.count - 1] ^= 1
        let changedList = try CertificateRevocationList(changed)
        #expect(refusal(changedList)?.code == .badSignature)
        let limited = try authority.certificate(
            "limited",
            [
                "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign",
                "subjectKeyIdentifier=hash",
            ])
        let limitedList = try CertificateRevocationList(
            signed(RevocationListFile(), by: "limited"))
        #expect(refusal(limitedList, issuer: limited)?.code == .badSignature)
        let free = try authority.certificate(
            "free", ["basicConstraints=critical,CA:TRUE", "subjectKeyIdentifier=hash"])
        let freeList = try CertificateRevocationList(signed(RevocationListFile(), by: "free"))
        #expect(refusal(freeList, issuer: free) == nil)
    }

    /// Such a list does not contain all revocations, so it cannot show that there is none.
    @Test("A list that is partial, indirect or has an unknown critical extension cannot be used")
    func obstacles() throws {
        let scope = ["issuingDistributionPoint = critical,@scope", "[scope]"]
        for extensions in [
            scope + ["indirectCRL = TRUE"], scope + ["onlyuser = TRUE"], scope + ["onlyCA = TRUE"],
            scope + ["onlyAA = TRUE"], scope + ["onlysomereasons = keyCompromise"],
            scope + ["relativename = name", "[name]", "CN = part"],
            ["2.5.29.27 = critical,DER:020101"], ["2.5.29.27 = DER:020101"],
            ["1.2.3.4 = critical,DER:0500"],
        ] as [[String]] {
            let list = try list(extensions: extensions)
            #expect(list.obstacle != nil, "\(extensions)")
            #expect(refusal(list)?.code == .unsupported, "\(extensions)")
        }
        let harmless = try list(extensions: ["1.2.3.4 = DER:0500"])
        #expect(refusal(harmless) == nil)
    }

    /// CAs split large lists, and the other parts do not contain the certificate.
    @Test("A part of a split list counts only for certificates that name it")
    func scope() throws {
        for (address, isCovered) in [
            ("http://a.example/one.crl", true), ("http://a.example/two.crl", false),
        ] {
            let list = try list(extensions: [
                "issuingDistributionPoint = critical,@scope", "[scope]",
                "fullname = URI:\(address)",
            ])
            #expect(list.scope == [address] && refusal(list) == nil)
            do throws(X509Error) {
                #expect(try list.revocation(of: leaf) == nil)
                #expect(isCovered, "\(address)")
            } catch {
                #expect(!isCovered, "\(error)")
            }
        }
    }

    @Test("Truncated, extended and foreign bytes are not a revocation list")
    func malformed() throws {
        let der = try signed(RevocationListFile([("51", "260101000000Z,keyCompromise")]))
        let text = try authority.bytes("list.crl.pem")
        var inputs: [[UInt8]] = [
            [], [0x30, 0], Array("<html>".utf8), der + [0], leaf.der, Array(leaf.pem.utf8),
            text + text, Array(text.dropLast(40)),
        ]
        inputs += stride(from: 1, to: der.count, by: 7).map { Array(der.prefix($0)) }
        for input in inputs {
            let error = #expect(throws: X509Error.self) {
                _ = try CertificateRevocationList(input)
            }
            #expect(error?.code == .malformed, "\(input.count) bytes")
        }
    }

    @Test("Only distribution points with a complete list of the issuer on the web are read")
    func addresses() throws {
        let certificate = try authority.certificate(
            "points", issuer: "root",
            CommandLineAuthority.leaf + [
                "crlDistributionPoints=one,two,three,four", "[one]",
                "fullname=URI:http://a.example/1,URI:ldap://a.example/1,URI:HTTPS://a.example/2",
                "[two]", "fullname=URI:http://a.example/3", "reasons=keyCompromise",
                "[three]", "fullname=URI:http://a.example/4", "CRLissuer=dirName:name",
                "[four]", "relativename=name", "[name]", "CN=part",
            ])
        #expect(certificate.malformedExtensions.isEmpty)
        #expect(
            certificate.revocationListAddresses
                == ["http://a.example/1", "HTTPS://a.example/2"])
        #expect(leaf.revocationListAddresses == ["http://a.example/one.crl"])
        #expect(root.revocationListAddresses.isEmpty)
    }

    @Test("A signature with a broken hash function is recognized")
    func weakHashes() throws {
        let rsa = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        for (option, name) in [
            ("-md5", "MD5"), ("-sha1", "SHA-1"), ("-sha256", nil), ("-sha512", nil),
        ] as [(String, String?)] {
            let certificate = try authority.certificate(
                "hashed", issuer: nil, CommandLineAuthority.leaf, key: rsa, options: [option])
            #expect(certificate.weakSignatureHash == name, "\(option)")
        }
    }
}
