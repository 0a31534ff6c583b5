import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// What a user asks for an order that has ended.
    @Suite struct EndedOrderTests {
        // Otherwise a script takes the certificate for written.
        @Test("A certificate for an order that was given up is not reported as written")
        func givenUp() throws {
            let bench = try Bench()
            let killed = try bench.tokencert(
                ["issue", "--label", "mail", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_RULES": "C_CreateObject:before:kill"]))
            #expect(killed.status != 0)
            let file = try bench.token.folder.write(
                try #require(bench.ca.issued.first), "issued.pem")
            #expect(try bench.tokencert(["resume", "1", "--abandon"]).status == 0)
            for action in [["--from", file], ["--fetch"], ["--order-again"], ["--accept-changes"]] {
                let outcome = try bench.tokencert(["resume", "1"] + action)
                expect(outcome, 64, "order 1 was given up or has failed for good")
                #expect(outcome.errors.contains("tokencert import --cert FILE"), "\(outcome)")
            }
            for action in [[], ["--abandon"]] {
                #expect(try bench.tokencert(["resume", "1"] + action).status == 0)
            }
            #expect(try bench.tokencert(["import", "--cert", file]).status == 0)
            #expect(bench.ca.orders.count == 1)
        }
    }
}

extension RealParts {
    /// The states of an order, through the program.
    @Suite struct OrderLifeTests {
        private func ledger(_ bench: Bench) -> String {
            bench.token.folder.file("state/tokencert/ledger.sqlite")
        }

        private func issue(_ bench: Bench, _ arguments: [String] = []) throws -> [String: Any] {
            let kind = arguments.contains("--key") ? [] : ["--key-type", "rsa:2048"]
            let outcome = try bench.tokencert(["issue", "--json"] + kind + arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return try outcome.json()
        }

        private func text(_ object: [String: Any], _ name: String) throws -> String {
            try #require(object[name] as? String)
        }

        /// Runs the program as a user to whom file permissions apply.
        private func asOther(
            _ bench: Bench, _ arguments: [String], _ environment: [String: String]
        ) throws -> Outcome {
            let other =
                geteuid() == 0
                ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : ["env"]
            return try run(
                other[0], Array(other.dropFirst()) + [product("tokencert")] + arguments,
                environment: environment)
        }

        // MARK: Reading the ledger

        @Test("If nothing was ordered, history and resume report it and create no files")
        func nothingOrdered() throws {
            let bench = try Bench()
            let state = bench.token.folder.file("state")
            for (command, output) in [
                (["history"], "There are no orders.\n"), (["resume"], "No order is unfinished.\n"),
                (["history", "--json"], "{\"schemaVersion\":1,\"orders\":[\n\n]}\n"),
            ] {
                let outcome = try bench.tokencert(command)
                #expect(outcome.status == 0, "\(outcome)")
                #expect(outcome.output == output)
                #expect(!FileManager.default.fileExists(atPath: state), "\(command)")
            }
            for command in [["history", "verify"], ["history", "7"], ["resume", "7"]] {
                expect(
                    try bench.tokencert(command + ["--ledger", state + "/typo.sqlite"]), 66,
                    "there is no ledger at \(state)/typo.sqlite")
            }
            #expect(try bench.tokencert(["renew", "--all", "--dry-run"]).status == 0)
            #expect(try bench.tokencert(["issue", "--dry-run"]).status == 0)
            // A login creates the record of refused PINs in this folder, but no ledger.
            #expect(!FileManager.default.fileExists(atPath: ledger(bench)))
        }

        // Otherwise orders would be missing while the medium with the ledger is not mounted.
        @Test(
            "A ledger behind a dangling link, or of a lost token, is never taken for an empty one")
        func dangling() throws {
            let bench = try Bench()
            let link = bench.token.folder.file("link")
            try FileManager.default.createSymbolicLink(
                atPath: link, withDestinationPath: "/nonexistent/x")
            for command in [["history"], ["expiring"], ["renew", "--all", "--dry-run"]] {
                expect(
                    try bench.tokencert(command + ["--ledger", link + "/ledger.sqlite"]), 78,
                    "the ledger")
            }
            let typo = bench.token.folder.file("typo.sqlite")
            expect(
                try bench.tokencert(["revoke", "--lost-token", "work", "--ledger", typo]), 66,
                "there is no ledger at \(typo)")
            expect(try bench.tokencert(["expiring", "--ledger", ""]), 64, "--ledger is empty")
        }

        // Otherwise a copy on a read-only medium could not be examined.
        @Test("A ledger in a read-only folder can be shown and verified")
        func readOnlyFolder() throws {
            let bench = try Bench()
            _ = try issue(bench)
            let folder = try TemporaryFolder()
            let copy = folder.file("ledger.sqlite")
            try FileManager.default.copyItem(atPath: ledger(bench), toPath: copy)
            let files = FileManager.default
            try files.setAttributes([.posixPermissions: 0o444], ofItemAtPath: copy)
            try files.setAttributes([.posixPermissions: 0o555], ofItemAtPath: folder.path)
            defer {
                try? files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: folder.path)
            }
            for command in [["history"], ["history", "1"], ["resume"], ["history", "verify"]] {
                let outcome = try asOther(bench, command + ["--ledger", copy], [:])
                #expect(outcome.status == 0, "\(command): \(outcome)")
            }
            #expect(try files.contentsOfDirectory(atPath: folder.path) == ["ledger.sqlite"])
        }

        @Test("An unreadable ledger is an error and is not reported as missing")
        func forbidden() throws {
            let bench = try Bench()
            _ = try issue(bench)
            let folder = try TemporaryFolder()
            let copy = folder.file("ledger.sqlite")
            try FileManager.default.copyItem(atPath: ledger(bench), toPath: copy)
            let files = FileManager.default
            try files.setAttributes([.posixPermissions: 0o000], ofItemAtPath: copy)
            try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
            for command in [["history"], ["resume"], ["history", "verify"]] {
                expect(
                    try asOther(bench, command + ["--ledger", copy], [:]), 78, "cannot be used")
            }
        }

        // MARK: Certificates from files

        // Otherwise the newer certificate could be replaced with the older one.
        @Test("The certificate of another order is not accepted for this order")
        func outcomeOfOther() throws {
            let bench = try Bench()
            let first = try issue(bench, ["--label", "mail"])
            let key = try text(first, "key")
            Thread.sleep(forTimeInterval: 1.1)
            let second = try issue(bench, ["--key", key])
            try bench.ca.restart(["--signing-time", "2"])
            expect(try bench.tokencert(["issue", "--key", key]), 75, "may still issue")
            let before = bench.token.contents
            for (number, issued) in [(1, first), (2, second)] {
                let file = try bench.token.folder.write(
                    try #require(issued.certificate("pem")), "\(number).pem")
                let outcome = try bench.tokencert(["resume", "3", "--from", file])
                expect(outcome, 76, "belongs to order \(number)")
                #expect(!outcome.errors.contains("--order-again"), "\(outcome.errors)")
            }
            #expect(bench.token.contents == before)
            let issued = Set([
                try #require(first.certificate("pem")), try #require(second.certificate("pem")),
            ])
            var late: String?
            for _ in 0..<600 where late == nil {
                usleep(100_000)
                late = bench.ca.issued.first { !issued.contains($0) }
            }
            let file = try bench.token.folder.write(try #require(late), "late.pem")
            let resumed = try bench.tokencert(["resume", "3", "--from", file])
            #expect(resumed.status == 0, "\(resumed.errors)")
        }

        // MARK: Room and keys

        // Otherwise the user would be told to delete the key of a certificate that was just issued.
        @Test("If the token has no room for a certificate, the certificate and its key are kept")
        func noRoomAfterAnswer() throws {
            let bench = try Bench()
            let killed = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_RULES": "C_CreateObject:before:kill"]))
            #expect(killed.status == 137, "\(killed)")
            let list = try bench.tokencert(["list", "--json"]).json()
            let id = try text(try #require((list["keys"] as? [[String: Any]])?.first), "id")
            let der = bench.token.folder.file("other.der")
            try run(
                "openssl",
                ["x509", "-in", bench.ca.rootFile, "-outform", "DER", "-out", der])
            let written = try bench.token.pkcs11Tool([
                "--write-object", der, "--type", "cert", "--id", id, "--label", "other",
            ])
            #expect(written.status == 0, "\(written)")
            let profile = try bench.token.folder.write(
                """
                {"name": "small", "title": "small", "tested": "here",
                 "match": {"tokenModel": "SoftHSM v2"}, "certificatesPerKey": 1}
                """, "small.json")
            let outcome = try bench.tokencert(["resume", "1", "--token-profile", profile])
            expect(outcome, 73, "has room for 1 certificate per key")
            for word in ["tokencert delete", "tokencert issue", "--order-again"] {
                #expect(!outcome.errors.contains(word), "\(outcome.errors)")
            }
            #expect(outcome.errors.contains("tokencert resume 1"), "\(outcome.errors)")
            #expect(try bench.tokencert(["resume", "1"]).status == 0)
            #expect(bench.ca.orders.count == 1)
        }

        /// Makes an order whose certificate is in the ledger but not on the token.
        private func interrupted(_ bench: Bench) throws {
            let killed = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_RULES": "C_CreateObject:before:kill"]))
            #expect(killed.status == 137, "\(killed)")
        }

        // Otherwise the user could only give up an issued certificate.
        @Test("The token of an order is found after it was renamed")
        func renamed() throws {
            let bench = try Bench()
            try interrupted(bench)
            // The label is padded with blanks.
            try change("work    ", to: "home    ", in: bench)
            #expect(try bench.tokencert(["list", "--token", "home"]).status == 0)
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
        }

        /// Changes the token's information in its own file.
        private func change(_ old: String, to new: String, in bench: Bench) throws {
            for case let file as URL in FileManager.default.enumerator(
                at: URL(filePath: bench.token.folder.file("tokens")),
                includingPropertiesForKeys: nil) ?? .init()
            where file.lastPathComponent == "token.object" {
                var data = try Data(contentsOf: file)
                let place = try #require(data.firstRange(of: Data(old.utf8)))
                data.replaceSubrange(place, with: Data(new.utf8))
                try data.write(to: file)
            }
        }

        // A backup of a token has the same key and another serial number.
        @Test("A token with the key of the order is accepted if --token selects it")
        func otherSerialNumber() throws {
            let bench = try Bench()
            try interrupted(bench)
            let list = try bench.tokencert(["list", "--json"]).json()
            let token = try #require(list["token"] as? [String: Any])
            let serialNumber = try text(token, "serialNumber")
            let other = String(serialNumber.reversed())
            try #require(other != serialNumber)
            try change(serialNumber, to: other, in: bench)
            let absent = try bench.tokencert(["resume", "1"])
            expect(absent, 66, "the token of order 1 is not present")
            let resumed = try bench.tokencert(["resume", "1", "--token", "work"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(bench.ca.orders.count == 1)
        }

        @Test("If the key or the token is missing, resume reports it and how to abandon the order")
        func gone() throws {
            let bench = try Bench()
            try interrupted(bench)
            let other = try ThrowawayToken(label: "work")
            let absent = try bench.tokencert(["resume", "1"], other.environment)
            expect(absent, 66, "the token of order 1 is not present")
            #expect(absent.errors.contains("tokencert resume 1 --abandon"), "\(absent.errors)")
            #expect(absent.errors.contains("certificate is in the ledger"), "\(absent.errors)")
            // Another token is accepted only with --token and only if it has the key.
            let named = try bench.tokencert(
                ["resume", "1", "--token", "work"],
                other.environment.merging([
                    "TOKENCERT_PIN_SOURCE": "file:\(other.folder.file("pin"))"
                ]) { $1 })
            expect(named, 66, "not on this token")
            #expect(other.contents.isEmpty)

            // An import has to wait for the unfinished order, which can be abandoned.
            let file = try bench.token.folder.write(
                try #require(bench.ca.issued.first), "certificate.pem")
            let blocked = try bench.tokencert(["import", "--cert", file])
            expect(blocked, 75, "order 1 for this key is not finished")
            #expect(blocked.errors.contains("tokencert resume 1 --abandon"), "\(blocked.errors)")

            let list = try bench.tokencert(["list", "--json"]).json()
            let id = try text(try #require((list["keys"] as? [[String: Any]])?.first), "id")
            for type in ["privkey", "pubkey"] {
                let removed = try bench.token.pkcs11Tool([
                    "--delete-object", "--type", type, "--id", id,
                ])
                #expect(removed.status == 0, "\(removed)")
            }
            let outcome = try bench.tokencert(["resume", "1"])
            expect(outcome, 66, "the key of order 1 (CKA_ID \(id)) is not on this token")
            #expect(outcome.errors.contains("tokencert resume 1 --abandon"), "\(outcome.errors)")
            let given = try bench.tokencert(["resume", "1", "--abandon"])
            #expect(given.status == 0, "\(given.errors)")
            #expect(!given.errors.contains("tokencert delete"), "\(given.errors)")
        }

        // Otherwise the keys of refused orders would stay on the token for ever.
        @Test("The key of a refused order can be removed once the order is given up")
        func refused() throws {
            let bench = try Bench(["--fault", "refuse"])
            expect(
                try bench.tokencert(["issue", "--label", "mail"]), 65, "the CA refused the order")
            let given = try bench.tokencert(["resume", "1", "--abandon"])
            #expect(given.status == 0, "\(given.errors)")
            let hint = try #require(
                given.errors.firstMatch(of: /to remove it: tokencert (delete [0-9a-f]+ --key)/))
            let words = hint.1.split(separator: " ").map(String.init)
            #expect(try bench.tokencert(words + ["--yes"]).status == 0)
        }

        // MARK: Dry runs

        @Test("A dry run refuses what the real run refuses, with the same status")
        func dryRuns() throws {
            let bench = try Bench()
            let first = try issue(bench, ["--label", "mail"])
            let key = try text(first, "key")
            func expectSame(
                _ arguments: [String], _ status: Int32, _ message: String,
                _ environment: [String: String] = [:]
            ) throws {
                let orders = bench.ca.orders.count
                for dryRun in [["--dry-run"], []] {
                    expect(try bench.tokencert(arguments + dryRun, environment), status, message)
                }
                #expect(bench.ca.orders.count == orders)
            }
            let blocked = ["--ledger", bench.token.folder.file("pin") + "/ledger.sqlite"]
            for command in [
                ["issue", "--key", key], ["request", "--label", "spare"], ["renew", "--all"],
            ] {
                try expectSame(command + blocked, 78, "folder")
            }
            let bob = ["TOKENCERT_USERNAME": "bob@example.org"]
            for command in [["issue"], ["renew", "--all"], ["renew", key]] {
                try expectSame(command, 77, "does not accept this user name", bob)
            }
            // This order for the key may have been sent.
            try bench.ca.restart(["--signing-time", "30"])
            expect(try bench.tokencert(["issue", "--key", key]), 75, "may still issue")
            for command in [["issue", "--key", key], ["renew", key], ["renew", "--all"]] {
                try expectSame(command, 75, "order 2 for this key is not finished")
            }
            let plan = try bench.tokencert(["issue", "--dry-run"])
            #expect(plan.output.contains("Not checked: "), "\(plan.output)")
        }
    }
}
