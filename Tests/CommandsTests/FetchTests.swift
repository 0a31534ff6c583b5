import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Certificates that the CA issues after its answer, fetched from the member's web account.
    @Suite struct FetchTests {
        private func logins(_ bench: Bench) -> Int {
            bench.ca.requests.filter { $0.contains("index.php") }.count
        }

        private func expectDone(_ bench: Bench, orders: Int = 1) throws {
            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            #expect(keys.count == 1)
            #expect((keys.first?["certificates"] as? [Any])?.count == 1)
            #expect(bench.ca.orders.count == orders)
            let history = try bench.tokencert(["history", "1"]).output
            #expect(history.contains("fetched from the account"), "\(history)")
            #expect(history.contains("key verified by a signature"), "\(history)")
            #expect(try bench.tokencert(["resume"]).output == "No order is unfinished.\n")
            #expect(try bench.tokencert(["history", "verify"]).status == 0)
        }

        // Otherwise the user would have to download the certificate with a browser.
        @Test("issue --fetch waits for a certificate that the CA signs late, and writes it")
        func issue() throws {
            let bench = try Bench(["--fault", "late"])
            let issued = try bench.tokencert(["issue", "--fetch"])
            #expect(issued.status == 0, "\(issued.errors)")
            try expectDone(bench)
            #expect(logins(bench) == 1)
            #expect(bench.ca.requests.last?.contains("account.php") == true)
        }

        // Without the option, the user has not agreed to a login.
        @Test(
            "Without --fetch no login takes place, and the error names the address and the option")
        func notAgreed() throws {
            let bench = try Bench(["--fault", "late"])
            let issued = try bench.tokencert(["issue"])
            expect(issued, 75, "it may still issue one")
            #expect(issued.errors.contains("\(bench.ca.url)/account.php?id=6&cert="))
            #expect(issued.errors.contains("tokencert resume 1 --fetch"))
            #expect(try bench.tokencert(["resume", "1"]).status == 75)
            #expect(logins(bench) == 0)
            for _ in 0..<300 where bench.ca.issued.isEmpty { usleep(100_000) }
            let resumed = try bench.tokencert(["resume", "1", "--fetch"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            try expectDone(bench)
        }

        /// Removes all events after the answer, as if the process had been killed there.
        private func forgetWhatFollowedTheAnswer(_ bench: Bench) throws {
            let script = """
                import sqlite3, sys
                ledger = sqlite3.connect(sys.argv[1])
                triggers = ledger.execute(
                    "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
                for name, _ in triggers: ledger.execute(f"DROP TRIGGER {name}")
                ledger.execute(
                    "DELETE FROM events WHERE sequence > "
                    "(SELECT max(sequence) FROM events WHERE kind = 'answered')")
                ledger.execute(
                    "UPDATE orders SET state = 'answered', events = (SELECT count(*) FROM events)")
                for _, sql in triggers: ledger.execute(sql)
                ledger.commit()
                """
            let changed = try run(
                "python3", ["-c", script, bench.token.folder.file("state/tokencert/ledger.sqlite")])
            try #require(changed.status == 0, "\(changed)")
            try #require(try bench.tokencert(["history", "verify"]).status == 0)
        }

        // Otherwise a timer that was killed at this moment would need the user.
        @Test(
            "After a killed run left an answer without a certificate, the account is searched at once",
            arguments: ["late", "garbage"])
        func unusedAnswer(fault: String) throws {
            let bench = try Bench(["--fault", fault])
            #expect(try bench.tokencert(["issue"]).status == 75)
            try forgetWhatFollowedTheAnswer(bench)
            let resumed = try bench.tokencert(["resume", "1", "--fetch"])
            #expect(resumed.status == 0, "\(resumed)")
            try expectDone(bench)
            #expect(logins(bench) == 1)
        }

        @Test("An unused answer with a certificate is used without a login")
        func unusedCertificate() throws {
            let bench = try Bench()
            let rules = bench.faulty(["FAULTY_RULES": "C_CreateObject:before:kill"])
            #expect(try bench.tokencert(["issue"], rules).status == 137)
            try forgetWhatFollowedTheAnswer(bench)
            let resumed = try bench.tokencert(["resume", "1", "--fetch"])
            #expect(resumed.status == 0, "\(resumed)")
            #expect(logins(bench) == 0 && bench.ca.orders.count == 1)
        }

        // Otherwise the user would have to finish each order whose answer was lost.
        @Test(
            "A certificate whose answer was lost is found in the list by its key",
            arguments: ["reset-before", "reset", "html", "empty", "500", "cut", "garbage"])
        func lostAnswers(fault: String) throws {
            let bench = try Bench(["--fault", fault])
            let issued = try bench.tokencert(["issue", "--fetch"])
            #expect(issued.status == 0, "\(fault): \(issued.errors)")
            try expectDone(bench)
        }

        // Otherwise a certificate could not be saved while the token is elsewhere.
        @Test("A certificate is fetched without its token, and written when the token is back")
        func tokenAbsent() throws {
            let bench = try Bench(["--fault", "late"])
            #expect(try bench.tokencert(["issue"]).status == 75)
            for _ in 0..<300 where bench.ca.issued.isEmpty { usleep(100_000) }
            let other = try ThrowawayToken(label: "other")
            let away = try bench.tokencert(
                ["resume", "1", "--fetch"], other.environment)
            expect(away, 66, "the token of order 1 is not present")
            #expect(away.errors.contains("was fetched from the account"))
            let requests = bench.ca.requests.count
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(bench.ca.requests.count == requests)
        }

        @Test("A dry run checks the options for late certificates, and places no order")
        func dryRun() throws {
            let bench = try Bench()
            for time in ["banana", "1d", "2 h"] {
                let outcome = try bench.tokencert(
                    ["issue", "--fetch", "--fetch-for", time, "--dry-run"])
                expect(outcome, 64, "--fetch-for must be a time")
            }
            #expect(bench.ca.orders.isEmpty)
        }

        // Otherwise a wrong certificate would be written, or the order would be given up.
        @Test(
            "A web site that does not deliver the certificate leaves the order as it was",
            arguments: [
                (["--web-fault", "html", "--web-fault-after-login"], 75, "shows a page"),
                (["--web-fault", "500"], 75, "HTTP 500"),
                (["--web-fault", "empty", "--web-fault-after-login"], 75, "not understood"),
                (["--web-fault", "cut", "--web-fault-after-login"], 75, "not a certificate"),
                (["--web-fault", "redirect", "--web-fault-after-login"], 75, "another site"),
                (["--web-fault", "login-only"], 75, "cannot be reached"),
                (["--web-fault", "hang"], 75, "cannot be reached"),
                (["--web-fault", "changed-page"], 75, "an unknown format"),
                (["--web-fault", "other-certificate"], 76, "for another key"),
                (["--web-fault", "revoked"], 76, "revoked"),
            ])
        func webFaults(arguments: [String], status: Int32, part: String) throws {
            let bench = try Bench(["--fault", "late"] + arguments)
            let before = bench.token.contents
            let issued = try bench.tokencert(
                ["issue", "--fetch", "--fetch-for", "3s", "--timeout", "3"])
            expect(issued, status, part)
            #expect(bench.ca.orders.count == 1)
            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            #expect((keys.first?["certificates"] as? [Any])?.isEmpty == true)
            #expect(bench.token.contents != before)
            let orders = try bench.tokencert(["resume", "--json"]).json()["orders"]
            #expect((orders as? [[String: Any]])?.first?["state"] as? String == "unclear")
            guard part != "revoked" else { return }
            // The stand-in forgets orders that it has not signed when it ends.
            for _ in 0..<300 where bench.ca.issued.isEmpty { usleep(100_000) }
            try bench.ca.restart([])
            let resumed = try bench.tokencert(["resume", "1", "--fetch"])
            #expect(resumed.status == 0, "\(arguments): \(resumed.errors)")
            try expectDone(bench)
        }

        @Test("If the list is unknown or has two certificates for the key, the user decides")
        func lists() throws {
            for (fault, status, part) in [
                ("changed-page", 75, "an unknown format"),
                ("doubled", 76, "2 certificates for this key"),
            ] as [(String, Int32, String)] {
                let bench = try Bench(["--fault", "reset", "--web-fault", fault])
                let issued = try bench.tokencert(["issue", "--fetch", "--fetch-for", "0s"])
                expect(issued, status, part)
                #expect(issued.errors.contains("resume 1 --from FILE"), "\(issued.errors)")
                #expect(bench.ca.orders.count == 1)
            }
        }

        // Otherwise the user would search for a fault of the program.
        @Test(
            "Each state of an account that requires a browser is explained, after one login",
            arguments: [
                ("\"isLocked\": true", "refuses the password that its API accepts"),
                ("\"hasAcceptedAgreement\": false", "agreement"),
                ("\"hasQuestions\": false", "questions for a lost password"),
                ("\"hasWeakPassphrase\": true", "a stronger password"),
            ])
        func accounts(state: String, part: String) throws {
            let anna = StandIn.anna.replacing("\"points\":", with: "\(state), \"points\":")
            let bench = try Bench(["--fault", "late"], accounts: [anna])
            let issued = try bench.tokencert(["issue", "--fetch", "--fetch-for", "3s"])
            expect(issued, 75, part)
            #expect(logins(bench) == 1)
            #expect(bench.ca.requests.filter { $0.contains("account.php") }.isEmpty)
        }

        // Secrets in the log of a web server or of a proxy would be read by others.
        @Test("The password is sent only in the body of the login")
        func password() throws {
            let bench = try Bench(["--fault", "late"])
            #expect(try bench.tokencert(["issue", "--fetch"]).status == 0)
            let pages = bench.ca.requests.filter { !$0.contains("/api/") }
            #expect(pages.count >= 3)
            let login = try #require(pages.first)
            #expect(login.contains("\"POST\"") && login.contains("pword"), "\(login)")
            for page in pages.dropFirst() { #expect(!page.contains("pword"), "\(page)") }
        }

        @Test("A killed fetch is repeated, and orders nothing")
        func killed() throws {
            let bench = try Bench(["--fault", "late"])
            for rule in ["C_CreateObject:before", "C_CreateObject:after", "C_Sign#2:before"] {
                let arguments = bench.ca.orders.isEmpty ? ["issue"] : ["resume", "1"]
                _ = try bench.tokencert(
                    arguments + ["--fetch"], bench.faulty(["FAULTY_RULES": rule + ":kill"]))
            }
            let resumed = try bench.tokencert(["resume", "1", "--fetch"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            try expectDone(bench)
        }

        // MARK: The agreement

        @Test("At a terminal the user is asked once, and the agreement is remembered")
        func asked() throws {
            let bench = try Bench(["--fault", "late"])
            let config = bench.token.folder.file("config.json")
            let settings = ["TOKENCERT_CONFIG": config]
            try bench.token.folder.write("{}\n", "config.json")
            let terminal = AtTerminal(bench: bench, columns: 80)
            let refused = try terminal.run(
                ["issue", "--fetch"], "expect {\\[y/n\\]}; send n\\r", settings)
            #expect(refused.status == 64, "\(refused)")
            #expect(refused.output.contains("nothing was done"), "\(refused)")
            // No answer is no agreement.
            let silent = try terminal.run(
                ["issue", "--fetch"], "expect {\\[y/n\\]}; send \\004", settings)
            #expect(silent.status == 64, "\(silent)")
            #expect(bench.ca.requests.isEmpty)
            let agreed = try terminal.run(
                ["issue", "--fetch"], "expect {\\[y/n\\]}; send y\\r", settings)
            #expect(agreed.status == 0, "\(agreed)")
            #expect(try bench.token.folder.read("config.json").contains("\"fetch\": true"))
            // Later runs fetch without the option and without a question.
            let again = try terminal.run(["issue", "--label", "again"], "", settings)
            #expect(again.status == 0 && !again.output.contains("[y/n]"), "\(again)")
            #expect(logins(bench) == 2)
        }

        @Test("The setting in the environment is the agreement; a wrong time is refused")
        func settings() throws {
            let bench = try Bench(["--fault", "late"])
            let issued = try bench.tokencert(["issue"], ["TOKENCERT_FETCH": "true"])
            #expect(issued.status == 0, "\(issued.errors)")
            for time in ["", "x", "25h", "-1", "1.5m", "99999999999999999999"] {
                let outcome = try bench.tokencert(["issue", "--fetch", "--fetch-for=\(time)"])
                expect(outcome, 64, "--fetch-for")
            }
            expect(try bench.tokencert(["resume", "--fetch"]), 64, "the order number is missing")
            expect(
                try bench.tokencert(["resume", "1", "--fetch", "--abandon"]), 64,
                "cannot be combined")
            #expect(bench.ca.orders.count == 1)
        }
    }
}
