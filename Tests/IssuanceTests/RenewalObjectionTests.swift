import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertIssuance
@testable import TokencertLedger

/// Which certificates are renewed only if the user names them.
@Suite struct RenewalObjectionTests {
    private static let ca = "https://ca.example"

    private let key: HostPrivateKey
    private let root: (key: HostPrivateKey, certificate: Certificate)
    private let otherRoot: (key: HostPrivateKey, certificate: Certificate)

    init() throws {
        key = try HostPrivateKey.generate(.ec(.p256))
        func authority(_ name: String) throws -> (HostPrivateKey, Certificate) {
            let key = try HostPrivateKey.generate(.ec(.p256))
            return (key, try Self.issue(name, key.publicKey, [], isAuthority: true, (key, nil)))
        }
        root = try authority("Root")
        otherRoot = try authority("Other Root")
    }

    private static func issue(
        _ name: String, _ key: PublicKey, _ extensions: [CertificateExtension],
        isAuthority: Bool = false, _ issuer: (key: HostPrivateKey, certificate: Certificate?)
    ) throws -> Certificate {
        try issuer.key.issue(
            CertificateContent(
                subject: [.init(.commonName, name)], publicKey: key, serialNumber: [7],
                notBefore: 0, notAfter: 1_900_000_000,
                extensions: [.basicConstraints(isAuthority: isAuthority)] + extensions),
            issuer: issuer.certificate)
    }

    private func certificate(
        _ extensions: [CertificateExtension] = [], isAuthority: Bool = false,
        by issuer: (key: HostPrivateKey, certificate: Certificate)? = nil
    ) throws -> Certificate {
        let issuer = issuer ?? root
        return try Self.issue(
            "Anna", key.publicKey, extensions, isAuthority: isAuthority,
            (issuer.key, issuer.certificate))
    }

    /// An order at a CA that led to a certificate.
    private func order(at ca: String, _ certificate: Certificate) throws -> Order {
        let issue = OrderEvent.Issue(
            ca: ca, account: "anna@example.org", name: "Anna", key: .new(kind: "ec:p256"))
        let events: [OrderEvent] = [
            .begun(.example(.issue(issue))),
            .certified(.init(certificate: certificate.pem, others: "", changes: [])),
        ]
        return try #require(
            Order(
                number: 1,
                events: events.enumerated().map { index, event in
                    RecordedEvent(sequence: Int64(index) + 1, time: 0, event: event)
                }))
    }

    private func objection(to certificate: Certificate, _ orders: [Order] = []) -> String? {
        RenewalObjections(
            ca: Self.ca, orders: orders,
            authorities: [root.certificate, otherRoot.certificate]
        ).objection(to: certificate)
    }

    // Otherwise a timer orders at the wrong CA and replaces the certificate of the right one.
    @Test("A certificate that the ledger shows to be from another CA is not renewed")
    func otherCA() throws {
        let own = try certificate()
        #expect(try objection(to: own, [order(at: Self.ca, own)]) == nil)
        for ca in ["https://other.test", "command:/usr/bin/ca-openssl FOLDER"] {
            let found = try objection(to: own, [order(at: ca, own)])
            #expect(found == "it was issued by another CA: \(ca)")
        }
        // It was ordered at both.
        let both = [try order(at: "https://other.test", own), try order(at: Self.ca, own)]
        #expect(objection(to: own, both) == nil)
    }

    @Test("A certificate of another root than those of the CA is not renewed")
    func foreignRoot() throws {
        let known = try order(at: Self.ca, try certificate())
        let foreign = try certificate(by: otherRoot)
        #expect(objection(to: foreign, [known]) == "it was issued by another CA: CN=Other Root")
        // Without an order at this CA, nothing is known about its root.
        #expect(objection(to: foreign) == nil)
        #expect(try objection(to: foreign, [order(at: "https://other.test", foreign)]) != nil)
    }

    // Otherwise the renewal loses a name or a use, and "replaced" hides the certificate that has it.
    @Test("A certificate with content that cannot be ordered is not renewed")
    func lostContent() throws {
        let usual = try certificate([
            .extendedKeyUsage([.emailProtection, .clientAuth, .codeSigning]),
            .subjectAlternativeName(emailAddresses: ["anna@example.org"]),
        ])
        #expect(objection(to: usual) == nil)
        let binding = try certificate([.keyUsage([.digitalSignature, .contentCommitment])])
        #expect(
            objection(to: binding)
                == "a new one would not have the key usages contentCommitment")
        let server = try certificate([.extendedKeyUsage([.serverAuth, .clientAuth])])
        #expect(objection(to: server) == "a new one would not have the uses serverAuth")
        #expect(
            try objection(to: certificate(isAuthority: true))
                == "a new one would not have the right to sign certificates")
        // The CA decided the content once and will do it again.
        #expect(try objection(to: server, [order(at: Self.ca, server)]) == nil)
    }

    @Test("Two addresses belong to different CAs only if their programs or domains differ")
    func addresses() {
        let same = [
            ("https://www.cacert.org", "https://secure.cacert.org/"),
            ("https://localhost:4001", "https://localhost:4002"),
            ("https://CA.example/", "https://ca.example"),
            ("command:/usr/bin/ca-cmp URL", "command:/opt/ca-cmp OTHER"),
            ("command:'/our cas/alpha' x", "command:/our\\ cas/alpha"),
            ("https://a.ca.co.uk", "https://b.ca.co.uk"), ("https://[::1]:1", "https://[::1]:2"),
            ("https://10.0.0.1:1", "https://10.0.0.1/"),
        ]
        for (one, other) in same { #expect(!isOtherCA(one, than: other), "\(one) \(other)") }
        let different = [
            ("https://www.cacert.org", "https://localhost:4001"),
            ("https://ca.example", "https://ca.test"),
            ("command:/usr/bin/ca-cmp", "command:/usr/bin/ca-openssl"),
            ("command:ca.example", "https://ca.example"),
            ("command:'/our cas/alpha' x", "command:'/our cas/beta' x"),
            ("https://127.0.0.1", "https://10.0.0.1"), ("https://[::1]", "https://[::2]"),
            ("https://one.co.uk", "https://two.co.uk"), ("https://a.org.au", "https://b.org.au"),
        ]
        for (one, other) in different { #expect(isOtherCA(one, than: other), "\(one) \(other)") }
    }
}
