import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// `health` without `--token`, if several tokens are present.
    @Suite struct HealthOfAllTokensTests {
        /// Two tokens: work has a certificate that expires within 1000 days, home is empty.
        private func bench() throws -> Bench {
            let bench = try Bench()
            try bench.token.addToken(label: "home")
            let issued = try bench.tokencert(
                ["issue", "--token", "work", "--label", "mail", "--key-type", "rsa:2048"])
            #expect(issued.status == 0, "\(issued.errors)")
            return bench
        }

        private func count(_ part: String, in outcome: Outcome) -> Int {
            outcome.output.components(separatedBy: part).count - 1
        }

        private func tokens(_ outcome: Outcome) throws -> [[String: Any]] {
            try #require(try outcome.json()["tokens"] as? [[String: Any]])
        }

        // Otherwise monitoring would need a command for each token, and miss a new one.
        @Test("Without --token, health checks all tokens that are present")
        func allTokens() throws {
            let bench = try bench()
            let fine = try bench.tokencert(["health"])
            #expect(fine.status == 0, "\(fine)")
            #expect(count("No problems found on the token.", in: fine) == 2, "\(fine.output)")
            let soon = try bench.tokencert(["health", "--days", "1000"])
            #expect(soon.status == 79, "\(soon)")
            let titles = soon.output.matches(
                of: /token "(work|home)" \(SoftHSM v2, serial [0-9a-f]+\)\n/)
            #expect(Set(titles.map(\.output.1)) == ["work", "home"], "\(soon.output)")
            #expect(count("No problems found on the token.", in: soon) == 1, "\(soon.output)")
            #expect(count("To see private keys, log in", in: soon) == 1, "\(soon.output)")
            #expect(soon.output.hasSuffix("\n\nTo see private keys, log in: --pin-source prompt\n"))
        }

        // Otherwise a pasted command would fail, because it names no token.
        @Test("The commands that health suggests name the token")
        func advice() throws {
            let bench = try bench()
            let soon = try bench.tokencert(["health", "--days", "1000"])
            #expect(
                soon.output.contains("to renew it: tokencert renew mail --token work\n"),
                "\(soon.output)")
            let pasted = try bench.tokencert(["renew", "mail", "--token", "work", "--dry-run"])
            #expect(pasted.status == 0, "\(pasted)")
        }

        // Otherwise a script could not tell which of the tokens needs attention.
        @Test("The JSON of health has a report for each token, and one object if one is named")
        func json() throws {
            let bench = try bench()
            let soon = try bench.tokencert(["health", "--days", "1000", "--json"])
            #expect(soon.status == 79, "\(soon)")
            let reports = try tokens(soon)
            let states = reports.map { report in
                let token = report["token"] as? [String: Any]
                let label = token?["label"] as? String ?? ""
                return report["isFine"] as? Bool == true ? "\(label) is fine" : label
            }
            #expect(Set(states) == ["work", "home is fine"], "\(states)")
            #expect(reports.allSatisfy { $0["schemaVersion"] == nil }, "\(reports)")
            let one = try bench.tokencert(["health", "--token", "work", "--json"]).json()
            #expect(one["tokens"] == nil && one["isFine"] as? Bool == true, "\(one)")
        }

        // Otherwise a PIN of one token would use up an attempt on another one.
        @Test("health sends no PIN of one token to several")
        func pinOfOne() throws {
            let bench = try bench()
            // The bench sets a file as the source of the PIN.
            let unasked = try bench.tokencert(["health", "--json"], bench.faulty([:]))
            #expect(unasked.status == 0, "\(unasked)")
            #expect(try tokens(unasked).map { $0["sawPrivateObjects"] as? Bool } == [false, false])
            let file = "file:\(bench.token.folder.file("pin"))"
            let typed = try bench.tokencert(["health", "--pin-source", file], bench.faulty([:]))
            expect(typed, 66, "more than one token matches")
            #expect(bench.calls("C_Login") == 0)
        }

        // Otherwise private keys could be checked on only one token at a time.
        @Test("At a prompt, health asks for the PIN of each token")
        func prompts() throws {
            let bench = try bench()
            let pin = "expect {PIN for}; send \(bench.token.pin)\\r; "
            let outcome = try AtTerminal(bench: bench).run(
                ["health", "--pin-source", "prompt"], pin + pin, bench.faulty([:]))
            #expect(outcome.status == 0, "\(outcome)")
            #expect(bench.calls("C_Login") == 2, "\(outcome)")
            #expect(outcome.output.contains("PIN for \"work\""), "\(outcome)")
            #expect(outcome.output.contains("PIN for \"home\""), "\(outcome)")
            #expect(!outcome.output.contains("To see private keys"), "\(outcome)")
        }

        // Otherwise one broken token would hide an expiring certificate on another one.
        @Test("A token that cannot be checked does not hide the others, and decides the status")
        func unchecked() throws {
            let bench = try bench()
            let rules = bench.faulty(["FAULTY_RULES": "C_FindObjectsInit#1:before:return=0x30"])
            let text = try bench.tokencert(["health", "--days", "1000"], rules)
            expect(text, 74, "1 of 2 tokens cannot be checked")
            #expect(count("\" cannot be checked: ", in: text) == 1, "\(text.output)")
            #expect(text.output.contains(/token "(work|home)" \(SoftHSM v2/), "\(text.output)")
            let json = try bench.tokencert(["health", "--json"], rules)
            #expect(json.status == 74, "\(json.errors)")
            #expect(try tokens(json).map { $0["error"] != nil } == [true, false], "\(json)")
        }

        // Otherwise monitoring would not notice that a token has died.
        @Test("A token whose description cannot be read is reported and decides the status")
        func unseen() throws {
            let bench = try bench()
            try bench.token.addToken(label: "spare")
            let rules = bench.faulty(["FAULTY_RULES": "C_GetTokenInfo#1:before:return=0x30"])
            let text = try bench.tokencert(["health"], rules)
            expect(text, 74, "1 of 3 tokens cannot be checked")
            #expect(text.output.contains("\na token cannot be checked: "), "\(text.output)")
            #expect(count("(SoftHSM v2, serial", in: text) == 2, "\(text.output)")
            let reports = try tokens(try bench.tokencert(["health", "--json"], rules))
            #expect(reports.map { $0["token"] != nil } == [true, true, false], "\(reports)")
        }

        // Otherwise the finding about one object could be that of another token's object.
        @Test("A named key is checked on one token only, which must be selected")
        func named() throws {
            let bench = try bench()
            expect(try bench.tokencert(["health", "mail"]), 66, "more than one token matches")
            let work = try bench.tokencert(["health", "mail", "--token", "work"])
            #expect(work.status == 0, "\(work)")
            #expect(work.output.hasPrefix("No problems found on the token."), "\(work.output)")
        }

        // Otherwise a broken token would hide the findings on the only other one.
        @Test("The only readable token of two is checked, and the other one is reported")
        func oneOfTwo() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "home")
            for command in ["health", "list"] {
                let outcome = try bench.tokencert(
                    [command],
                    bench.faulty(["FAULTY_RULES": "C_GetTokenInfo#1:before:return=0x30"]))
                #expect(outcome.status == (command == "health" ? 74 : 0), "\(outcome)")
                #expect(outcome.output.contains("token \""), "\(outcome)")
                let report = outcome.output + outcome.errors
                #expect(report.contains("a token "), "\(outcome)")
                #expect(report.contains("[CKR_DEVICE_ERROR]"), "\(outcome)")
            }
        }
    }
}
