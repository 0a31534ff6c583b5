import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertIssuance
@testable import TokencertLedger

/// Which certificates of the ledger expire soon.
@Suite struct ExpiringCertificateTests {
    private static let now: Int64 = 1_800_000_000
    private static let day: Int64 = 86_400
    private static let work = "pkcs11:token=work;serial=1;model=m"

    private let key: HostPrivateKey
    private let otherKey: HostPrivateKey

    init() throws {
        key = try HostPrivateKey.generate(.ec(.p256))
        otherKey = try HostPrivateKey.generate(.ec(.p256))
    }

    /// A certificate that ends a number of seconds from now.
    private func certificate(
        _ key: HostPrivateKey, endingIn seconds: Int64, name: String = "Anna",
        isAuthority: Bool = false
    ) throws -> Certificate {
        try key.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, name)], publicKey: key.publicKey,
                serialNumber: [0x0A], notBefore: Self.now - 900 * Self.day,
                notAfter: Self.now + seconds,
                extensions: [.basicConstraints(isAuthority: isAuthority)]), issuer: nil)
    }

    private func order(
        _ number: Int64, _ job: OrderEvent.Job, token: String = ExpiringCertificateTests.work,
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

    private func existing(_ key: HostPrivateKey) -> OrderEvent.Key {
        .existing(publicKeyHash: hexadecimal(key.publicKey.sha256Fingerprint))
    }

    private func issue(_ key: HostPrivateKey) -> OrderEvent.Job { .issue(.example(existing(key))) }

    private func renew(
        _ old: Certificate, _ key: HostPrivateKey, isRetired: Bool = false
    ) -> OrderEvent.Job {
        .renew(.example(existing(key)), replacing: old.pem, isRetired: isRetired)
    }

    private func certified(_ certificate: Certificate) -> OrderEvent {
        .certified(.init(certificate: certificate.pem, others: "", changes: []))
    }

    /// The events of an order with which the token has proved a certificate.
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

    /// The certificates of orders that expire soon. A ledger with the same orders must show the same.
    private func expiring(_ orders: [Order], within days: Int = 30) throws -> [ExpiringCertificate]
    {
        let found = ExpiringCertificates(orders, at: Self.now, within: days).certificates
        let folder = try TemporaryFolder()
        let ledger = try Ledger(path: folder.file("ledger.sqlite")) { 0 }
        for order in orders {
            let open = try ledger.begin(order.beginning)
            #expect(open.number == order.number)
            for event in order.events.dropFirst() { try open.record(#require(event.event)) }
        }
        let searched = try ExpiringCertificates(in: ledger, at: Self.now, within: days).certificates
        #expect(searched.map(description) == found.map(description))
        return found
    }

    private func description(_ found: ExpiringCertificate) -> String {
        let unfinished = found.unfinishedOrder.map { "\($0.number)" } ?? "none"
        return "\(found.certificate.pem) of \(found.order.number), \(unfinished) is unfinished, "
            + "\(found.isNamedByLabel)"
    }

    /// The numbers of the orders of the certificates that expire soon.
    private func numbers(_ orders: [Order], within days: Int = 30) throws -> [Int64] {
        try expiring(orders, within: days).map(\.order.number)
    }

    // MARK: The period

    @Test("A certificate expires soon up to the second at which the period ends")
    func boundary() throws {
        for (seconds, isSoon) in [
            (30 * Self.day - 1, true), (30 * Self.day, true), (30 * Self.day + 1, false),
            (0, true), (-1, true),
        ] as [(Int64, Bool)] {
            let order = try order(
                1, issue(key), proved(certificate(key, endingIn: seconds)))
            #expect(try numbers([order]) == (isSoon ? [1] : []), "\(seconds)")
        }
    }

    // Otherwise a certificate of a token in a drawer would lapse without any report.
    // A certificate whose token is lost must not be listed for ever.
    @Test("An expired certificate is listed until it is replaced, for a year at most")
    func longAgo() throws {
        let forgotten = try certificate(key, endingIn: -365 * Self.day - 1)
        #expect(try numbers([order(1, issue(key), proved(forgotten))], within: 1).isEmpty)
        let old = try certificate(key, endingIn: -365 * Self.day)
        let first = try order(1, issue(key), proved(old))
        #expect(try numbers([first], within: 1) == [1])
        let new = try certificate(key, endingIn: 500 * Self.day)
        #expect(try numbers([first, order(2, renew(old, key), proved(new))], within: 1).isEmpty)
    }

    @Test("The certificate that expires first is listed first")
    func sequence() throws {
        let orders = try ([5, -3, 20] as [Int64]).enumerated().map { index, days in
            let key = try HostPrivateKey.generate(.ec(.p256))
            return try order(
                Int64(index) + 1, issue(key),
                proved(certificate(key, endingIn: days * Self.day)))
        }
        #expect(try numbers(orders) == [2, 1, 3])
        #expect(try numbers([]) == [])
    }

    // MARK: Replaced certificates

    @Test("A certificate is listed until a renewal of it is proved, even one for another key")
    func replaced() throws {
        let old = try certificate(key, endingIn: 5 * Self.day)
        let first = try order(1, issue(key), proved(old))
        for newKey in [key, otherKey] {
            let new = try certificate(newKey, endingIn: 500 * Self.day)
            let job = renew(old, newKey)
            #expect(try numbers([first, order(2, job, proved(new))]).isEmpty)
            #expect(try numbers([first, order(2, job, [certified(new)])]) == [1])
            #expect(try numbers([first, order(2, job, [.closed(reason: "given up")])]) == [1])
        }
        // A replacement that expires soon is listed in place of the old certificate.
        let short = try certificate(key, endingIn: 6 * Self.day)
        #expect(try numbers([first, order(2, renew(old, key), proved(short))]) == [2])
    }

    @Test("A newer certificate for the same key counts if it covers the names of the old one")
    func sameKey() throws {
        let old = try certificate(key, endingIn: 5 * Self.day)
        let first = try order(1, issue(key), proved(old))
        for (newKey, name, isCovered) in [
            (key, "Anna", true), (key, "Berta", false), (otherKey, "Anna", false),
        ] {
            let new = try certificate(newKey, endingIn: 500 * Self.day, name: name)
            let second = try order(2, issue(newKey), proved(new))
            #expect(try numbers([first, second]) == (isCovered ? [] : [1]), "\(name)")
        }
    }

    // Otherwise it expires unnoticed although the timer of its CA renews it.
    @Test("A newer certificate from another CA does not count")
    func otherCA() throws {
        let first = try order(1, issue(key), proved(certificate(key, endingIn: 5 * Self.day)))
        let new = try certificate(key, endingIn: 500 * Self.day)
        for (address, isOther) in [
            ("https://ca.example", false), ("https://secure.ca.example", false),
            ("https://ca.test", true), ("command:ca.example", true),
        ] {
            let job = OrderEvent.Job.issue(
                OrderEvent.Issue(
                    ca: address, account: "anna@example.org", name: "Anna", key: existing(key)))
            let found = try numbers([first, order(2, job, proved(new))])
            #expect(found == (isOther ? [1] : []), "\(address)")
        }
    }

    // MARK: Revoked certificates

    private func revoked(_ certificate: Certificate) -> OrderEvent {
        .revoked(
            .init(
                sha256Fingerprint: hexadecimal(certificate.sha256Fingerprint),
                serialNumber: certificate.serialNumber, ca: "https://ca.example"))
    }

    // Otherwise the certificates of a lost token would be reported for years.
    @Test("A revoked certificate is not listed, whichever order has the revocation")
    func revokedCertificates() throws {
        let lost = try certificate(key, endingIn: 5 * Self.day)
        let kept = try certificate(otherKey, endingIn: 6 * Self.day)
        let second = try order(2, issue(otherKey), id: "02", proved(kept))
        let withEvent = try order(1, issue(key), proved(lost) + [revoked(lost)])
        #expect(try numbers([withEvent, second]) == [2])
        let imported = OrderEvent.Job.import(
            .init(publicKeyHash: hexadecimal(key.publicKey.sha256Fingerprint)))
        let again = try order(3, imported, proved(lost) + [revoked(lost)])
        #expect(try numbers([order(1, issue(key), proved(lost)), second, again]) == [2])
    }

    // Otherwise a valid certificate for the key of a revoked one would lapse without a report.
    @Test("A certificate for the same key as a revoked one is still listed")
    func otherCertificateOfTheKey() throws {
        let first = try certificate(key, endingIn: 5 * Self.day)
        let other = try certificate(key, endingIn: 6 * Self.day, name: "Berta")
        let orders = try [
            order(1, issue(key), proved(first) + [revoked(first)]),
            order(2, issue(key), proved(other)),
        ]
        #expect(try numbers(orders) == [2])
        // The revoked certificate is not renewed by the label.
        #expect(try expiring(orders).map(\.isNamedByLabel) == [true])
    }

    // MARK: Which orders count

    @Test("An imported certificate counts, and is listed once if it was imported again")
    func imported() throws {
        let certificate = try certificate(key, endingIn: 5 * Self.day)
        let hash = hexadecimal(key.publicKey.sha256Fingerprint)
        let job = OrderEvent.Job.import(.init(publicKeyHash: hash))
        let orders = try ([1, 2] as [Int64]).map { try order($0, job, proved(certificate)) }
        #expect(try numbers([orders[0]]) == [1])
        #expect(try numbers(orders) == [2])
    }

    @Test("An order that only made a request has no certificate")
    func request() throws {
        let order = try order(
            1, .request(newKeyKind: "ec:p256"),
            [.made(publicKeyHash: "aa"), .requested(request: "PEM")])
        #expect(try numbers([order]).isEmpty)
    }

    @Test("A certificate that no token has proved is not listed")
    func notProved() throws {
        let certificate = try certificate(key, endingIn: 5 * Self.day)
        for events: [OrderEvent] in [
            [], [certified(certificate)], [certified(certificate), .written(uri: "pkcs11:")],
            [certified(certificate), .closed(reason: "given up")],
        ] {
            #expect(try numbers([order(1, issue(key), events)]).isEmpty, "\(events)")
        }
    }

    // Otherwise nothing would be listed: the certificate has replaced the old one.
    @Test("A proved certificate is listed even if the removal of the old one was given up")
    func givenUp() throws {
        let old = try certificate(key, endingIn: -Self.day)
        let new = try certificate(key, endingIn: 5 * Self.day)
        let first = try order(1, issue(key), proved(old))
        let second = try order(
            2, renew(old, key, isRetired: true), proved(new) + [.closed(reason: "given up")])
        #expect(try numbers([first, second]) == [2])
    }

    @Test("A CA certificate is listed if a token has proved its key")
    func authority() throws {
        let root = try certificate(key, endingIn: 5 * Self.day, isAuthority: true)
        #expect(try numbers([order(1, issue(key), proved(root))]) == [1])
    }

    // Otherwise the user is told to get the next one from another CA.
    @Test("An import of a certificate does not hide the order that led to it")
    func importedAgain() throws {
        let certificate = try certificate(key, endingIn: 5 * Self.day)
        let hash = hexadecimal(key.publicKey.sha256Fingerprint)
        let job = OrderEvent.Job.import(.init(publicKeyHash: hash))
        #expect(
            try numbers([
                order(1, issue(key), proved(certificate)), order(2, job, proved(certificate)),
            ]) == [1])
    }

    // MARK: What to do

    @Test("An unfinished order that replaces a certificate or is for its key is named")
    func unfinished() throws {
        let old = try certificate(key, endingIn: 5 * Self.day)
        let first = try order(1, issue(key), proved(old))
        for (job, events, number) in [
            (renew(old, otherKey), [], 2), (issue(key), [], 2), (issue(otherKey), [], nil),
            (renew(old, key), [.closed(reason: "given up")], nil),
        ] as [(OrderEvent.Job, [OrderEvent], Int64?)] {
            let found = try expiring([first, order(2, job, events)])
            #expect(found.map(\.unfinishedOrder?.number) == [number], "\(job)")
        }
    }

    @Test("A label names a certificate only if no other current key or certificate has it")
    func labels() throws {
        let old = try certificate(key, endingIn: 5 * Self.day)
        let first = try order(1, issue(key), proved(old))
        #expect(try expiring([first]).map(\.isNamedByLabel) == [true])
        let other = try certificate(otherKey, endingIn: 500 * Self.day)
        for (token, isNamed) in [(Self.work, false), ("pkcs11:serial=2;model=m", true)] {
            let second = try order(2, issue(otherKey), token: token, id: "02", proved(other))
            #expect(try expiring([first, second]).map(\.isNamedByLabel) == [isNamed], "\(token)")
        }
        let next = try certificate(key, endingIn: 6 * Self.day)
        let renewal = try order(2, renew(old, key), proved(next))
        #expect(try expiring([first, renewal]).map(\.isNamedByLabel) == [true])
    }
}
