import Testing
import TokencertPlatform

@testable import TokencertCAcert
@testable import TokencertIssuance

/// The connection to a CA that cannot be reached.
private struct Unreachable: Transport {
    mutating func post(
        to url: String, form: borrowing Secret
    ) throws(TransportError) -> TransportAnswer {
        throw TransportError(reason: "why", mayHaveBeenSent: false)
    }
}

/// The account page, and the choices that it allows.
@Suite struct AccountAnswerTests {
    private func account(_ body: String, status: Int = 200) throws(IssuanceError) -> AccountStatus {
        try AccountStatus(TransportAnswer(status: status, body: Array(body.utf8)))
    }

    private func refusal(_ body: String, status: Int = 200) -> IssuanceError? {
        do throws(IssuanceError) {
            _ = try account(body, status: status)
            return nil
        } catch {
            return error
        }
    }

    // MARK: Lines

    @Test("Names and addresses keep the CA's order, without duplicates and the anonymous name")
    func order() throws {
        let account = try account(
            """
            200,Ok
            EMAIL=b@example.org
            NAME=Bob
            NAME=CAcert WoT User
            EMAIL=a@example.org
            NAME=Anna
            EMAIL=b@example.org
            NAME=Bob

            """)
        #expect(account.names.map(\.text) == ["Bob", "Anna"])
        #expect(account.emailAddresses == ["b@example.org", "a@example.org"])
        #expect(!account.mayRequestCodeSigning)
    }

    // Otherwise the user is offered names that the account does not have.
    @Test("Lines with other fields or before the verdict are ignored")
    func otherLines() throws {
        let account = try account(
            """
            EMAIL=before@example.org
            200,Ok
            email=lower@example.org
             EMAIL=blank@example.org
            EMAILS=more@example.org
            EMAIL
            =nothing@example.org
            CS
            NAMES=More
            POINTS=100
            EMAIL=a=b@example.org

            """)
        #expect(account.emailAddresses == ["a=b@example.org"])
        #expect(account.names.isEmpty && !account.mayRequestCodeSigning)
    }

    @Test("An account without lines has no names, addresses or code signing")
    func missingLines() throws {
        let nothing = try account("200,Authentication Ok\n")
        #expect(nothing.names.isEmpty && nothing.emailAddresses.isEmpty)
        #expect(!nothing.mayRequestCodeSigning)
        let name = try account("200,Ok\n\n\nNAME=Anna\n\n")
        #expect(name.names.map(\.text) == ["Anna"] && name.emailAddresses.isEmpty)
    }

    @Test("An account is enabled for code signing only if the value is 1")
    func codeSigning() throws {
        for (value, expected) in [
            ("1", true), ("0", false), ("", false), ("2", false), ("11", false), ("yes", false),
            ("01", false), ("-1", false),
        ] {
            #expect(try account("200,Ok\nCS=\(value)\n").mayRequestCodeSigning == expected)
        }
    }

    @Test("Blanks at the ends of a name are not shown, but the name cannot be issued")
    func blanks() throws {
        for name in [" Anna", "Anna ", "\tAnna", "Anna\t", "&#9;Anna", "Anna&#0;", " Anna \u{0B}"] {
            let found = try #require(try account("200,Ok\nNAME=\(name)\n").names.first)
            #expect(found.text == "Anna", "\(name)")
            #expect(found.obstacle?.contains("blank") == true, "\(name)")
        }
        // CR is part of the line end, not of the name.
        let found = try #require(try account("200,Ok\r\nNAME=Anna\r\n").names.first)
        #expect(found.text == "Anna" && found.obstacle == nil)
    }

    // MARK: Refusals

    @Test("Wrong credentials, other refusals and answers of other servers are distinguished")
    func refusals() {
        for (body, code) in [
            ("403,That username couldn't be found\n", .credentialsRefused),
            ("403,That USERNAME couldn't be found", .credentialsRefused),
            ("403,The account is locked\n", .orderRefused), ("404,x\n", .orderRefused),
            ("500,Boom\n", .orderRefused),
            ("<html><title>Maintenance</title></html>", .caUnreachable), ("", .caUnreachable),
            ("EMAIL=a@example.org\n", .caUnreachable), ("200 OK\n", .caUnreachable),
        ] as [(String, IssuanceError.Code)] {
            let error = refusal(body)
            #expect(error?.code == code && error?.step == .plan, "\(body)")
            let isOfOther = error?.reason.hasPrefix(Self.notTheAPI) == true
            #expect(isOfOther == (code == .caUnreachable), "\(body)")
        }
        let locked = refusal("403,The <b>account</b> is locked\n")
        #expect(locked?.reason == "the CA refuses: The account is locked")
    }

    @Test("The beginning of another server's page is shown as plain text, with the HTTP status")
    func otherServer() {
        let long = "<h1>" + String(repeating: "word ", count: 100) + "</h1>"
        let reason = refusal(long, status: 503)?.reason ?? ""
        #expect(reason.hasPrefix(Self.notTheAPI + "HTTP 503: word word"), "\(reason)")
        #expect(reason.count < 200 && !reason.contains("<"))
        let hostile = refusal("\u{1B}]0;title\u{7}a\u{202E}b", status: 200)?.reason ?? ""
        #expect(hostile == Self.notTheAPI + "HTTP 200: ]0;title a b")
    }

    private static let notTheAPI = "the answer does not come from the CA's API: "

    @Test("The CA's text is shown, except if the credentials are wrong")
    func shownTexts() {
        // It does not help then.
        let wrong = refusal("403,That username couldn't be found: why\n")
        #expect(wrong?.code == .credentialsRefused && wrong?.reason.contains("why") == false)
        for body in ["403,why\n", "why"] {
            #expect(refusal(body)?.reason.contains("why") == true, "\(body)")
        }
    }

    @Test("A CA that cannot be reached is reported with the reason")
    func unreachable() {
        let api = CAcertAccount(
            baseURL: "https://localhost", username: "a", password: Secret(),
            transport: Unreachable())
        let unreachable = error { _ = try api.accountStatus() }
        #expect(unreachable?.code == .caUnreachable && unreachable?.step == .plan)
        #expect(unreachable?.reason == "the CA cannot be reached: why")
    }

    // MARK: Choices

    private func choices(
        _ names: [String], _ addresses: [String] = ["anna@example.org"], codeSigning: Bool = false
    ) -> AccountStatus {
        AccountStatus(
            emailAddresses: addresses, names: names.map(AccountName.init),
            mayRequestCodeSigning: codeSigning)
    }

    private func error(_ body: () throws -> Void) -> IssuanceError? {
        do {
            try body()
            return nil
        } catch {
            return error as? IssuanceError
        }
    }

    @Test("None of several names is chosen, and only those that can be issued are offered")
    func severalNames() throws {
        let several = error { _ = try choices(["Anna", "Jeanne D'Arc", "Bob"]).chosenName(nil) }
        #expect(several?.code == .accountLacks && several?.step == .plan)
        #expect(several?.choices == ["Anna", "Bob"] && several?.wanted == nil)
        #expect(several?.missing == .name)
        // The anonymous name is offered only if there is no other.
        let none = error { _ = try choices(["D'Arc", "O'Neil"]).chosenName(nil) }
        #expect(none?.code == .accountLacks && none?.choices == ["CAcert WoT User"])
        #expect(try choices(["Anna"]).chosenName(nil).text == "Anna")
    }

    @Test("The anonymous name can be requested, whatever names the account has")
    func anonymousName() throws {
        for names in [[], ["Anna"], ["Anna", "Bob"]] {
            #expect(try choices(names).chosenName("CAcert WoT User") == AccountStatus.anonymousName)
        }
    }

    @Test("A name that the account does not have is never replaced")
    func unknownName() {
        for wanted in ["Bob", "", "anna", "Anna ", "CAcert WOT User"] {
            let unknown = error { _ = try choices(["Anna"]).chosenName(wanted) }
            #expect(unknown?.code == .accountLacks && unknown?.wanted == wanted)
            #expect(unknown?.choices == ["Anna", "CAcert WoT User"])
        }
    }

    @Test("None of several addresses is chosen, and each requested one must be verified")
    func addresses() throws {
        let all = ["a@example.org", "o'neil@example.org", "b@example.org"]
        let several = error { _ = try choices([], all).chosenAddresses([]) }
        #expect(
            several?.code == .accountLacks && several?.reason == "the account has several addresses"
        )
        #expect(several?.choices == ["a@example.org", "b@example.org"])
        #expect(several?.missing == .emailAddress)
        let none = error { _ = try choices([], []).chosenAddresses([]) }
        #expect(none?.code == .accountLacks && none?.choices == [])
        #expect(none?.reason == "the account has no verified address")
        // The error names the first address that is not verified.
        let unknown = error {
            _ = try choices([], all).chosenAddresses(["a@example.org", "x@example.org", ""])
        }
        #expect(unknown?.code == .accountLacks && unknown?.wanted == "x@example.org")
        #expect(unknown?.missing == nil)
    }

    @Test("Code signing is refused only if it is requested and the account is not enabled for it")
    func signingCode() {
        for (wanted, may, isRefused) in [
            (false, false, false), (false, true, false), (true, true, false), (true, false, true),
        ] {
            let refused = error { try choices([], codeSigning: may).requireCodeSigning(wanted) }
            #expect(refused?.code == (isRefused ? .accountLacks : nil), "\(wanted), \(may)")
        }
    }
}
