import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// `renew --expiring` and `--all` without `--token`, if several tokens are present.
    @Suite struct RenewOnSeveralTokensTests {
        /// Three tokens with one PIN: work and home have a certificate, spare is empty.
        private func bench() throws -> Bench {
            let bench = try Bench()
            try bench.token.addToken(label: "home")
            try bench.token.addToken(label: "spare")
            for (token, label) in [("work", "mail"), ("home", "post")] {
                let issued = try bench.tokencert([
                    "issue", "--token", token, "--label", label, "--key-type", "rsa:2048",
                ])
                #expect(issued.status == 0, "\(issued.errors)")
            }
            return bench
        }

        /// Types the PIN at each of a number of prompts.
        private func pins(_ bench: Bench, _ count: Int) -> String {
            String(repeating: "expect {PIN for}; send \(bench.token.pin)\\r; ", count: count)
        }

        private func list(_ object: [String: Any], _ name: String) throws -> [[String: Any]] {
            try #require(object[name] as? [[String: Any]])
        }

        /// The JSON in the output of a terminal, which also shows messages.
        private func json(_ outcome: Outcome) throws -> [String: Any] {
            let first = try #require(outcome.output.firstIndex(of: "{"), "\(outcome)")
            let last = try #require(outcome.output.lastIndex(of: "}"), "\(outcome)")
            let data = Data(String(outcome.output[first...last]).utf8)
            return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        }

        private func tokens(_ certificates: [[String: Any]]) -> Set<String> {
            Set(
                certificates.compactMap { line in
                    let uri = line.certificate("uri") ?? ""
                    return ["work", "home", "spare"].first { uri.contains(";token=\($0);") }
                })
        }

        // Otherwise the certificates of a second token would expire.
        @Test(
            "Without --token, the certificates of all tokens are renewed, with the PIN of each",
            arguments: [["--all"], ["--expiring", "800d"]])
        func allTokens(selection: [String]) throws {
            let bench = try bench()
            let outcome = try AtTerminal(bench: bench).run(
                ["renew"] + selection + ["--pin-source", "prompt"], pins(bench, 2),
                bench.faulty([:]))
            #expect(outcome.status == 0, "\(outcome)")
            #expect(bench.ca.orders.count == 4)
            for label in ["work", "home"] {
                #expect(outcome.output.contains("PIN for \"\(label)\""), "\(outcome)")
            }
            let header = outcome.output.matches(of: /CERTIFICATE +TOKEN +NEW SERIAL +VALID TO/)
            #expect(header.count == 1, "\(outcome)")
            let rows = outcome.output.matches(
                of: /(mail|post) \(Anna Müller, valid to [-\d]+\) +(work|home) +[0-9a-f]+ +20\d\d-/)
            #expect(
                Set(rows.map { "\($0.output.1) on \($0.output.2)" })
                    == ["mail on work", "post on home"], "\(outcome)")
        }

        // Otherwise each run would ask for PINs that it does not need.
        @Test("A token without a certificate that is due is not logged in to")
        func notConcerned() throws {
            let bench = try bench()
            let outcome = try AtTerminal(bench: bench).run(
                ["renew", "--all", "--pin-source", "prompt"], pins(bench, 2), bench.faulty([:]))
            #expect(outcome.status == 0, "\(outcome)")
            #expect(!outcome.output.contains("PIN for \"spare\""), "\(outcome)")
            #expect(bench.calls("C_Login") == 2, "\(outcome)")
            let nothing = try AtTerminal(bench: bench).run(
                ["renew", "--expiring", "30d", "--pin-source", "prompt"], "", bench.faulty([:]))
            #expect(nothing.status == 0, "\(nothing)")
            #expect(nothing.output.contains("Nothing needs to be renewed."), "\(nothing)")
            #expect(bench.calls("C_Login") == 2, "\(nothing)")
        }

        // Otherwise a script could not tell which certificates are new.
        @Test("The JSON has the certificates of all tokens, which their URIs tell apart")
        func jsonOfAll() throws {
            let bench = try bench()
            let outcome = try AtTerminal(bench: bench).run(
                ["renew", "--all", "--pin-source", "prompt", "--json"], pins(bench, 2))
            #expect(outcome.status == 0, "\(outcome)")
            let report = try json(outcome)
            #expect(tokens(try list(report, "renewed")) == ["work", "home"], "\(report)")
            #expect(try list(report, "failures").isEmpty)
        }

        // Otherwise the user could not see what a renewal would do without typing every PIN.
        @Test("A dry run without a PIN shows the certificates of all tokens, and logs in to none")
        func dryRun() throws {
            let bench = try bench()
            let settings = bench.faulty(["TOKENCERT_PIN_SOURCE": ""])
            let text = try bench.tokencert(["renew", "--all", "--dry-run"], settings)
            #expect(text.status == 0, "\(text)")
            for place in [
                /would renew mail .* on token "work"/, /would renew post .* on token "home"/,
            ] {
                #expect(text.output.contains(place), "\(text.output)")
            }
            let notes = text.output.components(separatedBy: "Not checked: whether the private keys")
            #expect(notes.count == 2, "\(text.output)")
            let report = try bench.tokencert(["renew", "--all", "--dry-run", "--json"], settings)
                .json()
            #expect(tokens(try list(report, "wouldRenew")) == ["work", "home"], "\(report)")
            #expect(bench.calls("C_Login") == 0)
            #expect(bench.ca.orders.count == 2)
        }

        // Otherwise a PIN of one token would use up an attempt on another one.
        @Test(
            "A PIN that is not typed is for one token, which must be selected",
            arguments: ["", "file:FOLDER/pin", "command:cat FOLDER/pin"])
        func pinOfOne(source: String) throws {
            let bench = try bench()
            let folder = bench.token.folder.path
            // The bench itself sets a file as the source of the PIN.
            let option =
                source.isEmpty
                ? [] : ["--pin-source", source.replacing("FOLDER", with: folder)]
            let refused = try bench.tokencert(["renew", "--all"] + option, bench.faulty([:]))
            expect(refused, 66, "a PIN that is not typed belongs to one token")
            for label in ["work", "home"] {
                #expect(refused.errors.contains("one of them: --token \(label) "), "\(refused)")
            }
            #expect(bench.calls("C_Login") == 0)
            #expect(bench.ca.orders.count == 2)
            let selected = try bench.tokencert(["renew", "--all", "--token", "home"] + option)
            #expect(selected.status == 0, "\(selected)")
            #expect(bench.ca.orders.count == 3)
        }

        // Otherwise one broken token would let the certificates of the others expire.
        @Test("A token that fails does not stop the renewals on others, and decides the status")
        func failingToken() throws {
            let bench = try bench()
            let outcome = try AtTerminal(bench: bench).run(
                ["renew", "--all", "--pin-source", "prompt"], pins(bench, 2),
                bench.faulty(["FAULTY_RULES": "C_Login#1:before:return=0x30"]))
            #expect(outcome.status == 74, "\(outcome)")
            #expect(outcome.output.contains(/token "(work|home)": the login failed/), "\(outcome)")
            #expect(
                outcome.output.contains(/the certificates of token "(work|home)" were not renewed/),
                "\(outcome)")
            #expect(outcome.output.contains(/all +(work|home) +not renewed/), "\(outcome)")
            #expect(bench.calls("C_Login") == 2, "\(outcome)")
            #expect(bench.ca.orders.count == 3)
        }

        // Otherwise a typing error would cost the renewals of the other tokens.
        @Test("A wrong PIN of one token does not stop the renewals on others, and is sent once")
        func wrongPIN() throws {
            let bench = try bench()
            let dialogue = """
                proc answer {} {
                    expect -re {PIN for "(\\w+)"} {
                        if {$expect_out(1,string) eq "home"} {
                            send "00000000\\r"
                        } else {
                            send "\(bench.token.pin)\\r"
                        }
                    }
                }
                answer
                answer
                answer
                """
            let outcome = try AtTerminal(bench: bench).run(
                ["renew", "--all", "--pin-source", "prompt", "--json"], dialogue,
                bench.faulty([:]))
            #expect(outcome.status == 77, "\(outcome)")
            let report = try json(outcome)
            #expect(tokens(try list(report, "renewed")) == ["work"], "\(report)")
            #expect(try list(report, "failures").count == 1, "\(report)")
            #expect(bench.calls("C_Login") == 2, "\(outcome)")
            #expect(bench.ca.orders.count == 3)
        }

        @Test("An interrupted prompt ends the command, and no token is tried after it")
        func interrupted() throws {
            let bench = try bench()
            let outcome = try AtTerminal(bench: bench).run(
                ["renew", "--all", "--pin-source", "prompt"], "expect {PIN for}; send \\003",
                bench.faulty([:]))
            #expect(outcome.status == 130, "\(outcome)")
            #expect(bench.calls("C_Login") == 0)
            #expect(bench.ca.orders.count == 2)
        }

        // Otherwise a timer would fail whenever no token is inserted.
        @Test(
            "With --if-present, no token at all is not a failure",
            arguments: ["", "file:FOLDER/pin"])
        func noToken(source: String) throws {
            let bench = try Bench(withoutToken: ())
            let settings = [
                "TOKENCERT_PIN_SOURCE": source.replacing("FOLDER", with: bench.token.folder.path)
            ]
            let absent = try bench.tokencert(["renew", "--all"], settings)
            #expect(absent.status == 66 && absent.hasHint, "\(absent)")
            let outcome = try bench.tokencert(["renew", "--all", "--if-present"], settings)
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.errors.hasPrefix("note: "), "\(outcome)")
            #expect(outcome.output == "The token is not present; nothing was renewed.\n")
        }
    }
}
