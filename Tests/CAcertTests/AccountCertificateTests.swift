import OpenSSLX509
import Testing
import TokencertPlatform
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertCAcert
@testable import TokencertIssuance
@testable import TokencertLedger

/// What the ledger knows about the certificates of the account.
@Suite struct AccountCertificateTests {
    /// A transport that is never used.
    private struct NoTransport: Transport {
        mutating func post(
            to url: String, form: borrowing Secret
        ) throws(TransportError) -> TransportAnswer {
            throw TransportError(reason: "not used", mayHaveBeenSent: false)
        }
    }

    /// 2026-11-29 09:00:00 UTC.
    private static let now: Int64 = 1_795_942_800
    private static let site = "https://ca.example"

    private let key: HostPrivateKey

    init() throws { key = try HostPrivateKey.generate(.ec(.p256)) }

    private func listed(
        _ number: String, _ serial: String?, _ expiry: String? = "2026-11-30 09:00:00",
        isRevoked: Bool = false
    ) -> ListedCertificate {
        ListedCertificate(
            number: number, emailAddress: "anna@example.org", serialNumber: serial,
            expiry: serial == nil ? nil : expiry, isRevoked: isRevoked)
    }

    private func certificate(serial: UInt8) throws -> Certificate {
        try key.issue(
            CertificateContent(
                subject: [NameAttribute(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [serial], notBefore: Self.now - 86_400, notAfter: Self.now + 86_400,
                extensions: [.basicConstraints(isAuthority: false)]), issuer: nil)
    }

    private func order(_ number: Int64, _ events: [OrderEvent]) throws -> Order {
        let issue = OrderEvent.Issue.example(
            .existing(publicKeyHash: hexadecimal(key.publicKey.sha256Fingerprint)))
        let all = [OrderEvent.begun(.example(.issue(issue)))] + events
        return try #require(
            Order(
                number: number,
                events: all.enumerated().map { index, event in
                    RecordedEvent(sequence: Int64(index) + 1, time: 0, event: event)
                }))
    }

    private func proved(_ certificate: Certificate) -> [OrderEvent] {
        [
            .certified(.init(certificate: certificate.pem, others: "", changes: [])),
            .written(uri: "pkcs11:object=mail"),
            .proved(
                .init(
                    uri: "pkcs11:object=mail",
                    sha256Fingerprint: hexadecimal(certificate.sha256Fingerprint), challenge: [],
                    signature: [])),
        ]
    }

    /// The events of an order that the CA has queued with a number.
    private func queued(_ number: String) -> [OrderEvent] {
        let text = "404,Your certificate request has failed. ID: \(number)"
        return [
            .sending(.init(keyURI: "", publicKeyHash: "aa", request: "", isRepeated: false)),
            .answered(.init(status: 200, body: Array(text.utf8), interruption: nil)),
            .unclear(reason: "late"),
        ]
    }

    private func join(
        _ list: [ListedCertificate], _ orders: [Order],
        at site: String = AccountCertificateTests.site
    ) -> [AccountCertificate] {
        AccountCertificate.join(
            list, orders, at: site, CAcertAccount<NoTransport>.self, now: Self.now)
    }

    @Test("The state follows from the serial number, the revocation and the expiry, in this order")
    func states() {
        let cases: [(ListedCertificate, AccountCertificate.State)] = [
            (listed("1", nil), .pending),
            (listed("2", "0A"), .valid),
            (listed("3", "0A", "2026-11-29 08:59:59"), .expired),
            (listed("4", "0A", "2026-11-29 09:00:00"), .valid),
            (listed("5", "0A", "2026-11-29 08:59:59", isRevoked: true), .revoked),
            (listed("6", "0A", "soon"), .valid),
        ]
        for (certificate, state) in cases {
            #expect(certificate.state(at: Self.now) == state, "\(certificate)")
        }
    }

    @Test("A date of the list is read in UTC, leap days too, and anything else is no date")
    func dates() {
        for (text, seconds) in [
            ("1970-01-01 00:00:00", 0), ("2026-11-29 09:00:00", Self.now),
            ("2028-02-29 23:59:59", 1_835_481_599), ("2000-03-01 00:00:00", 951_868_800),
            ("2026-13-01 00:00:00", nil), ("2026-11-29", nil), ("", nil),
            ("99999999999999999999-01-01 00:00:00", nil),
        ] as [(String, Int64?)] {
            #expect(listed("1", "0A", text).expiryTime == seconds, "\(text)")
        }
    }

    // Otherwise the user would look for a certificate on the wrong token.
    @Test("A certificate is found in the ledger by its serial number and its expiry")
    func known() throws {
        let orders = try [order(1, proved(certificate(serial: 0x0A)))]
        let joined = join([listed("2", "0A"), listed("1", "0B")], orders)
        #expect(joined.map { $0.known?.places.map(\.number) } == [[1], nil])
        #expect(joined.map(\.isInLedger) == [true, false])
        #expect(joined.map(\.unfinishedOrder) == [nil, nil])
        // Certificates of another issuer can have the same serial number.
        let other = join([listed("2", "0A", "2027-11-30 09:00:00")], orders)
        #expect(other.map(\.isInLedger) == [false])
    }

    // Otherwise a certificate of another CA would hide the one that is to be revoked.
    @Test("A certificate of another CA is not matched, and several of one CA are all candidates")
    func otherCAs() throws {
        let first = try certificate(serial: 0x0A)
        let orders = try [order(1, proved(first))]
        let list = [listed("2", "0A")]
        #expect(join(list, orders, at: "https://other.example")[0].candidates.isEmpty)
        #expect(join(list, orders, at: Self.site + "/")[0].candidates.count == 1)
        // ECDSA signatures are random, so the two certificates differ.
        let two = try join(list, orders + [order(2, proved(certificate(serial: 0x0A)))])
        #expect(two[0].candidates.count == 2 && two[0].known == nil)
    }

    // Otherwise a certificate that waits at the CA would be ordered again.
    @Test("An unfinished order is found by the CA's number, at the same CA only")
    func waiting() throws {
        let orders = try [order(3, queued("4711"))]
        let signed = join([listed("4711", "0A")], orders)
        #expect(signed.map(\.unfinishedOrder) == [3] && signed[0].isToBeFetched)
        let pending = join([listed("4711", nil)], orders)
        #expect(pending.map(\.unfinishedOrder) == [3] && !pending[0].isToBeFetched)
        let revoked = join([listed("4711", "0A", isRevoked: true)], orders)
        #expect(!revoked[0].isToBeFetched)
        #expect(join([listed("4712", "0A")], orders).map(\.unfinishedOrder) == [nil])
        let elsewhere = join([listed("4711", "0A")], orders, at: "https://other.example")
        #expect(elsewhere.map(\.unfinishedOrder) == [nil])
    }

    @Test("A certificate that is in the ledger and not on the token yet belongs to its order")
    func unwritten() throws {
        let certificate = try certificate(serial: 0x0A)
        let orders = try [order(3, queued("4711") + [proved(certificate)[0]])]
        let joined = join([listed("4711", "0A")], orders)
        #expect(joined.map(\.unfinishedOrder) == [3] && !joined[0].isToBeFetched)
        #expect(joined[0].known?.places.isEmpty == true)
    }
}
