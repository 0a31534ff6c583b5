import Testing
import TokencertTestAuthority

@testable import OpenSSLX509
@testable import TokencertIssuance
@testable import TokencertLedger

/// A CA whose answers are interpreted by their status only.
private final class CAByStatus: CertificateAuthority {
    let url = "https://ca.example.org"
    let account = "anna"

    func grant(_ request: IssuanceRequest) throws(IssuanceError) -> CertificateGrant {
        throw IssuanceError(.accountLacks, at: .plan, "no account")
    }

    func place(_ order: CertificateOrder) -> PlacedOrder { .notSent("no account") }

    let findsLate = false

    func findLate(_ order: SentOrder) -> LateResult { .failed("no account", advice: []) }

    static func address(ofCertificate number: String, at url: String) -> String? { nil }

    static func meaning(of answer: OrderEvent.Answer) -> AnswerMeaning {
        if answer.interruption != nil { Issue.record("an incomplete answer was interpreted") }
        return switch answer.status {
        case 200: .issued(Array(answer.body))
        case 204: .issued([])
        case 401: .refused("wrong password", concernsCredentials: true)
        case 403: .refused("not allowed", concernsCredentials: false)
        case 202: .pending(nil)
        case 203: .pending("4711")
        default: .unclear("an odd answer")
        }
    }
}

/// Reading the answers of a CA.
@Suite struct AnswerReadingTests {
    private static let statuses = [200, 204, 401, 403, 202, 203, 500]
    private let first: Certificate
    private let second: Certificate

    init() throws {
        func issue(_ serialNumber: UInt8) throws -> Certificate {
            let key = try HostPrivateKey.generate(.ec(.p256))
            return try key.issue(
                CertificateContent(
                    subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                    serialNumber: [serialNumber], notBefore: 1_800_000_000,
                    notAfter: 1_800_086_400, extensions: []), issuer: nil)
        }
        first = try issue(1)
        second = try issue(2)
    }

    /// The texts of an answer, and the certificates in each of them.
    private var withCertificates: [(text: String, certificates: [Certificate])] {
        let cut = String(first.pem.prefix(200))
        return [
            (first.pem, [first]),
            ("text\n" + first.pem + second.pem + "text\n", [first, second]),
            (first.pem + cut, [first]),
            (cut + second.pem, [second]),
            (cut + "\n" + first.pem + cut + second.pem, [first, second]),
        ]
    }

    private var broken: [String] {
        let (begin, end) = ("-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n")
        return [
            String(first.pem.prefix(200)), begin, begin + "AAAA\n" + end,
            begin + "!!!!\n" + end, "text\n" + String(first.pem.dropLast(30)),
        ]
    }

    private let absent = [
        "", "\n", "Ok", "<html>none</html>", "-----", "-----END CERTIFICATE-----\n",
    ]

    private func read(
        _ text: String, _ status: Int, interruption: String? = nil
    ) -> AnswerReading {
        let answer = OrderEvent.Answer(
            status: status, body: Array(text.utf8), interruption: interruption)
        return AnswerReading(answer, from: CAByStatus.self)
    }

    /// Expects certificates in an answer.
    private func received(
        _ reading: AnswerReading, _ place: String
    ) throws -> (certificates: [Certificate], doubt: String?) {
        var received: (certificates: [Certificate], doubt: String?)?
        if case .certificates(let certificates, let doubt) = reading {
            received = (certificates, doubt)
        }
        return try #require(received, "\(place)")
    }

    /// Expects no certificate in an answer, and one recorded fact.
    private func outcome(
        _ reading: AnswerReading, _ place: String
    ) throws -> (fact: OrderEvent, code: IssuanceError.Code?, reason: String) {
        var nothing: StepOutcome?
        if case .nothing(let outcome) = reading { nothing = outcome }
        let outcome = try #require(nothing, "\(place)")
        let fact = try #require(outcome.facts.first, "\(place)")
        #expect(outcome.facts.count == 1 && !outcome.mustBeRecorded, "\(place)")
        if case .unclear(let reason) = fact {
            #expect(outcome.failure == nil, "\(place)")
            return (fact, nil, reason)
        }
        let failure = try #require(outcome.failure, "\(place)")
        #expect(failure.step == .order, "\(place)")
        return (fact, failure.code, failure.reason)
    }

    // Otherwise an issued certificate would be lost, and a second one ordered.
    @Test("Certificates are received from every kind of answer, even an incomplete one")
    func certificates() throws {
        // A part of the doubt kept with the certificates, or nil for no doubt.
        let doubts: [(status: Int, part: String?)] = [
            (200, nil), (401, "wrong password"), (403, "not allowed"), (202, "certificate"),
            (203, "4711"), (500, "an odd answer"),
        ]
        for (text, certificates) in withCertificates {
            for (status, part) in doubts {
                let place = "\(status): \(text)"
                let whole = try received(read(text, status), place)
                #expect(whole.certificates == certificates, "\(place)")
                #expect((whole.doubt == nil) == (part == nil), "\(place)")
                if let part { #expect(whole.doubt?.contains(part) == true, "\(place)") }
            }
            for status in Self.statuses {
                let place = "\(status): \(text)"
                let reading = read(text, status, interruption: "connection reset")
                let partial = try received(reading, place)
                #expect(partial.certificates == certificates, "\(place)")
                #expect(partial.doubt?.contains("connection reset") == true, "\(place)")
            }
        }
    }

    // Otherwise the order would count as refused although the CA may issue, or the reverse.
    @Test("Without a certificate, only a refusal in a complete answer is recorded as a refusal")
    func noCertificate() throws {
        let cases: [(status: Int, code: IssuanceError.Code?, isRefusal: Bool, part: String)] = [
            (401, .credentialsRefused, true, "wrong password"),
            (403, .orderRefused, true, "not allowed"),
            (202, nil, false, "certificate"),
            (203, nil, false, "4711"),
            (500, nil, false, "an odd answer"),
        ]
        for text in broken + absent {
            for (status, expected, isRefusal, part) in cases {
                let place = "\(status): \(text)"
                let (fact, code, reason) = try outcome(read(text, status), place)
                let refused = OrderEvent.refused(reason: reason)
                let unclear = OrderEvent.unclear(reason: reason)
                #expect(fact == (isRefusal ? refused : unclear), "\(place)")
                #expect(code == expected, "\(place)")
                #expect(reason.contains(part), "\(reason)")
            }
        }
    }

    @Test("If the issued certificate is damaged or missing, the outcome of the order is unknown")
    func issuedWithoutCertificate() throws {
        let cases: [(texts: [String], status: Int, part: String)] = [
            (broken, 200, "damaged"), (absent, 200, "sent none"),
            // Only the issued text counts, not the rest of the answer.
            (absent + broken + [first.pem], 204, "sent none"),
        ]
        for (texts, status, part) in cases {
            for text in texts {
                let place = "\(status): \(text)"
                let (fact, code, reason) = try outcome(read(text, status), place)
                #expect(fact == OrderEvent.unclear(reason: reason), "\(place)")
                #expect(code == nil, "\(place)")
                #expect(reason.contains(part), "\(place): \(reason)")
            }
        }
    }

    // The CA may have issued a certificate whatever the first part of its answer says.
    @Test("An incomplete answer without a certificate leaves the outcome unknown")
    func interrupted() throws {
        for text in broken + absent {
            for status in Self.statuses {
                let place = "\(status): \(text)"
                let result = read(text, status, interruption: "connection reset")
                let (fact, code, reason) = try outcome(result, place)
                #expect(fact == OrderEvent.unclear(reason: reason), "\(place)")
                #expect(code == nil, "\(place)")
                #expect(reason.contains("connection reset"), "\(reason)")
            }
        }
    }

    @Test("The reason contains the CA's order number only if the CA sent one")
    func identifier() throws {
        #expect(try outcome(read("", 203), "203").reason.contains("ID 4711"))
        #expect(try !outcome(read("", 202), "202").reason.contains("ID"))
    }
}
