import OpenSSLX509
import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertIssuance
@testable import TokencertLedger

/// Which certificates of the ledger have the same content on other tokens.
@Suite struct CopiedCertificateTests {
    private static let now: Int64 = 1_800_000_000
    private static let work = "pkcs11:token=work;serial=1;model=m"
    private static let home = "pkcs11:token=home;serial=2;model=m"
    private static let card = "pkcs11:token=card;serial=3;model=m"

    /// Certificates for different keys, with the serial numbers 0a, 0b, 0c and 0d.
    private let certificates: [Certificate]

    init() throws {
        certificates = try (0x0A...0x0D as ClosedRange<UInt8>).map { number in
            let key = try HostPrivateKey.generate(.ec(.p256))
            return try key.issue(
                CertificateContent(
                    subject: [NameAttribute(.commonName, "Anna")], publicKey: key.publicKey,
                    serialNumber: [number], notBefore: Self.now, notAfter: Self.now + 86_400,
                    extensions: [.basicConstraints(isAuthority: false)]), issuer: nil)
        }
    }

    private var original: Certificate { certificates[0] }
    private var copy: Certificate { certificates[1] }

    private func order(
        _ number: Int64, _ job: OrderEvent.Job, on token: String, _ events: [OrderEvent]
    ) throws -> Order {
        let all = [OrderEvent.begun(.example(job, on: token))] + events
        return try #require(
            Order(
                number: number,
                events: all.enumerated().map { index, event in
                    RecordedEvent(sequence: Int64(index) + 1, time: 0, event: event)
                }))
    }

    private func copying(_ certificate: Certificate, from token: String) -> OrderEvent.Job {
        .copy(.example(), of: .init(certificate: certificate.pem, token: token))
    }

    private func renewing(_ certificate: Certificate) -> OrderEvent.Job {
        .renew(.example(), replacing: certificate.pem, isRetired: false)
    }

    /// The events of an order with which the token has proved a certificate.
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

    /// The orders of a certificate on work and of its copy on home.
    private func pair() throws -> [Order] {
        [
            try order(1, .issue(.example()), on: Self.work, proved(original)),
            try order(2, copying(original, from: Self.work), on: Self.home, proved(copy)),
        ]
    }

    /// The serial numbers of the copies of a certificate.
    private func copies(
        _ orders: [Order], of certificate: Certificate, on token: String
    ) -> [String] {
        CopiedCertificates(orders).copies(of: certificate, on: token)
            .map(\.certificate.serialNumber)
    }

    // MARK: Pairs

    // Otherwise the second token would have an expired certificate when the first one breaks.
    @Test("A certificate and its copy belong together, whichever of them is renewed first")
    func both() throws {
        let orders = try pair()
        #expect(copies(orders, of: original, on: Self.work) == ["0b"])
        #expect(copies(orders, of: copy, on: Self.home) == ["0a"])
    }

    @Test("A certificate and its copy belong together after renewals of both, even for new keys")
    func renewed() throws {
        var orders = try pair()
        let (newCopy, newOriginal) = (certificates[2], certificates[3])
        orders.append(try order(3, renewing(copy), on: Self.home, proved(newCopy)))
        #expect(copies(orders, of: original, on: Self.work) == ["0c"])
        #expect(copies(orders, of: newCopy, on: Self.home) == ["0a"])
        // A command may have started with the certificate that was replaced in the meantime.
        #expect(copies(orders, of: copy, on: Self.home) == ["0a"])
        orders.append(try order(4, renewing(original), on: Self.work, proved(newOriginal)))
        #expect(copies(orders, of: newOriginal, on: Self.work) == ["0c"])
        #expect(copies(orders, of: newCopy, on: Self.home) == ["0d"])
        #expect(copies(orders, of: original, on: Self.work) == ["0c"])
    }

    // Otherwise a certificate that another program has written would not be renewed with its copy.
    @Test("The original of a copy is known even if no order has put it on its token")
    func unknownOriginal() throws {
        let orders = [
            try order(1, copying(original, from: Self.work), on: Self.home, proved(copy))
        ]
        let found = CopiedCertificates(orders).copies(of: copy, on: Self.home)
        #expect(found.map(\.certificate) == [original])
        #expect(found.map(\.token) == [Self.work])
        #expect(found.first?.order == nil)
        let others = CopiedCertificates(orders).copies(of: original, on: Self.work)
        #expect(others.map(\.order?.number) == [1])
    }

    @Test("A copy of a copy belongs to the same group, the oldest order first")
    func copyOfCopy() throws {
        let third = certificates[2]
        let orders =
            try pair() + [
                order(3, copying(copy, from: Self.home), on: Self.card, proved(third))
            ]
        #expect(copies(orders, of: original, on: Self.work) == ["0b", "0c"])
        #expect(copies(orders, of: copy, on: Self.home) == ["0a", "0c"])
        #expect(copies(orders, of: third, on: Self.card) == ["0a", "0b"])
    }

    // Otherwise a renewal of one certificate would order others that have nothing to do with it.
    @Test("Certificates with the same name, and copies that no token has proved, are no copies")
    func unrelated() throws {
        let first = try order(1, .issue(.example()), on: Self.work, proved(original))
        let second = try order(2, .issue(.example()), on: Self.home, proved(copy))
        #expect(copies([first, second], of: original, on: Self.work).isEmpty)
        for events: [OrderEvent] in [
            [], Array(proved(copy).prefix(2)), [.closed(reason: "given up")],
        ] {
            let open = try order(2, copying(original, from: Self.work), on: Self.home, events)
            #expect(copies([first, open], of: original, on: Self.work).isEmpty, "\(events)")
        }
    }

    @Test("A certificate on the same token is no copy, even if the token has another label")
    func sameToken() throws {
        let renamed = "pkcs11:token=new;serial=1;model=m"
        let orders = [
            try order(1, .issue(.example()), on: Self.work, proved(original)),
            try order(2, copying(original, from: Self.work), on: renamed, proved(copy)),
        ]
        #expect(copies(orders, of: original, on: Self.work).isEmpty)
    }

    // A damaged ledger must not stop the program.
    @Test("The search ends if two certificates are each the source of the other")
    func cycle() throws {
        let orders = [
            try order(1, renewing(copy), on: Self.work, proved(original)),
            try order(2, copying(original, from: Self.work), on: Self.home, proved(copy)),
        ]
        #expect(!copies(orders, of: original, on: Self.work).contains("0a"))
        #expect(!copies(orders, of: copy, on: Self.home).contains("0b"))
    }

    // MARK: The order of a copy

    // Otherwise a second key and certificate would be made on the token.
    @Test(
        "The order of a copy is found on its token only, until it is closed without a certificate")
    func orderOfCopy() throws {
        let first = try order(1, .issue(.example()), on: Self.work, proved(original))
        let job = copying(original, from: Self.work)
        let cases: [([OrderEvent], Int64?)] = [
            ([], 2), (Array(proved(copy).prefix(1)), 2), (proved(copy), 2),
            ([.closed(reason: "given up")], nil),
        ]
        for (events, number) in cases {
            let second = try order(2, job, on: Self.home, events)
            let found = CopiedCertificates([first, second])
            #expect(found.orderOfCopy(of: original, to: Self.home)?.number == number, "\(events)")
            #expect(found.orderOfCopy(of: original, to: Self.card) == nil, "\(events)")
        }
        #expect(CopiedCertificates([first]).orderOfCopy(of: original, to: Self.home) == nil)
    }

    // Otherwise every renewal would mention a copy that the user has deleted.
    @Test("If a token got a second copy, the first one was deleted and does not count")
    func deletedCopy() throws {
        let third = certificates[2]
        let orders =
            try pair() + [
                order(3, copying(original, from: Self.work), on: Self.home, proved(third))
            ]
        #expect(copies(orders, of: original, on: Self.work) == ["0c"])
        #expect(
            CopiedCertificates(orders).orderOfCopy(of: original, to: Self.home)?.number == 3)
    }

    @Test("A renewed copy is found by its last order, and for the renewed original, too")
    func orderOfRenewedCopy() throws {
        let orders =
            try pair() + [
                order(3, renewing(copy), on: Self.home, proved(certificates[2])),
                order(4, renewing(original), on: Self.work, proved(certificates[3])),
            ]
        let found = CopiedCertificates(orders)
        for certificate in [original, certificates[3]] {
            #expect(found.orderOfCopy(of: certificate, to: Self.home)?.number == 3)
        }
    }
}
