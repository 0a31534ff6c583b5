import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Output at a terminal.
    @Suite struct TerminalTests {
        @Test("The progress of a slow token is shown, with a hint to touch it")
        func progress() throws {
            let bench = try Bench()
            let slow = bench.faulty(["FAULTY_RULES": "C_Sign#1:before:delay=6500"])
            let live = try AtTerminal(bench: bench).run(
                ["issue", "--key-type", "rsa:2048"], "",
                slow.merging(["LC_ALL": "C.UTF-8"]) { $1 })
            #expect(live.status == 0, "\(live)")
            #expect(live.output.contains("signing the request on the token, 3 s"))
            #expect(live.output.contains("6 s; touch the token if it blinks"))
            #expect(live.output.contains("✓ signing the request on the token, 6 s"))
            // Quick steps leave no line.
            #expect(!live.output.contains("checking the certificate"))
            let lines = try bench.tokencert(["issue", "--key-type", "rsa:2048"], slow)
            #expect(lines.errors.contains("... signing the request on the token\n"))
            #expect(lines.errors.contains("  touch the token if it blinks\n"))
            #expect(!lines.errors.contains("\u{1B}") && !lines.errors.contains("\r"))
            let quiet = try bench.tokencert(["issue", "--quiet", "--key-type", "rsa:2048"])
            #expect(quiet.status == 0 && quiet.errors.isEmpty, "\(quiet.errors)")
        }

        // Users would take the wait for a failure, and order a second time.
        @Test("While the CA is slow, issue reports that the order was sent and how long it takes")
        func waiting() throws {
            let bench = try Bench(["--fault", "hang"])
            let live = try AtTerminal(bench: bench).run(
                ["issue", "--key-type", "rsa:2048"],
                #"""
                expect "waiting for the CA (usually 10 s) ... the order was sent, 2 s"
                send "\003"
                """#, ["LC_ALL": "C"])
            #expect(live.output.contains("the order was sent, 2 s"), "\(live)")
            #expect(
                live.output.contains("interrupted while waiting for the CA (usually 10 s): "),
                "\(live)")
            // The locale is not UTF-8.
            #expect(!live.output.contains("⠋") && !live.output.contains("✓"), "\(live)")
            let lines = try run(
                "timeout", ["--signal=TERM", "4", product("tokencert"), "issue"],
                environment: bench.environment)
            #expect(
                lines.errors.contains(
                    "... waiting for the CA (usually 10 s)\n  the order was sent\n"), "\(lines)")
        }

        @Test("A dumb terminal gets plain lines")
        func dumbTerminal() throws {
            let bench = try Bench()
            let outcome = try AtTerminal(bench: bench).run(
                ["issue", "--key-type", "rsa:2048"], "", ["LC_ALL": "C.UTF-8", "TERM": "dumb"])
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.output.contains("... signing the request on the token"), "\(outcome)")
            #expect(!outcome.output.contains("\u{1B}"), "\(outcome)")
        }

        @Test("Ctrl-C reports the state of the order and the command to continue")
        func interrupted() throws {
            let bench = try Bench()
            let slow = bench.faulty(["FAULTY_RULES": "C_Sign#1:before:delay=20000"])
            let outcome = try AtTerminal(bench: bench).run(
                ["issue", "--key-type", "rsa:2048"],
                #"""
                expect "signing the request on the token, 1 s"
                send "\003"
                """#, slow)
            #expect(outcome.output.contains("terminated by SIGINT"), "\(outcome)")
            #expect(
                outcome.output.contains(
                    "interrupted while signing the request on the token: everything done for "
                        + "order 1 is in"))
            #expect(
                outcome.output.contains("hint:") && outcome.output.contains("tokencert resume 1"))
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(bench.ca.orders.count == 1)
            // The second run is interrupted before its order is recorded.
            let early = try AtTerminal(bench: bench).run(
                ["issue"], "sleep 2; send {\u{3}}",
                bench.faulty(["FAULTY_RULES": "C_Login#1:before:delay=20000"]))
            #expect(early.output.contains("nothing was changed"), "\(early)")
            #expect(try bench.tokencert(["resume"]).output == "No order is unfinished.\n")
        }

        @Test(
            "A PIN is neither shown nor sent after an interruption, and the terminal keeps echoing"
        )
        func prompts() throws {
            let bench = try Bench()
            let faulty = bench.faulty(["TOKENCERT_PIN_SOURCE": "prompt"])
            let terminal = AtTerminal(bench: bench)
            let interrupted = try terminal.run(
                ["issue"],
                #"""
                expect "PIN for \"work\" (SoftHSM v2, serial *): "
                send "1234\003"
                """#, faulty)
            #expect(interrupted.status == 130, "\(interrupted)")
            #expect(interrupted.output.contains("no PIN was sent, and nothing was changed"))
            #expect(bench.logins.isEmpty)
            // An interrupted resume prints the command to continue.
            let late = try Bench(["--fault", "late"])
            #expect(try late.tokencert(["issue"]).status == 75)
            let broken = try AtTerminal(bench: late).run(
                ["resume", "1", "--order-again"],
                #"""
                expect "PIN for"
                send "\003"
                """#, late.faulty(["TOKENCERT_PIN_SOURCE": "prompt"]))
            #expect(broken.output.contains("to continue: tokencert resume 1"), "\(broken)")
            // Another process ends the program at the prompt: the terminal echoes again.
            let killed = try terminal.run(
                ["issue"],
                #"""
                expect "PIN for"
                exec kill -TERM [exp_pid]
                expect "interrupted"
                """#, faulty)
            #expect(killed.output.contains("terminated by SIGTERM"), "\(killed)")
            #expect(bench.logins.isEmpty)
            let wrong = try terminal.run(
                ["list"],
                "expect {PIN for}; send secret-é\\r; expect {another one once}; "
                    + "expect {PIN for}; send \\004", faulty)
            #expect(wrong.status == 77, "\(wrong)")
            #expect(!wrong.output.contains("secret"), "\(wrong)")
            #expect(bench.logins.count == 1)
            // The prompt works although the output is captured.
            let piped = try terminal.run(
                ["list"], "expect {PIN for}; send \(bench.token.pin)\\r", faulty)
            #expect(piped.status == 0 && piped.output.contains("token \"work\""), "\(piped)")
        }

        @Test("Tables fit into a narrow terminal, also with wide characters")
        func tables() throws {
            let bench = try Bench(
                accounts: [
                    StandIn.account(
                        "anna@example.org", points: 100, codeSigning: true,
                        emails: ["anna@example.org"], first: "漢字", last: "Müller-Lüdenscheidt 🦊")
                ])
            for label in ["short", "a label that is much longer than any column should be", "漢字かな"]
            {
                #expect(
                    try bench.tokencert(["issue", "--key-type", "rsa:2048", "--label", label])
                        .status == 0)
            }
            for columns in [60, 80, 140] {
                let outcome = try bench.tokencert(
                    ["list"], ["COLUMNS": "\(columns)", "LC_ALL": "C.UTF-8"])
                let lines = outcome.output.split(separator: "\n").map(String.init)
                let start = try #require(lines.firstIndex { $0.hasPrefix("LABEL") })
                let rows = lines[start...].filter { !$0.hasPrefix("  ") && !$0.hasPrefix("To see") }
                #expect(rows.count == 4, "\(outcome.output)")
                for row in rows {
                    #expect(cells(row) <= columns, "\(columns): \(row)")
                }
                // The last column, the expiry, is never cut and begins in the same cell.
                let places = rows.map { row in
                    cells(
                        String(
                            row.prefix(upTo: row.range(of: "  ", options: .backwards)!.upperBound)))
                }
                #expect(Set(places).count == 1, "\(outcome.output)")
                #expect(
                    rows.dropFirst().allSatisfy {
                        $0.range(of: " 20[0-9-]{8}$", options: .regularExpression) != nil
                    })
                // Text that users copy is never cut.
                #expect(lines.filter { $0.contains("pkcs11:") && $0.contains("…") }.isEmpty)
                if columns == 140 { #expect(outcome.output.contains("Müller-Lüdenscheidt 🦊")) }
                if columns == 60 { #expect(rows.contains { $0.contains("…") }) }
            }
        }

        @Test("Colour follows the option, the variables and the terminal")
        func color() throws {
            let bench = try Bench()
            func hasColor(_ arguments: [String], _ variables: [String: String]) throws -> Bool {
                try bench.tokencert(["tokens"] + arguments, variables).output.contains("\u{1B}[")
            }
            #expect(try !hasColor([], [:]))
            #expect(try hasColor(["--color", "always"], ["NO_COLOR": "1"]))
            #expect(try hasColor([], ["CLICOLOR_FORCE": "1"]))
            #expect(try !hasColor([], ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"]))
            let terminal = AtTerminal(bench: bench)
            #expect(try terminal.run(["tokens"]).output.contains("\u{1B}["))
            #expect(try !terminal.run(["tokens"], "", ["CLICOLOR": "0"]).output.contains("\u{1B}["))
            #expect(try !terminal.run(["tokens", "--color", "never"]).output.contains("\u{1B}["))
        }

        @Test("A mistyped name leads to suggestions")
        func suggestions() throws {
            let bench = try Bench()
            func hints(_ arguments: [String]) throws -> String {
                let outcome = try bench.tokencert(arguments)
                #expect(outcome.status != 0)
                return outcome.errors
            }
            #expect(try hints(["lsit"]).contains("did you mean tokencert list?"))
            #expect(
                try hints(["list", "--token", "wrok"]).contains("did you mean --token 'work'?"))
            #expect(
                try hints(["issue", "--email", "ana@example.org"]).contains("did you mean anna@"))
            #expect(
                try hints(["issue", "--name", "Anna Mueller"]).contains("did you mean Anna Müller?")
            )
            #expect(try bench.tokencert(["request", "--id", "07", "--label", "mail"]).status == 0)
            for arguments in [
                ["issue", "--key", "pkcs11:object=mial"], ["show", "pkcs11:object=mial"],
                ["delete", "--yes", "pkcs11:id=%06;type=private"],
            ] {
                let said = try hints(arguments).split(separator: "\n")
                #expect(said.contains { $0.hasPrefix("hint: did you mean mail") }, "\(said)")
            }
        }

        @Test(
            "Output that cannot be written is an error, and a request goes to standard error"
        )
        func fullOutput() throws {
            let bench = try Bench()
            func printing(_ command: String) throws -> Outcome {
                try run(
                    "/bin/sh", ["-c", "exec \(product("tokencert")) \(command) >/dev/full"],
                    environment: bench.environment)
            }
            let request = try printing("request --label mail")
            expect(request, 78, "standard output cannot be written")
            #expect(request.errors.contains("-----BEGIN CERTIFICATE REQUEST-----"))
            // The key has no certificate, which health reports with another status.
            for command in ["list", "health", "health --json"] {
                expect(try printing(command), 78, "standard output cannot be written")
            }
            // A reader that exits early is not an error.
            let gone = try run(
                "/bin/bash",
                ["-c", "\(product("tokencert")) list | true; exit ${PIPESTATUS[0]}"],
                environment: bench.environment)
            #expect(gone.status == 0 && gone.errors.isEmpty, "\(gone)")
        }

        @Test("An interruption is reported in JSON")
        func interruptedJSON() throws {
            let bench = try Bench(["--fault", "hang"])
            let outcome = try run(
                "timeout", ["--signal=TERM", "4", product("tokencert"), "issue", "--json"],
                environment: bench.environment)
            let error = try #require(try outcome.json()["error"] as? [String: Any])
            #expect(error["code"] as? String == "interrupted", "\(outcome)")
            #expect((error["hints"] as? [String])?.first?.contains("resume 1") == true)
        }

        @Test("With --json, an error is printed as JSON")
        func errorsInJSON() throws {
            let bench = try Bench()
            func error(_ arguments: [String]) throws -> [String: Any] {
                let outcome = try bench.tokencert(arguments)
                let error = try #require(try outcome.json()["error"] as? [String: Any])
                #expect(error["status"] as? Int == Int(outcome.status))
                #expect(outcome.errors.contains("error: \(error["message"] as? String ?? "?")\n"))
                #expect((error["hints"] as? [String])?.isEmpty == false)
                return error
            }
            #expect(
                try error(["issue", "--json", "--email", "x@example.org"])["code"] as? String
                    == "accountLacks")
            #expect(try error(["list", "--json", "--token", "x"])["code"] as? String == "noToken")
            #expect(try error(["list", "--json", "--nonsense"])["status"] as? Int == 64)
            #expect(try error(["resume", "--json", "77"])["status"] as? Int == 66)
        }
    }
}

/// The number of terminal cells of a line, according to the Unicode properties.
private func cells(_ text: String) -> Int {
    text.reduce(0) { sum, character in
        let scalar = character.unicodeScalars.first!
        let isWide =
            scalar.properties.isEmojiPresentation || (0x3040...0x9FFF).contains(scalar.value)
        return sum + (isWide ? 2 : 1)
    }
}
