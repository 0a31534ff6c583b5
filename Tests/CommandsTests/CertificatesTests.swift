import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// The certificates of the account at the CA, and the tokens that they are on.
    @Suite struct CertificatesTests {
        private func issue(_ bench: Bench, _ label: String, status: Int32 = 0) throws {
            let outcome = try bench.tokencert([
                "issue", "--label", label, "--key-type", "rsa:2048",
            ])
            #expect(outcome.status == status, "\(outcome)")
        }

        private func listed(_ outcome: Outcome) throws -> [[String: Any]] {
            #expect(outcome.status == 0, "\(outcome)")
            return try #require(try outcome.json()["listed"] as? [[String: Any]])
        }

        // Otherwise the user could not see which certificate is on which token.
        @Test(
            "Each certificate is listed with its state and its token, even if the token is absent")
        func tokens() throws {
            let bench = try Bench()
            let none = try bench.tokencert(["certificates"])
            #expect(none.status == 0, "\(none)")
            #expect(none.output == "The account anna@example.org has no certificate.\n")
            try issue(bench, "mail")
            let json = try bench.tokencert(["certificates", "--json"], bench.faulty([:]))
            let line = try #require(try listed(json).first)
            #expect(line["state"] as? String == "valid")
            #expect(line["isInLedger"] as? Bool == true)
            #expect(line["emailAddress"] as? String == "anna@example.org")
            #expect(line.certificate("serialNumber") == line["serialNumber"] as? String)
            let places = try #require(line["tokens"] as? [[String: Any]])
            #expect(places.map { $0["order"] as? Int } == [1])
            #expect(bench.calls("C_Initialize") == 0 && bench.logins.isEmpty)
            let text = try bench.tokencert(["certificates"])
            #expect(text.output.hasPrefix("NUMBER"), "\(text.output)")
            #expect(text.output.contains(/\n\d+ +[0-9a-f]+ .* valid +work\n$/), "\(text.output)")
            let other = bench.token.folder.file("other.sqlite")
            let unknown = try bench.tokencert(["certificates", "--ledger", other])
            #expect(unknown.output.hasSuffix("not in the ledger\n"), "\(unknown.output)")
        }

        @Test("A certificate that waits at the CA is listed with the command that writes it")
        func waiting() throws {
            let bench = try Bench(["--fault", "late"])
            try issue(bench, "mail", status: 75)
            for _ in 0..<300 where bench.ca.issued.isEmpty { usleep(100_000) }
            let text = try bench.tokencert(["certificates"])
            #expect(text.status == 0, "\(text)")
            #expect(text.output.contains("  order 1\n"), "\(text.output)")
            #expect(
                text.output.contains("to write it: tokencert resume 1 --fetch\n"), "\(text.output)")
            #expect(try bench.tokencert(["resume", "1", "--fetch"]).status == 0)
            let after = try listed(try bench.tokencert(["certificates", "--json"]))
            #expect(after.count == 1 && after[0]["next"] == nil, "\(after)")
        }

        @Test("A pending request is listed with its order, and revoked ones only with --all")
        func states() throws {
            let bench = try Bench(["--fault", "never"])
            try issue(bench, "mail", status: 75)
            let pending = try listed(try bench.tokencert(["certificates", "--json"]))
            #expect(pending.map { $0["state"] as? String } == ["pending"])
            #expect(pending.first?["unfinishedOrder"] as? Int == 1)
            #expect(pending.first?["next"] == nil)
            expect(try bench.tokencert(["revoke", "mail", "--yes"]), 75, "nothing to revoke")
            try bench.ca.restart([])
            try issue(bench, "other")
            #expect(try bench.tokencert(["revoke", "other", "--yes"]).status == 0)
            let text = try bench.tokencert(["certificates"])
            #expect(!text.output.contains("  revoked  "), "\(text.output)")
            #expect(
                text.output.hasSuffix(
                    "Not shown: 1 revoked; to see all: tokencert certificates --all\n"),
                "\(text.output)")
            let all = try listed(try bench.tokencert(["certificates", "--all", "--json"]))
            #expect(all.contains { $0["state"] as? String == "revoked" }, "\(all)")
        }

        @Test("A terminal of 80 columns shows each certificate in one line")
        func width() throws {
            let account = StandIn.account(
                "anna@example.org", points: 100, codeSigning: true,
                emails: ["anna.maria.von.und.zu.muellerin@subdomain.example.org"])
            let bench = try Bench(accounts: [account])
            try issue(bench, "mail")
            let shown = try AtTerminal(bench: bench, columns: 80).run(["certificates"])
            #expect(shown.status == 0, "\(shown)")
            let lines = shown.output.replacing("\r\n", with: "\n")
                .replacing(/\u{1B}\[[0-9;]*m/, with: "").split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= 80 }, "\(shown.output)")
            #expect(lines.filter { $0.contains(" valid ") }.count == 1, "\(shown.output)")
        }

        @Test(
            "A web site that cannot be read or reached is an error",
            arguments: [
                ("changed-page", "an unknown format"), ("login-only", "cannot be reached"),
            ])
        func faults(fault: String, part: String) throws {
            let bench = try Bench(["--web-fault", fault])
            expect(try bench.tokencert(["certificates"]), 69, part)
            let wrong = try bench.token.folder.write("wrong\n", "wrong")
            expect(
                try bench.tokencert(["certificates", "--password-source", "file:\(wrong)"]), 77,
                "does not accept this user name and password")
        }

        // Otherwise an account would seem to have no certificates.
        @Test("A list that the web site does not send to its end is an error")
        func cutList() throws {
            let bench = try Bench(["--web-fault", "cut", "--web-fault-after-login"])
            expect(try bench.tokencert(["certificates"]), 69, "an unknown format")
            try issue(bench, "mail")
            expect(try bench.tokencert(["certificates"]), 69, "an unknown format")
            expect(
                try bench.tokencert(["revoke", "--lost-token", "work", "--yes"]), 69,
                "an unknown format")
        }
    }
}
