import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertIssuance
@testable import TokencertLedger

/// Revocations that the ledger records.
@Suite struct LedgerRevocationTests {
    private static let ca = "https://ca.example"
    private static let work = "pkcs11:token=work;serial=1;model=m"
    private static let home = "pkcs11:token=home;serial=2;model=m"

    private let key: HostPrivateKey
    private let otherKey: HostPrivateKey

    init() throws {
        key = try HostPrivateKey.generate(.ec(.p256))
        otherKey = try HostPrivateKey.generate(.ec(.p256))
    }

    private func certificate(_ key: HostPrivateKey, serial: UInt8) throws -> Certificate {
        try key.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [serial], notBefore: 1_700_000_000, notAfter: 1_900_000_000,
                extensions: [.basicConstraints(isAuthority: false)]), issuer: nil)
    }

    private func job(_ key: HostPrivateKey) -> OrderEvent.Issue {
        .example(.existing(publicKeyHash: hexadecimal(key.publicKey.sha256Fingerprint)))
    }

    /// An order whose events are recorded one second after the other, from its number on.
    private func order(
        _ number: Int64, _ job: OrderEvent.Job, on token: String = LedgerRevocationTests.work,
        _ events: [OrderEvent]
    ) throws -> Order {
        let all = [OrderEvent.begun(.example(job, on: token))] + events
        return try #require(
            Order(
                number: number,
                events: all.enumerated().map { index, event in
                    RecordedEvent(
                        sequence: Int64(index) + 1, time: number * 100 + Int64(index), event: event)
                }))
    }

    private func proved(_ certificate: Certificate) -> [OrderEvent] {
        [
            .certified(.init(certificate: certificate.pem, others: "", changes: [])),
            .proved(
                .init(
                    uri: "pkcs11:object=mail",
                    sha256Fingerprint: hexadecimal(certificate.sha256Fingerprint), challenge: [],
                    signature: [])),
        ]
    }

    private func revoked(_ certificate: Certificate) -> OrderEvent {
        .revoked(
            .init(
                sha256Fingerprint: hexadecimal(certificate.sha256Fingerprint),
                serialNumber: certificate.serialNumber, ca: Self.ca))
    }

    // MARK: Reading

    // Otherwise another certificate of the same key would count as revoked.
    @Test("Only the certificate of the event is revoked, since the first event about it")
    func time() throws {
        let first = try certificate(key, serial: 0x0A)
        let second = try certificate(key, serial: 0x0B)
        let revocations = try Revocations([
            order(1, .issue(job(key)), proved(first) + [revoked(first)]),
            order(2, .issue(job(key)), proved(second)),
            order(3, .issue(job(key)), proved(first) + [revoked(first)]),
        ])
        #expect(revocations.time(of: first) == 103)
        #expect(revocations.time(of: second) == nil)
        #expect(revocations.contains(hexadecimal(first.sha256Fingerprint)))
    }

    @Test("A revocation belongs into the last order with the certificate, and is recorded once")
    func place() throws {
        let certificate = try certificate(key, serial: 0x0A)
        let other = try self.certificate(otherKey, serial: 0x0A)
        let orders = try [
            order(1, .issue(job(key)), proved(certificate)),
            order(2, .issue(job(key)), proved(certificate)),
            order(3, .issue(job(otherKey)), []),
        ]
        #expect(Revocations.orderToRecord(certificate, among: orders)?.number == 2)
        #expect(Revocations.orderToRecord(other, among: orders) == nil)
        let recorded = try orders + [order(4, .issue(job(key)), [revoked(certificate)])]
        #expect(Revocations.orderToRecord(certificate, among: recorded) == nil)
    }

    // MARK: Recording

    private func ledger(_ folder: TemporaryFolder) throws -> Ledger {
        try Ledger(path: folder.file("ledger.sqlite")) { 1_800_000_000 }
    }

    // Otherwise a finished order could not get its revocation, or would be open again.
    @Test("A revocation is recorded once in a finished order, which stays finished")
    func recording() throws {
        let folder = try TemporaryFolder()
        let ledger = try ledger(folder)
        let certificate = try certificate(key, serial: 0x0A)
        let number: Int64
        do {
            let open = try ledger.begin(.example(.issue(job(key)), on: Self.work))
            number = open.number
            for event in proved(certificate) { try open.record(event) }
        }
        for _ in 0..<2 {
            try ledger.recordRevocation(of: certificate, by: Self.ca)
            let order = try ledger.order(number)
            #expect(order.events.map(\.kind) == ["begun", "certified", "proved", "revoked"])
            #expect(order.events.last?.event == revoked(certificate))
            #expect(order.isFinished && order.state == .proved)
        }
        #expect(try ledger.orders(unfinishedOnly: true).isEmpty)
        #expect(try ledger.verify().isEmpty)
        try ledger.recordRevocation(of: self.certificate(otherKey, serial: 0x0A), by: Self.ca)
        #expect(try ledger.orders().flatMap(\.events).count == 4)
    }

    // Two processes that work on one order could each undo what the other relies on.
    @Test("Nothing is recorded while another process works on the order")
    func inUse() throws {
        let folder = try TemporaryFolder()
        let ledger = try ledger(folder)
        let certificate = try certificate(key, serial: 0x0A)
        let open = try ledger.begin(.example(.issue(job(key)), on: Self.work))
        for event in proved(certificate) { try open.record(event) }
        let error = #expect(throws: LedgerError.self) {
            try ledger.recordRevocation(of: certificate, by: Self.ca)
        }
        #expect(error?.code == .inUse)
        #expect(try open.order().events.map(\.kind) == ["begun", "certified", "proved"])
    }

    // MARK: Copies

    // Otherwise a renewal of one copy would order a certificate for the key of the revoked one.
    @Test("A revoked copy is not renewed together with the other one, and can be made again")
    func copies() throws {
        let original = try certificate(key, serial: 0x0A)
        let copy = try certificate(otherKey, serial: 0x0B)
        let first = try order(1, .issue(job(key)), proved(original))
        let origin = OrderEvent.Original(certificate: original.pem, token: Self.work)
        for (end, isRevoked) in [([], false), ([revoked(copy)], true)] as [([OrderEvent], Bool)] {
            let second = try order(
                2, .copy(job(otherKey), of: origin), on: Self.home, proved(copy) + end)
            let copies = CopiedCertificates([first, second])
            let together = copies.copies(of: original, on: Self.work).map(\.certificate)
            #expect(together == (isRevoked ? [] : [copy]))
            #expect(copies.copies(of: copy, on: Self.home).map(\.certificate) == [original])
            let made = copies.orderOfCopy(of: original, to: Self.home)?.number
            #expect(made == (isRevoked ? nil : 2))
        }
    }
}
