import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertIssuance
@testable import TokencertLedger

/// The certificates and the tokens of the ledger, and the names that mean one of them.
@Suite struct LedgerCertificateTests {
    private static let now: Int64 = 1_800_000_000
    private static let work = "pkcs11:token=work;serial=1;model=m"
    private static let home = "pkcs11:token=home;serial=2;model=m"

    private let key: HostPrivateKey
    private let otherKey: HostPrivateKey

    init() throws {
        key = try HostPrivateKey.generate(.ec(.p256))
        otherKey = try HostPrivateKey.generate(.ec(.p256))
    }

    private func certificate(
        _ key: HostPrivateKey, serial: UInt8, at time: Int64 = LedgerCertificateTests.now
    ) throws -> Certificate {
        try key.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [serial], notBefore: time, notAfter: time + 86_400,
                extensions: [.basicConstraints(isAuthority: false)]), issuer: nil)
    }

    private func job(_ key: HostPrivateKey) -> OrderEvent.Issue {
        .example(.existing(publicKeyHash: hexadecimal(key.publicKey.sha256Fingerprint)))
    }

    private func order(
        _ number: Int64, _ job: OrderEvent.Job, on token: String = LedgerCertificateTests.work,
        id: String = "01", _ events: [OrderEvent]
    ) throws -> Order {
        let all = [OrderEvent.begun(.example(job, on: token, id: id))] + events
        return try #require(
            Order(
                number: number,
                events: all.enumerated().map { index, event in
                    RecordedEvent(sequence: Int64(index) + 1, time: 0, event: event)
                }))
    }

    private func certified(_ certificate: Certificate) -> OrderEvent {
        .certified(.init(certificate: certificate.pem, others: "", changes: []))
    }

    private func proved(_ certificate: Certificate) -> [OrderEvent] {
        [
            certified(certificate), .written(uri: "pkcs11:object=mail"),
            .proved(
                .init(
                    uri: "pkcs11:object=mail",
                    sha256Fingerprint: hexadecimal(certificate.sha256Fingerprint), challenge: [],
                    signature: [])),
        ]
    }

    private func serials(_ certificates: [LedgerCertificate]) -> [String] {
        certificates.map(\.certificate.serialNumber)
    }

    // Otherwise `revoke` could not verify what the CA reports about a revocation.
    @Test("Each CA certificate that orders have written to tokens is known once")
    func authorities() throws {
        let authority = try key.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, "CA")], publicKey: key.publicKey,
                serialNumber: [1], notBefore: Self.now, notAfter: Self.now + 86_400,
                extensions: [.basicConstraints(isAuthority: true)]), issuer: nil)
        let other = try certificate(key, serial: 2)
        let written = OrderEvent.chainWritten(certificate: authority.pem)
        let ledger = try LedgerCertificates([
            order(1, .issue(job(key)), [written, written]),
            order(
                2, .issue(job(otherKey)), [written, .chainWritten(certificate: other.pem)]),
        ])
        #expect(ledger.authorities == [authority])
    }

    // Otherwise the user would look for certificates that are revoked, or rely on a key that still has
    // a valid one.
    @Test("The other certificates for a key are those that are neither expired nor revoked")
    func others() throws {
        let own = try certificate(key, serial: 0x0A)
        let valid = try certificate(key, serial: 0x0B)
        let revoked = try certificate(key, serial: 0x0C)
        let expired = try certificate(key, serial: 0x0D, at: Self.now - 86_400)
        let revocation = OrderEvent.revoked(
            .init(
                sha256Fingerprint: hexadecimal(revoked.sha256Fingerprint), serialNumber: "0c",
                ca: "https://ca.example.org"))
        let ledger = try LedgerCertificates([
            order(1, .issue(job(key)), proved(own)), order(2, .issue(job(key)), proved(valid)),
            order(3, .issue(job(key)), proved(revoked) + [revocation]),
            order(4, .issue(job(key)), proved(expired)),
            order(5, .issue(job(otherKey)), proved(certificate(otherKey, serial: 0x0E))),
        ])
        #expect(ledger.others(forKeyOf: own, at: Self.now) == [valid])
        #expect(ledger.others(forKeyOf: valid, at: Self.now) == [own])
        #expect(ledger.others(forKeyOf: own, at: Self.now + 86_400).isEmpty)
        // One that is not in the ledger can be for a key that is.
        let unknown = try certificate(key, serial: 0x0F)
        #expect(ledger.others(forKeyOf: unknown, at: Self.now) == [own, valid])
    }

    // MARK: Names

    // Otherwise the wrong certificate would be revoked, which cannot be undone.
    @Test("A label means the newest proved certificate of its key, and a serial number exactly one")
    func names() throws {
        let (old, new) = (
            try certificate(key, serial: 0x0A), try certificate(key, serial: 0x0B, at: Self.now + 9)
        )
        let ledger = try LedgerCertificates([
            order(1, .issue(job(key)), proved(old)), order(2, .issue(job(key)), proved(new)),
            order(
                3, .issue(job(key)), [certified(certificate(key, serial: 0x0C, at: Self.now + 99))]),
        ])
        #expect(serials(ledger.named("mail")) == ["0b"])
        #expect(serials(ledger.named("0a")) == ["0a"])
        #expect(serials(ledger.named("0x0A")) == ["0a"])
        #expect(serials(ledger.named("0C")) == ["0c"])
        #expect(serials(ledger.named("01")) == ["0b"])
        for name in ["mai", "Mail", "", "0", "ab"] {
            #expect(ledger.named(name).isEmpty, "\(name)")
        }
    }

    @Test("A label of two keys means two certificates, so that the user has to choose")
    func ambiguousNames() throws {
        let ledger = try LedgerCertificates([
            order(1, .issue(job(key)), proved(certificate(key, serial: 0x0A))),
            order(
                2, .issue(job(otherKey)), on: Self.home,
                proved(certificate(otherKey, serial: 0x0B))),
        ])
        #expect(serials(ledger.named("mail")) == ["0a", "0b"])
    }

    @Test("The label of an order without a certificate is found in the unfinished orders")
    func unfinished() throws {
        let open = try order(1, .issue(job(key)), [])
        let ledger = LedgerCertificates([open])
        #expect(ledger.named("mail").isEmpty)
        #expect(ledger.unfinishedOrder(named: "mail") == 1)
        #expect(ledger.unfinishedOrder(named: "other") == nil)
    }

    // MARK: Places

    @Test("A certificate is on each token that has proved it, until an order has removed it there")
    func places() throws {
        let (old, new) = (
            try certificate(key, serial: 0x0A), try certificate(key, serial: 0x0B, at: Self.now + 9)
        )
        let first = try order(1, .issue(job(key)), proved(old))
        let second = try order(2, .issue(job(key)), on: Self.home, proved(old))
        #expect(LedgerCertificates([first]).certificates.map { $0.places.map(\.number) } == [[1]])
        let both = LedgerCertificates([first, second]).certificates
        #expect(both.map { $0.places.map(\.number) } == [[1, 2]])
        let renewal = try order(
            3, .renew(job(key), replacing: old.pem, isRetired: true),
            proved(new) + [.retiring(certificate: "old"), .retired(certificate: "old")])
        let after = LedgerCertificates([first, second, renewal]).certificates
        #expect(after.map { $0.places.map(\.number) } == [[2], [3]])
        #expect(serials(after) == ["0a", "0b"])
        let unproved = try order(1, .issue(job(key)), [certified(old)])
        let known = try #require(LedgerCertificates([unproved]).certificates.first)
        #expect(known.places.isEmpty && !known.isProved)
    }

    // MARK: Tokens

    // Otherwise a certificate of a stolen token would stay valid.
    @Test("The certificates of a lost token are all that it has proved, also those removed from it")
    func lostToken() throws {
        let (old, new) = (
            try certificate(key, serial: 0x0A), try certificate(key, serial: 0x0B, at: Self.now + 9)
        )
        let ledger = try LedgerCertificates([
            order(1, .issue(job(key)), proved(old)),
            order(
                2, .renew(job(key), replacing: old.pem, isRetired: true),
                proved(new) + [.retiring(certificate: "old"), .retired(certificate: "old")]),
            order(
                3, .issue(job(otherKey)), on: Self.home,
                proved(certificate(otherKey, serial: 0x0C))),
        ])
        for name in ["work", "1"] {
            let tokens = ledger.tokens(named: name)
            #expect(tokens.count == 1)
            #expect(serials(tokens.flatMap { ledger.certificates(on: $0) }) == ["0a", "0b"])
        }
        for name in ["wor", "Work", "", "0", "m"] {
            #expect(ledger.tokens(named: name).isEmpty, "\(name)")
        }
    }

    // Otherwise a certificate that arrives later would stay valid unnoticed.
    @Test("A closed order that was sent may result in a certificate, unless it already has")
    func mayBring() throws {
        let own = try certificate(key, serial: 0x0A)
        let sent = OrderEvent.sending(
            .init(keyURI: "", publicKeyHash: "aa", request: "", isRepeated: false))
        let ledger = try LedgerCertificates([
            order(1, .issue(job(otherKey)), [sent, .closed(reason: "given up")]),
            order(2, .issue(job(key)), [sent, certified(own)]),
            order(3, .issue(job(key)), []),
        ])
        let token = try #require(ledger.tokens(named: "work").first)
        let certificates = ledger.certificates(on: token)
        #expect(serials(certificates) == ["0a"])
        let orders = token.ordersThatMayBringCertificates(besides: certificates)
        #expect(orders.map(\.number) == [1])
    }

    @Test(
        "A certificate of the account for the key of an order settles the order, if it is sent once"
    )
    func settled() throws {
        let found = try certificate(key, serial: 0x0B)
        func sent(isRepeated: Bool = false) -> OrderEvent {
            .sending(
                .init(
                    keyURI: "", publicKeyHash: hexadecimal(found.publicKey.sha256Fingerprint),
                    request: "", isRepeated: isRepeated))
        }
        func pending(_ orders: [Order]) throws -> [Int64] {
            let token = try #require(LedgerCertificates(orders).tokens(named: "work").first)
            return token.ordersThatMayBringCertificates(besides: [], found: [found, found])
                .map(\.number)
        }
        let once = try order(1, .issue(job(key)), [sent(), .closed(reason: "given up")])
        #expect(try pending([once]) == [])
        let twice = try order(
            2, .issue(job(key)), [sent(), .unclear(reason: ""), sent(isRepeated: true)])
        #expect(try pending([twice]) == [2])
        // The certificate may be that of either order.
        let other = try order(3, .issue(job(key)), [sent(), .closed(reason: "given up")])
        #expect(try pending([once, other]) == [1, 3])
        // It may be that of the exported request.
        let hash = hexadecimal(found.publicKey.sha256Fingerprint)
        let exported = try order(
            5, .request(newKeyKind: "ec:p256"),
            [.made(publicKeyHash: hash), .requested(request: "PEM")])
        #expect(try pending([once, exported]) == [1])
        #expect(
            try pending([
                order(
                    4, .issue(job(otherKey)),
                    [
                        .sending(
                            .init(keyURI: "", publicKeyHash: "aa", request: "", isRepeated: false))
                    ])
            ]) == [4])
    }

    @Test("A renamed token has its last label, and two tokens with one label are told apart")
    func renamedTokens() throws {
        let ledger = try LedgerCertificates([
            order(1, .issue(job(key)), []),
            order(2, .issue(job(key)), on: "pkcs11:token=new;serial=1;model=m", []),
            order(3, .issue(job(otherKey)), on: "pkcs11:token=new;serial=2;model=m", []),
        ])
        #expect(ledger.tokens(named: "work").isEmpty)
        #expect(ledger.tokens(named: "new").map { $0.orders.map(\.number) } == [[1, 2], [3]])
        #expect(ledger.tokens(named: "1").map { $0.orders.map(\.number) } == [[1, 2]])
    }
}
