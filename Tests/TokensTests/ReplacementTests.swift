import Cryptoki
import OpenSSLX509
import Testing
import TokencertTestAuthority

@testable import TokencertTokens

/// Which certificates have been replaced, and which of them can be deleted.
@Suite struct ReplacementTests {
    private static let now: Int64 = 1_800_000_000
    private static let day: Int64 = 86_400

    private static let address: [UInt8] = [0x81, 3] + Array("a@b".utf8)
    private static let serverName: [UInt8] = [0x82, 3] + Array("a.b".utf8)
    /// An otherName: the user principal name for Windows logon (1.3.6.1.4.1.311.20.2.3).
    private static let principalName: [UInt8] =
        [0xA0, 19, 0x06, 10, 0x2B, 6, 1, 4, 1, 0x82, 0x37, 20, 2, 3, 0xA0, 5, 0x0C, 3]
        + Array("a@b".utf8)

    private struct Authority {
        let key: HostPrivateKey
        let certificate: Certificate

        init(_ name: String) throws {
            key = try HostPrivateKey.generate(.ec(.p256))
            certificate = try key.issue(
                CertificateContent(
                    subject: [.init(.commonName, name)], publicKey: key.publicKey,
                    serialNumber: [1], notBefore: ReplacementTests.now - ReplacementTests.day,
                    notAfter: ReplacementTests.now + 900 * ReplacementTests.day,
                    extensions: [
                        .basicConstraints(isAuthority: true), .keyUsage([.keyCertSign]),
                        .subjectKeyIdentifier(key.publicKey),
                        .authorityKeyIdentifier(key.publicKey),
                    ]), issuer: nil)
        }

        func issue(
            _ key: PublicKey, _ serialNumber: UInt8, days: Int64, _ names: [[UInt8]]
        ) throws -> Certificate {
            let content = names.flatMap { $0 }
            return try self.key.issue(
                CertificateContent(
                    subject: [.init(.commonName, "Anna")], publicKey: key,
                    serialNumber: [serialNumber],
                    notBefore: ReplacementTests.now - ReplacementTests.day,
                    notAfter: ReplacementTests.now + days * ReplacementTests.day,
                    extensions: [
                        .basicConstraints(isAuthority: false),
                        .extendedKeyUsage([.emailProtection]),
                        try CertificateExtension(
                            identifier: "2.5.29.17", isCritical: false,
                            value: [0x30, UInt8(content.count)] + content),
                        .authorityKeyIdentifier(self.key.publicKey),
                    ]), issuer: certificate)
        }
    }

    /// The finding about a certificate that expires soon if its key has another one.
    private func finding(
        _ old: Certificate, beside new: Certificate, _ anchors: [Authority]
    ) -> Finding? {
        var key = KeyEntry()
        key.privateKey = PairingTests.record(1, .privateKey, id: [1], "mail")
        key.value = old.publicKey
        key.certificates = [old, new].enumerated().map { index, certificate in
            CertificateEntry(
                record: PairingTests.record(UInt(index) + 2, .certificate, id: [1], "mail"),
                valueHash: [], content: CertificateEntry.Content(certificate), obstacle: nil,
                certificate: certificate)
        }
        let health = Health(
            now: Self.now, anchors: TrustAnchors(anchors.map(\.certificate)),
            sawPrivateObjects: true)
        return health.of(TokenInventory(keys: [key], certificates: [], otherObjects: 0))
            .findings.first { $0.serialNumber == old.serialNumber }
    }

    // Otherwise health advises deleting a certificate although no other one has all of its names.
    @Test("A certificate replaces another one only if it has all of its names")
    func names() throws {
        let root = try Authority("Root")
        let key = try HostPrivateKey.generate(.ec(.p256)).publicKey
        let all = [Self.principalName, Self.address, Self.serverName]
        let old = try root.issue(key, 1, days: 5, all)
        for (names, isReplaced) in [
            (all, true), (all.reversed(), true), (all + [[0x82, 1, 0x78]], true),
            ([Self.address, Self.serverName], false), ([Self.principalName, Self.address], false),
        ] as [([[UInt8]], Bool)] {
            let new = try root.issue(key, 2, days: 300, names)
            let said = try #require(finding(old, beside: new, [root]))
            #expect(said.kind == (isReplaced ? .replaced : .expiring), "\(names)")
            #expect(said.isDisposable == isReplaced, "\(names)")
        }
    }

    // Otherwise the certificate of one CA expires unnoticed because of one from another CA.
    @Test("A certificate from another CA replaces no certificate")
    func issuers() throws {
        let root = try Authority("Root")
        let renewed = try Authority("Root")
        let other = try Authority("Other")
        let key = try HostPrivateKey.generate(.ec(.p256)).publicKey
        let old = try root.issue(key, 1, days: 5, [Self.address])
        for (issuer, isReplaced) in [(root, true), (renewed, true), (other, false)] {
            let new = try issuer.issue(key, 2, days: 300, [Self.address])
            let said = try #require(finding(old, beside: new, [root, renewed, other]))
            #expect(said.kind == (isReplaced ? .replaced : .expiring))
            #expect(said.isDisposable == isReplaced)
        }
    }
}
