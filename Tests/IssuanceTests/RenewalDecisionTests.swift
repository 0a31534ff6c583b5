import Testing
import TokencertTestAuthority
import TokencertTokens

@testable import OpenSSLX509
@testable import TokencertIssuance

/// Which certificates chain to a trust anchor, and which replace another one.
@Suite struct RenewalDecisionTests {
    private static let now: Int64 = 1_800_000_000
    private static let day: Int64 = 86_400

    private func authority(
        _ key: HostPrivateKey, _ name: String, from notBefore: Int64, to notAfter: Int64,
        issuer: (key: HostPrivateKey, certificate: Certificate)? = nil
    ) throws -> Certificate {
        let signer = issuer?.key ?? key
        return try signer.issue(
            CertificateContent(
                subject: [.init(.commonName, name)], publicKey: key.publicKey,
                serialNumber: [1], notBefore: notBefore, notAfter: notAfter,
                extensions: [
                    .basicConstraints(isAuthority: true), .keyUsage([.keyCertSign, .cRLSign]),
                    .subjectKeyIdentifier(key.publicKey), .authorityKeyIdentifier(signer.publicKey),
                ]), issuer: issuer?.certificate)
    }

    private func leaf(
        _ key: HostPrivateKey, from notBefore: Int64, to notAfter: Int64,
        name: String = "Anna", addresses: [String] = ["anna@example.org"],
        uses: [ExtendedKeyUsage] = [.emailProtection], names: CertificateExtension? = nil,
        issuer: (key: HostPrivateKey, certificate: Certificate)
    ) throws -> Certificate {
        let addressNames = try CertificateExtension.subjectAlternativeName(
            emailAddresses: addresses)
        return try issuer.key.issue(
            CertificateContent(
                subject: [.init(.commonName, name)], publicKey: key.publicKey,
                serialNumber: [2], notBefore: notBefore, notAfter: notAfter,
                extensions: [
                    .basicConstraints(isAuthority: false), .extendedKeyUsage(uses),
                    names ?? addressNames, .authorityKeyIdentifier(issuer.key.publicKey),
                ]), issuer: issuer.certificate)
    }

    private func search(_ anchors: [Certificate]) -> RenewalCandidates {
        RenewalCandidates(
            anchors: TrustAnchors(anchors), now: Self.now, orders: { _ in [] },
            profile: nil)
    }

    @Test(
        "An expired certificate is renewed if its chain was valid, others only if it is valid now"
    )
    func chains() throws {
        let (now, day) = (Self.now, Self.day)
        let keys = try (0..<3).map { _ in try HostPrivateKey.generate(.ec(.p256)) }
        // CAcert re-signed its root: a certificate may be older than the root's validity.
        let root = try authority(keys[0], "Root", from: now - day, to: now + 900 * day)
        let old = try authority(
            keys[1], "Class 3", from: now - 900 * day, to: now - 1, issuer: (keys[0], root))
        let new = try authority(
            keys[1], "Class 3", from: now - day, to: now + 900 * day, issuer: (keys[0], root))
        let search = search([root])
        for (end, isExpired) in [(now + 5 * day, false), (now, false), (now - 5 * day, true)] {
            let certificate = try leaf(
                keys[2], from: now - 700 * day, to: end, issuer: (keys[1], old))
            #expect(search.chainProblem(certificate, [new]) == nil)
            #expect(search.chainProblem(certificate, [old, new]) == nil)
            let problem = search.chainProblem(certificate, [old])
            #expect((problem == nil) == isExpired, "\(problem ?? "none")")
            if !isExpired {
                #expect(problem == "a certificate in its chain is not valid now: CN=Class 3")
            }
            #expect(
                search.chainProblem(certificate, [])
                    == "it does not chain to a trust anchor: CN=Class 3")
            #expect(self.search([new]).chainProblem(certificate, []) == nil)
        }
    }

    @Test("A certificate replaces one that covers no more and is not valid for longer")
    func covering() throws {
        let (now, day) = (Self.now, Self.day)
        let key = try HostPrivateKey.generate(.ec(.p256))
        let rootKey = try HostPrivateKey.generate(.ec(.p256))
        let root = try authority(rootKey, "Root", from: now - day, to: now + 900 * day)
        func certificate(
            days: Int64 = 10, name: String = "Anna", _ addresses: [String] = ["a@example.org"],
            uses: [ExtendedKeyUsage] = [.emailProtection]
        ) throws -> Certificate {
            try leaf(
                key, from: now, to: now + days * day, name: name, addresses: addresses,
                uses: uses, issuer: (rootKey, root))
        }
        let old = try certificate()
        func covers(_ new: Certificate, _ old: Certificate) -> Bool { old.isCovered(by: new) }
        #expect(covers(try certificate(days: 11), old))
        #expect(
            covers(
                try certificate(
                    days: 11, ["b@example.org", "a@example.org"],
                    uses: [.emailProtection, .codeSigning]), old))
        #expect(!covers(old, old))
        #expect(!covers(try certificate(days: 9), old))
        #expect(!covers(try certificate(days: 11, name: "Bob"), old))
        #expect(!covers(try certificate(days: 11, ["b@example.org"]), old))
        #expect(!covers(try certificate(days: 11, uses: [.clientAuth]), old))
        // A certificate without the server name does not replace one that has it.
        let server = try leaf(
            key, from: now, to: now + 10 * day,
            names: .subjectAlternativeName(serverNames: ["mail.example.org"], addresses: []),
            issuer: (rootKey, root))
        #expect(!covers(try certificate(days: 11), server))
    }
}
