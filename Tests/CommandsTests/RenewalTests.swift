import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// A certificate whose replacements were replaced and removed in turn.
    @Suite struct ReplacementChainTests {
        // Otherwise each run of a timer orders for a key that the user has left.
        @Test("A certificate is not renewed if the last of its replacements is on the token")
        func chain() throws {
            let bench = try Bench()
            func serialNumbers() throws -> [String] {
                let list = try bench.tokencert(["list", "--json"]).json()
                let all = list["certificates"] as? [[String: Any]] ?? []
                return all.sorted {
                    ($0["notAfter"] as? String ?? "") < ($1["notAfter"] as? String ?? "")
                }
                .compactMap { $0["serialNumber"] as? String }
            }
            func keyIDs() throws -> Set<String> {
                Set(try bench.listedKeys().compactMap { $0["id"] as? String })
            }
            let issue = ["issue", "--label", "mail", "--key-type", "rsa:2048"]
            #expect(try bench.tokencert(issue).status == 0)
            let first = try #require(try serialNumbers().first)
            let firstKey = try keyIDs()
            for retires in [false, true, true] {
                let newest = try #require(try serialNumbers().max())
                let renewed = try bench.tokencert(
                    ["renew", newest, "--key-type", "rsa:2048"] + (retires ? ["--retire"] : []))
                #expect(renewed.status == 0, "\(renewed)")
            }
            // The keys of the second and the third certificate, which are no longer on the token.
            for key in try bench.listedKeys() where (key["certificates"] as? [Any])?.isEmpty == true
            {
                let id = try #require(key["id"] as? String)
                #expect(!firstKey.contains(id))
                let deleted = try bench.tokencert(["delete", id, "--key", "--yes"])
                #expect(deleted.status == 0, "\(deleted)")
            }
            #expect(try serialNumbers().count == 2 && keyIDs().count == 2)
            let due = try bench.tokencert(["renew", "--all", "--dry-run", "--json"])
            #expect(due.status == 0 && !due.output.contains(first), "\(due)")
        }
    }
}

extension RealParts {
    /// Certificates that are renewed, and certificates that are reported instead.
    @Suite struct RenewalTests {
        private func issue(_ bench: Bench, _ arguments: [String] = []) throws -> [String: Any] {
            let kind = arguments.contains("--key") ? [] : ["--key-type", "rsa:2048"]
            let outcome = try bench.tokencert(["issue", "--json"] + kind + arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return try outcome.json()
        }

        private func text(_ object: [String: Any], _ name: String) throws -> String {
            try #require(object[name] as? String)
        }

        private func list(_ outcome: Outcome, _ name: String) throws -> [[String: Any]] {
            try #require(try outcome.json()[name] as? [[String: Any]])
        }

        /// Writes a certificate to the token in the form that another program uses.
        private func write(_ bench: Bench, pem: String, id: String) throws {
            let file = try bench.token.folder.write(pem, "written.pem")
            let der = bench.token.folder.file("written.der")
            try run("openssl", ["x509", "-in", file, "-outform", "DER", "-out", der])
            let written = try bench.token.pkcs11Tool([
                "--write-object", der, "--type", "cert", "--id", id, "--label", "mail",
            ])
            #expect(written.status == 0, "\(written)")
        }

        /// Creates a token with a key whose only certificate expired yesterday.
        private func expired() throws -> Bench {
            let bench = try Bench(["--fault", "expired"])
            let outcome = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048", "--label", "mail"])
            expect(outcome, 76, "expired")
            #expect(try bench.tokencert(["resume", "1", "--abandon"]).status == 0)
            let keys = try list(try bench.tokencert(["list", "--json"]), "keys")
            let id = try text(try #require(keys.first), "id")
            try write(bench, pem: try #require(bench.ca.issued.first), id: id)
            try bench.ca.restart([])
            return bench
        }

        // Otherwise a certificate could lapse silently because the timer was off on its last day.
        @Test(
            "An expired certificate is renewed, however it is selected",
            arguments: [
                ["--expiring", "30d"], ["--all"], ["pkcs11:object=mail"],
                ["pkcs11:object=mail;type=private"], ["pkcs11:object=mail;type=cert"],
            ])
        func expiredCertificate(arguments: [String]) throws {
            let bench = try expired()
            let dry = try bench.tokencert(["renew", "--dry-run"] + arguments)
            #expect(dry.status == 0, "\(dry)")
            #expect(dry.output.contains("would renew mail ("), "\(dry)")
            let outcome = try bench.tokencert(["renew", "--json"] + arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try list(outcome, "renewed").count == 1)
            #expect(bench.ca.orders.count == 2)
            // The new certificate has replaced it.
            let again = try bench.tokencert(["renew", "--expiring", "30d"])
            #expect(again.status == 0, "\(again)")
            #expect(again.output == "Nothing needs to be renewed.\n")
        }

        // Otherwise a timer would send an order that the CA refuses again every night.
        @Test("For a week after a refusal, a certificate is ordered again only if it is named")
        func refusedOrder() throws {
            let bench = try Bench()
            _ = try issue(bench, ["--label", "mail"])
            let key = try text(try #require(try bench.listedKeys().first), "privateKey")
            try bench.ca.restart(["--fault", "refuse"])
            expect(
                try bench.tokencert(["renew", "--expiring", "800d"]), 65,
                "the CA refused the order: Invalid or missing CSR")
            #expect(bench.ca.orders.count == 2)
            try bench.ca.restart([])
            let command = "to order now: tokencert renew '\(key)'"
            for arguments in [["--expiring", "800d"], ["--all"], ["--all", "--dry-run"]] {
                let outcome = try bench.tokencert(["renew"] + arguments)
                expect(outcome, 79, "1 certificate was skipped")
                #expect(
                    outcome.errors.contains(
                        /order 2 was refused on 20[-:T0-9]+Z \(the CA refused the order: Invalid/),
                    "\(outcome.errors)")
                #expect(
                    outcome.errors.contains("to order now: tokencert renew mail\n"),
                    "\(outcome.errors)")
                let isDryRun = arguments.contains("--dry-run")
                #expect(
                    outcome.output.contains("  not renewed\n") != isDryRun, "\(outcome.output)")
                #expect(!outcome.output.contains("would renew"), "\(outcome.output)")
            }
            let json = try bench.tokencert(["renew", "--all", "--json"])
            #expect(json.status == 79, "\(json)")
            #expect(try list(json, "renewed").isEmpty)
            let passed = try #require(try list(json, "passedOver").first)
            #expect(passed["advice"] as? String == command)
            #expect(bench.ca.orders.count == 2)
            func would(after days: Int) throws -> Int {
                let outcome = try run(
                    "faketime",
                    [
                        "-f", "+\(days)d", product("tokencert"), "renew", "--all", "--dry-run",
                        "--json",
                    ],
                    environment: bench.environment)
                #expect(outcome.status == (days < 7 ? 79 : 0), "\(outcome)")
                return try list(outcome, "wouldRenew").count
            }
            #expect(try would(after: 6) == 0)
            #expect(try would(after: 8) == 1)
            let named = try bench.tokencert(["renew", key])
            #expect(named.status == 0, "\(named.errors)")
            #expect(bench.ca.orders.count == 3)
            // A later order that brought a certificate cancels the refusal.
            let again = try bench.tokencert(["renew", "--all"])
            #expect(again.status == 0, "\(again.errors)")
            #expect(bench.ca.orders.count == 4)
        }

        // Otherwise a renewal whose certificate was lost would never be repeated.
        @Test("A certificate whose replacement is not on the token is renewed")
        func lostReplacement() throws {
            let bench = try Bench()
            let old = try issue(bench, ["--label", "mail"])
            let outcome = try bench.tokencert(["renew", "--all", "--json"])
            let renewed = try #require(try list(outcome, "renewed").first)
            let uri = try #require(renewed.certificate("uri"))
            let removed = try bench.tokencert([
                "delete", uri, "--serial", try #require(renewed.certificate("serialNumber")),
                "--yes",
            ])
            #expect(removed.status == 0, "\(removed.errors)")
            let dry = try bench.tokencert(["renew", "--expiring", "800d", "--dry-run", "--json"])
            #expect(dry.status == 0, "\(dry)")
            #expect(
                try list(dry, "wouldRenew").first?.certificate("serialNumber")
                    == old.certificate("serialNumber"))
            let again = try bench.tokencert(["renew", "--expiring", "800d", "--json"])
            #expect(again.status == 0, "\(again)")
            #expect(try list(again, "renewed").count == 1)
            #expect(bench.ca.orders.count == 3)
            #expect(try bench.tokencert(["renew", "--expiring", "30d"]).status == 0)
        }

        // Otherwise the key would stay without a certificate, and no timer would report it.
        @Test("A key whose certificate is no longer on the token is reported with a command")
        func lostCertificate() throws {
            let bench = try Bench()
            _ = try issue(bench, ["--label", "mail"])
            let retired = try bench.tokencert(["renew", "--all", "--retire"])
            #expect(retired.status == 0, "\(retired.errors)")
            let removed = try bench.tokencert(["delete", "pkcs11:object=mail;type=cert", "--yes"])
            #expect(removed.status == 0, "\(removed.errors)")
            for arguments in [["--all"], ["--expiring", "30d"], ["--all", "--dry-run"]] {
                let outcome = try bench.tokencert(["renew"] + arguments)
                expect(outcome, 79, "1 key without a certificate was skipped")
                #expect(
                    outcome.errors.contains("its certificate is no longer on the token"),
                    "\(outcome.errors)")
                #expect(outcome.errors.contains("tokencert issue --key mail\n"))
                #expect(!outcome.output.contains("Nothing"), "\(outcome.output)")
            }
            let json = try bench.tokencert(["renew", "--expiring", "30d", "--json"])
            let passed = try list(json, "passedOver")
            #expect(passed.count == 1)
            #expect(passed.first?.keys.contains("certificate") == false, "\(passed)")
            let key = try text(try #require(passed.first), "key")
            #expect(bench.ca.orders.count == 2)
            _ = try issue(bench, ["--key", key])
            let again = try bench.tokencert(["renew", "--expiring", "30d"])
            #expect(again.status == 0, "\(again)")
        }

        // Otherwise a second order could be sent for a key with an unfinished order.
        @Test("A key without its certificate is reported with its unfinished order")
        func unfinishedOrder() throws {
            let bench = try Bench()
            let key = try text(try issue(bench, ["--label", "mail"]), "key")
            let killed = try bench.tokencert(
                ["renew", key], bench.faulty(["FAULTY_RULES": "C_CreateObject:before:kill"]))
            #expect(killed.status == 137, "\(killed)")
            let removed = try bench.token.pkcs11Tool([
                "--delete-object", "--type", "cert", "--label", "mail",
            ])
            #expect(removed.status == 0, "\(removed.errors)")
            let outcome = try bench.tokencert(["renew", "--expiring", "30d"])
            expect(outcome, 79, "1 key without a certificate was skipped")
            #expect(outcome.errors.contains("tokencert resume 2"), "\(outcome.errors)")
            #expect(!outcome.errors.contains("tokencert issue"), "\(outcome.errors)")
            #expect(try bench.tokencert(["resume", "2"]).status == 0)
            #expect(try bench.tokencert(["renew", "--expiring", "30d"]).status == 0)
        }

        // Otherwise old keys, which are kept to read old mail, would be reported forever.
        @Test("A key whose certificate was replaced by one for a new key is not reported")
        func keysWithoutCertificate() throws {
            let bench = try Bench()
            _ = try issue(bench, ["--label", "mail"])
            #expect(
                try bench.tokencert(["request", "--label", "spare", "--key-type", "rsa:2048"])
                    .status == 0)
            try bench.token.pkcs11Tool([
                "--keypairgen", "--key-type", "rsa:2048", "--id", "05", "--label", "foreign",
            ])
            // The certificate is renewed once with its key and once with a new key.
            for arguments in [[], ["--new-key"]] {
                let outcome = try bench.tokencert(["renew", "--all", "--retire"] + arguments)
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            for arguments in [["--expiring", "30d"], ["--all", "--dry-run"]] {
                let outcome = try bench.tokencert(["renew"] + arguments)
                #expect(outcome.status == 0, "\(outcome)")
            }
            let written = try #require(
                try bench.listedKeys().first { ($0["certificates"] as? [Any])?.isEmpty == false })
            let certificates = try #require(written["certificates"] as? [[String: Any]])
            let uri = try text(try #require(certificates.first), "uri")
            #expect(try bench.tokencert(["delete", uri, "--yes"]).status == 0)
            let outcome = try bench.tokencert(["renew", "--expiring", "30d", "--json"])
            #expect(outcome.status == 79, "\(outcome)")
            let passed = try list(outcome, "passedOver")
            #expect(
                passed.map { $0["key"] as? String } == [try text(written, "privateKey")],
                "\(passed)")
        }

        @Test("A certificate without a chain to a trust anchor is reported with its own status")
        func brokenChain() throws {
            let bench = try Bench(["--signer", "class3", "--answer-form", "messy"])
            let issued = try issue(bench, ["--label", "mail"])
            let serial = try #require(issued.certificate("serialNumber"))
            // The ledger has the issuer.
            try FileManager.default.removeItem(atPath: bench.token.folder.file("state"))
            for arguments in [["--all"], ["--expiring", "800d"], ["--all", "--dry-run"]] {
                let outcome = try bench.tokencert(["renew"] + arguments)
                expect(outcome, 79, "1 certificate was skipped")
                #expect(
                    outcome.errors.contains(
                        /mail \(Anna Müller, valid to 20[-0-9]+\) was skipped: it does not chain/
                    ),
                    "\(outcome.errors)")
                #expect(!outcome.output.contains("Nothing"), "\(outcome.output)")
            }
            let json = try bench.tokencert(["renew", "--all", "--json"])
            #expect(json.status == 79)
            let passed = try #require(try list(json, "passedOver").first)
            #expect(passed.certificate("serialNumber") == serial)
            #expect(bench.ca.orders.count == 1)
            // A certificate that is not due does not count as skipped.
            #expect(try bench.tokencert(["renew", "--expiring", "1d"]).status == 0)
            let named = try bench.tokencert(["renew", "pkcs11:object=mail"])
            expect(named, 66, "it does not chain to a trust anchor")
            // With the issuer as an anchor, the certificate is renewed.
            let both = try bench.token.folder.write(
                bench.ca.folder.read("root.pem") + bench.ca.folder.read("class3.pem"), "both.pem")
            let outcome = try bench.tokencert(["renew", "--all"], ["TOKENCERT_CA_FILE": both])
            #expect(outcome.status == 0, "\(outcome.errors)")
        }

        @Test("Two certificates of one key for different addresses are both renewed")
        func twoAddresses() throws {
            let account = StandIn.account(
                "anna@example.org", points: 100, codeSigning: false,
                emails: ["anna@example.org", "anna@example.net"])
            let bench = try Bench(accounts: [account])
            let first = try issue(bench, ["--email", "anna@example.org", "--label", "mail"])
            let key = try text(first, "key")
            let second = try issue(bench, ["--key", key, "--email", "anna@example.net"])
            // The program does not guess which one is meant.
            let named = try bench.tokencert(["renew", "pkcs11:object=mail;type=private"])
            expect(named, 66, "2 certificates on the token match")
            let dry = try bench.tokencert(["renew", "--expiring", "800d", "--dry-run", "--json"])
            let serials = try list(dry, "wouldRenew").compactMap { $0.certificate("serialNumber") }
            #expect(
                Set(serials) == [
                    try #require(first.certificate("serialNumber")),
                    try #require(second.certificate("serialNumber")),
                ])
            let outcome = try bench.tokencert(["renew", "--expiring", "800d", "--json"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try list(outcome, "renewed").count == 2)
            #expect(try bench.tokencert(["renew", "--expiring", "30d"]).status == 0)
        }

        @Test("A certificate of another account is reported and does not block other renewals")
        func twoAccounts() throws {
            let bob = StandIn.account(
                "bob@example.org", points: 100, codeSigning: false, emails: ["bob@example.org"],
                first: "Bob", last: "Builder")
            let bench = try Bench(accounts: [StandIn.anna, bob])
            _ = try issue(bench, ["--label", "anna"])
            let other = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048", "--label", "bob"],
                ["TOKENCERT_USERNAME": "bob@example.org"])
            #expect(other.status == 0, "\(other.errors)")
            for (arguments, list) in [(["--dry-run"], "wouldRenew"), ([], "renewed")] {
                let outcome = try bench.tokencert(["renew", "--all", "--json"] + arguments)
                #expect(outcome.status == 79, "\(outcome)")
                #expect(try self.list(outcome, list).count == 1)
                #expect(try self.list(outcome, "failures").isEmpty)
                let passed = try #require(try self.list(outcome, "passedOver").first)
                #expect((passed.certificate("subject"))?.contains("Bob") == true, "\(passed)")
                #expect(outcome.errors.contains("the account has no"), "\(outcome.errors)")
            }
            // People see both certificates in the table at the end, on 80 columns.
            let table = try bench.tokencert(["renew", "--all"], ["COLUMNS": "80"])
            let start = try #require(table.output.range(of: "CERTIFICATE  ")).lowerBound
            let lines = table.output[start...].split(separator: "\n")
            #expect(
                lines.contains { $0.contains(/^[0-9a-f]+ \(Anna .*  [0-9a-f]+ +20\d\d-\d\d-\d\d$/) }
            )
            #expect(lines.contains { $0.contains(/^bob \(Bob Builder, valid to .*not renewed$/) })
            #expect(lines.contains { $0.hasPrefix("  the account has no") }, "\(lines)")
            #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines)")
        }

        @Test(
            "A missing private key is reported, and a dry run lists what it did not check"
        )
        func keys() throws {
            let bench = try Bench()
            let lost = try issue(bench, ["--label", "lost"])
            _ = try issue(bench, ["--label", "mail"])
            let removed = try bench.token.pkcs11Tool([
                "--delete-object", "--type", "privkey", "--id", try text(lost, "id"),
            ])
            #expect(removed.status == 0, "\(removed.errors)")
            let blind = try bench.tokencert(
                ["renew", "--all", "--dry-run"],
                ["TOKENCERT_PIN_SOURCE": "", "TOKENCERT_PASSWORD_SOURCE": ""])
            #expect(blind.status == 0, "\(blind)")
            #expect(blind.output.contains("Not checked: whether the private keys"), "\(blind)")
            #expect(blind.output.contains("Not checked: what the account may order"), "\(blind)")
            for arguments in [["--dry-run"], []] {
                let outcome = try bench.tokencert(["renew", "--all"] + arguments)
                expect(outcome, 79, "1 certificate was skipped")
                #expect(
                    outcome.errors.contains("was skipped: its private key is not on the token"),
                    "\(outcome.errors)")
            }
            #expect(bench.ca.orders.count == 3)
        }

        // Otherwise health would suggest a renewal that renew refuses, and a timer would fail
        // forever.
        @Test("For a certificate without its private key, health and renew suggest a new key")
        func lostKey() throws {
            let bench = try expired()
            let removed = try bench.token.pkcs11Tool([
                "--delete-object", "--type", "privkey", "--label", "mail",
            ])
            #expect(removed.status == 0, "\(removed.errors)")
            let health = try bench.tokencert(["health"])
            #expect(health.status == 79)
            #expect(
                health.output.contains("its private key is not on the token"), "\(health.output)")
            #expect(health.output.contains("tokencert issue"), "\(health.output)")
            #expect(!health.output.contains("tokencert renew"), "\(health.output)")
            #expect(try bench.healthFindings() == ["certificateWithoutKey", "expired"])
            let outcome = try bench.tokencert(["renew", "--expiring", "30d"])
            expect(outcome, 79, "1 certificate was skipped")
            #expect(outcome.errors.contains("tokencert issue"), "\(outcome.errors)")
            _ = try issue(bench)
            let again = try bench.tokencert(["renew", "--expiring", "30d"])
            #expect(again.status == 0, "\(again)")
            #expect(again.output == "Nothing needs to be renewed.\n")
            #expect(again.errors.contains("was skipped: its private key"), "\(again.errors)")
        }

        @Test("A certificate from an order is reported even if both halves of its key are missing")
        func lostPair() throws {
            let bench = try Bench()
            _ = try issue(bench, ["--label", "mail"])
            for type in ["privkey", "pubkey"] {
                let removed = try bench.token.pkcs11Tool([
                    "--delete-object", "--type", type, "--label", "mail",
                ])
                #expect(removed.status == 0, "\(removed.errors)")
            }
            let outcome = try bench.tokencert(["renew", "--all"])
            expect(outcome, 79, "1 certificate was skipped")
            #expect(bench.ca.orders.count == 1)
        }

        // Otherwise the certificate of a correspondent would make every run of a timer fail.
        @Test("A certificate whose key was never on the token is mentioned and is not a failure")
        func foreignCertificate() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "other")
            let issued = try issue(bench, ["--label", "mail", "--token", "other"])
            try write(bench, pem: try #require(issued.certificate("pem")), id: "05")
            let root = try String(contentsOfFile: bench.ca.rootFile, encoding: .utf8)
            try write(bench, pem: root, id: "06")
            let renew = ["renew", "--token", bench.token.label, "--all"]
            for arguments in [[], ["--dry-run"]] {
                let outcome = try bench.tokencert(renew + arguments)
                #expect(outcome.status == 0, "\(outcome)")
                #expect(outcome.output.hasPrefix("Nothing "), "\(outcome.output)")
                let notes = outcome.errors.components(separatedBy: "was skipped: ")
                #expect(notes.count == 2, "\(outcome.errors)")
                #expect(notes.last?.hasPrefix("its private key is not on the token") == true)
            }
            let passed = try list(try bench.tokencert(renew + ["--json"]), "passedOver")
            #expect(passed.map { $0["needsAction"] as? Bool } == [false], "\(passed)")
            let health = try bench.tokencert(
                ["health", "--token", bench.token.label, "--days", "1000"])
            #expect(health.output.contains("it cannot be renewed"), "\(health.output)")
            #expect(!health.output.contains("tokencert renew"), "\(health.output)")
        }

        @Test("A certificate that cannot be parsed is reported")
        func unreadable() throws {
            let bench = try Bench()
            let issued = try issue(bench)
            let file = try bench.token.folder.write(
                try #require(issued.certificate("pem")), "mail.pem")
            let der = bench.token.folder.file("mail.der")
            try run("openssl", ["x509", "-in", file, "-outform", "DER", "-out", der])
            let bytes = try Data(contentsOf: URL(filePath: der))
            var count = 0
            // SoftHSM2 stores public objects unencrypted.
            for (path, data) in bench.token.contents {
                guard let place = data.firstRange(of: bytes) else { continue }
                var changed = data
                changed[place.lowerBound] = 0
                try changed.write(to: URL(filePath: path))
                count += 1
            }
            #expect(count == 1)
            let outcome = try bench.tokencert(["renew", "--expiring", "30d"])
            expect(outcome, 79, "1 certificate was skipped")
            #expect(outcome.errors.contains("not an X.509 certificate"), "\(outcome.errors)")
        }
    }
}
