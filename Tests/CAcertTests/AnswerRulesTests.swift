import Testing
import TokencertIssuance
import TokencertPlatform

@testable import TokencertCAcert

/// The rules for reading CAcert's answers.
@Suite struct AnswerRulesTests {
    private func outcome(_ body: String, status: Int = 200) -> AnswerMeaning {
        AnswerMeaning(TransportAnswer(status: status, body: Array(body.utf8)))
    }

    private func account(_ body: String) throws -> AccountStatus {
        try AccountStatus(TransportAnswer(status: 200, body: Array(body.utf8)))
    }

    // Otherwise a refusal in another language is reported as an unknown outcome.
    @Test(
        "An answer with 403 is a refusal in every language",
        arguments: [
            "403, Ihre Schlüssel sind sehr kurz und deshalb unsicher.",
            "403, Les clés que vous utilisez sont très petites", "403,", "403, \u{3042}",
        ])
    func translatedRefusals(body: String) {
        guard case .refused = outcome(body) else {
            Issue.record("not a refusal: \(outcome(body))")
            return
        }
    }

    // Otherwise the user orders a second certificate although the first order is queued.
    @Test(
        "An answer with 404 and a number is an order that may still be issued",
        arguments: [
            ("404,Your certificate request has failed. ID: 4711", "4711"),
            ("404, Your certificate request has failed. ID: 4711\r\n", "4711"),
            ("404,Ihre Anforderung ist fehlgeschlagen. ID: 4711", "4711"),
            ("404,Your certificate request 12 has failed. Id:4711.", "4711"),
            ("404,Your certificate request has failed.", nil),
        ] as [(String, String?)])
    func pending(body: String, identifier: String?) {
        #expect(outcome(body) == .pending(identifier))
    }

    // Otherwise the user does not get the number of the order, or cannot order while the server
    // warns.
    @Test("The account and the order's number are read after a warning of the server")
    func warnings() throws {
        let warning = "\nWarning: mysql_connect() in common.php\n"
        let account = try account(warning + "200,Ok\nCS=1\nEMAIL=anna@example.org\n")
        #expect(account.emailAddresses == ["anna@example.org"])
        #expect(account.mayRequestCodeSigning)
        #expect(throws: IssuanceError.self) {
            try self.account(warning + "403,That username couldn't be found\n")
        }
        #expect(throws: IssuanceError.self) { try self.account(warning + "EMAIL=a@example.org\n") }
        let late = "404,Your certificate request has failed. ID: 4711"
        #expect(outcome(warning + late) == .pending("4711"))
        for body in [
            warning + "404,Invalid or missing CSR", warning + "403, The keys that you use",
            warning + "200,Authentication Ok\n", warning + "x " + late,
        ] {
            guard case .unclear = outcome(body) else {
                Issue.record("\(body): \(outcome(body))")
                continue
            }
        }
    }

    // Otherwise the user places an order again although it is queued.
    @Test(
        "The outcome is unknown after any other number, or another server's refusal",
        arguments: [
            ("404,Try again later", 200), ("401,Unauthorized", 200), ("500,Boom", 200),
            ("403,That username couldn't be found", 503),
            ("404,Invalid or missing CSR", 502), ("", 302), ("", 500), ("<h1>Error</h1>", 500),
        ])
    func unclear(body: String, status: Int) {
        guard case .unclear(let reason) = outcome(body, status: status) else {
            Issue.record("\(body): \(outcome(body, status: status))")
            return
        }
        #expect(!reason.isEmpty)
    }

    // Otherwise the user does not learn that the address of the CA is wrong.
    @Test("The error about an empty answer with 302 or 500 explains when CAcert's server sends it")
    func emptyAnswers() {
        for (status, meaning) in [(302, "a host name other"), (500, "list of weak keys")] {
            guard case .unclear(let reason) = outcome("", status: status) else {
                Issue.record("not unclear: \(status)")
                continue
            }
            #expect(reason.contains(meaning) && reason.contains("HTTP \(status)"), "\(reason)")
            #expect(throws: IssuanceError.self) {
                try AccountStatus(TransportAnswer(status: status, body: []))
            }
        }
    }

    // Otherwise one answer blocks the program for hours, and again at each `resume`.
    @Test(
        "An answer of a megabyte is read in a few seconds",
        arguments: ["<", "<a", "&", "&amp", "<a href='", "< >", ">", "ID: ", "é"])
    func longLines(piece: String) {
        let filler = String(repeating: piece, count: (1 << 20) / piece.utf8.count)
        for beginning in ["403,", "404,", "500,", ""] {
            let start = ContinuousClock.now
            switch outcome(beginning + filler) {
            case .refused(let text, _): #expect(text.utf8.count <= 3 * 4096)
            case .unclear(let reason): #expect(reason.utf8.count <= 3 * 4096 + 100)
            default: break
            }
            #expect(ContinuousClock.now - start < .seconds(10))
        }
        for beginning in ["200,", "200,Ok\nNAME=", "403,"] {
            let start = ContinuousClock.now
            _ = try? account(beginning + filler + "\n")
            #expect(ContinuousClock.now - start < .seconds(10))
        }
    }

    @Test("An account page with many lines is read in a few seconds")
    func manyLines() throws {
        let lines = (0..<60_000).map { "NAME=\($0)\nEMAIL=\($0)" }.joined(separator: "\n")
        let start = ContinuousClock.now
        #expect(try account("200,Ok\n" + lines + "\n").names.count == 60_000)
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test("A truncated message does not end inside a character")
    func cutMessage() {
        for padding in 0..<4 {
            let text = String(repeating: "x", count: padding) + String(repeating: "€", count: 4000)
            guard case .refused(let message, _) = outcome("403," + text) else {
                Issue.record("not a refusal")
                return
            }
            #expect(Set(message).isSubset(of: ["x", "€"]), "\(message.suffix(9))")
        }
    }

    // Otherwise the certificate is reported as issued to another person.
    @Test(
        "A name is recognized unchanged and converted byte by byte, but in no other form",
        arguments: [
            ("Anna Müller", "Anna Müller", .exact),
            ("Anna Müller", "Anna MÃ¼ller", .byteByByte),
            ("Łukasz Żółć", "Å\u{81}ukasz Å»Ã³Å\u{82}Ä\u{87}", .byteByByte),
            ("John Doe", "John Doe", .exact),
            ("Anna Müller", "Anna Muller", nil),
            ("Anna Müller", "Anna M\u{FFFD}\u{FFFD}ller", nil),
            // The name looks the same but has different bytes.
            ("Anna Müller", "Anna Mu\u{308}ller", nil),
            // Converted byte by byte twice, and in the opposite direction.
            ("Anna Müller", "Anna MÃ\u{83}Â¼ller", nil),
            ("Anna MÃ¼ller", "Anna Müller", nil),
            ("Anna Müller", "", nil), ("Anna Müller", "Anna MÃ¼ller ", nil),
        ] as [(String, String, NameForm?)])
    func forms(name: String, written: String, form: NameForm?) {
        #expect(AccountName(name).form(of: written) == form)
    }

    // Otherwise an order is placed for a truncated address, or for the only one that remains.
    @Test("A truncated account page and one with an overlong line are refused")
    func cutAccount() throws {
        let whole = """
            200,Authentication Ok
            CS=1
            NAME=CAcert WoT User
            EMAIL=anna@example.org
            EMAIL=a@example.org.uk

            """
        #expect(try account(whole).emailAddresses == ["anna@example.org", "a@example.org.uk"])
        for length in 4..<whole.utf8.count {
            let part = String(whole.prefix(length))
            guard !part.hasSuffix("\n") else { continue }
            let error = #expect(throws: IssuanceError.self, "\(part)") { try account(part) }
            #expect(error?.code == .caUnreachable, "\(part)")
            #expect(error?.reason.hasSuffix("the account is truncated") == true, "\(part)")
        }
        let long = String(repeating: "x", count: 5000)
        for field in ["NAME", "EMAIL"] {
            #expect(throws: IssuanceError.self, "\(field)") {
                try account(whole + "\(field)=\(long)\n")
            }
        }
        #expect(try account(whole + "OTHER=\(long)\n").emailAddresses.count == 2)
    }

    // Otherwise the user gets a certificate for "CAcert WoT User".
    @Test("Names and addresses that the API changes are refused before the order")
    func obstacles() throws {
        let account = try account(
            """
            200,Authentication Ok
            CS=1
            NAME=CAcert WoT User
            NAME=Jeanne D&#039;Arc
            NAME=Anna &quot;Ann&quot; M&Atilde;&frac14;ller
            NAME=Back\\slash
            NAME=Anna Blank\u{20}
            NAME=Anna M&Atilde;&frac14;ller
            EMAIL=o&#039;neil@example.org
            EMAIL=a+b@example.org

            """)
        #expect(
            account.names.filter { $0.obstacle != nil }.map(\.text) == [
                "Jeanne D'Arc", "Anna \"Ann\" Müller", "Back\\slash", "Anna Blank",
            ])
        #expect(account.names.last?.text == "Anna Müller")
        #expect(AccountStatus.anonymousName.obstacle == nil)
        #expect(
            account.emailAddresses.filter { AccountStatus.obstacle(toAddress: $0) != nil }
                == ["o'neil@example.org"])
    }

    // Otherwise the user can choose them, and the order fails.
    @Test("A name or an address that does not fit into a certificate is refused before the order")
    func impossible() {
        let long = String(repeating: "ü", count: 64)
        #expect(AccountName(long).obstacle == nil)
        for name in [long + "x", ""] {
            #expect(AccountName(name).obstacle?.contains("1 to 64 characters") == true, "\(name)")
        }
        let longest = String(repeating: "a", count: 116) + "@example.org"
        #expect(AccountStatus.obstacle(toAddress: longest) == nil)
        for address in ["müller@example.org", "a b@example.org", "a@", "b" + longest] {
            let obstacle = AccountStatus.obstacle(toAddress: address)
            #expect(obstacle?.contains("3 to 128 ASCII characters") == true, "\(address)")
        }
    }
}
