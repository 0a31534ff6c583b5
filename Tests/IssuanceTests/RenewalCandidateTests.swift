import Cryptoki
import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertIssuance
@testable import TokencertLedger
@testable import TokencertTokens

/// Which certificates are renewed, and which are skipped.
@Suite struct RenewalCandidateTests {
    private static let now: Int64 = 1_800_000_000
    private static let token = try! PKCS11URI(parsing: "pkcs11:token=work")

    private func certificate(
        _ key: HostPrivateKey, from notBefore: Int64 = RenewalCandidateTests.now - 100,
        to notAfter: Int64, name: String = "Anna", isAuthority: Bool = false,
        signedBy issuer: (key: HostPrivateKey, certificate: Certificate)? = nil
    ) throws -> Certificate {
        let signer = issuer?.key ?? key
        return try signer.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, name)], publicKey: key.publicKey,
                serialNumber: [0x0A], notBefore: notBefore, notAfter: notAfter,
                extensions: [
                    .basicConstraints(isAuthority: isAuthority),
                    .subjectKeyIdentifier(key.publicKey),
                    .authorityKeyIdentifier(signer.publicKey),
                ]), issuer: issuer?.certificate)
    }

    private func search(_ anchors: [Certificate]) -> RenewalCandidates {
        RenewalCandidates(
            anchors: TrustAnchors(anchors), now: Self.now, orders: { _ in [] }, profile: nil)
    }

    // MARK: Covering

    @Test("Of two certificates with equal contents, the one that expires later covers the other")
    func later() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let now = Self.now
        let old = try certificate(key, from: now, to: now + 100)
        for (start, end, isCovering) in [
            (now, now + 101, true), (now - 50, now + 101, true), (now + 50, now + 101, true),
            // If both expire at the same time, the one with the later start was issued later.
            (now + 1, now + 100, true), (now, now + 100, false), (now - 1, now + 100, false),
            (now + 50, now + 99, false),
        ] {
            let new = try certificate(key, from: start, to: end)
            #expect(
                old.isCovered(by: new) == isCovering,
                "\(start - now) to \(end - now)")
        }
    }

    // MARK: Chains

    @Test("A certificate that is not valid yet has no chain problem")
    func future() throws {
        let keys = try (0..<2).map { _ in try HostPrivateKey.generate(.ec(.p256)) }
        let now = Self.now
        let root = try certificate(keys[0], to: now + 900, name: "Root", isAuthority: true)
        for start in [now, now + 1] {
            let leaf = try certificate(
                keys[1], from: start, to: now + 100, signedBy: (keys[0], root))
            #expect(search([root]).chainProblem(leaf, []) == nil)
            #expect(
                search([]).chainProblem(leaf, []) == "it does not chain to a trust anchor: CN=Root")
        }
    }

    @Test("An expired root is a chain problem until the certificate itself has expired")
    func expiredRoot() throws {
        let keys = try (0..<2).map { _ in try HostPrivateKey.generate(.ec(.p256)) }
        let now = Self.now
        let root = try certificate(keys[0], to: now - 1, name: "Root", isAuthority: true)
        for (end, problem) in [
            (now, "a certificate in its chain is not valid now: CN=Root"), (now - 1, nil),
        ] as [(Int64, String?)] {
            let leaf = try certificate(keys[1], to: end, signedBy: (keys[0], root))
            #expect(search([root]).chainProblem(leaf, []) == problem, "\(end - now)")
        }
        #expect(search([root]).chainProblem(root, []) == nil)
    }

    // MARK: Keys in the ledger

    private func order(
        _ number: Int64 = 1, key: PublicKey?, token: String = "pkcs11:serial=1;model=m",
        replaces old: String? = nil, _ events: [OrderEvent]
    ) throws -> Order {
        let key = key.map {
            OrderEvent.Key.existing(publicKeyHash: hexadecimal($0.sha256Fingerprint))
        }
        let issue = OrderEvent.Issue.example(key ?? .new(kind: "rsa:3072"))
        let job = old.map { OrderEvent.Job.renew(issue, replacing: $0, isRetired: false) }
        let beginning = OrderEvent.Beginning.example(job ?? .issue(issue), on: token)
        let all: [OrderEvent] = [.begun(beginning)] + events
        return try #require(
            Order(
                number: number,
                events: all.enumerated().map { index, event in
                    RecordedEvent(sequence: Int64(index) + 1, time: 0, event: event)
                }))
    }

    private static let certified = OrderEvent.certified(
        OrderEvent.Certified(certificate: "OLD", others: "", changes: []))
    private static let proved = OrderEvent.proved(
        OrderEvent.Proof(uri: "pkcs11:", sha256Fingerprint: "f", challenge: [], signature: []))

    // Otherwise a key whose certificate was deleted would not be reported.
    @Test("A key needs a certificate once the token proved one for it")
    func provedKeys() throws {
        let key = PublicKey(rsaModulus: [0xC1, 1], publicExponent: [1, 0, 1])
        let other = PublicKey(rsaModulus: [0xC1, 3], publicExponent: [1, 0, 1])
        let token = "pkcs11:serial=1;model=m;token=renamed"
        for (events, isKnown, unfinished) in [
            ([], false, 7), ([Self.certified], false, 7), ([Self.proved], true, nil),
            ([Self.certified, Self.proved], true, nil),
            ([.closed(reason: "given up")], false, nil),
        ] as [([OrderEvent], Bool, Int64?)] {
            let keys = CertifiedKeys([try order(7, key: key, events)], on: token)
            #expect(keys.needsCertificate(key) == isKnown, "\(events)")
            #expect(keys.contains(key) == isKnown, "\(events)")
            #expect(keys.unfinishedOrder(for: key) == unfinished, "\(events)")
            #expect(!keys.isReplaced(key), "\(events)")
            #expect(!keys.contains(other) && !keys.needsCertificate(other))
            #expect(keys.unfinishedOrder(for: other) == nil)
        }
        let unknown = CertifiedKeys([try order(key: nil, [Self.proved])], on: token)
        #expect(!unknown.contains(key))
    }

    @Test("Orders of another token do not affect a key")
    func otherToken() throws {
        let key = PublicKey(rsaModulus: [0xC1, 1], publicExponent: [1, 0, 1])
        let orders = [try order(key: key, [Self.proved])]
        for (token, isKnown) in [
            ("pkcs11:serial=1;model=m", true), ("pkcs11:serial=2;model=m", false),
            ("pkcs11:serial=1;model=n;manufacturer=x", false),
        ] {
            #expect(CertifiedKeys(orders, on: token).contains(key) == isKnown, "\(token)")
        }
    }

    @Test("A key needs no certificate if its certificate was replaced by one for another key")
    func replacedKeys() throws {
        let old = PublicKey(rsaModulus: [0xC1, 1], publicExponent: [1, 0, 1])
        let new = PublicKey(rsaModulus: [0xC1, 3], publicExponent: [1, 0, 1])
        let token = "pkcs11:serial=1;model=m"
        let first = try order(1, key: old, [Self.certified, Self.proved])
        for (events, replaced, isReplaced) in [
            ([Self.proved], "OLD", true), ([], "OLD", false), ([Self.proved], "X", false),
            ([Self.proved], nil, false),
        ] as [([OrderEvent], String?, Bool)] {
            let second = try order(2, key: new, replaces: replaced, events)
            let keys = CertifiedKeys([first, second], on: token)
            #expect(keys.isReplaced(old) == isReplaced)
            #expect(keys.needsCertificate(old) == !isReplaced && keys.contains(old))
            #expect(keys.needsCertificate(new) == !events.isEmpty && !keys.isReplaced(new))
        }
    }

    // Otherwise the user who deleted a revoked certificate would be asked to certify its key again.
    @Test("A key needs no certificate if its certificate is revoked")
    func revokedKeys() throws {
        let key = PublicKey(rsaModulus: [0xC1, 1], publicExponent: [1, 0, 1])
        let token = "pkcs11:serial=1;model=m"
        for (fingerprint, isRevoked) in [("f", true), ("e", false)] {
            let revoked = OrderEvent.revoked(
                .init(sha256Fingerprint: fingerprint, serialNumber: "0a", ca: "https://ca.example"))
            let order = try order(1, key: key, [Self.certified, Self.proved, revoked])
            let keys = CertifiedKeys([order], on: token)
            #expect(keys.needsCertificate(key) == !isRevoked && keys.contains(key))
            #expect(keys.isReplaced(key) == isRevoked)
        }
    }

    // MARK: Passed over

    private func entry(
        _ content: CertificateEntry.Content?, _ certificate: Certificate? = nil
    ) -> CertificateEntry {
        CertificateEntry(
            record: ObjectRecord(
                handle: ObjectHandle(rawValue: 1), objectClass: .certificate, id: [1],
                labelBytes: Array("mail".utf8), on: ObjectURIs(token: Self.token)),
            valueHash: [], content: content, obstacle: content == nil ? .pem : nil,
            certificate: certificate)
    }

    private var content: CertificateEntry.Content {
        CertificateEntry.Content(
            subject: "CN=Anna", issuer: "CN=b", subjectName: "Anna", issuerName: "b",
            serialNumber: "0a", notBefore: 0, notAfter: 1, keyKind: .ed25519,
            isAuthority: false)
    }

    @Test("A candidate that fails later is skipped and needs action")
    func candidate() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let old = try certificate(key, to: Self.now + 100)
        let candidate = RenewalCandidate(
            certificate: old, label: [], key: Self.token, entry: KeyEntry(), uri: "pkcs11:id=%01",
            lostReplacements: [], isDestroyable: true, objection: nil)
        let passedOver = PassedOver(candidate, "the CA refused it")
        #expect(passedOver.certificate == "pkcs11:id=%01" && passedOver.key == nil)
        #expect(
            passedOver.content?.subject == "CN=Anna" && passedOver.content?.serialNumber == "0a")
        #expect(passedOver.needsAction && !passedOver.needsNewKey && passedOver.advice == nil)
    }

    // Otherwise the timer would fail for a certificate that the user has had revoked.
    @Test("A revoked certificate that is skipped needs no action, and a new key renews it")
    func revokedCertificate() {
        let passedOver = PassedOver(entry(content), revocationRecordedAt: 1_795_000_000)
        #expect(passedOver.reason == "it is revoked (recorded on 2026-11-18)")
        #expect(passedOver.isRevoked && passedOver.needsNewKey && !passedOver.needsAction)
        #expect(passedOver.advice == nil && passedOver.content?.subject == "CN=Anna")
        #expect(!PassedOver(entry(content), "r").isRevoked)
    }

    @Test("A passed-over object needs action unless marked otherwise")
    func action() {
        #expect(PassedOver(entry(content), "r").needsAction)
        #expect(!PassedOver(entry(content), "r", needsAction: false).needsAction)
        #expect(PassedOver(key: Self.token, "r", advice: .issue).needsAction)
    }
}
