import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// The rules of CAcert's web account, each tested with curl.
    @Suite struct WebAccountTests {
        /// An account with other properties, in JSON.
        private func account(_ properties: String) -> String {
            String(StandIn.anna.dropLast()) + ", \(properties)}"
        }

        private let other = StandIn.account(
            "other@example.org", points: 100, codeSigning: false, emails: ["other@example.org"])

        private let failure = "Incorrect email address and/or Pass Phrase."

        // MARK: Login

        @Test("A login is redirected to the account, and the session keeps its first cookie")
        func login() throws {
            let visitor = try Visitor(StandIn())
            let form = try visitor.open("index.php?id=4")
            #expect(form.status == 200 && form.body.contains("name=\"pword\""), "\(form.body)")
            #expect(form.header("set-cookie")?.hasPrefix("cacert=") == true, "\(form.headers)")
            let login = try visitor.login()
            #expect(login.status == 302)
            #expect(login.header("location") == visitor.ca.url + "/account.php")
            #expect(login.header("set-cookie") == nil, "\(login.headers)")
            let page = try visitor.open("account.php")
            #expect(page.status == 200 && page.header("set-cookie") == nil, "\(page.headers)")
            #expect(page.header("content-type") == "text/html; charset=utf-8")
            // Without an earlier page, the login sends the cookie.
            let another = try Visitor(visitor.ca)
            #expect(try another.login().header("set-cookie")?.hasPrefix("cacert=") == true)
            #expect(try another.open("account.php").status == 200)
        }

        @Test("Without a login or after the logout, every page is redirected to the login")
        func withoutLogin() throws {
            let visitor = try Visitor(StandIn())
            func requireRedirects() throws {
                for page in ["", "?id=5", "?id=6&cert=4712&format=pem", "?id=1"] {
                    let answer = try visitor.open("account.php" + page)
                    #expect(answer.status == 302 && answer.body.isEmpty, "\(page)")
                    #expect(answer.header("location") == visitor.ca.url + "/index.php?id=4")
                }
                #expect(try visitor.revoke(["revokeid[]=4712"]).status == 302)
            }
            try requireRedirects()
            _ = try visitor.login()
            let logout = try visitor.open("account.php?id=logout")
            #expect(logout.status == 302)
            #expect(logout.header("location")?.hasPrefix(visitor.ca.url + "/index.php") == true)
            try requireRedirects()
        }

        @Test("After a failure, the right password fails for five seconds, too")
        func waiting() throws {
            let visitor = try Visitor(StandIn())
            for password in ["wrong", StandIn.password] {
                let answer = try visitor.login("anna@example.org", password)
                #expect(answer.status == 200 && answer.body.contains(failure), "\(answer.body)")
                #expect(answer.body.contains("name=\"pword\""))
                #expect(try visitor.open("account.php").status == 302)
            }
            Thread.sleep(forTimeInterval: 5.1)
            #expect(try visitor.login().status == 302)
            #expect(try visitor.open("account.php").status == 200)
        }

        @Test("A password is compared after it is trimmed and has lost its backslashes")
        func passwords() throws {
            let stored = StandIn.anna.replacing(StandIn.password, with: #"a\\b"#)
            let visitor = try Visitor(StandIn(accounts: [stored, other]))
            #expect(try visitor.login(" ANNA@example.org\t", #" a\\b "#).status == 302)
            #expect(try visitor.login("anna@example.org", #"a\b"#).body.contains(failure))
            #expect(
                try visitor.login("other@example.org", " \(StandIn.password)\n").status == 302)
        }

        @Test("The web site refuses a locked account, and the API does not")
        func locked() throws {
            let visitor = try Visitor(StandIn(accounts: [account("\"isLocked\": true")]))
            #expect(try visitor.login().body.contains(failure))
            #expect(try visitor.order().hasPrefix("200,"))
        }

        @Test("A member who has not accepted the agreement is not logged in")
        func agreement() throws {
            let visitor = try Visitor(
                StandIn(accounts: [
                    account("\"hasAcceptedAgreement\": false, \"hasQuestions\": false")
                ]))
            #expect(
                try visitor.login().header("location") == visitor.ca.url + "/index.php?id=52")
            #expect(
                try visitor.open("account.php").header("location")
                    == visitor.ca.url + "/index.php?id=4")
        }

        @Test(
            "Without questions or with a weak pass phrase, every page is redirected to one page",
            arguments: [
                ("\"hasQuestions\": false, \"hasWeakPassphrase\": true", "id=13"),
                ("\"hasWeakPassphrase\": true", "id=14&force=1"),
            ])
        func requiredPages(property: String, query: String) throws {
            let visitor = try Visitor(StandIn(accounts: [account(property)]))
            let target = visitor.ca.url + "/account.php?" + query
            #expect(try visitor.login().header("location") == target)
            for page in ["", "?id=5", "?id=6&cert=4712&format=pem"] {
                #expect(try visitor.open("account.php" + page).header("location") == target)
            }
            #expect(try visitor.open("account.php?" + query).status == 200)
        }

        @Test("The log has the fields of the web account, but no values")
        func log() throws {
            let visitor = try Visitor(StandIn())
            _ = try visitor.login()
            _ = try visitor.open("account.php?id=5")
            let lines = visitor.ca.requests
            #expect(lines.count == 2)
            #expect(lines.first?.contains("\"pword\"") == true, "\(lines)")
            #expect(lines.last?.contains("\"path\":\"/account.php\"") == true, "\(lines)")
            #expect(!lines.joined().contains("correct horse"), "\(lines)")
        }

        // MARK: Downloads

        @Test("A certificate is sent alone, in PEM or DER, under the number of its order")
        func download() throws {
            let visitor = try Visitor(StandIn())
            let answer = try visitor.order()
            _ = try visitor.login()
            let page = try visitor.download(4712)
            #expect(page.status == 200)
            #expect(page.header("content-type") == "application/pkix-cert")
            #expect("200,Authentication Ok\n" + page.body == answer)
            let file = visitor.folder.file("der")
            _ = try visitor.open(
                "account.php?id=6&cert=4712&format=der", [], ["-o", file])
            let pem = try run("openssl", ["x509", "-inform", "DER", "-in", file]).output
            #expect(pem == page.body)
        }

        @Test("A late certificate is empty at first, and is sent after it was signed")
        func late() throws {
            let visitor = try Visitor(StandIn(["--signing-time", "2.5"]))
            #expect(try visitor.order().hasSuffix("failed. ID: 4712"))
            _ = try visitor.login()
            let empty = try visitor.download(4712)
            #expect(empty.status == 200 && empty.body.isEmpty)
            #expect(empty.header("content-type") == "application/pkix-cert")
            #expect(empty.header("content-length") == "0")
            #expect(try visitor.list().map { $0[1] } == ["Pending"])
            let end = Date(timeIntervalSinceNow: 10)
            while try visitor.download(4712).body.isEmpty, Date() < end { usleep(100_000) }
            #expect(try visitor.download(4712).body.hasPrefix("-----BEGIN CERTIFICATE-----\n"))
            #expect(try visitor.list().map { $0[1] } == ["Valid"])
        }

        @Test("The certificate of another account and an unknown one are the same page")
        func foreign() throws {
            let visitor = try Visitor(StandIn(accounts: [StandIn.anna, other]))
            #expect(try visitor.order("other@example.org").hasPrefix("200,"))
            _ = try visitor.login()
            for number in [4712, 4713, 0] {
                let page = try visitor.download(number)
                #expect(page.status == 200)
                #expect(page.header("content-type")?.hasPrefix("text/html") == true)
                #expect(
                    page.body.contains("No such certificate attached to your account."))
            }
            _ = try visitor.revoke(["revokeid[]=4712"])
            #expect(try visitor.list().count == 1)
            _ = try visitor.login("other@example.org")
            #expect(try visitor.list().map { $0[1] } == ["Valid"])
        }

        // MARK: List and revocation

        @Test("An account without certificates has a list with one sentence")
        func emptyList() throws {
            let visitor = try Visitor(StandIn())
            _ = try visitor.login()
            #expect(
                try visitor.list().map(\.cells)
                    == [["No client certificates are currently listed."]])
        }

        @Test("The list has a row for each certificate, newest first")
        func list() throws {
            let visitor = try Visitor(StandIn())
            let first = try visitor.order()
            #expect(try visitor.order().hasPrefix("200,"))
            _ = try visitor.login()
            let page = try visitor.open("account.php?id=5")
            for field in ["renew", "revoke", "change", "oldid", "csrf"] {
                #expect(page.body.contains("name=\"\(field)\""), "\(field)")
            }
            #expect(page.rows.count == 2)
            #expect(page.rows.first?[0].contains("value=\"4713\"") == true)
            let row = try #require(page.rows.last)
            #expect(row.cells.count == 9, "\(row)")
            #expect(row[0] == "<input type=\"checkbox\" name=\"revokeid[]\" value=\"4712\">")
            #expect(row[1] == "Valid")
            #expect(
                row[2]
                    == "<a href=\"account.php?id=6&amp;cert=4712\">anna@example.org</a>")
            #expect(try row[3] == visitor.serial(first))
            #expect(row[4] == "Not Revoked")
            let time = #/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}/#
            #expect(row[5].wholeMatch(of: time) != nil, "\(row[5])")
            let year = String(row[5].prefix(4))
            let text = try run("openssl", ["x509", "-noout", "-enddate"], input: first).output
            #expect(text.contains(" \(year) GMT"), "\(text)")
            #expect(row[6].contains("name=\"disablelogin_4712\""))
            #expect(row[6].contains("name=\"cert_4712\" value=\"1\""))
            #expect(row[7].contains("type=\"text\" name=\"comment_4712\""))
            #expect(row[8].contains("type=\"checkbox\" name=\"check_comment_4712\""))
        }

        @Test("An order that is never signed is pending until it is deleted, also after a restart")
        func pending() throws {
            let visitor = try Visitor(StandIn(["--fault", "never"]))
            #expect(try visitor.order().hasSuffix("failed. ID: 4712"))
            #expect(try visitor.order().hasSuffix("failed. ID: 4713"))
            try visitor.ca.restart([])
            _ = try visitor.login()
            #expect(try visitor.list().count == 2)
            let row = try #require(visitor.list().last)
            #expect(
                row.cells.prefix(6) == [
                    "<input type=\"checkbox\" name=\"delid[]\" value=\"4712\">", "Pending",
                    "anna@example.org", "", "Not Revoked", "0000-00-00 00:00:00",
                ], "\(row)")
            #expect(try visitor.revoke(["delid[]=4712", "revokeid[]=4713"]).status == 200)
            #expect(try visitor.list().map { $0[0].contains("4713") } == [true])
            #expect(try visitor.download(4713).body.isEmpty)
            #expect(try visitor.order().hasPrefix("200,"))
            #expect(try visitor.list().first?[0].contains("4714") == true)
        }

        @Test("An expired certificate is listed on request only, and can be sent and revoked")
        func expired() throws {
            let visitor = try Visitor(StandIn(["--fault", "expired"]))
            #expect(try visitor.order().hasPrefix("200,"))
            _ = try visitor.login()
            #expect(try visitor.list().first?.cells.count == 1)
            let row = try #require(visitor.list(true).first)
            #expect(row[0].contains("revokeid[]") && row[1] == "Expired", "\(row)")
            #expect(row[2].contains("cert=4712"), "\(row)")
            #expect(try visitor.download(4712).body.hasPrefix("-----BEGIN"))
        }

        @Test("Certificates are revoked once, and the revocation survives a restart")
        func revocation() throws {
            let visitor = try Visitor(StandIn())
            let serials = try (0..<3).map { _ in try visitor.serial(visitor.order()) }
            _ = try visitor.login()
            // Nothing is revoked without the button.
            _ = try visitor.open("account.php", ["oldid=5", "change=1", "revokeid[]=4712"])
            #expect(try visitor.list().count == 3)
            let page = try visitor.revoke(["revokeid[]=4712", "revokeid[]=4714"])
            #expect(page.status == 200)
            #expect(serials.map { page.body.contains($0) } == [true, false, true], "\(page.body)")
            #expect(try !visitor.revoke(["revokeid[]=4712"]).body.contains(serials[0]))
            try visitor.ca.restart([])
            // The sessions are lost.
            #expect(try visitor.open("account.php?id=5").status == 302)
            _ = try visitor.login()
            #expect(try visitor.list().map { $0[3] } == [serials[1]])
            let row = try #require(visitor.list(true).last)
            #expect(row[0] == "&nbsp;" && row[1] == "Revoked", "\(row)")
            #expect(row[2] == "anna@example.org" && row[3] == serials[0], "\(row)")
            #expect(row[4].hasPrefix("20") && row[4].count == 19, "\(row)")
            #expect(try visitor.download(4712).body.hasPrefix("-----BEGIN"))
        }
    }
}
