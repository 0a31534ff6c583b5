import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// The name that `token init` and `token label` give.
    @Suite struct TokenNamesTests {
        /// Otherwise two tokens would have the same name, which would select neither of them.
        @Test("token init refuses the name of another token, and a token may keep its own name")
        func duplicates() throws {
            let bench = try Bench()
            let officer = try bench.token.folder.write(bench.token.soPIN, "so-pin")
            let pin = try bench.token.folder.write("8347261", "new-pin")
            let sources = ["--so-pin-source", "file:\(officer)", "--pin-source", "file:\(pin)"]
            let settings = bench.faulty(["TOKENCERT_PIN_SOURCE": ""])
            let before = bench.token.contents
            let again = try bench.tokencert(
                ["token", "init", "--label", "work"] + sources, settings)
            expect(again, 73, "another token already has the label \"work\"")
            #expect(again.errors.contains("--label 'work2'"))
            #expect(bench.calls("C_InitToken") == 0 && bench.token.contents == before)
            #expect(
                try bench.tokencert(["token", "init", "--label", "Work"] + sources, settings).status
                    == 0)
            #expect(
                try bench.tokencert(
                    ["token", "init", "--label", "work", "--token", "work", "--erase", "work"]
                        + sources, settings
                ).status == 0)
        }

        /// Otherwise two tokens would have the same name, which would select neither of them.
        @Test("token label refuses the name of another token")
        func relabelled() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "spare")
            let officer = try bench.token.folder.write(bench.token.soPIN, "so-pin")
            let sources = ["--token", "spare", "--so-pin-source", "file:\(officer)"]
            let taken = try bench.tokencert(
                ["token", "label", "work"] + sources, bench.faulty([:]))
            expect(taken, 73, "another token already has the label \"work\"")
            #expect(taken.errors.contains("tokencert token label 'work2'"), "\(taken.errors)")
            #expect(bench.calls("C_Login") == 0 && bench.calls("C_InitToken") == 0)
            let free = try bench.tokencert(
                ["token", "label", "spare2"] + sources, bench.faulty([:]))
            #expect(free.status == 0, "\(free.errors)")
        }

        /// A blank at the end is padding, so the token would get the name of another one, or none.
        @Test(
            "A name that a token cannot store is refused",
            arguments: [
                "", " ", "work ", " work", "wo\nrk", "wo\u{1B}rk", "\u{A0}",
                String(repeating: "x", count: 33), String(repeating: "ü", count: 17),
            ])
        func unusable(name: String) throws {
            let bench = try Bench()
            for arguments in [["token", "init", "--label", name], ["token", "label", name]] {
                let outcome = try bench.tokencert(arguments, bench.faulty([:]))
                expect(outcome, 64, "the label of a token")
            }
            #expect(bench.calls("C_Login") == 0 && bench.calls("C_InitToken") == 0)
        }

        /// Otherwise an unset shell variable could decide which token is erased.
        @Test("token init refuses an empty --token")
        func empty() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["token", "init", "--label", "x", "--token", ""], bench.faulty([:]))
            expect(outcome, 64, "--token is empty")
            #expect(bench.calls("C_InitToken") == 0)
        }
    }
}
