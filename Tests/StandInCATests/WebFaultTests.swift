import Testing
import TokencertTestSupport

extension RealParts {
    /// The faults of the web account that tests of clients use.
    @Suite struct WebFaultTests {
        @Test(
            "A fault of the answers applies to every page of the web account",
            arguments: [
                ("html", 200, "Maintenance"), ("empty", 200, ""), ("500", 500, "Error"),
                ("redirect", 302, ""), ("reset-before", -1, ""),
            ])
        func faults(fault: String, status: Int, text: String) throws {
            let visitor = try Visitor(StandIn(["--web-fault", fault]))
            for answer in [try visitor.login(), try visitor.open("account.php?id=5")] {
                #expect(answer.status == status)
                #expect(answer.body.isEmpty ? text.isEmpty : answer.body.contains(text))
            }
            #expect(try visitor.order().hasPrefix("200,"))
        }

        @Test("A fault after the login does not apply to the login")
        func faultAfterLogin() throws {
            let visitor = try Visitor(
                StandIn(["--web-fault", "cut", "--web-fault-after-login"]))
            let answer = try visitor.order()
            #expect(try visitor.login().status == 302)
            let page = try visitor.download(4712)
            #expect(page.header("content-type") == "application/pkix-cert")
            #expect(!page.body.isEmpty && answer.contains(page.body), "\(page.body)")
            #expect(!page.body.contains("END CERTIFICATE"))
        }

        @Test("With login-only, the login works and every later page breaks the connection")
        func loginOnly() throws {
            let visitor = try Visitor(StandIn(["--web-fault", "login-only"]))
            #expect(try visitor.login().status == 302)
            #expect(try visitor.open("account.php?id=5").status == -1)
            #expect(try visitor.download(4712).status == -1)
        }

        @Test("With changed-page, the list has no table")
        func changedPage() throws {
            let visitor = try Visitor(StandIn(["--web-fault", "changed-page"]))
            #expect(try visitor.order().hasPrefix("200,"))
            _ = try visitor.login()
            let page = try visitor.open("account.php?id=5&viewall=1")
            #expect(page.body.contains("anna@example.org"), "\(page.body)")
            #expect(!page.body.contains("<table"), "\(page.body)")
        }

        @Test("With other-certificate, the certificate is for a different key of the account")
        func otherCertificate() throws {
            let visitor = try Visitor(StandIn(["--web-fault", "other-certificate"]))
            let first = try visitor.order()
            _ = try visitor.login()
            let new = try visitor.download(4712).body
            #expect(new.hasPrefix("-----BEGIN"), "\(new)")
            #expect(try visitor.publicKey(new) != visitor.publicKey(first))
            let second = try visitor.order("anna@example.org", Visitor.newKey())
            #expect(try visitor.serial(visitor.download(4712).body) == visitor.serial(second))
        }

        @Test("With revoked, a certificate is revoked as soon as it is signed")
        func revoked() throws {
            let visitor = try Visitor(StandIn(["--web-fault", "revoked"]))
            #expect(try visitor.order().hasPrefix("200,"))
            _ = try visitor.login()
            #expect(try visitor.list(true).map { $0[1] } == ["Revoked"])
            #expect(try visitor.list().first?.cells.count == 1)
        }

        @Test("With doubled, an order leads to two certificates for the same key")
        func doubled() throws {
            let visitor = try Visitor(StandIn(["--web-fault", "doubled"]))
            #expect(try visitor.order().hasPrefix("200,"))
            _ = try visitor.login()
            let certificates = try [4712, 4713].map { try visitor.download($0).body }
            #expect(try visitor.publicKey(certificates[0]) == visitor.publicKey(certificates[1]))
            #expect(try visitor.serial(certificates[0]) != visitor.serial(certificates[1]))
            #expect(try visitor.list().count == 2)
        }
    }
}
