import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTokens

/// Whether one certificate can take the place of another.
@Suite struct CertificateComparisonTests {
    private static let end: Int64 = 1_900_000_000

    private func newKey() throws -> PublicKey {
        try HostPrivateKey.generate(.ec(.p256)).publicKey
    }

    @Test("Certificates are from different CAs only if both lead to roots and share none")
    func otherCA() throws {
        let root = try SampleAuthority("Root")
        let middle = try SampleAuthority("Class 3", issuer: root)
        let other = try SampleAuthority("Other")
        let known = [root, middle, other].map(\.certificate)
        let one = try root.issue(newKey(), until: Self.end)
        let two = try middle.issue(newKey(), until: Self.end)
        let foreign = try other.issue(newKey(), until: Self.end)
        #expect(!one.isFromOtherCA(than: two, among: known))
        #expect(one.isFromOtherCA(than: foreign, among: known))
        #expect(two.isFromOtherCA(than: foreign, among: known))
        // Without the intermediate, the root of the second one is unknown.
        #expect(!two.isFromOtherCA(than: foreign, among: [root, other].map(\.certificate)))
        #expect(two.roots(among: known) == [root.certificate.publicKey])
    }

    // Otherwise a renewal removes the only certificate with a name or a use.
    @Test("Names, uses and rights that a new certificate lacks are found")
    func missing() throws {
        let root = try SampleAuthority("Root")
        let key = try newKey()
        func certificate(
            _ addresses: [String], _ uses: [ExtendedKeyUsage]
        ) throws -> Certificate {
            try root.issue(
                key, until: Self.end,
                [.subjectAlternativeName(emailAddresses: addresses)]
                    + (uses.isEmpty ? [] : [.extendedKeyUsage(uses)]))
        }
        let old = try certificate(["a@example.org", "b@example.org"], [.clientAuth, .serverAuth])
        #expect(old.contentMissing(in: old).isEmpty)
        #expect(
            old.contentMissing(
                in: try certificate(["b@example.org", "a@example.org", "c@example.org"], [])
            ).isEmpty)
        #expect(
            old.contentMissing(in: try certificate(["a@example.org"], [.clientAuth]))
                == ["names in subjectAltName", "the uses serverAuth"])
        let unlimited = try certificate(["a@example.org"], [])
        #expect(
            unlimited.contentMissing(in: try certificate(["a@example.org"], [.clientAuth]))
                == ["unlimited uses"])
    }

    // A certificate for signatures and one for encryption may have the same names and uses.
    @Test("Key usages that a new certificate lacks are found")
    func missingKeyUsages() throws {
        let root = try SampleAuthority("Root")
        let key = try newKey()
        func certificate(_ usages: Set<KeyUsage>?, until end: Int64) throws -> Certificate {
            try root.issue(key, until: end, usages.map { [.keyUsage($0)] } ?? [])
        }
        for (old, new, missing) in [
            ([.digitalSignature], [.digitalSignature, .keyEncipherment], []),
            (
                [.digitalSignature, .contentCommitment], [.digitalSignature, .dataEncipherment],
                ["the key usages contentCommitment"]
            ), ([.keyEncipherment], nil, []), (nil, nil, []),
            (nil, [.digitalSignature], ["the key usages keyAgreement"]),
            (nil, [.digitalSignature, .keyAgreement], []),
        ] as [(Set<KeyUsage>?, Set<KeyUsage>?, [String])] {
            let one = try certificate(old, until: Self.end)
            let other = try certificate(new, until: Self.end + 1)
            #expect(one.contentMissing(in: other) == missing)
            #expect(one.isCovered(by: other) == missing.isEmpty)
            #expect(!other.isCovered(by: one))
        }
    }
}
