import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Another program resets the card, so the login is lost. A module then shows fewer objects, without
    /// an error.
    @Suite struct LostLoginTests {
        /// A token with one private key, without its public half, that is not visible before the login.
        private func withHiddenKey() throws -> Bench {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [5], label: Array("precious".utf8))
            try bench.token.pkcs11Tool(["--delete-object", "--type", "pubkey", "--id", "05"])
            return bench
        }

        // Otherwise someone's only key is destroyed.
        @Test(
            "A key that was hidden when the id was chosen is not removed",
            arguments: [
                ("C_FindObjectsInit#1:before:logout", 73, "the id 05 is used"),
                // The module never shows the login.
                ("C_Login#1:after:logout", 74, "may have been there before; it was not changed"),
            ])
        func hidden(rule: String, status: Int32, message: String) throws {
            let bench = try withHiddenKey()
            let before = bench.token.contents
            let outcome = try bench.tokencert(
                ["issue", "--id", "05", "--label", "new", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_RULES": rule]))
            expect(outcome, status, message)
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
        }

        // Otherwise a certificate is not renewed, and the user is told to order a new one.
        @Test("A search is repeated after a new login")
        func repeated() throws {
            let bench = try withHiddenKey()
            let rules = bench.faulty(["FAULTY_RULES": "C_FindObjectsInit#1:before:logout"])
            let listed = try bench.tokencert(["list"], rules)
            #expect(listed.status == 0 && listed.output.contains("precious"), "\(listed)")
            #expect(bench.logins.count == 2)

            let other = try Bench()
            #expect(
                try other.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"]).status
                    == 0)
            let renewed = try other.tokencert(
                ["renew", "--all"],
                other.faulty(["FAULTY_RULES": "C_FindObjectsInit#1:before:logout"]))
            #expect(renewed.status == 0, "\(renewed)")
            #expect(other.ca.orders.count == 2)
        }

        // Otherwise a paid-for order is given up.
        @Test("The key of an order is found after a new login")
        func key() throws {
            let bench = try Bench()
            let killed = try bench.tokencert(
                ["issue", "--label", "mail", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_RULES": "C_CreateObject:before:kill"]))
            #expect(killed.status != 0)
            let resumed = try bench.tokencert(
                ["resume", "1"], bench.faulty(["FAULTY_RULES": "C_FindObjectsInit#1:before:logout"])
            )
            #expect(resumed.status == 0, "\(resumed)")
        }

        // Otherwise the second login is wasted, and the handles of the first one are used.
        @Test(
            "A key is found again after a new login",
            arguments: [
                "C_GenerateKeyPair#1:after:logout", "C_SignInit#1:before:logout",
                "C_CreateObject#1:before:logout", "C_SignInit#2:before:logout",
            ])
        func handles(rule: String) throws {
            let bench = try Bench()
            let issued = try bench.tokencert(
                ["issue", "--label", "mail", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_RULES": rule]))
            #expect(issued.status == 0, "\(issued)")
            #expect(bench.logins.count <= 2 && bench.ca.orders.count == 1)
        }

        @Test("An import and an evidence find the key again, too")
        func otherJobs() throws {
            let bench = try Bench()
            _ = try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"])
            let pem = try bench.tokencert(["show", "mail", "--pem"]).output
            let file = try bench.token.folder.write(pem, "mail.pem")
            let rules = ["FAULTY_RULES": "C_SignInit#1:before:logout"]
            let evidence = try bench.tokencert(
                ["evidence", "mail", "--out", bench.token.folder.file("evidence")],
                bench.faulty(rules))
            #expect(evidence.status == 0, "\(evidence)")
            #expect(try bench.tokencert(["delete", "mail", "--cert", "--yes"]).status == 0)
            let imported = try bench.tokencert(["import", "--cert", file], bench.faulty(rules))
            #expect(imported.status == 0, "\(imported)")
            #expect(bench.logins.count == 4)
        }

        @Test("A login that is lost again and again ends the command without a third login")
        func lostForGood() throws {
            let bench = try withHiddenKey()
            let outcome = try bench.tokencert(
                ["list"], bench.faulty(["FAULTY_RULES": "C_FindObjectsInit:before:logout"]))
            expect(outcome, 74, "the token has lost the login")
            #expect(bench.logins.count == 2)
        }
    }
}
