import Testing
import TokencertTestAuthority
import TokencertTestSupport

@testable import OpenSSLX509
@testable import TokencertIssuance
@testable import TokencertLedger

/// The certificates that may replace another one.
@Suite struct ReplacementTests {
    private static let day: Int64 = 86_400
    private let key: HostPrivateKey

    init() throws {
        key = try HostPrivateKey.generate(.ec(.p256))
    }

    private func certificate(
        from notBefore: Int64, to notAfter: Int64, _ other: HostPrivateKey? = nil
    ) throws -> Certificate {
        let key = other ?? key
        return try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [1], notBefore: notBefore * Self.day,
                notAfter: notAfter * Self.day, extensions: []), issuer: nil)
    }

    @Test("The certificate to be replaced and older ones for its key do not count as received")
    func leavingOut() throws {
        let old = try certificate(from: 10, to: 20)
        let older = try certificate(from: 9, to: 30)
        let new = try certificate(from: 11, to: 21)
        let chain = try certificate(from: 1, to: 90, HostPrivateKey.generate(.ec(.p256)))
        let replacement: Replacement? = Replacement(old, isRetired: true, isForced: true)
        let left = try replacement.leavingOut([old, older, new, chain])
        #expect(left == [new, chain])
        for only in [[old], [older], [old, older]] {
            let error = try #require(throws: IssuanceError.self) {
                _ = try replacement.leavingOut(only)
            }
            #expect(error.code == .certificateWrong)
        }
        let nothing: Replacement? = nil
        let all = try nothing.leavingOut([old])
        #expect(all == [old])
    }

    private func order(_ events: [OrderEvent], asksCA: Bool = true) throws -> Order {
        let beginning = OrderEvent.Beginning.example(
            asksCA ? .issue(.example()) : .request(newKeyKind: "rsa:3072"))
        return try #require(
            Order(
                number: 1,
                events: try ([.begun(beginning)] + events).enumerated().map {
                    RecordedEvent(
                        sequence: Int64($0 + 1), time: 0, kind: $1.kind, text: try $1.encoded())
                }))
    }

    // Otherwise resume could order twice, or fail to remove a certificate.
    @Test("The next action of an order follows from its recorded events")
    func remainder() throws {
        let sending = OrderEvent.sending(
            .init(keyURI: "pkcs11:", publicKeyHash: "aa", request: "PEM", isRepeated: false))
        let answered = OrderEvent.answered(.init(status: 200, body: [], interruption: nil))
        #expect(try order([]).nextAction == .order)
        #expect(try order([], asksCA: false).nextAction == .key)
        #expect(try order([sending, .notSent(reason: "r")]).nextAction == .order)
        #expect(try order([sending, answered]).nextAction == .certificate)
        #expect(try order([sending]).nextAction.isDecision)
        #expect(try order([sending, .unclear(reason: "late")]).nextAction == .decision("late"))
        #expect(try order([sending, .closed(reason: "r")]).nextAction == .nothing)
        #expect(
            try order([sending, .stopped(.init(step: "a", reason: "r"))]).nextAction.isDecision)
    }
}
