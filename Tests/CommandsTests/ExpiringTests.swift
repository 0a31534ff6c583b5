import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Certificates that expire soon, without their token.
    @Suite struct ExpiringTests {
        /// Settings with which no module is found.
        private static let withoutToken = [
            "TOKENCERT_MODULE": "", "TOKENCERT_PIN_SOURCE": "", "SOFTHSM2_CONF": "/dev/null",
        ]

        private func issue(_ bench: Bench) throws {
            let outcome = try bench.tokencert([
                "issue", "--label", "mail", "--key-type", "rsa:2048",
            ])
            #expect(outcome.status == 0, "\(outcome)")
        }

        private func expiring(_ outcome: Outcome) throws -> [[String: Any]] {
            try #require(try outcome.json()["expiring"] as? [[String: Any]])
        }

        private func serialNumber(_ line: [String: Any]) throws -> String {
            let certificate = try #require(line["certificate"] as? [String: Any])
            return try #require(certificate["serialNumber"] as? String)
        }

        // Otherwise the certificate of a token that is not inserted would lapse without a report.
        @Test("A certificate that expires soon is listed even if its token is absent")
        func absentToken() throws {
            let bench = try Bench()
            try issue(bench)
            let fine = try bench.tokencert(["expiring"])
            #expect(fine.status == 0, "\(fine)")
            #expect(fine.output == "No certificate expires within 30 days.\n")
            for settings: [String: String] in [
                [:], Self.withoutToken, ["TOKENCERT_MODULE": "/nonexistent.so"],
            ] {
                let text = try bench.tokencert(["expiring", "--within", "1000d"], settings)
                #expect(text.status == 79, "\(text)")
                #expect(text.errors.isEmpty, "\(text)")
                #expect(
                    text.output.contains(
                        /^expires in \d+ days\n  mail \(Anna Müller, valid to [-\d]+\) on token work\n/
                    ), "\(text.output)")
                #expect(
                    text.output.contains(
                        /\n  insert the token and run: tokencert renew mail --token [0-9a-f]+\n$/),
                    "\(text.output)")
                let json = try bench.tokencert(
                    ["expiring", "--within", "1000d", "--json"], settings)
                #expect(json.status == 79, "\(json)")
                #expect(try json.json()["days"] as? Int == 1000)
                let lines = try expiring(json)
                #expect(lines.count == 1 && lines.first?["order"] as? Int == 1, "\(json.output)")
                #expect((lines.first?["next"] as? String)?.hasPrefix("tokencert renew ") == true)
            }
        }

        @Test("No module is loaded, and nothing is written")
        func readsOnlyTheLedger() throws {
            let bench = try Bench()
            try issue(bench)
            let ledger = bench.token.folder.file("state/tokencert/ledger.sqlite")
            let before = try Data(contentsOf: URL(filePath: ledger))
            let outcome = try bench.tokencert(
                ["expiring", "--within", "1000d"], bench.faulty([:]))
            #expect(outcome.status == 79, "\(outcome)")
            #expect(bench.calls("C_Initialize") == 0 && bench.logins.isEmpty)
            #expect(try Data(contentsOf: URL(filePath: ledger)) == before)
        }

        @Test("After a renewal, only the new certificate is listed")
        func renewed() throws {
            let bench = try Bench()
            try issue(bench)
            let within = ["expiring", "--within", "1000d", "--json"]
            let old = try expiring(try bench.tokencert(within)).map(serialNumber)
            let refused = try bench.tokencert(
                ["renew", "mail"],
                bench.faulty(["FAULTY_RULES": "C_CreateObject:before:return=0x31"]))
            #expect(refused.status == 73, "\(refused)")
            let unfinished = try bench.tokencert(Array(within.dropLast()))
            #expect(unfinished.status == 79)
            #expect(
                unfinished.output.hasSuffix(
                    "\n  order 2 for it is unfinished; to continue: tokencert resume 2\n"
                ), "\(unfinished.output)")
            let lines = try expiring(try bench.tokencert(within))
            #expect(try lines.map(serialNumber) == old)
            #expect(lines.first?["unfinishedOrder"] as? Int == 2)
            #expect(try bench.tokencert(["resume", "2"]).status == 0)
            let new = try expiring(try bench.tokencert(within)).map(serialNumber)
            #expect(new.count == 1 && new != old, "\(new)")
        }

        @Test("Without orders nothing expires, and an unreadable ledger is an error")
        func ledgers() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(["expiring"])
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.output == "The ledger has no orders.\n")
            #expect(outcome.errors.contains("note: there is no ledger at "), "\(outcome.errors)")
            let json = try bench.tokencert(["expiring", "--json"])
            #expect(json.status == 0, "\(json)")
            #expect(try expiring(json).isEmpty)
            let state = bench.token.folder.file("state")
            #expect(!FileManager.default.fileExists(atPath: state))
            let text = try bench.token.folder.write("no database", "text")
            expect(try bench.tokencert(["expiring", "--ledger", text]), 78, "is damaged")
        }

        @Test("A wrong period is refused")
        func wrongPeriod() throws {
            let bench = try Bench()
            for period in ["0", "3651", "soon"] {
                expect(
                    try bench.tokencert(["expiring", "--within", period]), 64,
                    "--within requires a period of 1 to 3650 days, not \"\(period)\"")
            }
        }
    }
}
