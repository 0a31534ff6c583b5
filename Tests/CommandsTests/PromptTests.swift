import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Questions at a terminal. Scripts never get one.
    @Suite struct PromptTests {
        private func several() throws -> Bench {
            try Bench(accounts: [
                StandIn.account(
                    "anna@example.org", points: 100, codeSigning: false,
                    emails: ["anna@example.org", "a@example.org"], middle: "Maria")
            ])
        }

        /// Chooses the item that matches a pattern by its number.
        private func choosing(_ pattern: String) -> String {
            "expect -re {([0-9])  \(pattern)}; set number $expect_out(1,string); "
                + "expect {Number (1 to}; send \"$number\\r\""
        }

        @Test("A name and an address among several of the account are chosen by number")
        func account() throws {
            let bench = try several()
            let terminal = AtTerminal(bench: bench)
            let issued = try terminal.run(
                ["issue", "--key-type", "rsa:2048"],
                "\(choosing("Anna Maria")); \(choosing("a@example.org"))")
            #expect(issued.status == 0, "\(issued)")
            #expect(issued.output.contains("CN=Anna Maria Müller"), "\(issued)")
            #expect(bench.ca.orders.count == 1)
            // Nothing is preselected, and JSON and scripts get the error that names the option.
            for (arguments, dialogue) in [
                (["issue"], #"expect "Number (1"; send "\r""#),
                (["issue"], #"expect "Number (1"; send "\004""#),
                (
                    ["issue"],
                    #"expect "Number (1"; send "0\r"; expect "Number (1"; send "x\r"; "#
                        + #"expect "Number (1"; send "9\r""#
                ), (["issue", "--json"], ""),
            ] {
                let refused = try terminal.run(arguments, dialogue)
                #expect(refused.status == 65, "\(refused)")
                #expect(refused.output.contains("one of them: --name"), "\(refused)")
                #expect(refused.output.contains("Number (1") == (dialogue != ""), "\(refused)")
            }
            let script = try bench.tokencert(["issue", "--name", "Anna Müller"])
            expect(script, 65, "the account has several addresses")
            #expect(script.errors.contains("one of them: --email a@example.org"), "\(script)")
            #expect(bench.ca.orders.count == 1)
        }

        @Test("The user name is asked for at a terminal only")
        func userName() throws {
            let bench = try Bench()
            let none = ["TOKENCERT_USERNAME": ""]
            let terminal = AtTerminal(bench: bench)
            let asked = try terminal.run(
                ["account"], "expect {E-mail address of the account}; send anna@example.org\\r",
                none)
            #expect(asked.status == 0 && asked.output.contains("Anna Müller"), "\(asked)")
            let empty = try terminal.run(["account"], "expect {E-mail address}; send \\r", none)
            #expect(empty.status == 64 && empty.output.contains("--username"), "\(empty)")
            let json = try terminal.run(["account", "--json"], "", none)
            #expect(json.status == 64 && !json.output.contains("E-mail address of"), "\(json)")
            expect(try bench.tokencert(["account"], none), 64, "no account is specified")
        }

        @Test("A token among several is chosen by number, unless standard input has a secret")
        func token() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "home")
            let terminal = AtTerminal(bench: bench)
            let made = try terminal.run(
                ["request", "--key-type", "rsa:2048", "--label", "mail"], choosing("home"))
            #expect(made.status == 0, "\(made)")
            let home = try bench.tokencert(["list", "--token", "home", "--json"]).json()
            #expect((home["keys"] as? [Any])?.count == 1)
            let work = try bench.tokencert(["list", "--token", "work", "--json"]).json()
            #expect((work["keys"] as? [Any])?.isEmpty == true)
            let input = try terminal.run(["request", "--label", "b", "--pin-source", "fd:0"])
            #expect(input.status == 66 && !input.output.contains("Number (1"), "\(input)")
            expect(try bench.tokencert(["request", "--label", "b"]), 66, "more than one token")
        }

        @Test("delete lists what it deletes, and the prompt and the result stay on the screen")
        func delete() throws {
            let bench = try Bench()
            #expect(
                try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"]).status
                    == 0)
            let done = try AtTerminal(bench: bench).run(
                ["delete", "mail", "--cert", "--pin-source", "prompt"],
                "expect {PIN for}; send \(bench.token.pin)\\r; expect {Type mail to delete it: }; "
                    + "send mail\\r")
            #expect(done.status == 0, "\(done)")
            let shown = done.output.replacing("\r\n", with: "\n")
            #expect(shown.contains("This will be deleted from token work:\n  certificate of "))
            #expect(shown.contains("Anna Müller, serial "), "\(shown)")
            #expect(shown.contains("Type mail to delete it: mail\n"), "\(shown)")
            #expect(shown.contains("Deleted 1 certificate. No key was deleted.\n"), "\(shown)")
            // The PIN prompt stays, without the PIN.
            #expect(shown.contains("): \n"), "\(shown)")
            #expect(!shown.contains(bench.token.pin))
            let dry = try bench.tokencert(["delete", "mail", "--dry-run"])
            #expect(dry.output.contains("  key pair mail, RSA 2048, id "), "\(dry)")
            #expect(dry.output.hasSuffix("Nothing was changed.\n"), "\(dry)")
        }

        // Otherwise a user who mistypes the PIN has to type the whole command again.
        @Test("A mistyped PIN can be typed again only if the token reports that tries are left")
        func wrongPIN() throws {
            let bench = try Bench()
            let settings = bench.faulty(["TOKENCERT_PIN_SOURCE": "prompt"])
            let terminal = AtTerminal(bench: bench)
            let again = try terminal.run(
                ["list"],
                "expect {PIN for}; send 11112222\\r; expect {try again}; expect {PIN for}; "
                    + "send \(bench.token.pin)\\r", settings)
            #expect(again.status == 0 && bench.logins.count == 2, "\(again)")
            #expect(!again.output.contains("1111"))
            // After two refusals within a day, the third could be the last one.
            let stopped = try terminal.run(["list"], "expect {PIN for}; send 11112223\\r", settings)
            #expect(stopped.status == 77 && bench.logins.count == 3, "\(stopped)")
            for flags in [
                // A wrong PIN was sent before.
                ["FAULTY_SET_FLAGS": "USER_PIN_COUNT_LOW"],
                // The token does not report what is left.
                ["FAULTY_CLEAR_FLAGS": "USER_PIN_COUNT_LOW"],
            ] {
                let other = try Bench()
                let warned = try AtTerminal(bench: other).run(
                    ["list"], "expect {PIN for}; send 11112222\\r",
                    other.faulty(flags.merging(["TOKENCERT_PIN_SOURCE": "prompt"]) { $1 }))
                #expect(warned.status == 77 && other.logins.count == 1, "\(warned)")
            }
        }

        @Test("Neither a refused PIN nor an empty answer is sent")
        func samePIN() throws {
            let bench = try Bench()
            let settings = bench.faulty(["TOKENCERT_PIN_SOURCE": "prompt"])
            let same = try AtTerminal(bench: bench).run(
                ["list"],
                "expect {PIN for}; send \\r; expect {nothing was typed; try again}; "
                    + "expect {PIN for}; send 11112222\\r; expect {try again}; expect {PIN for}; "
                    + "send 11112222\\r", settings)
            #expect(same.status == 77 && bench.logins.count == 1, "\(same)")
            #expect(same.output.contains("it was not sent again"), "\(same)")
        }
    }
}
