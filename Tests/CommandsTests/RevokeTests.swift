import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Revocations through the member's web account.
    @Suite struct RevokeTests {
        private func issue(_ bench: Bench, _ label: String = "mail") throws {
            let outcome = try bench.tokencert([
                "issue", "--label", label, "--key-type", "rsa:2048", "--out",
                bench.token.folder.file(label + ".pem"),
            ])
            #expect(outcome.status == 0, "\(outcome)")
        }

        /// The certificates of the account, newest first.
        private func listed(_ bench: Bench) throws -> [[String: Any]] {
            let json = try bench.tokencert(["certificates", "--all", "--json"]).json()
            return try #require(json["listed"] as? [[String: Any]])
        }

        private func serial(_ bench: Bench) throws -> String {
            try #require(try listed(bench).first?["serialNumber"] as? String)
        }

        private func states(_ bench: Bench) throws -> [String] {
            try listed(bench).compactMap { $0["state"] as? String }
        }

        /// The number of revocations that were requested.
        private func requests(_ bench: Bench) -> Int {
            bench.ca.requests.filter { $0.contains("revokeid") }.count
        }

        // Otherwise a compromised certificate could be revoked with a browser only.
        @Test(
            "A certificate is revoked by its serial number once, and nothing on the token changes")
        func bySerialNumber() throws {
            let bench = try Bench()
            try issue(bench)
            let before = bench.token.contents
            let serial = try serial(bench)
            let revoked = try bench.tokencert(["revoke", serial, "--yes"], bench.faulty([:]))
            #expect(revoked.status == 0, "\(revoked)")
            #expect(revoked.output.hasPrefix("The CA has revoked the certificate: "), "\(revoked)")
            #expect(try states(bench) == ["revoked"])
            let again = try bench.tokencert(["revoke", serial.uppercased(), "--yes"])
            #expect(again.status == 0, "\(again)")
            #expect(again.output.hasPrefix("The CA has already revoked"), "\(again)")
            #expect(requests(bench) == 1)
            #expect(bench.token.contents == before)
            #expect(bench.calls("C_Initialize") == 0 && bench.logins.isEmpty)
        }

        @Test(
            "A certificate is revoked by the label of its key and by its file in PEM or DER",
            arguments: ["label", "PEM", "DER"])
        func byName(form: String) throws {
            let bench = try Bench()
            try issue(bench)
            let pem = bench.token.folder.file("mail.pem")
            let der = bench.token.folder.file("mail.der")
            try run("openssl", ["x509", "-in", pem, "-outform", "DER", "-out", der])
            let name = ["label": "mail", "PEM": pem, "DER": der][form] ?? ""
            // A file needs no ledger.
            let arguments =
                form == "label" ? [] : ["--ledger", bench.token.folder.file("none.sqlite")]
            let json = try bench.tokencert(["revoke", name, "--yes", "--json"] + arguments)
            #expect(json.status == 0, "\(json)")
            let revocations = try #require(try json.json()["revocations"] as? [[String: Any]])
            #expect(revocations.map { $0["outcome"] as? String } == ["revoked"])
            #expect(try states(bench) == ["revoked"])
        }

        // Otherwise a certificate for a compromised key would stay valid, and a script would not know.
        @Test("The other certificates for the key that are not revoked are reported")
        func otherCertificates() throws {
            let bench = try Bench()
            try issue(bench)
            let old = try serial(bench)
            let renewed = try bench.tokencert(["renew", "mail"])
            #expect(renewed.status == 0, "\(renewed)")
            let new = try serial(bench)
            #expect(new != old)
            let command = "to revoke it: tokencert revoke \(old)"
            for _ in 0..<2 {
                let text = try bench.tokencert(["revoke", "mail", "--yes"])
                #expect(text.status == 0, "\(text)")
                #expect(text.errors.contains("another certificate for its key"), "\(text)")
                #expect(text.errors.contains(command), "\(text)")
            }
            let json = try bench.tokencert(["revoke", new, "--yes", "--json"]).json()
            let others = try #require(json["otherCertificates"] as? [[String: Any]])
            #expect(others.map { $0["serialNumber"] as? String } == [old])
            // The ledger has recorded that the new one is revoked.
            let last = try bench.tokencert(["revoke", old, "--yes"])
            #expect(last.status == 0, "\(last)")
            #expect(!last.errors.contains("another certificate"), "\(last)")
            let none = try bench.tokencert(["revoke", old, "--yes", "--json"]).json()
            #expect((none["otherCertificates"] as? [Any])?.isEmpty == true)
        }

        @Test("A name that means no certificate or several is an error, and nothing is requested")
        func wrongNames() throws {
            let bench = try Bench()
            try issue(bench)
            expect(
                try bench.tokencert(["revoke", "nothing", "--yes"]), 66, "neither a serial number")
            expect(
                try bench.tokencert(["revoke", "7fffff", "--yes"]), 66, "has no certificate with")
            expect(
                try bench.tokencert(["revoke", bench.ca.rootFile, "--yes"]), 64,
                "end-entity certificates")
            expect(try bench.tokencert(["revoke", "./absent.pem", "--yes"]), 78, "absent.pem")
            expect(try bench.tokencert(["revoke"]), 64, "either a certificate or --lost-token")
            expect(
                try bench.tokencert(["revoke", "mail", "--lost-token", "work"]), 64,
                "either a certificate or --lost-token")
            #expect(requests(bench) == 0)
        }

        @Test("At a terminal, only the serial number confirms the revocation")
        func confirmation() throws {
            let bench = try Bench()
            try issue(bench)
            let serial = try serial(bench)
            let terminal = AtTerminal(bench: bench, columns: 80)
            let refused = try terminal.run(
                ["revoke", "mail"], "expect {to revoke it: }; send mail\\r")
            #expect(refused.status == 64, "\(refused)")
            #expect(refused.output.contains("nothing was done"), "\(refused)")
            #expect(requests(bench) == 0)
            let done = try terminal.run(
                ["revoke", "mail"], "expect {Type \(serial) to revoke it: }; send \(serial)\\r")
            #expect(done.status == 0, "\(done)")
            for part in [
                "  token      work", "can still read", "reported as invalid", "cannot be undone",
                "Next: tokencert issue",
            ] {
                #expect(done.output.contains(part), "\(part) in \(done.output)")
            }
            #expect(try states(bench) == ["revoked"])
        }

        // Otherwise the wrong certificate would be revoked.
        @Test(
            "If the web site is not understood, nothing is requested",
            arguments: [
                ("changed-page", 69, "an unknown format"),
                ("login-only", 69, "cannot be reached"),
                ("other-certificate", 76, "another certificate"),
            ] as [(String, Int32, String)])
        func faults(fault: String, status: Int32, part: String) throws {
            let bench = try Bench()
            try issue(bench)
            let serial = try serial(bench)
            try bench.ca.restart(["--web-fault", fault])
            expect(try bench.tokencert(["revoke", serial, "--yes"]), status, part)
            expect(try bench.tokencert(["revoke", "mail", "--yes"]), status, part)
            #expect(requests(bench) == 0)
            try bench.ca.restart([])
            #expect(try states(bench) == ["valid"])
            #expect(try bench.tokencert(["revoke", serial, "--yes"]).status == 0)
            // A revoked one is compared, too.
            try bench.ca.restart(["--web-fault", fault])
            expect(try bench.tokencert(["revoke", "mail", "--yes"]), status, part)
        }

        // MARK: A lost token

        // Otherwise the finder of a token could use its certificates.
        @Test("All certificates of a lost token are revoked after one question, without the token")
        func lostToken() throws {
            let bench = try Bench()
            try issue(bench)
            try issue(bench, "other")
            let withoutToken = [
                "TOKENCERT_MODULE": "", "TOKENCERT_PIN_SOURCE": "", "SOFTHSM2_CONF": "/dev/null",
            ]
            let lost = ["revoke", "--lost-token", "work"]
            let terminal = AtTerminal(bench: bench, columns: 80)
            let refused = try terminal.run(
                lost, "expect {Type work to revoke them: }; send no\\r", withoutToken)
            #expect(refused.status == 64 && requests(bench) == 0, "\(refused)")
            let json = try bench.tokencert(lost + ["--yes", "--json"], withoutToken)
            #expect(json.status == 0, "\(json)")
            let revocations = try #require(try json.json()["revocations"] as? [[String: Any]])
            #expect(revocations.map { $0["outcome"] as? String } == ["revoked", "revoked"])
            #expect(try states(bench) == ["revoked", "revoked"])
            #expect(requests(bench) == 2)
            let again = try bench.tokencert(lost + ["--yes"], withoutToken)
            #expect(again.status == 0, "\(again)")
            #expect(again.output.contains("nothing was revoked"), "\(again)")
            #expect(requests(bench) == 2)
        }

        // Otherwise the user would trust that the certificates are revoked.
        @Test("With another account, nothing is revoked, and that is an error")
        func otherAccount() throws {
            let other = StandIn.account(
                "bob@example.org", points: 100, codeSigning: false, emails: ["bob@example.org"])
            let bench = try Bench(accounts: [StandIn.anna, other])
            try issue(bench)
            let lost = ["revoke", "--lost-token", "work", "--yes", "--username", "bob@example.org"]
            let text = try bench.tokencert(lost)
            expect(text, 69, "has none of the certificates of token")
            #expect(text.errors.contains("--username ADDRESS"), "\(text)")
            #expect(!text.output.contains("from now on"), "\(text)")
            let json = try bench.tokencert(lost + ["--json"])
            #expect(json.status == 69, "\(json)")
            #expect(try json.json()["mayStillBeIssued"] as? [Int] == [])
            #expect(requests(bench) == 0)
        }

        // Otherwise the password would be sent to a CA that does not have the account.
        @Test(
            "While the CA is a command, no command logs in to a web site",
            arguments: [
                ["certificates"], ["revoke", "602d87", "--yes"],
                ["revoke", "--lost-token", "work", "--yes"],
            ])
        func commandCA(arguments: [String]) throws {
            let bench = try Bench()
            try issue(bench)
            let before = bench.ca.requests.count
            // The variable counts as the setting.
            let refused = try bench.tokencert(arguments, ["TOKENCERT_CA_COMMAND": "/bin/true"])
            expect(refused, 64, "the CA is a command")
            #expect(bench.ca.requests.count == before)
        }

        // Otherwise a script would rely on the revocation of a certificate that is still valid.
        @Test("A certificate of another CA is an error until it is revoked there")
        func otherCA() throws {
            let bench = try Bench()
            try issue(bench)
            let other = try StandIn()
            let there = ["TOKENCERT_CA_URL": other.url, "TOKENCERT_CA_FILE": other.rootFile]
            let lost = ["revoke", "--lost-token", "work", "--yes"]
            let refused = try bench.tokencert(lost, there)
            expect(refused, 69, "has none of the certificates of token")
            let command = "tokencert revoke --lost-token work --ca-url \(bench.ca.url)"
            #expect(refused.errors.contains(command), "\(refused)")
            #expect(refused.output.contains("not at this CA: "), "\(refused)")
            let json = try bench.tokencert(lost + ["--json"], there)
            #expect(json.status == 69, "\(json)")
            let revocations = try #require(try json.json()["revocations"] as? [[String: Any]])
            #expect(revocations.map { $0["outcome"] as? String } == ["notRevoked"])
            #expect(try json.json()["notCompared"] as? Int == 0)
            #expect(try bench.tokencert(lost).status == 0)
            // The ledger has recorded the revocation.
            let again = try bench.tokencert(lost, there)
            #expect(again.status == 0, "\(again)")
            #expect(again.output.contains("already revoked: "), "\(again)")
        }

        // Otherwise a certificate that the ledger does not know would stay valid.
        @Test(
            "A late certificate that is not in the ledger is revoked for its key"
        )
        func lateCertificate() throws {
            let bench = try Bench(["--fault", "late"])
            let late = try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"])
            #expect(late.status == 75, "\(late)")
            for _ in 0..<300 where bench.ca.issued.isEmpty { usleep(100_000) }
            // The order leads to one certificate, so nothing is missing, and the next run finds it, too.
            for _ in 0..<2 {
                let lost = try bench.tokencert(
                    ["revoke", "--lost-token", "work", "--yes", "--json"])
                #expect(lost.status == 0, "\(lost)")
                #expect(try lost.json()["mayStillBeIssued"] as? [Int] == [])
                #expect((try lost.json()["revocations"] as? [Any])?.count == 1)
                #expect(try states(bench) == ["revoked"])
            }
        }

        // Otherwise the certificate of an order would stay valid if it is issued later.
        @Test("After revoke --lost-token, an order without a certificate is reported")
        func neverIssued() throws {
            let bench = try Bench(["--fault", "never"])
            let issued = try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"])
            expect(issued, 75, "may still issue")
            let lost = try bench.tokencert(["revoke", "--lost-token", "work", "--yes"])
            expect(lost, 75, "may still issue a certificate for token work")
            #expect(lost.errors.contains("resume 1 --fetch"), "\(lost)")
            // An order that was given up cannot be resumed.
            #expect(try bench.tokencert(["resume", "1", "--abandon"]).status == 0)
            let again = try bench.tokencert(["revoke", "--lost-token", "work", "--yes"])
            expect(again, 75, "may still issue a certificate for token work")
            #expect(!again.errors.contains("--fetch"), "\(again)")
        }

        // Otherwise a label could revoke a certificate that the user did not mean.
        @Test("A label that is the serial number of another certificate is refused")
        func ambiguousLabel() throws {
            let bench = try Bench()
            try issue(bench)
            let serial = try serial(bench)
            try issue(bench, serial)
            expect(
                try bench.tokencert(["revoke", serial, "--yes"]), 66,
                "matches several certificates of the ledger")
            // A ledger without the first certificate.
            let ledger = bench.token.folder.file("other.sqlite")
            let other = try bench.tokencert([
                "issue", "--ledger", ledger, "--label", "\(serial):", "--key-type", "rsa:2048",
            ])
            #expect(other.status == 0, "\(other)")
            let outcome = try bench.tokencert(
                ["revoke", "\(serial):", "--yes", "--ledger", ledger])
            expect(outcome, 66, "is also the serial number of another certificate")
            #expect(outcome.errors.contains("tokencert revoke FILE"), "\(outcome)")
            #expect(requests(bench) == 0)
        }

        // Every id that tokencert makes has the form of a serial number.
        @Test("A certificate is revoked by the id of its key")
        func byID() throws {
            let bench = try Bench()
            try issue(bench)
            let listed = try bench.tokencert(["list", "--json"]).json()
            let key = try #require((listed["keys"] as? [[String: Any]])?.first)
            let id = try #require(key["id"] as? String)
            let revoked = try bench.tokencert(["revoke", id, "--yes"])
            #expect(revoked.status == 0, "\(revoked)")
            #expect(try states(bench) == ["revoked"])
        }

        @Test("Certificates of other tokens stay valid, and an unknown token is an error")
        func otherTokens() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "home")
            for (token, label) in [("work", "mail"), ("home", "other")] {
                let outcome = try bench.tokencert([
                    "issue", "--token", token, "--label", label, "--key-type", "rsa:2048",
                ])
                #expect(outcome.status == 0, "\(outcome)")
            }
            for name in ["wor", "elsewhere"] {
                expect(
                    try bench.tokencert(["revoke", "--lost-token=\(name)", "--yes"]), 66,
                    "no order for a token")
            }
            #expect(try bench.tokencert(["revoke", "--lost-token", "work", "--yes"]).status == 0)
            #expect(try states(bench) == ["valid", "revoked"])
        }
    }
}
