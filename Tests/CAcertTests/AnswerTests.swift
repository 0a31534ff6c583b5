import Testing
import TokencertCAcert
import TokencertIssuance
import TokencertPlatform

/// A transport that records requests and returns a fixed answer.
private struct Recorder: Transport {
    var answer: [UInt8]
    var status = 200
    let seen: Seen

    final class Seen {
        var requests: [(url: String, body: String)] = []
    }

    mutating func post(
        to url: String, form: borrowing Secret
    ) throws(TransportError) -> TransportAnswer {
        let body = form.withBytes { bytes in
            String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
        }
        seen.requests.append((url, body))
        return TransportAnswer(status: status, body: answer)
    }
}

private func status(_ answer: [UInt8]) throws -> AccountStatus {
    let api = CAcertAccount(
        baseURL: "https://ca.example.org/", username: "a@example.org",
        password: Secret(copying: Array("p".utf8)),
        transport: Recorder(answer: answer, seen: .init()))
    return try api.accountStatus()
}

@Suite struct AnswerTests {
    @Test("The published example of an account page is read")
    func publishedExample() throws {
        let account = try status(
            Array(
                """
                200,Authentication Ok
                CS=0
                NAME=CAcert WoT User
                NAME=John Doe
                NAME=JOhn M. Doe
                EMAIL=john@doe.com
                EMAIL=john@super.com
                EMAIL=j@doe.au

                """.utf8))
        #expect(account.names.map(\.text) == ["John Doe", "JOhn M. Doe"])
        #expect(account.emailAddresses == ["john@doe.com", "john@super.com", "j@doe.au"])
        #expect(!account.mayRequestCodeSigning)
    }

    @Test(
        "A name that the server has escaped is decoded",
        arguments: [
            ("Anna M&Atilde;&frac14;ller", "Anna Müller"),
            ("D&#039;Arc", "D'Arc"),
            ("M&uuml;ller", "Müller"),  // stored as ISO-8859-1
            ("M\u{FC}ller", "Müller"),
            ("&amp;amp; &lt;b&gt; &quot;", "&amp; <b> \""),
            ("&nosuch; &", "&nosuch; &"),
            ("&#x4e; &#20320;", "N 你"),
        ])
    func escapedNames(escaped: String, name: String) throws {
        let account = try status(Array("200,Ok\r\nCS=1\r\nNAME=\(escaped)\r\n".utf8))
        #expect(account.names.map(\.text) == [name])
        #expect(account.mayRequestCodeSigning)
    }

    @Test("A name in ISO-8859-1 without entities is decoded")
    func rawBytes() throws {
        let account = try status(
            Array("200,Ok\nCS=0\nNAME=M".utf8) + [0xFC] + Array("ller\n".utf8))
        #expect(account.names.map(\.text) == ["Müller"])
    }

    @Test("A name in ISO-8859-1 is sent back with the same bytes")
    func bytesOfNames() throws {
        let seen = Recorder.Seen()
        let api = CAcertAccount(
            baseURL: "https://ca.example.org", username: "a@example.org",
            password: Secret(copying: Array("p".utf8)),
            transport: Recorder(
                answer: Array("200,Ok\nNAME=M&uuml;ller\n".utf8), seen: seen))
        let name = try #require(try api.accountStatus().names.first)
        #expect(name.text == "Müller")
        _ = try api.place("", name: name, emailAddresses: [], codeSigning: false)
        #expect(seen.requests[1].body.contains("name=M%FCller&"))
    }

    @Test("An order has all fields, with special characters in the password encoded")
    func orderForm() throws {
        let seen = Recorder.Seen()
        let api = CAcertAccount(
            baseURL: "https://ca.example.org//", username: "a+b@example.org",
            password: Secret(copying: Array("p&=%+ ü".utf8)),
            transport: Recorder(answer: [], seen: seen))
        _ = try api.place(
            "-----\n", name: AccountName("Ü"),
            emailAddresses: ["x@example.org", "y@example.org"], codeSigning: true)
        #expect(seen.requests[0].url == "https://ca.example.org/api/ccsr.php")
        #expect(
            seen.requests[0].body == """
                username=a%2Bb%40example.org&password=p%26%3D%25%2B%20%C3%BC\
                &email%5B0%5D=x%40example.org&email%5B1%5D=y%40example.org&name=%C3%9C&codesign=1\
                &optionalCSR=-----%0A
                """)
    }

    @Test(
        "Each known refusal is recognized, and the one that concerns the user name or the password",
        arguments: [
            ("403,That username couldn't be found", true),
            ("404,That username couldn't be found", true),
            ("404,Wasn't able to match any emails sent against your account", false),
            ("403, I didn't receive a valid Certificate Request. Hit the back button", false),
            ("404,Invalid or missing CSR", false),
            ("403, The keys you supplied use an unrecognized algorithm.", false),
            ("403, The keys that you use are very small", false),
            ("403,Something new", false),
        ])
    func refusals(body: String, isOfCredentials: Bool) {
        guard
            case .refused(_, let concernsCredentials) = AnswerMeaning(
                TransportAnswer(status: 200, body: Array(body.utf8)))
        else {
            Issue.record("not a refusal: \(body)")
            return
        }
        #expect(concernsCredentials == isOfCredentials)
    }

    @Test("A queued order is pending, and an unknown answer is unclear, not a refusal")
    func pending() {
        let outcome = AnswerMeaning(
            TransportAnswer(
                status: 200,
                body: Array("404,Your certificate request has failed. ID: 4711\n".utf8)))
        #expect(outcome == .pending("4711"))
        for body in [
            "", "<html>", "200", "200 OK", "500,Boom", "20x,Ok", "\u{0}\u{1}", "404,Something new",
        ] {
            let outcome = AnswerMeaning(TransportAnswer(status: 200, body: Array(body.utf8)))
            guard case .unclear = outcome else {
                Issue.record("\(body): \(outcome)")
                continue
            }
        }
    }

    @Test("A message is shown as plain text, without control characters")
    func plainText() {
        let markup = """
            403, The keys that you use are <b>very</b> small, see \
            <a href='//wiki.cacert.org/WeakKeys#SmallKey'>the wiki</a>\u{1B}[2J now
            """
        guard
            case .refused(let text, _) = AnswerMeaning(
                TransportAnswer(status: 200, body: Array(markup.utf8)))
        else {
            Issue.record("not a refusal")
            return
        }
        #expect(
            text == """
                The keys that you use are very small, see the wiki \
                (https://wiki.cacert.org/WeakKeys#SmallKey) [2J now
                """)
    }
}
