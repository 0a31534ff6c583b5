import Foundation
import TestSupport
import Testing

extension RealParts {
    /// The name that `token init` gives.
    @Suite struct TokenNamesTests {
        /// Otherwise two tokens have one name, which selects neither of them.
        @Test("A token does not get the name of another one, and may keep its own")
        func duplicates() throws {
            let bench = try Bench()
            let officer = try bench.token.folder.write(bench.token.soPIN, "so-pin")
            let pin = try bench.token.folder.write("8347261", "new-pin")
            let sources = ["--so-pin-source", "file:\(officer)", "--pin-source", "file:\(pin)"]
            let settings = bench.faulty(["TOKENCERT_PIN_SOURCE": ""])
            let before = bench.token.contents
            let again = try bench.tokencert(
                ["token", "init", "--label", "work"] + sources, settings)
            expect(again, 73, "another token already has the name “work”")
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

        /// Otherwise an unset shell variable decides which token is erased.
        @Test("An empty name of the token to set up is refused")
        func empty() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["token", "init", "--label", "x", "--token", ""], bench.faulty([:]))
            expect(outcome, 64, "--token is empty")
            #expect(bench.calls("C_InitToken") == 0)
        }
    }
}
