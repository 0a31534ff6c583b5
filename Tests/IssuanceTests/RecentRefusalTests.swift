import OpenSSLX509
import Testing
import TokencertCAcert
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertIssuance
@testable import TokencertLedger

/// The refusals that postpone an automatic renewal, and for how long.
@Suite struct RecentRefusalTests {
    private static let week: Int64 = 7 * 86_400
    /// The time of the refusal.
    private static let refusedAt: Int64 = 1_800_000_000

    private static let sending = OrderEvent.sending(
        .init(keyURI: "pkcs11:id=%01", publicKeyHash: "", request: "PEM", isRepeated: false))
    private static let answered = OrderEvent.answered(
        .init(status: 200, body: [], interruption: nil))
    private static let refused = OrderEvent.refused(reason: "the CA refused the order: too weak")
    private static let proved = OrderEvent.proved(
        .init(uri: "pkcs11:", sha256Fingerprint: "f", challenge: [1], signature: [2]))
    private static let certified = OrderEvent.certified(
        .init(certificate: "PEM", others: "", changes: []))

    private let certificate: Certificate
    private let keyHash: String

    init() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        certificate = try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [1], notBefore: 0, notAfter: Self.refusedAt, extensions: []),
            issuer: nil)
        keyHash = hexadecimal(key.publicKey.sha256Fingerprint)
    }

    /// How an order begins.
    private enum Subject {
        case key
        case otherKey
        case newKey
    }

    /// An order with its last event at the given time and the others long before.
    private func order(
        _ events: [OrderEvent], _ subject: Subject = .key, number: Int64 = 1,
        at time: Int64 = RecentRefusalTests.refusedAt
    ) throws -> Order {
        let key: OrderEvent.Key =
            switch subject {
            case .key: .existing(publicKeyHash: keyHash)
            case .otherKey: .existing(publicKeyHash: "aa")
            case .newKey: .new(kind: "rsa:3072")
            }
        let replaced = subject == .otherKey ? "another certificate" : certificate.pem
        let beginning = OrderEvent.Beginning.example(
            .renew(.example(key), replacing: replaced, isRetired: false))
        let events = events.map { event -> OrderEvent in
            guard case .sending = event else { return event }
            return .sending(
                .init(
                    keyURI: "pkcs11:id=%01", publicKeyHash: beginning.publicKeyHash ?? "bb",
                    request: "PEM", isRepeated: false))
        }
        let all = [OrderEvent.begun(beginning)] + events
        return try #require(
            Order(
                number: number,
                events: all.enumerated().map { index, event in
                    RecordedEvent(
                        sequence: Int64(index) + 1,
                        time: index == all.count - 1 ? time : time - 10 * Self.week,
                        event: event)
                }))
    }

    private func refusal(
        _ orders: [Order], at now: Int64 = RecentRefusalTests.refusedAt + 86_400
    ) -> RecentRefusal? {
        RecentRefusal(of: certificate, in: orders, from: CAcertAccount<NoTransport>.self, at: now)
    }

    private static let refusedEvents = [sending, answered, refused]

    // Otherwise a timer would send the refused order again every night.
    @Test("A refusal postpones automatic orders until a known time")
    func pause() throws {
        let found = try #require(try refusal([order(Self.refusedEvents, number: 7)]))
        #expect(found.order == 7)
        #expect(found.time == Self.refusedAt)
        #expect(found.reason == "the CA refused the order: too weak")
        #expect(found.end == Self.refusedAt + Self.week)
    }

    // CAcert answers the same while its database is down; the certificate would expire.
    @Test("Refused credentials do not stop renewals")
    func credentials() throws {
        let answer = OrderEvent.answered(
            .init(
                status: 200, body: Array("403,That username couldn't be found\n".utf8),
                interruption: nil))
        #expect(try refusal([order([Self.sending, answer, Self.refused])]) == nil)
    }

    // Otherwise a clock that was years ahead would stop renewals for years.
    @Test("A refusal counts for less than a week, in the past or in the future")
    func times() throws {
        let orders = [try order(Self.refusedEvents)]
        for (now, counts) in [
            (Self.refusedAt, true), (Self.refusedAt + Self.week - 1, true),
            (Self.refusedAt + Self.week, false), (Self.refusedAt - Self.week + 1, true),
            (Self.refusedAt - Self.week, false),
        ] {
            #expect((refusal(orders, at: now) != nil) == counts, "\(now - Self.refusedAt)")
        }
        for time in [Int64.min + 10 * Self.week, .max] {
            #expect(try refusal([order(Self.refusedEvents, at: time)]) == nil)
        }
    }

    // Otherwise a CA that is unreachable for one night would postpone the renewal by a week.
    @Test("An order that was not sent does not count as a refusal")
    func notSent() throws {
        for events in [[], [Self.sending, .notSent(reason: "no route")]] as [[OrderEvent]] {
            #expect(try refusal([order(events)]) == nil, "\(events)")
        }
        let notSent = try order([Self.sending, .notSent(reason: "no route")], number: 2)
        // Either the user started it, or the week had passed.
        #expect(try refusal([order(Self.refusedEvents), notSent]) == nil)
    }

    // The ledger refuses a second order and tells the user what to type.
    @Test("An order that may still result in a certificate does not count as a refusal")
    func unfinished() throws {
        for events in [
            [Self.sending], [Self.sending, .unclear(reason: "late")],
            [Self.sending, Self.answered],
        ] as [[OrderEvent]] {
            let unfinished = try order(events)
            #expect(!unfinished.isFinished && unfinished.mayHaveOrdered, "\(events)")
            #expect(refusal([unfinished]) == nil, "\(events)")
        }
        let withNewKey = try order(Self.refusedEvents, .newKey)
        #expect(!withNewKey.isFinished)
        #expect(refusal([withNewKey]) == nil)
    }

    // Only the user can close an order that was sent.
    @Test("An order that the user abandoned does not stop renewals")
    func closed() throws {
        for subject in [Subject.key, .newKey] {
            for events in [Self.refusedEvents, [Self.sending, .unclear(reason: "late")]] {
                let closed = try order(events + [.closed(reason: "given up")], subject)
                #expect(closed.state == .closed)
                #expect(refusal([closed]) == nil, "\(events)")
            }
        }
    }

    @Test("A later certificate ends the effect of a refusal")
    func succeeded() throws {
        let renewal =
            Self.refusedEvents + [Self.sending, Self.answered, Self.certified, Self.proved]
        #expect(try refusal([order(renewal)]) == nil)
        let second = try order(
            [Self.sending, Self.answered, Self.certified, Self.proved], number: 2)
        #expect(try refusal([order(Self.refusedEvents), second]) == nil)
    }

    // Otherwise the user's own order would not count, but the older refusal would.
    @Test("Of two orders for a key the later one counts, in any sequence")
    func later() throws {
        let day: Int64 = 86_400
        let first = try order(Self.refusedEvents, number: 1)
        let second = try order(Self.refusedEvents, number: 2, at: Self.refusedAt + 2 * day)
        for orders in [[first, second], [second, first]] {
            let found = try #require(refusal(orders, at: Self.refusedAt + 8 * day))
            #expect(found.order == 2)
            #expect(found.end == Self.refusedAt + 9 * day)
        }
        let givenUp = try order(Self.refusedEvents + [.closed(reason: "given up")], number: 3)
        #expect(refusal([givenUp, second, first]) == nil)
    }

    // Otherwise one refused key would prevent the renewal of all others.
    @Test("An order for another key does not count; one for a new key counts as a later one")
    func otherKeys() throws {
        let refused = try order(Self.refusedEvents, number: 1)
        let other = try order(Self.refusedEvents, .otherKey, number: 2)
        #expect(refusal([other]) == nil)
        #expect(refusal([refused, other])?.order == 1)
        let newKey = try order(
            [Self.sending, Self.answered, Self.certified, Self.proved], .newKey, number: 3)
        #expect(refusal([refused, newKey]) == nil)
    }
}
