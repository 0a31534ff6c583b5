import Testing
import TokencertTestAuthority
import TokencertTestSupport
import TokencertTokens

@testable import OpenSSLX509
@testable import TokencertIssuance
@testable import TokencertLedger

/// The state of an order after a failure, its request and its replacements.
@Suite struct OrderStandingTests {
    private static let sending = OrderEvent.sending(
        .init(keyURI: "pkcs11:", publicKeyHash: "aa", request: "PEM", isRepeated: false))
    private static let again = OrderEvent.sending(
        .init(keyURI: "pkcs11:", publicKeyHash: "aa", request: "PEM", isRepeated: true))
    private static let answered = OrderEvent.answered(
        .init(status: 200, body: [], interruption: nil))

    private func order(
        _ events: [OrderEvent], of job: OrderEvent.Job = .issue(.example()), number: Int64 = 7
    ) throws -> Order {
        let all = [OrderEvent.begun(.example(job))] + events
        return try #require(
            Order(
                number: number,
                events: all.enumerated().map { index, event in
                    RecordedEvent(sequence: Int64(index) + 1, time: 0, event: event)
                }))
    }

    private static func proved(_ fingerprint: String) -> OrderEvent {
        .proved(
            .init(uri: "pkcs11:", sha256Fingerprint: fingerprint, challenge: [1], signature: [2]))
    }

    // Otherwise a second certificate would be ordered if the first order cannot be read.
    @Test("An unreadable order may have been sent, and its next action is unknown")
    func unreadable() {
        let standing = OrderStanding(7, nil)
        #expect(standing.number == 7 && standing.mayHaveOrdered)
        #expect(standing.nextAction == nil && standing.arrivedState == nil)
        #expect(!standing.isKeyUnsent)
        let over = OrderStanding(7, nil, isOver: true)
        #expect(over.nextAction == .nothing && over.mayHaveOrdered)
    }

    @Test("The standing of an order follows from its events, unless it is over")
    func readable() throws {
        for (events, mayHaveOrdered, arrived, action) in [
            ([], false, nil, .order), ([Self.sending], true, nil, nil),
            ([Self.sending, .notSent(reason: "r")], false, nil, .order),
            ([Self.sending, .unclear(reason: "late")], true, nil, .decision("late")),
            ([Self.sending, Self.answered], true, .answered, .certificate),
            // The CA may issue another certificate.
            (
                [Self.sending, .unclear(reason: "r"), Self.again, Self.answered], true, nil,
                .certificate
            ),
            ([Self.sending, .closed(reason: "r")], false, nil, .nothing),
        ] as [([OrderEvent], Bool, OrderState?, NextAction?)] {
            let order = try order(events)
            let standing = OrderStanding(7, order)
            #expect(standing.caURL == "https://ca.example")
            #expect(standing.mayHaveOrdered == mayHaveOrdered, "\(events.map(\.kind))")
            #expect(standing.arrivedState == arrived, "\(events.map(\.kind))")
            if let action {
                #expect(standing.nextAction == action, "\(events.map(\.kind))")
            } else {
                #expect(standing.nextAction?.isDecision == true, "\(events.map(\.kind))")
            }
            #expect(OrderStanding(7, order, isOver: true).nextAction == .nothing)
        }
    }

    // Otherwise a resumed order would be sent with different content.
    @Test("A request made from an order has the same content")
    func request() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let old = try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [1], notBefore: 0, notAfter: 1, extensions: []), issuer: nil)
        var issue = OrderEvent.Issue.example()
        issue.emailAddresses = ["b@example.org", "a@example.org"]
        issue.codeSigning = true
        issue.acceptsChanges = true
        issue.certificateLabel = [0xFF, 0x6D]
        let request = IssuanceRequest(
            try order([], of: .renew(issue, replacing: old.pem, isRetired: true)))
        #expect(request.name == "Anna" && request.codeSigning && request.acceptsChanges)
        #expect(request.emailAddresses == ["b@example.org", "a@example.org"])
        #expect(request.labelBytes == [0xFF, 0x6D])
        #expect(request.replacement?.certificate == old)
        #expect(request.replacement?.isRetired == true && request.replacement?.isForced == true)
        let plain = IssuanceRequest(try order([], of: .request(newKeyKind: "rsa:3072")))
        #expect(plain.name == nil && plain.emailAddresses.isEmpty && plain.replacement == nil)
        #expect(!plain.codeSigning && !plain.acceptsChanges && plain.labelBytes == nil)
        // An unreadable certificate is neither replaced nor removed.
        let broken = try order([], of: .renew(issue, replacing: "no PEM", isRetired: true))
        #expect(broken.replacement == nil)
    }

    // Otherwise a failed renewal would hide an expiring certificate.
    @Test("A certificate is replaced only by the proved outcomes of its renewals")
    func replacements() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        func certificate(_ number: UInt8) throws -> Certificate {
            try key.issue(
                CertificateContent(
                    subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                    serialNumber: [number], notBefore: 0, notAfter: 1, extensions: []),
                issuer: nil)
        }
        let (old, other) = (try certificate(1), try certificate(2))
        func renewal(_ number: Int64, of certificate: Certificate, _ events: [OrderEvent])
            throws -> Order
        {
            let job = OrderEvent.Job.renew(
                .example(), replacing: certificate.pem, isRetired: false)
            return try order(events, of: job, number: number)
        }
        let replacements = Replacements([
            try renewal(1, of: old, [Self.proved("f1")]),
            try renewal(2, of: old, [Self.sending, Self.answered]),
            try renewal(3, of: old, [Self.proved("f3"), .closed(reason: "r")]),
            try renewal(4, of: old, [Self.proved("first"), Self.proved("f4")]),
            try order([Self.proved("f5")], number: 5),
        ])
        #expect(replacements.outcomes(for: old) == ["f1", "f3", "f4"])
        #expect(replacements.outcomes(for: other).isEmpty)
        #expect(Replacements([]).outcomes(for: old).isEmpty)
    }

    // Otherwise a certificate whose replacement was renewed and removed is renewed again and again.
    @Test("A certificate is replaced by the replacements of its replacement")
    func chain() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let certificates = try (1...3).map { number in
            try key.issue(
                CertificateContent(
                    subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                    serialNumber: [UInt8(number)], notBefore: 0, notAfter: 1, extensions: []),
                issuer: nil)
        }
        let prints = certificates.map { hexadecimal($0.sha256Fingerprint) }
        func renewal(_ old: Int, _ new: Int, _ more: [OrderEvent] = []) throws -> Order {
            let job = OrderEvent.Job.renew(
                .example(), replacing: certificates[old].pem, isRetired: true)
            return try order(
                [.accepted(certificates[new]), Self.proved(prints[new])] + more, of: job,
                number: Int64(new))
        }
        let first = try renewal(0, 1)
        let found = Replacements([first, try renewal(1, 2)])
        #expect(found.outcomes(for: certificates[0]) == [prints[1], prints[2]])
        #expect(found.outcomes(for: certificates[1]) == [prints[2]])
        #expect(found.outcomes(for: certificates[2]).isEmpty)
        // A revoked certificate replaces nothing, but its replacement does.
        let revocation = OrderEvent.Revocation(
            sha256Fingerprint: prints[1], serialNumber: "02", ca: "https://ca")
        let revoked = try renewal(0, 1, [.revoked(revocation)])
        #expect(Replacements([revoked]).outcomes(for: certificates[0]).isEmpty)
        #expect(
            Replacements([revoked, try renewal(1, 2)]).outcomes(for: certificates[0])
                == [prints[2]])
        // Each replaces the other only in a ledger that was changed; the search must end.
        let circle = Replacements([first, try renewal(1, 0)])
        #expect(circle.outcomes(for: certificates[0]) == [prints[0], prints[1]])
    }

    @Test("Of two certificates with the same validity, only one covers the other")
    func sameValidity() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        func certificate(_ serialNumber: [UInt8]) throws -> Certificate {
            try key.issue(
                CertificateContent(
                    subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                    serialNumber: serialNumber, notBefore: 0, notAfter: 1, extensions: []),
                issuer: nil)
        }
        let (old, new) = (try certificate([0x7F]), try certificate([1, 0]))
        #expect(old.isCovered(by: new))
        #expect(!new.isCovered(by: old) && !old.isCovered(by: old))
    }

    @Test("A certificate for any use covers one for some uses, but not vice versa")
    func uses() throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        func certificate(_ uses: [ExtendedKeyUsage], until end: Int64) throws -> Certificate {
            try key.issue(
                CertificateContent(
                    subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                    serialNumber: [1], notBefore: 0, notAfter: end,
                    extensions: uses.isEmpty ? [] : [.extendedKeyUsage(uses)]), issuer: nil)
        }
        for (new, old, isCovered) in [
            ([], [], true), ([], [.emailProtection], true), ([.emailProtection], [], false),
            ([.clientAuth, .emailProtection], [.emailProtection], true),
            ([.emailProtection], [.clientAuth, .emailProtection], false),
        ] as [([ExtendedKeyUsage], [ExtendedKeyUsage], Bool)] {
            let isCovering = try certificate(old, until: 100).isCovered(
                by: certificate(new, until: 200))
            #expect(isCovering == isCovered, "\(new), \(old)")
        }
    }
}
