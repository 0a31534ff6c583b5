import Foundation
import Testing
import TokencertCAcert
import TokencertPlatform
import TokencertTestAuthority
import TokencertTestSupport

@testable import Cryptoki
@testable import OpenSSLX509
@testable import TokencertIssuance
@testable import TokencertLedger

/// A transport that sends nothing.
struct NoTransport: Transport {
    mutating func post(
        to url: String, form: borrowing Secret
    ) throws(TransportError) -> TransportAnswer {
        throw TransportError(reason: "none", mayHaveBeenSent: false)
    }
}

/// The certificates that may be the outcome of an order.
@Suite struct OrderOutcomeTests {
    private static let day: Int64 = 86_400
    /// The time when the order is sent.
    private static let sent: Int64 = 1_800_000_000

    private func certificate(_ key: HostPrivateKey, at notBefore: Int64) throws -> Certificate {
        try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [1, UInt8(truncatingIfNeeded: notBefore)], notBefore: notBefore,
                notAfter: notBefore + 10 * Self.day, extensions: []), issuer: nil)
    }

    private func begin(
        _ ledger: Ledger, _ key: HostPrivateKey, importing isImport: Bool = false,
        id: String = "01"
    ) throws -> OpenOrder {
        let hash = hexadecimal(Digest.sha256.hash(key.publicKey.subjectPublicKeyInfo))
        let job: OrderEvent.Job =
            isImport
            ? .import(.init(publicKeyHash: hash))
            : .issue(.example(.existing(publicKeyHash: hash)))
        return try ledger.begin(.example(job, on: "pkcs11:serial=1", id: id))
    }

    private func finish(_ order: OpenOrder, _ certificate: Certificate) throws {
        try order.record(
            .certified(.init(certificate: certificate.pem, others: "", changes: [])))
        try order.record(
            .proved(
                .init(
                    uri: "pkcs11:", sha256Fingerprint: hexadecimal(certificate.sha256Fingerprint),
                    challenge: [], signature: [])))
    }

    private func reason(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "taken"
        } catch {
            guard let error = error as? IssuanceError else { return "\(error)" }
            return "\(error.code): \(error.reason)"
        }
    }

    // Otherwise an order could end with another order's certificate, and the newer one would be
    // removed.
    @Test("Another order's outcome or a certificate older than the order is not its outcome")
    func others() throws {
        let folder = NSTemporaryDirectory() + "tokencert-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ledger = try Ledger(path: folder + "/ledger.sqlite") { Self.sent }
        let key = try HostPrivateKey.generate(.ec(.p256))
        let stranger = try HostPrivateKey.generate(.ec(.p256))
        let first = try certificate(key, at: Self.sent + 20)
        do { try finish(begin(ledger, key), first) }
        let order = try begin(ledger, key)
        try order.record(
            .sending(
                .init(
                    keyURI: "pkcs11:", publicKeyHash: order.order().publicKeyHash ?? "",
                    request: "PEM", isRepeated: false)))
        let outcomes = try OrderOutcomes(besides: order.order(), in: ledger)
        func take(_ certificates: [Certificate], byHand: Bool = true) -> String {
            reason { _ = try outcomes.filter(certificates, isFromElsewhere: byHand) }
        }
        for byHand in [true, false] {
            #expect(
                take([first], byHand: byHand)
                    == "notTheOutcome: this certificate belongs to order 1")
        }
        let old = try certificate(key, at: Self.sent - 2 * Self.day - 1)
        #expect(
            take([old]) == "issuedBeforeOrder: this certificate was issued before order 2 was sent")
        // Some CAs set the beginning back to the midnight before.
        let near = try certificate(key, at: Self.sent - 2 * Self.day)
        #expect(take([near]) == "taken")
        for (seconds, isRecent) in [(300, true), (301, false)] as [(Int64, Bool)] {
            let early = try certificate(key, at: Self.sent - seconds)
            #expect(outcomes.isRecent(early) == isRecent)
        }
        // For the CA's answer, only the CA's clock counts.
        #expect(
            take([old], byHand: false)
                == "notTheOutcome: this certificate is older than the certificate of order 1")
        let new = try certificate(key, at: Self.sent + 30)
        #expect(take([new]) == "taken")
        #expect(take([new], byHand: false) == "taken")
        // Of several certificates, the right one and its chain are kept.
        let chain = try certificate(stranger, at: Self.sent - 900 * Self.day)
        let left = try outcomes.filter([old, chain, first, new], isFromElsewhere: true)
        #expect(left == [chain, new])
        // An imported certificate was issued before.
        try order.record(.closed(reason: "over"))
        let imported = try begin(ledger, key, importing: true)
        let all = try OrderOutcomes(besides: imported.order(), in: ledger)
        #expect(try all.filter([first, old], isFromElsewhere: true) == [first, old])
    }

    // Otherwise the certificate of a CA that sets the beginning of validity back is never taken.
    @Test("A certificate for a key that the order has made may begin at any time")
    func madeKey() throws {
        let folder = NSTemporaryDirectory() + "tokencert-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ledger = try Ledger(path: folder + "/ledger.sqlite") { Self.sent }
        let key = try HostPrivateKey.generate(.ec(.p256))
        let order = try ledger.begin(.example(.issue(.example()), on: "pkcs11:serial=1"))
        try order.record(.made(publicKeyHash: hexadecimal(key.publicKey.sha256Fingerprint)))
        let outcomes = try OrderOutcomes(besides: order.order(), in: ledger)
        let old = try certificate(key, at: Self.sent - 900 * Self.day)
        #expect(outcomes.objection(to: old, isFromElsewhere: true) == nil)
    }

    // Otherwise a mistyped number would end in a message about a key without saying whose.
    @Test("A certificate for the key of another order is refused by the number of that order")
    func otherKey() throws {
        let folder = NSTemporaryDirectory() + "tokencert-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ledger = try Ledger(path: folder + "/ledger.sqlite") { Self.sent }
        var keys: [HostPrivateKey] = []
        for _ in 0..<4 { keys.append(try HostPrivateKey.generate(.ec(.p256))) }
        let certificates = try keys.map { try certificate($0, at: Self.sent + 20) }
        do { try finish(begin(ledger, keys[0]), certificates[0]) }
        do { _ = try begin(ledger, keys[1], id: "02") }
        let order = try begin(ledger, keys[2], id: "03")
        let outcomes = try OrderOutcomes(
            besides: order.order(), about: certificates, in: ledger)
        func take(_ certificates: [Certificate]) -> String {
            reason { try outcomes.requireOwnKey(certificates) }
        }
        #expect(take([certificates[0]]) == "notTheOutcome: this certificate belongs to order 1")
        #expect(
            take([certificates[3], certificates[1]])
                == "notTheOutcome: this certificate is for the key of order 2, not of order 3")
        // The order's own certificate, and one of which no order is known.
        #expect(take([certificates[2], certificates[1]]) == "taken")
        #expect(take([certificates[3]]) == "taken")
        #expect(take([]) == "taken")
    }

    /// The outcome of an answer, and the state of the order after it.
    private func read(
        _ body: String, interruption: String? = nil
    ) throws -> (certificates: [Certificate]?, reason: String?, state: OrderState) {
        let folder = NSTemporaryDirectory() + "tokencert-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let ledger = try Ledger(path: folder + "/ledger.sqlite") { Self.sent }
        let openOrder = try begin(ledger, try HostPrivateKey.generate(.ec(.p256)))
        let answer = OrderEvent.Answer(
            status: 200, body: Array(body.utf8), interruption: interruption)
        try openOrder.record(
            .sending(
                .init(
                    keyURI: "pkcs11:", publicKeyHash: "aa", request: "PEM", isRepeated: false)))
        try openOrder.record(.answered(answer))
        switch AnswerReading(answer, from: CAcertAccount<NoTransport>.self) {
        case .certificates(let certificates, let doubt):
            return (certificates, doubt, try openOrder.order().state)
        case .nothing(let outcome):
            for fact in outcome.facts { try openOrder.record(fact) }
            return (nil, try openOrder.order().reason, try openOrder.order().state)
        }
    }

    // Otherwise a second certificate would be ordered for the same key.
    @Test("A certificate in a refusal is received, and the order does not count as refused")
    func certificateUnderRefusal() throws {
        let certificate = try certificate(try HostPrivateKey.generate(.ec(.p256)), at: Self.sent)
        for verdict in [
            "403,Something new", "404,Invalid or missing CSR",
            "404,Your certificate request has failed. ID: 4711", "500,Boom",
        ] {
            let received = try read(verdict + "\n" + certificate.pem)
            #expect(received.certificates == [certificate], "\(verdict)")
            #expect(received.reason != nil && received.state == .answered, "\(verdict)")
            let broken = try read(verdict + "\n" + certificate.pem, interruption: "reset")
            #expect(broken.certificates == [certificate], "\(verdict)")
        }
        let refused = try read("403,Something new\n")
        #expect(refused.certificates == nil && refused.state == .refused)
        let late = try read("404,Your certificate request has failed. ID: 4711")
        #expect(late.certificates == nil && late.state == .unclear)
    }

    // Otherwise an issued certificate would be lost, and a second one ordered.
    @Test("Intact certificates are found beside broken blocks, even in the middle of a line")
    func brokenBlocks() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let first = try certificate(key, at: Self.sent)
        let second = try certificate(key, at: Self.sent + 1)
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----")
        for broken in [
            "\(begin)\nAAAA\n\(end)\n", "\(begin)\n!!!!\n\(end)</p>",
            String(first.pem.prefix(200)), "\(begin)\n", begin, "-----BEGIN RSA", "text: ",
        ] {
            let read = try read("200,Ok\n" + broken + first.pem + broken + "<p>" + second.pem)
            #expect(read.certificates == [first, second], "\(broken)")
            #expect(read.reason == nil && read.state == .answered, "\(broken)")
        }
        let cut = try read("200,Ok\n" + String(first.pem.prefix(200)))
        #expect(cut.reason?.contains("its answer is damaged") == true && cut.state == .unclear)
        for piece in ["-", begin, begin + "\n"] {
            let start = ContinuousClock.now
            let text = String(repeating: piece, count: (1 << 16) / piece.utf8.count)
            #expect(Certificate.all(inAnswer: Array(text.utf8)).certificates.isEmpty)
            #expect(ContinuousClock.now - start < .seconds(10), "\(piece.debugDescription)")
        }
    }

    private func authority() throws -> (key: HostPrivateKey, certificate: Certificate) {
        let root = try HostPrivateKey.generate(.ec(.p256))
        let certificate = try root.issue(
            CertificateContent(
                subject: [.init(.commonName, "Root")], publicKey: root.publicKey,
                serialNumber: [1], notBefore: Self.sent, notAfter: Self.sent + 10 * Self.day,
                extensions: [
                    .basicConstraints(isAuthority: true), .keyUsage([.keyCertSign, .cRLSign]),
                    .subjectKeyIdentifier(root.publicKey), .authorityKeyIdentifier(root.publicKey),
                ]), issuer: nil)
        return (root, certificate)
    }

    private func tokenKey(_ key: HostPrivateKey) -> TokenKey {
        TokenKey(
            handle: ObjectHandle(rawValue: 1), publicKey: key.publicKey, id: [1], labelBytes: [],
            uri: "pkcs11:", isNew: true, needsPINForEachUse: false, maySign: true,
            mayDecrypt: false, tellsPublicKey: true)
    }

    // Otherwise the requested and the received addresses would look the same.
    @Test("An address only in the subject is reported as missing from subjectAltName")
    func addressInSubject() throws {
        let (root, anchor) = try authority()
        let key = try HostPrivateKey.generate(.ec(.p256))
        let verify = Verification(anchors: TrustAnchors([anchor]), time: Self.sent + 10)
        let expected = CertificateGrant(
            name: "Anna", emailAddresses: ["a@example.org", "b@example.org"], codeSigning: false)
        for (addresses, got) in [
            (["b@example.org"], "b@example.org"), ([], "none"),
        ] as [([String], String)] {
            let names: [CertificateExtension] =
                addresses.isEmpty
                ? [] : [try .subjectAlternativeName(emailAddresses: addresses)]
            let certificate = try root.issue(
                CertificateContent(
                    subject: [
                        .init(.commonName, "Anna"), .init(.emailAddress, "a@example.org"),
                        .init(.emailAddress, "b@example.org"),
                    ], publicKey: key.publicKey, serialNumber: [1], notBefore: Self.sent,
                    notAfter: Self.sent + Self.day,
                    extensions: [
                        .basicConstraints(isAuthority: false),
                        .extendedKeyUsage([.emailProtection, .clientAuth]),
                        .authorityKeyIdentifier(root.publicKey),
                    ] + names), issuer: anchor)
            let reason = reason {
                _ = try verify.verify(
                    [certificate], for: tokenKey(key), expected, acceptingChanges: false)
            }
            #expect(
                reason.hasSuffix(
                    "requested: e-mail addresses in subjectAltName: requested "
                        + "\"a@example.org, b@example.org\", got \"\(got)\""), "\(reason)")
        }
    }

    // Otherwise the valid certificate would be discarded, and the order would fail.
    @Test("A valid certificate is found beside unusable ones for the same key")
    func severalForOneKey() throws {
        let (root, anchor) = try authority()
        let key = try HostPrivateKey.generate(.ec(.p256))
        func issue(
            _ name: String, at notBefore: Int64, by signer: HostPrivateKey
        ) throws -> Certificate {
            try signer.issue(
                CertificateContent(
                    subject: [.init(.commonName, name)], publicKey: key.publicKey,
                    serialNumber: [1, UInt8(truncatingIfNeeded: notBefore)], notBefore: notBefore,
                    notAfter: Self.sent + 5 * Self.day,
                    extensions: [
                        .basicConstraints(isAuthority: false),
                        .extendedKeyUsage([.emailProtection, .clientAuth]),
                        try .subjectAlternativeName(emailAddresses: ["anna@example.org"]),
                        .authorityKeyIdentifier(root.publicKey),
                    ]), issuer: anchor)
        }
        let good = try issue("Anna", at: Self.sent, by: root)
        let forged = try issue("Anna", at: Self.sent + 1, by: key)
        let other = try issue("Bob", at: Self.sent + 2, by: root)
        let verify = Verification(anchors: TrustAnchors([anchor]), time: Self.sent + 10)
        let onToken = tokenKey(key)
        for acceptsChanges in [false, true] {
            let expected = CertificateGrant(
                name: "Anna", emailAddresses: ["anna@example.org"], codeSigning: false)
            func verified(
                _ received: [Certificate], _ expected: CertificateGrant?
            ) throws -> VerifiedCertificate {
                try verify.verify(
                    received, for: onToken, expected, acceptingChanges: acceptsChanges)
            }
            for received in [[other, forged, good], [good, forged, other], [good]] {
                let found = try verified(received, expected)
                #expect(found.certificate == good && found.differences.isEmpty)
            }
            #expect(reason { _ = try verified([good, forged], nil) } == "taken")
            // A valid one that differs is preferred to a newer invalid one.
            let sound = reason { _ = try verified([other, forged], expected) }
            let differs = "differs from what was requested"
            #expect(sound.contains(differs) == !acceptsChanges, "\(sound)")
            #expect(
                reason { _ = try verified([forged], expected) }
                    .contains("does not chain to a trust anchor"))
            let changed = reason { _ = try verified([forged, other], expected) }
            #expect(changed.contains(differs) == !acceptsChanges, "\(changed)")
        }
    }

    @Test("A certificate stays if it is newer or valid for longer than its replacement")
    func retiring() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let old = try certificate(key, at: Self.sent)
        let new = try certificate(key, at: Self.sent + 1)
        #expect(old.reasonToStay(beside: new, among: []) == nil)
        #expect(new.reasonToStay(beside: old, among: []) != nil)
        let short = try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [2], notBefore: Self.sent + 1, notAfter: Self.sent + 2,
                extensions: []), issuer: nil)
        #expect(old.reasonToStay(beside: short, among: []) != nil)
    }

    // Otherwise the only certificate with an address or a use is removed.
    @Test(
        "A certificate with more content than its replacement stays, unless the user accepted that")
    func retiringContent() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        func certificate(_ number: UInt8, _ addresses: [String]) throws -> Certificate {
            try key.issue(
                CertificateContent(
                    subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                    serialNumber: [number], notBefore: Self.sent, notAfter: Self.sent + 900,
                    extensions: [.subjectAlternativeName(emailAddresses: addresses)]), issuer: nil)
        }
        let old = try certificate(1, ["a@example.org", "b@example.org"])
        let new = try certificate(2, ["a@example.org"])
        #expect(
            old.reasonToStay(beside: new, among: [])
                == "the new one does not have names in subjectAltName")
        #expect(old.reasonToStay(beside: new, among: [], acceptingLoss: true) == nil)
        #expect(new.reasonToStay(beside: old, among: []) == nil)
    }
}
