import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Revocations that the ledger records, and what follows from them.
    @Suite struct RecordedRevocationTests {
        private func issue(_ bench: Bench, _ label: String = "mail") throws {
            let outcome = try bench.tokencert([
                "issue", "--label", label, "--key-type", "rsa:2048", "--out",
                bench.token.folder.file(label + ".pem"),
            ])
            #expect(outcome.status == 0, "\(outcome)")
        }

        /// The certificates of the account, newest first.
        private func listed(_ bench: Bench) throws -> [[String: Any]] {
            let json = try bench.tokencert(["certificates", "--all", "--json"]).json()
            return try #require(json["listed"] as? [[String: Any]])
        }

        private func states(_ bench: Bench) throws -> [String] {
            try listed(bench).compactMap { $0["state"] as? String }
        }

        /// The revocations of an order, as the ledger has them.
        private func recorded(_ bench: Bench, order: Int) throws -> [[String: Any]] {
            let json = try bench.tokencert(["history", "\(order)", "--json"]).json()
            let orders = try #require(json["orders"] as? [[String: Any]])
            let events = try #require(orders.first?["events"] as? [[String: Any]])
            return events.filter { $0["kind"] as? String == "revoked" }
                .compactMap { $0["content"] as? [String: Any] }
        }

        // Otherwise the timer would report a revoked certificate for years, and order another one for
        // its key, which may be compromised.
        @Test("A revoked certificate is no longer reported, and renewed only with a new key")
        func renewal() throws {
            let bench = try Bench()
            try issue(bench)
            let soon = ["expiring", "--within", "3650d"]
            #expect(try bench.tokencert(soon).status == 79)
            #expect(try bench.tokencert(["revoke", "mail", "--yes"]).status == 0)
            let expiring = try bench.tokencert(soon)
            #expect(expiring.status == 0, "\(expiring)")
            let renewed = try bench.tokencert(["renew", "--all", "--json"])
            #expect(renewed.status == 0, "\(renewed)")
            let passedOver = try #require(try renewed.json()["passedOver"] as? [[String: Any]])
            #expect(passedOver.map { $0["needsAction"] as? Bool } == [false])
            #expect((passedOver.first?["reason"] as? String)?.hasPrefix("it is revoked") == true)
            #expect(passedOver.first?["advice"] == nil)
            expect(try bench.tokencert(["renew", "mail"]), 73, "it is revoked (recorded on ")
            #expect(bench.ca.orders.count == 1)
            // Otherwise monitoring would not notice that no certificate on the token is valid.
            let health = try bench.tokencert(["health"])
            #expect(health.status == 79, "\(health)")
            #expect(health.output.contains("it was revoked (recorded on "), "\(health)")
            for command in [["list"], ["list", "--tree"], ["show", "mail"]] {
                let shown = try bench.tokencert(command)
                #expect(shown.output.contains("it was revoked (recorded on "), "\(shown)")
            }
            let listed = try bench.tokencert(["list", "--json"]).json()
            let certificates = try #require(listed["certificates"] as? [[String: Any]])
            let findings = certificates.compactMap { $0["findings"] as? [String] }
            #expect(findings.count == 1 && findings[0].contains("revoked"), "\(listed)")
            let history = try bench.tokencert(["history"])
            #expect(history.output.contains("revoked (recorded on "), "\(history)")
            let events = try bench.tokencert(["history", "1"])
            #expect(events.output.contains("certificate revoked: serial"), "\(events)")
            let newKey = try bench.tokencert(["renew", "mail", "--key-type", "rsa:2048"])
            #expect(newKey.status == 0, "\(newKey)")
            #expect(bench.ca.orders.count == 2)
            #expect(try bench.tokencert(["history", "verify"]).status == 0)
        }

        // The certificates of a key have the same URI.
        @Test("A revocation is reported for its certificate only, whatever else is in the ledger")
        func ofOneCertificate() throws {
            let bench = try Bench()
            try issue(bench)
            #expect(try bench.tokencert(["renew", "mail"]).status == 0)
            let serials = try listed(bench).compactMap { $0["serialNumber"] as? String }
            try #require(serials.count == 2)
            #expect(try bench.tokencert(["revoke", serials[1], "--yes"]).status == 0)
            func check() throws {
                for (serial, isRevoked) in [(serials[1], true), (serials[0], false)] {
                    for command in ["health", "show"] {
                        let outcome = try bench.tokencert([command, serial])
                        #expect(outcome.output.contains("revoked") == isRevoked, "\(outcome)")
                        let isProblem = command == "health" && isRevoked
                        #expect(outcome.status == (isProblem ? 79 : 0), "\(outcome)")
                    }
                }
            }
            try check()
            let advised = try bench.tokencert(["health", serials[1]])
            let lines = advised.output.split(separator: "\n")
            let line = try #require(lines.first { $0.contains("tokencert renew ") }, "\(advised)")
            let words = try #require(line.split(separator: "tokencert ").last)
            let renewed = try bench.tokencert(
                words.split(separator: " ").map(String.init) + ["--dry-run"])
            #expect(words.hasSuffix("--new-key") && renewed.status == 0, "\(line): \(renewed)")
            // An order that cannot be read hides only itself.
            let damaged = try run(
                "sqlite3",
                [
                    bench.token.folder.file("state/tokencert/ledger.sqlite"),
                    "INSERT INTO orders (job, token, keyID, isFinished, state, events) "
                        + "VALUES ('issue', 'pkcs11:token=x', 'aa', 0, 'begun', 1)",
                ])
            #expect(damaged.status == 0, "\(damaged)")
            try check()
            let health = try bench.tokencert(["health"])
            #expect(health.errors.contains("note: cannot show unfinished orders: "), "\(health)")
            #expect(try !bench.tokencert(["show", serials[0]]).errors.contains("note:"))
        }

        // Otherwise the only valid certificate of a key expires, and nothing says so.
        @Test("A certificate that is revoked does not replace an older one")
        func replacingNothing() throws {
            let bench = try Bench()
            try issue(bench)
            #expect(try bench.tokencert(["renew", "mail"]).status == 0)
            let serials = try listed(bench).compactMap { $0["serialNumber"] as? String }
            try #require(serials.count == 2)
            #expect(try bench.tokencert(["list"]).output.contains("replaced"))
            #expect(try bench.tokencert(["revoke", serials[0], "--yes"]).status == 0)
            let list = try bench.tokencert(["list"])
            #expect(!list.output.contains("replaced"), "\(list)")
            let soon = ["expiring", "--within", "3650d", "--json"]
            let expiring = try bench.tokencert(soon)
            #expect(expiring.status == 79 && expiring.output.contains(serials[1]), "\(expiring)")
            #expect(!expiring.output.contains(serials[0]))
            let health = try bench.tokencert(["health", "--days", "3650"])
            #expect(
                health.output.contains("to renew it: tokencert renew \(serials[1])"), "\(health)")
            #expect(!health.output.contains("replaced"), "\(health)")
            #expect(
                !health.output.contains("to renew it: tokencert renew \(serials[0])"), "\(health)")
            let renewed = try bench.tokencert(["renew", "--all"])
            #expect(renewed.status == 0, "\(renewed)")
            #expect(bench.ca.orders.count == 3)
            #expect(!(try bench.tokencert(soon).output.contains(serials[1])))
            #expect(try bench.tokencert(["renew", "--expiring", "1d"]).status == 0)
            #expect(bench.ca.orders.count == 3)
        }

        // Otherwise web sites get a certificate that they refuse, although the key has a valid one.
        @Test("use takes a revoked certificate only if the key has no other, and reports it")
        func usingAnother() throws {
            let bench = try Bench()
            try issue(bench)
            #expect(try bench.tokencert(["renew", "mail"]).status == 0)
            let serials = try listed(bench).compactMap { $0["serialNumber"] as? String }
            try #require(serials.count == 2)
            func used(_ arguments: [String]) throws -> String? {
                let outcome = try bench.tokencert(["use", "tls", "--json"] + arguments)
                #expect(outcome.status == 0, "\(outcome)")
                let report = try outcome.json()
                return (report["certificate"] as? [String: Any])?["serialNumber"] as? String
            }
            // Both may have been signed in the same second.
            let newest = try #require(try used(["mail"]))
            let other = try #require(serials.first { $0 != newest })
            #expect(try used([]) == newest)
            #expect(try bench.tokencert(["revoke", newest, "--yes"]).status == 0)
            for name in [["mail"], []] { #expect(try used(name) == other) }
            let ledger = bench.token.folder.file("state/tokencert/ledger.sqlite")
            let elsewhere = ["mail", "--ledger", ledger]
            #expect(try used(elsewhere) == other)
            let named = try bench.tokencert(["use", "tls", newest])
            #expect(
                named.output.contains("- The certificate was revoked (recorded on "), "\(named)")
            #expect(try bench.tokencert(["revoke", other, "--yes"]).status == 0)
            #expect(try used(["mail"]) == newest)
            let tried = try bench.tokencert(["use", "tls", "mail", "--write", "--check"])
            #expect(tried.status == 65, "\(tried)")
            #expect(tried.errors.contains("error: the certificate was revoked (recorded on "))
            #expect(tried.errors.contains("hint: to get another one: tokencert issue"), "\(tried)")
            #expect(try bench.tokencert(["use", "tls", "mail", "--write"]).status == 0)
            let present = try bench.tokencert(["use", "tls", "--all-present"])
            #expect(present.status == 0, "\(present)")
            #expect(
                present.errors.contains("note: tls: the certificate was revoked (recorded on "),
                "\(present)")
        }

        // Otherwise a set-up goes back to a revoked certificate.
        @Test("use writes nothing if the ledger cannot be read")
        func unreadable() throws {
            let bench = try Bench()
            try issue(bench)
            let file = try bench.token.folder.write("no ledger", "broken.sqlite")
            #expect(try bench.tokencert(["use", "tls", "mail", "--write"]).status == 0)
            for arguments in [["mail", "--write"], ["--all-present"]] {
                let outcome = try bench.tokencert(["use", "tls", "--ledger", file] + arguments)
                #expect(outcome.status == 78, "\(outcome)")
                #expect(outcome.errors.contains("error: ") && outcome.errors.contains("hint: "))
            }
            let shown = try bench.tokencert(["use", "tls", "mail", "--ledger", file])
            #expect(shown.status == 0, "\(shown)")
            #expect(shown.errors.contains("note: cannot show recorded revocations: "), "\(shown)")
        }

        @Test("A revoked certificate can be copied to another token, whose key is new")
        func copy() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "home")
            let issued = try bench.tokencert([
                "issue", "--token", "work", "--label", "mail", "--key-type", "rsa:2048",
            ])
            #expect(issued.status == 0, "\(issued)")
            #expect(try bench.tokencert(["revoke", "mail", "--yes"]).status == 0)
            let copied = try bench.tokencert([
                "renew", "mail", "--token", "work", "--copy-to", "home", "--pin-source",
                "file:\(bench.token.folder.file("pin"))",
            ])
            #expect(copied.status == 0, "\(copied)")
            #expect(bench.ca.orders.count == 2)
        }

        // Otherwise each look at a revoked certificate would add to the ledger.
        @Test("A revocation is recorded once, even one that was made before")
        func once() throws {
            let bench = try Bench()
            try issue(bench)
            let serial = try #require(try listed(bench).first?["serialNumber"] as? String)
            let file = bench.token.folder.file("mail.pem")
            // With another ledger, the revocation is not recorded.
            let other = ["--ledger", bench.token.folder.file("none.sqlite")]
            #expect(try bench.tokencert(["revoke", file, "--yes"] + other).status == 0)
            #expect(!FileManager.default.fileExists(atPath: other[1]))
            #expect(try recorded(bench, order: 1).isEmpty)
            for _ in 0..<2 {
                let again = try bench.tokencert(["revoke", "mail", "--yes"])
                #expect(again.output.hasPrefix("The CA has already revoked"), "\(again)")
                let events = try recorded(bench, order: 1)
                #expect(events.map { $0["serialNumber"] as? String } == [serial])
            }
        }

        // Otherwise the lost token would be reported until a year after the end of its certificates.
        @Test("All revocations of a lost token are recorded, and its certificates are not reported")
        func lostToken() throws {
            let bench = try Bench()
            try issue(bench)
            try issue(bench, "other")
            for _ in 0..<2 {
                let lost = try bench.tokencert(["revoke", "--lost-token", "work", "--yes"])
                #expect(lost.status == 0, "\(lost)")
                for order in [1, 2] { #expect(try recorded(bench, order: order).count == 1) }
            }
            let expiring = try bench.tokencert(["expiring", "--within", "3650d"])
            #expect(expiring.status == 0, "\(expiring)")
        }

        // A revocation must not be reported as failed because of the ledger.
        @Test("If the ledger cannot be written, a warning says so, and the revocation counts")
        func ledgerFails() throws {
            let bench = try Bench()
            try issue(bench)
            let path = bench.token.folder.file("state/tokencert/ledger.sqlite")
            let changed = try run(
                "sqlite3",
                [
                    path,
                    "CREATE TRIGGER failing BEFORE INSERT ON events "
                        + "BEGIN SELECT RAISE(ABORT, 'no'); END",
                ])
            #expect(changed.status == 0, "\(changed)")
            let revoked = try bench.tokencert(["revoke", "mail", "--yes"])
            #expect(revoked.status == 0, "\(revoked)")
            #expect(revoked.errors.contains("is not recorded in the ledger"))
            #expect(try states(bench) == ["revoked"])
            try run("sqlite3", [path, "DROP TRIGGER failing"])
            #expect(try recorded(bench, order: 1).isEmpty)
            #expect(try bench.tokencert(["revoke", "mail", "--yes"]).status == 0)
            #expect(try recorded(bench, order: 1).count == 1)
        }
    }
}
