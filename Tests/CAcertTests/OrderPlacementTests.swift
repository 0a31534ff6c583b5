import Testing
import TokencertLedger
import TokencertPlatform

@testable import TokencertCAcert
@testable import TokencertIssuance

/// A transport that returns given answers in order.
private struct ScriptedTransport: Transport {
    final class Script {
        var answers: [Result<TransportAnswer, TransportError>]
        var forms: [String] = []

        init(_ answers: [Result<TransportAnswer, TransportError>]) {
            self.answers = answers
        }
    }

    let script: Script

    mutating func post(
        to url: String, form: borrowing Secret
    ) throws(TransportError) -> TransportAnswer {
        let body = form.withBytes { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
        script.forms.append(body)
        guard !script.answers.isEmpty else {
            throw TransportError(reason: "no more answers", mayHaveBeenSent: false)
        }
        return try script.answers.removeFirst().get()
    }
}

/// Placing orders: the name that is sent and the outcome.
@Suite struct OrderPlacementTests {
    private func api(
        _ script: ScriptedTransport.Script
    ) -> CAcertAccount<ScriptedTransport> {
        CAcertAccount(
            baseURL: "https://ca.example.org", username: "a@example.org",
            password: Secret(copying: Array("secret".utf8)),
            transport: ScriptedTransport(script: script))
    }

    private func order(_ name: String) -> CertificateOrder {
        CertificateOrder(
            grant: CertificateGrant(
                name: name, emailAddresses: ["a@example.org"], codeSigning: false),
            request: "PEM")
    }

    private func text(_ placed: PlacedOrder) -> String {
        switch placed {
        case .answered(let answer):
            let body = String(decoding: answer.body, as: UTF8.self)
            return "answered \(answer.status) \(body), \(answer.interruption ?? "whole")"
        case .notSent(let reason): return "not sent, \(reason)"
        case .unanswered(let reason): return "unanswered, \(reason)"
        }
    }

    // Otherwise an order that may have been sent is sent again.
    @Test("Only an order that certainly was not sent counts as not sent")
    func placing() {
        func failed(
            _ mayHaveBeenSent: Bool, _ part: String = "", _ status: Int? = nil
        ) -> Result<TransportAnswer, TransportError> {
            .failure(
                TransportError(
                    reason: "reset", mayHaveBeenSent: mayHaveBeenSent,
                    partialAnswer: Array(part.utf8), partialStatus: status))
        }
        let whole = TransportAnswer(status: 503, body: Array("x".utf8))
        let cases: [(Result<TransportAnswer, TransportError>, String)] = [
            (.success(whole), "answered 503 x, whole"),
            (.success(TransportAnswer(status: 200, body: [])), "answered 200 , whole"),
            (failed(false), "not sent, reset"), (failed(true), "unanswered, reset"),
            (failed(true, "", 200), "unanswered, reset"),
            (failed(true, "200,", 200), "answered 200 200,, reset"),
            (failed(true, "part"), "answered 0 part, reset"),
        ]
        for (answer, expected) in cases {
            let script = ScriptedTransport.Script([answer])
            #expect(text(api(script).place(order("Anna"))) == expected)
            // In every case, the order is sent once.
            #expect(script.forms.count == 1)
        }
    }

    // CAcert silently drops a name that is not its own byte for byte.
    @Test("A name is sent with the bytes from the account page")
    func names() throws {
        let page = "200,Ok\nNAME=M&uuml;ller\nNAME=Zo\u{308}e\nNAME=Zo\u{F6}\nEMAIL=a@example.org\n"
        for (name, sent) in [
            ("M\u{FC}ller", "name=M%FCller&"), ("Zo\u{308}e", "name=Zo%CC%88e&"),
            ("Zo\u{F6}", "name=Zo%C3%B6&"), ("CAcert WoT User", "name=CAcert%20WoT%20User&"),
        ] {
            let script = ScriptedTransport.Script([
                .success(TransportAnswer(status: 200, body: Array(page.utf8))),
                .success(TransportAnswer(status: 200, body: [])),
            ])
            let api = api(script)
            var request = IssuanceRequest()
            request.name = name
            let grant = try api.grant(request)
            #expect(grant.emailAddresses == ["a@example.org"] && !grant.codeSigning)
            _ = api.place(CertificateOrder(grant: grant, request: "PEM"))
            #expect(script.forms.count == 2)
            #expect(script.forms.last?.contains(sent) == true, "\(script.forms)")
        }
    }

    // Otherwise the CA gets the other name, with the same letters but different bytes.
    @Test("If two names have the same letters, the one with the same bytes is sent")
    func sameLetters() throws {
        let page = "200,Ok\nNAME=Zo\u{E9}\nNAME=Zoe\u{301}\nEMAIL=a@example.org\n"
        for (name, sent) in [("Zo\u{E9}", "name=Zo%C3%A9&"), ("Zoe\u{301}", "name=Zoe%CC%81&")] {
            let script = ScriptedTransport.Script([
                .success(TransportAnswer(status: 200, body: Array(page.utf8))),
                .success(TransportAnswer(status: 200, body: [])),
            ])
            let api = api(script)
            _ = try? api.grant(IssuanceRequest())
            _ = api.place(order(name))
            #expect(script.forms.last?.contains(sent) == true, "\(script.forms)")
        }
    }

    @Test("A resumed order sends the name from the ledger without reading the account page")
    func resumed() {
        let script = ScriptedTransport.Script([
            .success(TransportAnswer(status: 200, body: []))
        ])
        _ = api(script).place(order("M\u{FC}ller"))
        #expect(script.forms.count == 1)
        #expect(script.forms.first?.contains("name=M%C3%BCller&codesign=0&") == true)
    }

    @Test("If the account page fails, nothing is granted, and the error contains no password")
    func grants() {
        for (answer, code) in [
            (
                .failure(TransportError(reason: "no route", mayHaveBeenSent: true)),
                .caUnreachable
            ),
            (
                .success(
                    TransportAnswer(
                        status: 200, body: Array("403,That username couldn't be found\n".utf8))),
                .credentialsRefused
            ),
            (.success(TransportAnswer(status: 302, body: [])), .caUnreachable),
        ] as [(Result<TransportAnswer, TransportError>, IssuanceError.Code)] {
            let script = ScriptedTransport.Script([answer])
            do throws(IssuanceError) {
                _ = try api(script).grant(IssuanceRequest())
                Testing.Issue.record("granted")
            } catch {
                #expect(error.code == code && error.step == .plan)
                #expect(!error.reason.contains("secret") && !error.reason.isEmpty)
            }
        }
    }

    // MARK: Answers

    private func meaning(_ body: String) -> AnswerMeaning {
        CAcertAccount<ScriptedTransport>.meaning(
            of: .init(status: 200, body: Array(body.utf8), interruption: nil))
    }

    // Otherwise an order is repeated with the same wrong password, or a valid password is blamed.
    @Test("Only a refusal of the user name concerns the credentials")
    func credentials() {
        #expect(
            meaning("403,That username couldn't be found\n")
                == .refused("That username couldn't be found", concernsCredentials: true))
        for text in [
            "The keys that you use are very small", "Something new",
            "The username is not in the request",
        ] {
            let refused = AnswerMeaning.refused(text, concernsCredentials: false)
            #expect(meaning("403," + text) == refused)
        }
    }

    @Test("The number of a late order is the digits after the last ID, and only after 404")
    func lateNumbers() {
        let late = "404,Your certificate request has failed."
        for (text, number) in [
            (" ID: 4711", "4711"), (" ID:4711", "4711"), (" id:  4711x", "4711"),
            (" ID: 1 ID: 2", "2"), (" ID: 1 ID: x", nil), (" ID: -1", nil), (" ID:", nil),
            (" ID: ", nil), ("", nil), (" ID: 00012", "00012"), (" ID: \u{661}", nil),
        ] as [(String, String?)] {
            #expect(meaning(late + text) == .pending(number), "\(text)")
        }
        // After a warning of PHP, the order is recognized only if it has a number.
        #expect(meaning("\nWarning: x\n" + late + " ID: 5") == .pending("5"))
        for body in ["\nWarning: x\n" + late, "500,Boom ID: 5", "\nWarning ID: 5\n"] {
            guard case .unclear = meaning(body) else {
                Testing.Issue.record("\(body): \(meaning(body))")
                continue
            }
        }
    }

    @Test("The text after the verdict of an issued certificate is kept byte for byte")
    func issued() {
        #expect(meaning("200,Ok\r\n\r\na\0\u{FF}") == .issued(Array("\r\na\0\u{FF}".utf8)))
        #expect(meaning("200,") == .issued([]))
    }
}
