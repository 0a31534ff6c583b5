import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Certificates with the same content on two tokens, on several days.
    @Suite struct RenewedCopyTests {
        /// The tokens whose certificates would be renewed, in the order of their labels.
        private func due(_ bench: Bench, _ clock: [String: String]) throws -> [String] {
            // No PIN of one token is used if several are present.
            let outcome = try bench.tokencert(
                ["renew", "--expiring", "30d", "--dry-run", "--json"],
                clock.merging(["TOKENCERT_PIN_SOURCE": ""]) { $1 })
            #expect(outcome.status == 0, "\(outcome)")
            let lines = try #require(try outcome.json()["wouldRenew"] as? [[String: Any]])
            let uris = lines.compactMap { $0.certificate("uri") }
            return ["home", "work"].filter { label in
                uris.contains { $0.contains(";token=\(label);") }
            }
        }

        // Otherwise a token that comes back from a drawer would cost an order for the other one, too.
        @Test("A copy that was renewed while its counterpart was absent is not renewed again")
        func drawer() throws {
            let anna = StandIn.account(
                "anna@example.org", points: 10, codeSigning: false, emails: ["anna@example.org"])
            let bench = try Bench(accounts: [anna])
            try bench.token.addToken(label: "home")
            for arguments in [
                ["issue", "--token", "work", "--label", "mail", "--key-type", "rsa:2048"],
                [
                    "renew", "mail", "--token", "work", "--copy-to", "home", "--key-type",
                    "rsa:2048", "--pin-source", "file:\(bench.token.folder.file("pin"))",
                ],
            ] {
                let outcome = try bench.tokencert(arguments)
                #expect(outcome.status == 0, "\(outcome)")
            }
            let first = try movedClock(days: 155)
            try bench.ca.restart([], environment: first)
            #expect(try due(bench, first) == ["home", "work"])
            // The PIN that is not typed is for one token.
            let renewed = try bench.tokencert(
                ["renew", "--expiring", "30d", "--token", "work"], first)
            #expect(renewed.status == 0, "\(renewed)")
            #expect(bench.ca.orders.count == 3)
            let later = try movedClock(days: 160)
            try bench.ca.restart([], environment: later)
            #expect(try due(bench, later) == ["home"])
            let other = try bench.tokencert(
                ["renew", "--expiring", "30d", "--token", "home"], later)
            #expect(other.status == 0, "\(other)")
            #expect(!other.errors.contains("was skipped"), "\(other)")
            #expect(bench.ca.orders.count == 4)
            #expect(try due(bench, later).isEmpty)
        }
    }
}
