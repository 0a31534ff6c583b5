import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    @Suite struct TokensAndListTests {
        @Test("tokens shows a token and its state")
        func tokens() throws {
            let bench = try Bench()
            let report = try bench.tokencert(
                ["tokens", "--json"],
                bench.faulty([
                    "FAULTY_SET_FLAGS": "PROTECTED_AUTHENTICATION_PATH,USER_PIN_COUNT_LOW"
                ])
            ).json()
            let modules = try #require(report["modules"] as? [[String: Any]])
            let slots = try #require(modules.first?["slots"] as? [[String: Any]])
            let token = try #require(
                slots.compactMap { $0["token"] as? [String: Any] }
                    .first { $0["label"] as? String == "work" })
            #expect(token["model"] as? String == "SoftHSM v2")
            #expect((token["uri"] as? String)?.contains("token=work") == true)
            #expect(token["isInitialized"] as? Bool == true)
            #expect(token["isPINSet"] as? Bool == true)
            #expect(token["isPINCountLow"] as? Bool == true)
            #expect(token["hasPINPad"] as? Bool == true)
            let text = try bench.tokencert(["tokens"])
            #expect(text.output.contains("work"))
            #expect(text.output.contains("not initialised"))
            #expect(text.output.contains("ready"))
        }

        // Otherwise the command that every error about a wrong name suggests shows nothing.
        @Test("tokens shows all tokens, whatever token the settings name")
        func wrongSetting() throws {
            let bench = try Bench()
            let shown = try bench.tokencert(["tokens"], ["TOKENCERT_TOKEN": "wrok"])
            #expect(shown.status == 0 && shown.output.contains("work"), "\(shown)")
            let other = try bench.tokencert(["tokens", "--token", "wrok"])
            #expect(other.status == 0 && !other.output.contains("work"), "\(other)")
        }

        @Test(
            "A token in a state that prevents its use is not shown as ready",
            arguments: [
                ("USER_PIN_LOCKED", "PIN locked"), ("USER_PIN_FINAL_TRY", "last PIN try"),
                ("USER_PIN_COUNT_LOW", "wrong PIN entered"),
                ("USER_PIN_TO_BE_CHANGED", "PIN must be changed"),
                ("WRITE_PROTECTED", "write-protected"),
                ("PROTECTED_AUTHENTICATION_PATH", "PIN pad"),
            ])
        func states(flag: String, words: String) throws {
            let bench = try Bench()
            let shown = try bench.tokencert(
                ["tokens"], bench.faulty(["FAULTY_SET_FLAGS": flag]))
            #expect(shown.output.contains(words), "\(shown)")
            #expect(!shown.output.contains("ready"), "\(shown)")
            let without = try bench.tokencert(
                ["tokens"], bench.faulty(["FAULTY_CLEAR_FLAGS": "USER_PIN_INITIALIZED"]))
            #expect(without.output.contains("no PIN set"), "\(without)")
        }

        @Test(
            "A module that fails is reported without hiding others, and p11-kit-trust is not listed"
        )
        func configuredModules() throws {
            let bench = try Bench()
            let report = try bench.tokencert(
                ["tokens", "--json"],
                ["TOKENCERT_MODULE": "", "TOKENCERT_TOKEN": "work"]
            ).json()
            let modules = try #require(report["modules"] as? [[String: Any]])
            let names = modules.compactMap { $0["name"] as? String }
            #expect(names.contains("softhsm2"), "\(names)")
            #expect(!names.contains("p11-kit-trust"), "\(names)")
            // SoftHSM2 without a configuration cannot be initialized; this is reported and not
            // fatal.
            let broken = try bench.tokencert(
                ["tokens", "--json"],
                ["TOKENCERT_MODULE": "", "SOFTHSM2_CONF": "/nonexistent"])
            #expect(broken.status == 0, "\(broken.errors)")
            let failures = try #require(try broken.json()["failures"] as? [[String: Any]])
            #expect(failures.contains { $0["name"] as? String == "softhsm2" }, "\(failures)")
        }

        // Otherwise a key seems to have no unfinished order, and a second one is placed.
        @Test("A ledger that cannot be read is reported by list, which still shows the objects")
        func unreadableLedger() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["request", "--label", "mail"]).status == 0)
            let file = try bench.token.folder.write("no ledger", "broken.sqlite")
            let listed = try bench.tokencert(["list", "--ledger", file])
            #expect(listed.status == 0 && listed.output.contains("mail"), "\(listed)")
            let note = "note: cannot show unfinished orders and recorded revocations: "
            #expect(listed.errors.contains(note), "\(listed)")
            #expect(try !bench.tokencert(["list"]).errors.contains("note:"))
            // Monitoring must see that a recorded revocation would not be reported.
            for (ledger, isRead) in [(file, false), (bench.token.folder.file("none"), true)] {
                let checked = try bench.tokencert(["health", "--json", "--ledger", ledger])
                #expect(
                    try checked.json()["checkedRevocations"] as? Bool == isRead, "\(checked)")
            }
        }

        // Otherwise health would advise a second order for the key, which has to be paid for.
        @Test("health advises to finish the order of a key that has no certificate yet")
        func unfinishedInHealth() throws {
            let bench = try Bench()
            let killed = try bench.tokencert(
                ["issue", "--label", "mail", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_RULES": "C_CreateObject:before:kill"]))
            #expect(killed.status != 0)
            let report = try bench.tokencert(["health"])
            #expect(report.output.contains("to finish its order: tokencert resume 1"), "\(report)")
            #expect(!report.output.contains("tokencert issue"), "\(report)")
            #expect(try bench.tokencert(["resume", "1"]).status == 0)
            #expect(try bench.tokencert(["health"]).output.contains("No problems found"))
        }

        // Otherwise a certificate that was paid for is ordered again.
        @Test("health names the order that has brought a certificate for a key without one")
        func certifiedInHealth() throws {
            let bench = try Bench()
            let issued = try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"])
            #expect(issued.status == 0)
            #expect(try bench.tokencert(["delete", "mail", "--cert", "--yes"]).status == 0)
            let advice = "order 1 produced a valid certificate for it"
            for arguments in [["health"], ["health", "--json"]] {
                let report = try bench.tokencert(arguments)
                #expect(report.output.contains(advice), "\(report)")
                #expect(!report.output.contains("tokencert issue"), "\(report)")
            }
            let other = try bench.tokencert(
                ["health", "--ledger", bench.token.folder.file("other.sqlite")])
            #expect(other.output.contains("to get one: tokencert issue --key mail"), "\(other)")
        }

        @Test(
            "Without a PIN, list shows the public objects and says that private keys may be missing"
        )
        func listWithoutPIN() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue"]).status == 0)
            let publicOnly = try bench.tokencert(["list"], ["TOKENCERT_PIN_SOURCE": ""])
            #expect(publicOnly.status == 0, "\(publicOnly.errors)")
            #expect(publicOnly.output.contains("Anna Müller"))
            #expect(publicOnly.output.contains("To see private objects, too: "))
            let uris = try bench.tokencert(["list", "--uris"], ["TOKENCERT_PIN_SOURCE": ""])
            #expect(!uris.output.contains("type=private"))
            let all = try bench.tokencert(["list", "--uris"])
            #expect(all.output.contains("type=private"))
            let filtered = try bench.tokencert(["list", "--json", "pkcs11:type=cert"]).json()
            #expect((filtered["keys"] as? [Any])?.isEmpty == true)
            #expect((filtered["certificates"] as? [Any])?.count == 1)
        }

        @Test("Without --token, list shows all tokens, and sends no PIN of one token to another")
        func allTokens() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "home")
            let made = try bench.tokencert(
                ["request", "--token", "home", "--label", "spare", "--key-type", "rsa:2048"])
            #expect(made.status == 0, "\(made.errors)")
            let none = ["TOKENCERT_PIN_SOURCE": ""]
            for settings in [none, bench.faulty([:]), bench.faulty(none)] {
                let all = try bench.tokencert(["list"], settings)
                #expect(all.status == 0, "\(all.errors)")
                let titles = all.output.matches(
                    of: /token "(work|home)" \(SoftHSM v2, serial [0-9a-f]/)
                #expect(Set(titles.map(\.output.1)) == ["work", "home"], "\(all.output)")
                #expect(all.output.contains("spare"), "\(all.output)")
                let list = try bench.tokencert(["list", "--json"], settings).json()
                let tokens = try #require(list["tokens"] as? [[String: Any]])
                #expect(tokens.compactMap { ($0["keys"] as? [Any])?.count }.sorted() == [0, 1])
            }
            #expect(bench.calls("C_Login") == 0)
            let named = try bench.tokencert(
                ["list", "--pin-source", "file:\(bench.token.folder.file("pin"))"],
                bench.faulty([:]))
            expect(named, 66, "more than one token matches")
            #expect(bench.calls("C_Login") == 0)
            let one = try bench.tokencert(["list", "--token", "home", "--json"]).json()
            #expect((one["keys"] as? [Any])?.count == 1 && one["tokens"] == nil)
        }

        @Test("A token that cannot be listed does not hide the others")
        func unlisted() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "home")
            let rules = bench.faulty(["FAULTY_RULES": "C_FindObjectsInit#1:before:return=0x30"])
            let text = try bench.tokencert(["list"], rules)
            expect(text, 74, "1 of 2 tokens cannot be listed")
            #expect(text.output.contains("cannot be listed: "), "\(text.output)")
            #expect(text.output.contains("no keys or certificates are visible"), "\(text.output)")
            let list = try bench.tokencert(["list", "--json"], rules)
            #expect(list.status == 74, "\(list.errors)")
            let tokens = try #require(try list.json()["tokens"] as? [[String: Any]])
            #expect(tokens.map { $0["error"] != nil } == [true, false], "\(tokens)")
        }

        @Test("A certificate for another key with the same ID is listed separately")
        func mismatch() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            #expect(try bench.tokencert(["request", "--id", "05", "--label", "a"]).status == 0)
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder.file("k"),
                    "-outform", "DER", "-out", folder.file("c.der"), "-subj", "/CN=Foreign",
                ])
            try bench.token.pkcs11Tool([
                "--write-object", folder.file("c.der"), "--type", "cert", "--id", "05",
            ])
            let keys = try #require(
                try bench.tokencert(["list", "--json"]).json()["keys"] as? [[String: Any]])
            #expect((keys[0]["certificates"] as? [Any])?.isEmpty == true)
            #expect((keys[0]["mismatchedCertificates"] as? [Any])?.count == 1)
            #expect(try bench.tokencert(["list"]).output.contains("different key"))
        }

        @Test("The prompt does not echo the PIN and requires a terminal")
        func prompt() throws {
            let bench = try Bench()
            let script = """
                log_user 1
                set timeout 30
                spawn \(product("tokencert")) list --pin-source prompt
                expect "PIN for" { send "\(bench.token.pin)\\r" }
                expect eof
                catch wait result
                exit [lindex $result 3]
                """
            let file = try bench.token.folder.write(script, "script")
            let outcome = try run(
                "expect", ["-f", file],
                environment: bench.environment.merging(["TERM": "dumb"]) { $1 })
            #expect(outcome.status == 0, "\(outcome)")
            #expect(
                !outcome.output.replacing("send", with: "").contains(bench.token.pin), "\(outcome)")
            #expect(outcome.output.contains("token \"work\""), "\(outcome)")
            // Without a terminal there is an error, and the PIN is not read from the pipe.
            let piped = try run(
                "setsid", ["--wait", product("tokencert"), "list", "--pin-source", "prompt"],
                environment: bench.environment, input: bench.token.pin + "\n")
            expect(piped, 64, "there is no terminal")
        }

        @Test("A PIN can come from a descriptor or an environment variable")
        func otherSources() throws {
            let bench = try Bench()
            let byVariable = try bench.tokencert(
                ["list", "--json", "--pin-source", "env:MY_PIN"], ["MY_PIN": bench.token.pin])
            #expect(try byVariable.json()["sawPrivateObjects"] as? Bool == true)
            let byDescriptor = try run(
                "bash",
                [
                    "-c", "exec \"$0\" list --json --pin-source fd:3 3< \"$1\"",
                    product("tokencert"), bench.token.folder.file("pin"),
                ], environment: bench.environment)
            #expect(try byDescriptor.json()["sawPrivateObjects"] as? Bool == true)
        }
    }
}
