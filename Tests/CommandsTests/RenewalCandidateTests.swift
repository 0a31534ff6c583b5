import Cryptoki
import Foundation
import OpenSSLX509
import Testing
import TokencertTestAuthority

@testable import TokencertCommands
@testable import TokencertInventory
@testable import TokencertLedger

/// Which certificates are renewed, and what is printed about those that are passed over.
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
            anchors: TrustAnchors(anchors), now: Self.now, orders: [], profile: nil)
    }

    // MARK: Covering

    @Test("Of two certificates for the same, the one that ends later covers the other")
    func later() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let now = Self.now
        let old = try certificate(key, from: now, to: now + 100)
        for (start, end, isCovering) in [
            (now, now + 101, true), (now - 50, now + 101, true), (now + 50, now + 101, true),
            // If both end at the same time, the one that begins later was issued later.
            (now + 1, now + 100, true), (now, now + 100, false), (now - 1, now + 100, false),
            (now + 50, now + 99, false),
        ] {
            let new = try certificate(key, from: start, to: end)
            #expect(
                RenewalCandidates.covers(new, old) == isCovering,
                "\(start - now) to \(end - now)")
        }
    }

    // MARK: Chains

    @Test("A certificate that is not valid yet has no problem in its chain")
    func future() throws {
        let keys = try (0..<2).map { _ in try HostPrivateKey.generate(.ec(.p256)) }
        let now = Self.now
        let root = try certificate(keys[0], to: now + 900, name: "Root", isAuthority: true)
        for start in [now, now + 1] {
            let leaf = try certificate(
                keys[1], from: start, to: now + 100, signedBy: (keys[0], root))
            #expect(search([root]).chainProblem(leaf, []) == nil)
            #expect(
                search([]).chainProblem(leaf, []) == "it leads to no trust anchor: CN=Root")
        }
    }

    @Test("An expired root is a problem until the certificate itself has expired")
    func expiredRoot() throws {
        let keys = try (0..<2).map { _ in try HostPrivateKey.generate(.ec(.p256)) }
        let now = Self.now
        let root = try certificate(keys[0], to: now - 1, name: "Root", isAuthority: true)
        for (end, problem) in [
            (now, "a certificate of its chain is not valid now: CN=Root"), (now - 1, nil),
        ] as [(Int64, String?)] {
            let leaf = try certificate(keys[1], to: end, signedBy: (keys[0], root))
            #expect(search([root]).chainProblem(leaf, []) == problem, "\(end - now)")
        }
        #expect(search([root]).chainProblem(root, []) == nil)
    }

    // MARK: Keys of the ledger

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

    /// Otherwise a key that lost its certificate is not reported.
    @Test("A key needs a certificate after the token has proved one for it")
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

    @Test("The orders of another token say nothing about a key")
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

    @Test("A key needs no certificate after its certificate was replaced by one for another key")
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

    // MARK: Passed over

    private func entry(
        _ content: CertificateEntry.Content?, _ certificate: Certificate? = nil
    ) -> CertificateEntry {
        CertificateEntry(
            record: ObjectRecord(
                handle: ObjectHandle(rawValue: 1), objectClass: .certificate, id: [1],
                labelBytes: Array("mail".utf8), token: Self.token),
            valueHash: [], content: content, obstacle: content == nil ? .pem : nil,
            certificate: certificate)
    }

    private var content: CertificateEntry.Content {
        CertificateEntry.Content(
            subject: "CN=Anna", issuer: "CN=b", subjectName: "Anna", issuerName: "b",
            serialNumber: "0a", notBefore: 0, notAfter: 1, keyKind: .ed25519,
            isAuthority: false)
    }

    @Test("The line about a certificate names its subject and serial number, or else its URI")
    func lines() {
        let named = PassedOver(entry(content), "it is old")
        #expect(named.text == "CN=Anna, serial number 0a, was passed over: it is old")
        let advised = PassedOver(entry(content), "it is old", advice: "make a new one")
        #expect(advised.text == named.text + "; make a new one")
        let unread = entry(nil)
        #expect(
            PassedOver(unread, "it is text").text
                == "'\(unread.record.uri)' was passed over: it is text")
        let key = PassedOver(key: Self.token, "it is alone", advice: "issue")
        #expect(
            key.text == "the key 'pkcs11:token=work' was passed over: it is alone; issue")
    }

    @Test("Control characters from a certificate are not printed")
    func printing() {
        let hostile = CertificateEntry.Content(
            subject: "CN=a\u{1B}[2Jb", issuer: "", subjectName: "", issuerName: "",
            serialNumber: "01", notBefore: 0, notAfter: 1, keyKind: .ed25519,
            isAuthority: false)
        let text = PassedOver(entry(hostile), "reason").text
        #expect(!text.unicodeScalars.contains("\u{1B}") && text.contains(#"\u{1B}[2Jb"#))
    }

    @Test("A candidate that fails later is passed over and needs action")
    func candidate() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let old = try certificate(key, to: Self.now + 100)
        let candidate = RenewalCandidate(
            certificate: old, label: [], key: Self.token, entry: KeyEntry(), uri: "pkcs11:id=%01",
            lostReplacements: [], isDestroyable: true)
        let passedOver = PassedOver(candidate, "the CA refused it")
        #expect(passedOver.certificate == "pkcs11:id=%01" && passedOver.key == nil)
        #expect(passedOver.subject == "CN=Anna" && passedOver.serialNumber == "0a")
        #expect(passedOver.needsAction && !passedOver.needsNewKey && passedOver.advice == nil)
    }

    @Test("What is passed over needs action unless it says otherwise")
    func action() {
        #expect(PassedOver(entry(content), "r").needsAction)
        #expect(!PassedOver(entry(content), "r", needsAction: false).needsAction)
        #expect(PassedOver(key: Self.token, "r", advice: "a").needsAction)
    }

    @Test("Only a key that cannot sign is answered with the advice to make a new one")
    func failures() {
        var passedOver = PassedOver(entry(content), "it leads to no trust anchor")
        let plain = passedOver.failure
        #expect(plain.status == .noSuchObject && plain.code == "noSuchObject")
        #expect(
            plain.message
                == "cannot renew CN=Anna, serial number 0a: it leads to no trust anchor")
        #expect(plain.hints.count == 1 && !plain.hints[0].contains("--new-key"))
        passedOver.needsNewKey = true
        let unusable = passedOver.failure
        #expect(unusable.status == .cannotCreate && unusable.code == "keyUnusable")
        #expect(unusable.hints.count == 3 && unusable.hints[0].contains("--new-key"))
    }

    @Test("Certificates and keys are counted apart, in the singular and in the plural")
    func counts() {
        let certificate = PassedOver(entry(content), "r")
        let key = PassedOver(key: Self.token, "r", advice: "a")
        for (all, text) in [
            ([certificate], "1 certificate was passed over"),
            ([certificate, certificate], "2 certificates were passed over"),
            ([key], "1 key without a certificate was passed over"),
            ([key, key, key], "3 keys without a certificate were passed over"),
            (
                [key, certificate],
                "1 certificate and 1 key without a certificate were passed over"
            ),
            (
                [certificate, key, certificate, key],
                "2 certificates and 2 keys without a certificate were passed over"
            ),
        ] {
            #expect(PassedOver.count(all) == text)
        }
    }

    /// Programs that read the JSON rely on these names.
    @Test("The JSON has the names of what is known and leaves out the rest")
    func json() throws {
        func object(_ passedOver: PassedOver) throws -> [String: Any] {
            let data = try JSONEncoder().encode(passedOver)
            let parsed = try JSONSerialization.jsonObject(with: data)
            return try #require(parsed as? [String: Any])
        }
        var certificate = PassedOver(entry(content), "it is old", advice: "wait")
        certificate.needsNewKey = true
        let first = try object(certificate)
        #expect(
            Set(first.keys) == [
                "subject", "serialNumber", "certificate", "reason", "advice", "needsAction",
            ])
        #expect(first["reason"] as? String == "it is old")
        #expect(first["needsAction"] as? Bool == true)
        let second = try object(PassedOver(entry(nil), "it is text", needsAction: false))
        #expect(Set(second.keys) == ["certificate", "reason", "needsAction"])
        #expect(second["needsAction"] as? Bool == false)
        let third = try object(PassedOver(key: Self.token, "it is alone", advice: "issue"))
        #expect(Set(third.keys) == ["key", "reason", "advice", "needsAction"])
        #expect(third["key"] as? String == "pkcs11:token=work")
    }

    @Test("Every obstacle except another type may hide an X.509 certificate")
    func obstacles() {
        for (obstacle, mayBeX509) in [
            (.malformed, true), (.pem, true), (.url, true), (.noValue, true),
            (.otherType(CertificateType(rawValue: 1)), false),
        ] as [(CertificateEntry.Obstacle, Bool)] {
            #expect(obstacle.mayBeX509 == mayBeX509, "\(obstacle)")
            #expect(!obstacle.reason.isEmpty && !obstacle.reason.hasSuffix("."))
        }
    }
}
