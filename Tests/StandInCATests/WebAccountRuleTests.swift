import Testing
import TokencertTestSupport

@testable import TokencertStandInCA

/// The web account's rules about passwords, accounts and orders.
@Suite struct WebAccountRuleTests {
    private func account(_ password: String = "secret") -> Account {
        Account(
            username: "anna@example.org", password: password, points: 100, codeSigning: true,
            emails: ["anna@example.org"], name: .init(first: "Anna", last: "Miller"))
    }

    private func verdict(_ login: Login, _ password: String) -> Login.Verdict {
        login.verdict(email: "anna@example.org", password: password)
    }

    // MARK: Login

    @Test("One level of backslashes is removed from a text")
    func backslashes() {
        for (text, result) in [
            ("", ""), ("abc", "abc"), (#"a\b"#, "ab"), (#"a\\b"#, #"a\b"#), (#"\\\\"#, #"\\"#),
            (#"a\"#, "a"), (#"\\\a"#, #"\a"#), (#"\'\""#, #"'""#), ("\\\u{308}a", "\u{308}a"),
        ] {
            #expect(
                PHPText.withoutBackslashes(text).utf8.elementsEqual(result.utf8), "\(text)")
        }
    }

    // Otherwise the client would tell a user to correct a password that works.
    @Test("A password is trimmed and loses backslashes before it is compared")
    func passwords() {
        for (stored, sent, isRight) in [
            ("secret", " secret\t\n", true), ("secret", #"se\cret"#, true),
            (#"se\cret"#, #"se\cret"#, false), (#"se\cret"#, #"se\\cret"#, true),
            (" secret", " secret", false), ("secret", "Secret", false),
        ] {
            let login = Login(accounts: AccountsFile(accounts: [account(stored)]))
            let expected: Login.Verdict = isRight ? .loggedIn(account(stored)) : .refused
            #expect(verdict(login, sent) == expected, "\(stored) \(sent)")
        }
    }

    @Test("A user name matches without case and with blanks at both ends")
    func userNames() {
        let login = Login(accounts: AccountsFile(accounts: [account()]))
        let verdict = login.verdict(email: "\t ANNA@example.org ", password: "secret")
        #expect(verdict == .loggedIn(account()))
    }

    @Test(
        "After a failure, logins of that account fail for five seconds, and those of others do not")
    func waiting() {
        var other = account()
        other.username = "other@example.org"
        let login = Login(accounts: AccountsFile(accounts: [account(), other]))
        let start = ContinuousClock.now
        func result(_ email: String, _ password: String, _ seconds: Double) -> Login.Verdict {
            login.verdict(
                email: email, password: password, at: start.advanced(by: .seconds(seconds)))
        }
        #expect(result("anna@example.org", "wrong", 0) == .refused)
        #expect(result("ANNA@example.org", "secret", 4.9) == .refused)
        #expect(result("other@example.org", "secret", 4.9) == .loggedIn(other))
        // The refused login with the right password is a failure, too.
        #expect(result("anna@example.org", "secret", 9.8) == .refused)
        #expect(result("anna@example.org", "secret", 14.9) == .loggedIn(account()))
    }

    @Test("An account is refused, must accept the agreement, or has a single page")
    func restrictions() {
        var changed = account()
        changed.hasWeakPassphrase = true
        #expect(changed.requiredPage?.query == "id=14&force=1")
        changed.hasQuestions = false
        #expect(changed.requiredPage?.query == "id=13")
        #expect(account().requiredPage == nil)
        changed.hasAcceptedAgreement = false
        let login = Login(accounts: AccountsFile(accounts: [changed]))
        #expect(verdict(login, "secret") == .agreementRequired)
        changed.isLocked = true
        let locked = Login(accounts: AccountsFile(accounts: [changed]))
        #expect(verdict(locked, "secret") == .refused)
    }

    @Test("The accounts file omits properties of the web site that have their default values")
    func accountsFile() throws {
        let folder = try TemporaryFolder()
        #expect(!AccountsFile(accounts: [account()]).json.contains("isLocked"))
        var changed = account()
        changed.isLocked = true
        changed.hasAcceptedAgreement = false
        changed.hasQuestions = false
        changed.hasWeakPassphrase = true
        let file = AccountsFile(accounts: [account(), changed])
        let path = try folder.write(file.json, "accounts.json")
        #expect(try AccountsFile(path: path).accounts == file.accounts)
    }

    // MARK: Orders

    private func certificate(_ serialNumber: String, notAfter: Int64 = 1000) -> SignedCertificate {
        SignedCertificate(pem: "PEM", serialNumber: serialNumber, notAfter: notAfter)
    }

    @Test("Orders survive a restart, and numbers continue after the highest")
    func restart() throws {
        let folder = try TemporaryFolder()
        let orders = try Orders(directory: folder.path)
        #expect(orders.queue(username: "a", address: "x@example.org") == 4712)
        #expect(orders.queue(username: "a", address: "y@example.org") == 4713)
        #expect(orders.queue(username: "b", address: "z@example.org") == 4714)
        try orders.issue(certificate("0A01"), for: 4712)
        try orders.issue(certificate("0A02"), for: 4714)
        #expect(orders.revoke([4714], of: "b", at: 7) == ["0A02"])
        try folder.write("", "orders/README")
        let again = try Orders(directory: folder.path)
        #expect(again.ofAccount("a") == orders.ofAccount("a"))
        #expect(again.ofAccount("a").map(\.number) == [4713, 4712])
        #expect(again[4714]?.certificate?.revoked == 7)
        #expect(again.queue(username: "a", address: "x@example.org") == 4715)
    }

    @Test("The status of an order follows from its certificate")
    func statuses() throws {
        let folder = try TemporaryFolder()
        let orders = try Orders(directory: folder.path)
        let number = orders.queue(username: "a", address: "x@example.org")
        #expect(orders[number]?.status(at: 0) == .pending)
        try orders.issue(certificate("0A01"), for: number)
        #expect(orders[number]?.status(at: 1000) == .valid)
        #expect(orders[number]?.status(at: 1001) == .expired)
        _ = orders.revoke([number], of: "a", at: 5)
        #expect(orders[number]?.status(at: 1001) == .revoked)
    }

    @Test("An account can change only its own orders, and each only once")
    func ownOrders() throws {
        let folder = try TemporaryFolder()
        let orders = try Orders(directory: folder.path)
        let issued = orders.queue(username: "a", address: "x@example.org")
        let pending = orders.queue(username: "a", address: "x@example.org")
        try orders.issue(certificate("0A01"), for: issued)
        #expect(orders.revoke([issued, pending], of: "b", at: 5).isEmpty)
        orders.deletePending([issued, pending], of: "b")
        #expect(orders.revoke([issued, pending, issued, 1], of: "a", at: 5) == ["0A01"])
        orders.deletePending([issued, pending], of: "a")
        #expect(orders.ofAccount("a").map(\.number) == [issued])
        // A certificate for a deleted order is not recorded.
        try orders.issue(certificate("0A02"), for: pending)
        #expect(orders[pending] == nil)
    }

    // MARK: Pages

    @Test("Text in a page is escaped, and HTML in it is not")
    func escaping() {
        let text = "a<b"
        let inner: HTML = "<b>\(text)</b>"
        let html: HTML = "<p>\(inner)\(UInt64(7))</p>"
        #expect(String(decoding: html.bytes, as: UTF8.self) == "<p><b>a&lt;b</b>7</p>")
    }

    private func orders() -> [Order] {
        let valid = Order.Certificate(serialNumber: "0A01", notAfter: 86_400)
        let expired = Order.Certificate(serialNumber: "0A02", notAfter: 9)
        let revoked = Order.Certificate(serialNumber: "0A03", notAfter: 86_400, revoked: 61)
        return [valid, expired, revoked, nil].enumerated().map { index, certificate in
            Order(
                number: UInt64(index), username: "a", address: "o<n@example.org",
                certificate: certificate)
        }
    }

    @Test("Only valid and pending certificates are listed unless all are requested")
    func listed() {
        let list = CertificateList(orders: orders(), now: 10)
        for (showsAll, expected) in [(false, [0, 3]), (true, [0, 1, 2, 3])] {
            let page = String(decoding: list.page(showsAll: showsAll).bytes, as: UTF8.self)
            let numbers = (0..<4).filter { page.contains("name=\"cert_\($0)\"") }
            #expect(numbers == expected, "\(page)")
        }
    }

    @Test("A row of the list depends on the status of the certificate")
    func rows() {
        let list = CertificateList(orders: orders(), now: 10)
        let page = String(decoding: list.page(showsAll: true).bytes, as: UTF8.self)
        let rows = page.split(separator: "</tr>").dropFirst()
        let address = "o&lt;n@example.org"
        for (row, parts) in zip(
            rows,
            [
                [
                    "name=\"revokeid[]\" value=\"0\"", "<td>Valid</td>",
                    "cert=0\">\(address)</a>",
                    "<td>0A01</td>", "<td>Not Revoked</td>", "<td>1970-01-02 00:00:00</td>",
                ],
                [
                    "name=\"revokeid[]\" value=\"1\"", "<td>Expired</td>",
                    "cert=1\">\(address)</a>",
                    "<td>0A02</td>", "<td>Not Revoked</td>", "<td>1970-01-01 00:00:09</td>",
                ],
                [
                    "<td>&nbsp;</td>", "<td>Revoked</td>", "<td>\(address)</td>", "<td>0A03</td>",
                    "<td>1970-01-01 00:01:01</td>", "<td>1970-01-02 00:00:00</td>",
                ],
                [
                    "name=\"delid[]\" value=\"3\"", "<td>Pending</td>", "<td>\(address)</td>",
                    "<td></td>", "<td>Not Revoked</td>", "<td>0000-00-00 00:00:00</td>",
                ],
            ])
        {
            for part in parts { #expect(row.contains(part), "\(part) in \(row)") }
        }
    }

    @Test("The session is the value of the cookie cacert, if it has one")
    func cookies() {
        for (cookies, session) in [
            (nil, nil), ("", nil), ("a=b", nil), ("cacert=", nil), ("cacert=12", "12"),
            ("a=b; cacert=12; c=d", "12"), ("xcacert=12", nil),
        ] as [(String?, String?)] {
            #expect(Sessions.identifier(cookies) == session, "\(cookies ?? "none")")
        }
    }

    @Test("A fault replaces the content, and the content type unless the content is damaged")
    func faultyReplies() {
        let reply = Reply(
            answer: .status(200, body: Array("abcd".utf8)), contentType: "text/plain", cookie: "1")
        for (fault, bytes, type) in [
            (.cut, "ab", "text/plain"), (.empty, "", Reply.html),
            (.changedPage, "abcd", Reply.html),
        ] as [(Fault, String, String)] {
            let faulty = reply.with(fault)
            guard case .body(let content) = faulty.answer else {
                Issue.record("\(fault) has no content")
                continue
            }
            #expect(content == Array(bytes.utf8), "\(fault)")
            #expect(faulty.contentType == type && faulty.cookie == "1", "\(fault)")
        }
        guard case .broken = reply.with(.resetBefore).answer else {
            Issue.record("the connection does not break")
            return
        }
    }

    @Test("Every fault belongs to orders or to the web account")
    func faults() {
        for fault in Fault.allCases {
            #expect(fault.isOfOrders || fault.isOfWebAccount, "\(fault)")
            #expect(!fault.isOfAnswers || fault.isOfOrders, "\(fault)")
        }
    }
}
