import Foundation
import OpenSSLX509
import Testing
import TokencertIssuance
import TokencertLedger
import TokencertTestAuthority
import TokencertTestSupport

@testable import TokencertCommandCA

/// A CA behind a program, with shell scripts in its place.
@Suite struct CommandCATests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private let order = CertificateOrder(
        grant: CertificateGrant(
            name: "Anna Müller", emailAddresses: ["a@example.org", "b@example.org"],
            codeSigning: true), request: "REQUEST\n")

    private func authority(
        _ script: String, timeout: Int = 60, waitingTime: Int = 0, pauses: Pauses = Pauses()
    ) throws -> CommandCA {
        let file = try folder.write(script, "script-\(UUID().uuidString)")
        return try #require(
            CommandCA(
                command: "sh '\(file)'", timeout: timeout, waitingTime: waitingTime,
                pause: { pauses.all.append($0) }))
    }

    private final class Pauses {
        var all: [Int] = []
    }

    private func sent(_ number: String? = nil) -> SentOrder {
        SentOrder(number: number, publicKeyHash: "aa", time: 0, order: order)
    }

    private func answered(_ placed: PlacedOrder) throws -> OrderEvent.Answer {
        let answer: OrderEvent.Answer? =
            if case .answered(let answer) = placed { answer } else { nil }
        return try #require(answer, "\(placed)")
    }

    private func meaning(_ script: String) throws -> AnswerMeaning {
        let answer = try answered(try authority(script).place(order))
        #expect(answer.interruption == nil)
        return CommandCA.meaning(of: answer)
    }

    // MARK: Placing an order

    @Test("The program gets the request on standard input and what was asked for in variables")
    func input() throws {
        let script = """
            cat
            printf '%s|%s|%s|%s|%s' "$TOKENCERT_ORDER_ACTION" "$TOKENCERT_ORDER_NAME" \
            "$TOKENCERT_ORDER_EMAILS" "$TOKENCERT_ORDER_CODESIGN" "$TOKENCERT_ORDER_REFERENCE"
            """
        let expected = "REQUEST\nissue|Anna Müller|a@example.org\nb@example.org|1|"
        #expect(try meaning(script) == .issued(Array(expected.utf8)))
    }

    // Otherwise the program would learn where the PIN and the password are.
    @Test("The program gets no other variable of tokencert, and all others of the user")
    func environment() throws {
        unsafe setenv("TOKENCERT_UNIT_TEST_SOURCE", "file:/secret", 1)
        let script = "env | grep -c '^TOKENCERT_'; env | grep -c '^PATH='"
        #expect(try meaning(script) == .issued(Array("5\n1\n".utf8)))
        #expect(try meaning("env | grep UNIT_TEST; exit 0") == .issued([]))
    }

    @Test("Status 75 means not issued yet, and the first word on standard error is the CA's number")
    func later() throws {
        #expect(try meaning("echo '4711 is queued' >&2; exit 75") == .pending("4711"))
        #expect(try meaning("exit 75") == .pending(nil))
        #expect(try meaning("printf '\\n 7\\n8' >&2; exit 75") == .pending("7"))
        #expect(try meaning("printf '\\303\\274' >&2; exit 75") == .pending(nil))
    }

    @Test("Status 65 and 77 mean refused, and the first line on standard error is the reason")
    func refused() throws {
        #expect(
            try meaning("printf '\\n no such name \\nmore\\n' >&2; exit 65")
                == .refused("no such name", concernsCredentials: false))
        #expect(
            try meaning("echo expired >&2; exit 77")
                == .refused("expired", concernsCredentials: true))
    }

    // Otherwise the user would be told that an order may have been placed, or that none was.
    @Test("Only status 69 and a program that cannot run mean that nothing was ordered")
    func notSent() throws {
        let offline = try authority("echo offline >&2; exit 69")
        guard case .notSent(let reason) = offline.place(order) else {
            Issue.record("status 69 is not unanswered")
            return
        }
        #expect(reason == "offline")
        let missing = try #require(
            CommandCA(command: "/no/such/program", timeout: 1, waitingTime: 0, pause: { _ in }))
        guard case .notSent = missing.place(order) else {
            Issue.record("the program cannot run")
            return
        }
    }

    @Test(
        "Another status, a signal or the time limit leaves the outcome unknown, with the last line",
        arguments: [
            ("echo a >&2; echo b >&2; exit 1", "exited with status 1: b"),
            ("exit 255", "exited with status 255"), ("kill -TERM $$", "terminated by signal 15"),
            ("echo c >&2; sleep 30", "did not end within 1 seconds: c"),
        ])
    func unanswered(script: String, reason: String) throws {
        guard case .unanswered(let found) = try authority(script, timeout: 1).place(order) else {
            Issue.record("\(script)")
            return
        }
        #expect(found.contains(reason))
    }

    // Otherwise a certificate that the CA issued would be lost.
    @Test("What was printed before a failure or the output limit is kept, as an incomplete answer")
    func partial() throws {
        let failed = try answered(try authority("echo PEM; exit 3").place(order))
        #expect(failed.status == 3 && failed.body == Data("PEM\n".utf8))
        #expect(failed.interruption?.contains("status 3") == true)
        let long = try answered(try authority("head -c 1100000 /dev/zero; sleep 30").place(order))
        #expect(long.body.count == 1 << 20)
        #expect(long.interruption?.contains("1 MiB") == true)
    }

    // Otherwise the user would order a second certificate, and the first one would stay valid.
    @Test(
        "A certificate on standard output is kept as an incomplete answer with every failure",
        arguments: [1, 65, 69, 75, 77])
    func failedWithCertificate(status: Int) throws {
        let script = """
            echo '-----BEGIN CERTIFICATE-----'
            echo reason >&2
            exit \(status)
            """
        let answer = try answered(try authority(script).place(order))
        #expect(answer.status == status)
        #expect(answer.body == Data("-----BEGIN CERTIFICATE-----\n".utf8))
        #expect(answer.interruption?.contains("exited with status \(status): reason") == true)
        // The first word of the certificate is not the CA's number of the order.
        guard case .unclear = CommandCA.meaning(of: answer) else {
            Issue.record("status \(status) is clear")
            return
        }
    }

    // Otherwise an order that the CA has would be placed again.
    @Test("Status 69 with any output leaves the outcome unknown")
    func notSentWithOutput() throws {
        let ca = try authority("echo sent; echo offline >&2; exit 69")
        guard case .unanswered(let reason) = ca.place(order) else {
            Issue.record("status 69 with output means that nothing was ordered")
            return
        }
        #expect(reason.contains("offline"), "\(reason)")
    }

    // MARK: Before and after the order

    @Test("A name or an address is required, and the address is the name if there is no other")
    func grant() throws {
        let ca = try authority("exit 1")
        var request = IssuanceRequest()
        let error = #expect(throws: IssuanceError.self) { _ = try ca.grant(request) }
        #expect(error?.code == .badSubject)
        request.emailAddresses = ["a@example.org"]
        #expect(try ca.grant(request).name == "a@example.org")
        request.name = "Anna"
        #expect(try ca.grant(request).name == "Anna")
    }

    // Otherwise a key would be generated for an order that cannot be placed.
    @Test("A program that does not exist is reported before anything is done")
    func missing() throws {
        let ca = try #require(
            CommandCA(command: "/no/such/program x", timeout: 1, waitingTime: 0, pause: { _ in }))
        var request = IssuanceRequest()
        request.name = "Anna"
        let error = #expect(throws: IssuanceError.self) { _ = try ca.grant(request) }
        #expect(error?.code == .caUnreachable)
        #expect(error?.reason.contains("/no/such/program") == true)
    }

    @Test("The program is asked again with growing pauses until the waiting time is over")
    func waiting() throws {
        let pauses = Pauses()
        let script = """
            [ "$TOKENCERT_ORDER_ACTION-$TOKENCERT_ORDER_REFERENCE" = fetch-7 ] || exit 1
            exit 75
            """
        let ca = try authority(script, waitingTime: 9, pauses: pauses)
        guard case .notYet = ca.findLate(sent("7")) else {
            Issue.record("the certificate is not issued yet")
            return
        }
        #expect(pauses.all == [2, 4, 3])
        guard case .failed = ca.findLate(sent(nil)) else {
            Issue.record("the reference is empty")
            return
        }
    }

    // Otherwise a paid-for certificate is not taken.
    @Test(
        "A late certificate counts once, whatever is printed beside it and whatever the status is",
        arguments: [0, 1, 65, 69, 75])
    func lateCertificate(status: Int) throws {
        let key = try HostPrivateKey.generate(.ec(.p256))
        let certificate = try key.issue(
            CertificateContent(
                subject: [.init(.commonName, "Anna")], publicKey: key.publicKey,
                serialNumber: [1], notBefore: 0, notAfter: 1, extensions: []), issuer: nil)
        let sent = SentOrder(
            number: nil, publicKeyHash: hexadecimal(key.publicKey.sha256Fingerprint), time: 0,
            order: order)
        let pem = certificate.pem
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        for text in [pem, pem + pem, "cert: " + pem, broken + pem] {
            let file = try folder.write(text, "answer-\(UUID().uuidString)")
            let ca = try authority("cat '\(file)'; exit \(status)")
            guard case .found(let found) = ca.findLate(sent) else {
                Issue.record("not found with status \(status): \(text)")
                continue
            }
            #expect(found.map(\.certificate) == [certificate])
        }
    }

    @Test("A failure of the program does not end the waiting, but a refusal does")
    func transientFailure() throws {
        for (status, count) in [(69, 3), (1, 3), (75, 3), (65, 0), (77, 0)] {
            let pauses = Pauses()
            let ca = try authority("exit \(status)", waitingTime: 9, pauses: pauses)
            _ = ca.findLate(sent("7"))
            #expect(pauses.all.count == count, "\(status)")
        }
    }

    @Test("A certificate for another key is not the late certificate")
    func foreign() throws {
        guard case .failed(let reason, _) = try authority("echo nothing").findLate(sent()) else {
            Issue.record("no certificate was printed")
            return
        }
        #expect(reason.contains("no certificate for the key"))
    }

    @Test("The address of the CA is the command as it was typed")
    func address() throws {
        let ca = try #require(
            CommandCA(command: "prog 'a b'", timeout: 1, waitingTime: 0, pause: { _ in }))
        #expect(ca.url == "command:prog 'a b'" && ca.account.isEmpty)
        #expect(CommandCA.command(ofURL: ca.url) == "prog 'a b'")
        #expect(CommandCA.command(ofURL: "https://ca.example") == nil)
        #expect(!CommandCA.isCommand("") && !CommandCA.isCommand("prog 'a"))
    }
}
