import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// `renew --copy-to`: the same certificate for a second key on another token.
    @Suite struct CopyToTests {
        /// The copy, with the source of the PIN of the second token.
        private func copying(_ bench: Bench) -> [String] {
            [
                "renew", "mail", "--token", "work", "--copy-to", "home", "--pin-source",
                "file:\(bench.token.folder.file("pin"))",
            ]
        }

        private static let renew = ["renew", "mail", "--token", "work"]

        /// Two tokens with one PIN: work has a certificate, home is empty.
        private func bench() throws -> Bench {
            let bench = try Bench()
            try bench.token.addToken(label: "home")
            try issue(bench, on: "work")
            return bench
        }

        private func issue(_ bench: Bench, on token: String) throws {
            let issued = try bench.tokencert([
                "issue", "--token", token, "--label", "mail", "--key-type", "rsa:2048",
            ])
            #expect(issued.status == 0, "\(issued.errors)")
        }

        private func copy(_ bench: Bench) throws -> [String: Any] {
            let outcome = try bench.tokencert(copying(bench) + ["--json"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            return try outcome.json()
        }

        private func pins(_ bench: Bench, _ count: Int) -> String {
            String(repeating: "expect {PIN for}; send \(bench.token.pin)\\r; ", count: count)
        }

        private func certificates(_ bench: Bench, on token: String) throws -> [[String: Any]] {
            let list = try bench.tokencert(["list", "--token", token, "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            return keys.flatMap { $0["certificates"] as? [[String: Any]] ?? [] }
        }

        private func serials(_ bench: Bench, on token: String) throws -> Set<String> {
            Set(
                try certificates(bench, on: token).compactMap { $0["serialNumber"] as? String })
        }

        /// The jobs of all orders, oldest first.
        private func jobs(_ bench: Bench) throws -> [String] {
            let history = try bench.tokencert(["history", "--json"]).json()
            let orders = try #require(history["orders"] as? [[String: Any]])
            return orders.compactMap { ($0["summary"] as? [String: Any])?["job"] as? String }
        }

        private func list(_ outcome: Outcome, _ name: String) throws -> [[String: Any]] {
            try #require(try outcome.json()[name] as? [[String: Any]])
        }

        // MARK: The copy

        // Otherwise the user would have no second token if the first one breaks.
        @Test("A copy has the content of the certificate, and a new key on the other token")
        func content() throws {
            let bench = try bench()
            let first = try #require(try certificates(bench, on: "work").first)
            let copied = try copy(bench)
            #expect(copied["isNewKey"] as? Bool == true && copied["order"] as? Int == 2)
            #expect(copied["label"] as? String == "mail")
            // The key is as strong as a new one.
            #expect(copied["keyKind"] as? String == "RSA 3072")
            let second = try #require(try certificates(bench, on: "home").first)
            for name in ["subject", "issuer"] {
                #expect(second[name] as? String == first[name] as? String, "\(name)")
            }
            #expect(second["emailAddresses"] as? [String] == ["anna@example.org"])
            #expect(second["serialNumber"] as? String != first["serialNumber"] as? String)
            #expect(second["id"] as? String != first["id"] as? String)
            #expect(try jobs(bench) == ["issue", "copy"])
            let history = try bench.tokencert(["history", "show", "2"])
            #expect(history.output.hasPrefix("order 2: copy, done\n"), "\(history.output)")
        }

        // Otherwise the user would need both PINs, and a mistake could harm the first token.
        @Test("The first token is only read, and the user is told what happens from then on")
        func firstToken() throws {
            let bench = try bench()
            let before = bench.token.contents
            let outcome = try AtTerminal(bench: bench).run(
                copying(bench) + ["--pin-source", "prompt"], pins(bench, 1), bench.faulty([:]))
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.output.contains("PIN for \"home\""), "\(outcome)")
            #expect(!outcome.output.contains("PIN for \"work\""), "\(outcome)")
            #expect(bench.logins == ["user"])
            let after = bench.token.contents
            #expect(before.allSatisfy { after[$0.key] == $0.value })
            #expect(
                outcome.output.contains(
                    "The certificate has the same content as mail on token work"), "\(outcome)")
        }

        @Test("A dry run shows the key and the token, and changes nothing")
        func dryRun() throws {
            let bench = try bench()
            let before = bench.token.contents
            let dry = try bench.tokencert(copying(bench) + ["--dry-run"], bench.faulty([:]))
            #expect(dry.status == 0, "\(dry)")
            #expect(dry.output.contains(/token +home \(serial [0-9a-f]+\)\n/), "\(dry.output)")
            #expect(
                dry.output.contains(/new key +RSA 3072, id [0-9a-f]+, label "mail"\n/),
                "\(dry.output)")
            #expect(bench.calls("C_Login") == 0 && bench.token.contents == before)
            #expect(bench.ca.orders.count == 1)
            #expect(try jobs(bench) == ["issue"])
        }

        // Otherwise two keys on the token could not be told apart by their labels.
        @Test("If the label is taken on the second token, the new key gets a number and a remark")
        func takenLabel() throws {
            let bench = try bench()
            try issue(bench, on: "home")
            let remark = "another key on the token has the label \"mail\""
            let dry = try bench.tokencert(copying(bench) + ["--dry-run"])
            #expect(dry.status == 0 && dry.errors.contains(remark), "\(dry)")
            let copied = try copy(bench)
            #expect(copied["label"] as? String == "mail 2")
            let remarks = try #require(copied["remarks"] as? [String])
            #expect(remarks.contains { $0.contains(remark) }, "\(remarks)")
        }

        // MARK: Refusals

        @Test("A copy to the same token, to an absent one or with an unfit option is refused")
        func refused() throws {
            let bench = try bench()
            let before = bench.token.contents
            func copy(_ token: String, _ more: String...) throws -> Outcome {
                try bench.tokencert(Self.renew + ["--copy-to", token] + more)
            }
            let same = try copy("work")
            expect(same, 64, "is the token that already has the certificate")
            #expect(same.errors.contains("--new-key instead of --copy-to"), "\(same)")
            expect(try copy("nowhere"), 66, "no token has the label or serial number")
            for option in ["--retire", "--new-key", "--if-present"] {
                expect(try copy("home", option), 64, "--copy-to cannot be combined with")
            }
            expect(
                try bench.tokencert(["renew", "--all", "--copy-to", "home"]), 64,
                "--copy-to requires the name")
            expect(
                try bench.tokencert(["renew", "mail", "--copy-to", "home"]), 66,
                "more than one token matches")
            #expect(bench.ca.orders.count == 1 && bench.token.contents == before)
        }

        // Otherwise a repeated command would order one certificate after the other.
        @Test("A second copy on a token is refused as long as the first one exists")
        func secondCopy() throws {
            let bench = try bench()
            let serial = try #require(try copy(bench).certificate("serialNumber"))
            let again = try bench.tokencert(copying(bench))
            expect(again, 73, "token \"home\" already has a copy of the certificate")
            #expect(again.errors.contains("tokencert renew \(serial) --token home"), "\(again)")
            let json = try bench.tokencert(copying(bench) + ["--json"]).json()
            #expect((json["error"] as? [String: Any])?["code"] as? String == "alreadyCopied")
            #expect(bench.ca.orders.count == 2)
            let delete = ["delete", "mail", "--token", "home", "--yes", "--yes-delete-private-key"]
            #expect(try bench.tokencert(delete).status == 0)
            let next = try #require(try copy(bench).certificate("serialNumber"))
            #expect(try serials(bench, on: "home") == [next])
            let third = try bench.tokencert(copying(bench))
            expect(third, 73, "already has a copy of the certificate: serial number \(next)")
            // The deleted copy is not mentioned any more.
            let renewed = try bench.tokencert(Self.renew + ["--dry-run"])
            #expect(renewed.errors.contains("tokencert renew \(next) "), "\(renewed)")
            #expect(!renewed.errors.contains(serial), "\(renewed)")
        }

        // Otherwise a killed command would leave a second key behind, and a certificate unused.
        @Test("An unfinished copy blocks another one, and resume ends with the pair")
        func unfinished() throws {
            let bench = try bench()
            let killed = try bench.tokencert(
                copying(bench), bench.faulty(["FAULTY_RULES": "C_CreateObject:before:kill"]))
            #expect(killed.status == 137, "\(killed)")
            let blocked = try bench.tokencert(copying(bench))
            expect(blocked, 75, "order 2 for a copy on this token is unfinished")
            #expect(blocked.errors.contains("tokencert resume 2"), "\(blocked)")
            #expect(try serials(bench, on: "home").isEmpty)
            let resumed = try bench.tokencert(["resume", "2"])
            #expect(resumed.status == 0, "\(resumed)")
            #expect(bench.ca.orders.count == 2)
            #expect(try serials(bench, on: "home").count == 1)
            expect(try bench.tokencert(copying(bench)), 73, "already has a copy of the certificate")
            let both = try AtTerminal(bench: bench).run(
                Self.renew + ["--pin-source", "prompt"], pins(bench, 2))
            #expect(both.status == 0, "\(both)")
            #expect(bench.ca.orders.count == 4)
        }

        // Otherwise a configured PIN would cost the other token a try.
        @Test("The PIN of the usual token is not sent to the token of --copy-to")
        func pinOfUsualToken() throws {
            let bench = try bench()
            let before = bench.faulty([:])
            let outcome = try bench.tokencert(
                ["renew", "mail", "--token", "work", "--copy-to", "home"], before)
            #expect(outcome.status == 64, "\(outcome)")
            #expect(bench.logins.isEmpty && bench.ca.orders.count == 1)
        }

        // MARK: Renewals

        // Otherwise the second token would have an expired certificate when it is needed.
        @Test(
            "A renewal of either certificate renews both, with the PIN of each token",
            arguments: ["work", "home"])
        func both(token: String) throws {
            let bench = try bench()
            _ = try copy(bench)
            let before = try serials(bench, on: "work").union(serials(bench, on: "home"))
            let outcome = try AtTerminal(bench: bench).run(
                ["renew", "mail", "--token", token, "--pin-source", "prompt"], pins(bench, 2),
                bench.faulty([:]))
            #expect(outcome.status == 0, "\(outcome)")
            #expect(bench.logins == ["user", "user"])
            for label in ["work", "home"] {
                #expect(outcome.output.contains("PIN for \"\(label)\""), "\(outcome)")
                #expect(try serials(bench, on: label).subtracting(before).count == 1, "\(label)")
            }
            #expect(try jobs(bench) == ["issue", "copy", "renew", "renew"])
        }

        @Test("--all renews both certificates of a pair once")
        func all() throws {
            let bench = try bench()
            _ = try copy(bench)
            let outcome = try AtTerminal(bench: bench).run(
                ["renew", "--all", "--pin-source", "prompt"], pins(bench, 2))
            #expect(outcome.status == 0, "\(outcome)")
            #expect(try jobs(bench) == ["issue", "copy", "renew", "renew"])
        }

        // Otherwise the PIN of one token would be sent to the other.
        @Test(
            "With a PIN from a file, the copy is skipped and its command printed, without a failure"
        )
        func pinOfOne() throws {
            let bench = try bench()
            let serial = try #require(try copy(bench).certificate("serialNumber"))
            let outcome = try bench.tokencert(Self.renew + ["--json"], bench.faulty([:]))
            #expect(outcome.status == 0, "\(outcome)")
            #expect(bench.logins == ["user"])
            #expect(
                outcome.errors.contains(
                    /mail on token home .* was skipped: the source of the PIN is for one token only; to type/
                ), "\(outcome.errors)")
            #expect(try list(outcome, "renewed").count == 1)
            let passed = try list(outcome, "passedOver")
            #expect(passed.count == 1 && passed.first?["needsAction"] as? Bool == false)
            let line = try #require(passed.first)
            #expect(line.certificate("serialNumber") == serial && line.certificate("uri") == nil)
            // The command that the advice names renews it.
            let advice = try #require(line["advice"] as? String)
            let command = try #require(
                advice.firstMatch(of: /tokencert (renew .*) --pin-source prompt$/))
            let words = command.output.1.split(separator: " ").map(String.init)
            let renewed = try bench.tokencert(words)
            #expect(renewed.status == 0, "\(words): \(renewed)")
            #expect(try serials(bench, on: "home").count == 2)
        }

        /// Runs the body while the token home is not in the store.
        private func withoutHome(_ bench: Bench, _ body: () throws -> Void) throws {
            let store = bench.token.folder.file("tokens")
            let list = try bench.tokencert(["list", "--token", "home", "--json"]).json()
            let token = try #require(list["token"] as? [String: Any])
            let serial = try #require(token["serialNumber"] as? String)
            // SoftHSM2 names the folder of a token by its serial number.
            let name = try #require(
                try FileManager.default.contentsOfDirectory(atPath: store).first {
                    $0.filter(\.isHexDigit).hasSuffix(serial)
                })
            let away = bench.token.folder.file("away")
            try FileManager.default.moveItem(atPath: "\(store)/\(name)", toPath: away)
            try body()
            try FileManager.default.moveItem(atPath: away, toPath: "\(store)/\(name)")
        }

        // A pasted hint with --token would renew the certificate of the other token.
        @Test("An error about the token of --copy-to names this option")
        func wrongName() throws {
            let bench = try bench()
            let renew = ["renew", "mail", "--token", "work", "--dry-run", "--copy-to"]
            expect(try bench.tokencert(renew + [""]), 64, "--copy-to is empty")
            expect(
                try bench.tokencert(renew + ["pkcs11:object=mail"]), 64,
                "--copy-to requires the URI of a token")
            let mistyped = try bench.tokencert(renew + ["hom"])
            expect(mistyped, 66, "no token has the label or serial number \"hom\"")
            #expect(mistyped.errors.contains("did you mean --copy-to "), "\(mistyped.errors)")
            #expect(!mistyped.errors.contains("--token "), "\(mistyped.errors)")
        }

        // Otherwise a backup token in a safe would make every unattended renewal fail.
        @Test("If the second token is absent, the renewal succeeds and a note has the command")
        func absent() throws {
            let bench = try bench()
            let serial = try #require(try copy(bench).certificate("serialNumber"))
            try withoutHome(bench) {
                for selection in [["mail"], ["--all"]] {
                    let outcome = try bench.tokencert(["renew"] + selection + ["--json"])
                    #expect(outcome.status == 0, "\(outcome)")
                    #expect(try list(outcome, "renewed").count == 1)
                    #expect(
                        outcome.errors.contains(
                            /on token home \(serial [0-9a-f]+\) was skipped: the token is not present/
                        ),
                        "\(outcome.errors)")
                    #expect(outcome.errors.contains("tokencert renew \(serial) --token "))
                }
                let dry = try bench.tokencert(["renew", "--all", "--dry-run"])
                #expect(
                    dry.status == 0 && dry.errors.contains("the token is not present"), "\(dry)")
            }
            let late = try bench.tokencert(["renew", serial, "--token", "home"])
            #expect(late.status == 0, "\(late)")
            #expect(try serials(bench, on: "home").count == 2)
        }
    }
}
