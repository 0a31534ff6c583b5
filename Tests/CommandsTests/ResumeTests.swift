import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// What a person does after something went wrong.
    @Suite struct ResumeTests {
        /// Ends the process at a call of the module; an order was begun by then.
        private func kill(
            _ bench: Bench, at rule: String, _ arguments: [String] = ["issue"]
        ) throws {
            let outcome = try bench.tokencert(
                arguments, bench.faulty(["FAULTY_RULES": rule + ":kill"]))
            #expect(outcome.status == 128 + 9, "\(outcome.errors)")
        }

        private func expectDone(_ bench: Bench, order: Int = 1) throws {
            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            #expect(keys.count == 1)
            #expect((keys.first?["certificates"] as? [Any])?.count == 1)
            #expect(bench.ca.orders.count == 1)
            let history = try bench.tokencert(["history", "\(order)"]).output
            #expect(history.contains("the key proved by a signature"), "\(history)")
            #expect(try bench.tokencert(["resume"]).output == "Nothing is unfinished.\n")
            #expect(try bench.tokencert(["history", "verify"]).status == 0)
        }

        @Test(
            "A process that dies takes the key or the certificate with it",
            arguments: [
                // Before the key is made, after it, between order and answer, before and after the
                // certificate is written, and in the proof.
                "C_GenerateKeyPair:before", "C_GenerateKeyPair:after", "C_Sign#1:before",
                "C_Sign#1:after", "C_CreateObject:before", "C_CreateObject:after",
                "C_Sign#2:before",
            ])
        func killed(rule: String) throws {
            let bench = try Bench()
            try kill(bench, at: rule)
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            try expectDone(bench)
        }

        @Test("Unfinished orders are not shown, or not with what to type")
        func listOfUnfinished() throws {
            let bench = try Bench()
            try kill(bench, at: "C_Sign#1:before")
            let list = try bench.tokencert(["resume"])
            #expect(list.output.contains("nothing ordered yet"), "\(list.output)")
            #expect(list.output.contains("tokencert resume 1"), "\(list.output)")
            let json = try bench.tokencert(["resume", "--json"]).json()
            let orders = try #require(json["orders"] as? [[String: Any]])
            #expect(orders.first?["state"] as? String == "begun")
            expect(try bench.tokencert(["resume", "7"]), 66, "there is no order 7")
            expect(try bench.tokencert(["resume", "--abandon"]), 64, "number of an order")
        }

        @Test("A late certificate cannot be brought onto the token, or is ordered once more")
        func lateCertificate() throws {
            let bench = try Bench(["--signing-time", "1"])
            expect(try bench.tokencert(["issue"]), 75, "it may yet issue one")
            // Nobody knows what the CA does, so nothing is ordered.
            let undecided = try bench.tokencert(["resume", "1"])
            expect(undecided, 75, "nobody here can know")
            #expect(undecided.errors.contains("tokencert resume 1 --from FILE"))
            #expect(bench.ca.orders.count == 1)
            for _ in 0..<50 where bench.ca.issued.isEmpty { usleep(100_000) }
            let file = try bench.token.folder.write(
                try #require(bench.ca.issued.first), "from-the-web.pem")
            let resumed = try bench.tokencert(["resume", "1", "--from", file])
            #expect(resumed.status == 0, "\(resumed.errors)")
            try expectDone(bench)
        }

        @Test("A second order goes out without a word, or cannot be had")
        func orderAgain() throws {
            let bench = try Bench(["--signing-time", "1"])
            #expect(try bench.tokencert(["issue"]).status == 75)
            // The same key in a new issue is a second order, too.
            let list = try bench.tokencert(["list", "--json"]).json()
            let uri = try #require((list["keys"] as? [[String: Any]])?.first?["privateKey"])
            expect(
                try bench.tokencert(["issue", "--key", "\(uri)"]), 75,
                "order 1 for this key is not finished")
            #expect(bench.ca.orders.count == 1)
            expect(try bench.tokencert(["resume", "1", "--order-again"]), 75, "may yet issue")
            #expect(bench.ca.orders.count == 2)
            let given = try bench.tokencert(["resume", "1", "--abandon"])
            #expect(given.status == 0, "\(given.errors)")
            #expect(try bench.tokencert(["resume"]).output == "Nothing is unfinished.\n")
        }

        @Test("A certificate for somebody else's order or key gets onto the token")
        func wrongFile() throws {
            let bench = try Bench(["--signing-time", "1"])
            #expect(try bench.tokencert(["issue"]).status == 75)
            let before = bench.token.contents
            expect(
                try bench.tokencert(["resume", "1", "--from", bench.ca.rootFile]), 76,
                "for another key")
            expect(
                try bench.tokencert(["resume", "1", "--from", "/nowhere.pem"]), 78, "cannot open")
            #expect(bench.token.contents == before)
        }

        @Test("The certificate that is to be replaced is taken for the new one, and removed")
        func oldCertificateFromFile() throws {
            let bench = try Bench()
            let issued = try bench.tokencert(["issue", "--json"])
            let old = try bench.token.folder.write(
                try #require(try issued.json()["pem"] as? String), "old.pem")
            let late = try bench.tokencert(
                ["renew", "--all", "--retire"],
                bench.faulty(["FAULTY_RULES": "C_CreateObject:before:kill"]))
            #expect(late.status == 137)
            let before = bench.token.contents
            expect(
                try bench.tokencert(["resume", "2", "--from", old]), 76, "is to be replaced")
            #expect(bench.token.contents == before)
            #expect(try bench.tokencert(["resume", "2"]).status == 0)
        }

        @Test(
            "A token that reads back or signs something else is taken at its word",
            arguments: [
                ("C_Sign#2:after:truncate", "signature"),
                ("C_FindObjectsInit#LAST:before:return=0x5", "cannot be read again"),
            ])
        func falseProof(rule: String, message: String) throws {
            let bench = try Bench()
            // How often it searches, in a run in which all is well.
            let counted = try Bench()
            #expect(
                try counted.tokencert(["issue", "--key-type", "rsa:2048"], counted.faulty([:]))
                    .status == 0)
            let last = counted.calls("C_FindObjectsInit")
            let outcome = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_RULES": rule.replacing("LAST", with: "\(last)")]))
            expect(outcome, 74, message)
            #expect(outcome.errors.contains("the certificate was written"), "\(outcome.errors)")
            #expect(try bench.tokencert(["resume", "1"]).status == 0)
            #expect(bench.ca.orders.count == 1)
        }

        @Test("A certificate that the token has no room for is sent to it, or lost")
        func tooLarge() throws {
            let bench = try Bench()
            let profile = try bench.token.folder.write(
                """
                {"name": "small", "title": "small", "tested": "here",
                 "match": {"tokenModel": "SoftHSM v2"}, "largestCertificate": 500}
                """, "small.json")
            let outcome = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty(["TOKENCERT_TOKEN_PROFILE": profile]))
            expect(outcome, 73, "500")
            #expect(bench.calls("C_CreateObject") == 0)
            let resumed = try bench.tokencert(["resume", "1", "--token-profile", "none"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(bench.ca.orders.count == 1)
        }

        @Test("An order is finished on another token, and its key forgotten on its own")
        func otherToken() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "other")
            try kill(bench, at: "C_GenerateKeyPair:after", ["issue", "--token", "work"])
            let before = bench.token.contents
            expect(
                try bench.tokencert(["resume", "1", "--token", "other"]), 66,
                "the key of order 1 is not on this token")
            #expect(bench.token.contents == before)
            #expect(try bench.tokencert(["resume", "1"]).status == 0)
        }

        @Test("Giving up an order whose certificate is on the token says that it is there")
        func givenUpWithCertificate() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue"]).status == 0)
            try kill(bench, at: "C_DestroyObject:before", ["renew", "--all", "--retire"])
            let given = try bench.tokencert(["resume", "2", "--abandon"])
            #expect(given.status == 0, "\(given.errors)")
            #expect(given.output.contains("The new certificate was written to the token"))
            #expect(!given.output.contains("may still issue"), "\(given)")
        }

        // It was removed without a word, or the user was told to delete it.
        @Test(
            "What another program has written under the id of an order stays",
            arguments: ["public", "imported", "certified"])
        func writtenByOthers(kind: String) throws {
            let bench = try Bench()
            try kill(
                bench, at: "C_GenerateKeyPair:before",
                ["issue", "--id", "01", "--label", "std", "--key-type", "rsa:2048"])
            let folder = bench.token.folder
            let key = folder.file("key.pem")
            let made = try run(
                "openssl",
                ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key])
            #expect(made.status == 0, "\(made.errors)")
            switch kind {
            case "public":
                let file = folder.file("public.der")
                try run("openssl", ["rsa", "-in", key, "-pubout", "-outform", "DER", "-out", file])
                try bench.token.pkcs11Tool([
                    "--write-object", file, "--type", "pubkey", "--id", "01", "--label", "std",
                ])
            case "imported":
                try run(
                    "softhsm2-util",
                    [
                        "--import", key, "--token", bench.token.label, "--label", "std", "--id",
                        "01", "--pin", bench.token.pin,
                    ], environment: bench.token.environment)
            default:
                let label = Array("std".utf8)
                try bench.token.makePair(.rsa, id: [1], label: label)
                try bench.token.write(certificate: [0x30, 0x00], id: [1], label: label)
            }
            let before = bench.token.contents
            #expect(!before.isEmpty)
            let resumed = try bench.tokencert(["resume", "1"])
            expect(
                resumed, 73,
                kind == "certified"
                    ? "the id 01 is used by a certificate"
                    : "the id 01 is used by a key that was not made on the token")
            #expect(!resumed.errors.contains("tokencert delete"), "\(resumed.errors)")
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
        }

        // A second certificate was ordered for the key of a finished order.
        @Test("An order never takes the key of another order for its own")
        func keyOfOtherOrder() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "other")
            let named = ["--id", "01", "--label", "std", "--key-type", "rsa:2048"]
            let done = try bench.tokencert(["issue", "--token", "other"] + named)
            #expect(done.status == 0, "\(done.errors)")
            let issue = ["issue", "--token", "work"] + named
            try kill(bench, at: "C_GenerateKeyPair:before", issue)
            // Another token has a key with the same id and label.
            expect(
                try bench.tokencert(["resume", "2", "--token", "other"]), 66,
                "the key of order 2 is not on this token")
            #expect(bench.ca.orders.count == 1)
            // The same on one token, with an order that is not seen as one for this id.
            let ledger = bench.token.folder.file("state/tokencert/ledger.sqlite")
            let hidden = try run(
                "sqlite3", [ledger, "UPDATE orders SET keyID = 'ff' WHERE number = 2"])
            #expect(hidden.status == 0, "\(hidden.errors)")
            #expect(try bench.tokencert(issue).status == 0)
            try bench.token.pkcs11Tool(["--delete-object", "--type", "cert", "--id", "01"])
            let before = bench.token.contents
            expect(try bench.tokencert(["resume", "2"]), 73, "is the key of order 3")
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.count == 2)
        }

        @Test("An order whose certificate is there is placed again")
        func orderAgainWithoutNeed() throws {
            let bench = try Bench()
            try kill(bench, at: "C_CreateObject:before")
            expect(try bench.tokencert(["resume", "1", "--order-again"]), 64, "no outcome that is")
            #expect(try bench.tokencert(["resume", "1"]).status == 0)
            try expectDone(bench)
        }

        @Test("The PIN of a token in its last try is sent to look for a key")
        func lastTryInResume() throws {
            let bench = try Bench()
            try kill(bench, at: "C_Sign#1:before", ["request"])
            let logins = bench.calls("C_Login")
            expect(
                try bench.tokencert(
                    ["resume", "1"], bench.faulty(["FAULTY_SET_FLAGS": "USER_PIN_FINAL_TRY"])), 77,
                "no PIN was sent")
            #expect(bench.calls("C_Login") == logins)
        }

        @Test("The last copy of an answer is printed in a form that nothing reads")
        func unrecordedAnswer() throws {
            let bench = try Bench(["--fault", "other-name", "--delay", "1"])
            let ledger = bench.token.folder.file("state/tokencert/ledger.sqlite")
            let queue = DispatchQueue(label: "issue")
            let collected = Collected()
            queue.async {
                if let outcome = try? bench.tokencert(["issue"]) { collected.add(outcome) }
            }
            // Somebody takes the ledger while the order is out, for longer than is waited.
            for _ in 0..<200 where bench.ca.orders.isEmpty { usleep(20_000) }
            try run(
                "python3",
                [
                    "-c",
                    """
                    import sqlite3, sys, time
                    held = sqlite3.connect(sys.argv[1])
                    held.execute('BEGIN IMMEDIATE')
                    time.sleep(25)
                    """, ledger,
                ])
            queue.sync {}
            let outcome = try #require(collected.all.first)
            #expect(outcome.status == 76, "\(outcome.errors)")
            let certificate = try #require(bench.ca.issued.first)
            #expect(outcome.errors.contains(certificate), "\(outcome.errors)")
        }

        @Test("A changed certificate that the person takes after all has to be paid for twice")
        func changesAcceptedLater() throws {
            let bench = try Bench(["--fault", "other-name"])
            let outcome = try bench.tokencert(["issue"])
            expect(outcome, 76, "name asked")
            #expect(outcome.errors.contains("tokencert resume 1 --accept-changes"))
            expect(try bench.tokencert(["resume", "1"]), 76, "name asked")
            let resumed = try bench.tokencert(["resume", "1", "--accept-changes"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            try expectDone(bench)
        }

        @Test("An order that never went out cannot be placed once the CA is back")
        func unreachableCA() throws {
            let bench = try Bench()
            try kill(bench, at: "C_Sign#1:after")
            expect(
                try bench.tokencert(["resume", "1"], ["TOKENCERT_CA_URL": "https://localhost:1"]),
                64, "order 1 is one of anna@example.org")
            let resumed = try bench.tokencert(
                ["resume", "1"],
                ["TOKENCERT_CA_URL": "", "TOKENCERT_USERNAME": "", "TOKENCERT_MODULE": ""].merging(
                    bench.environment.filter { $0.key == "TOKENCERT_MODULE" }
                ) { $1 })
            #expect(resumed.status == 0, "\(resumed.errors)")
            try expectDone(bench)
        }

        @Test("Two processes work on one order, and both send it")
        func resumeWhileRunning() throws {
            let bench = try Bench()
            let slow = bench.faulty(["FAULTY_RULES": "C_Sign#1:before:delay=3000"])
            let queue = DispatchQueue(label: "issue")
            queue.async { _ = try? bench.tokencert(["issue"], slow) }
            for _ in 0..<100 where bench.calls("C_Sign") == 0 { usleep(50_000) }
            expect(
                try bench.tokencert(["resume", "1"]), 75, "another process is working on order 1")
            expect(
                try bench.tokencert(["resume", "1", "--abandon"]), 75,
                "another process is working on")
            queue.sync {}
            try expectDone(bench)
        }

        // The key that is found by its id and its label may be another program's.
        @Test(
            "Giving an order up offers to remove its key only if the ledger knows that it made it")
        func keyOfAbandonedOrder() throws {
            for (rule, isKnown) in [("C_GenerateKeyPair:after", false), ("C_Sign#1:before", true)] {
                let bench = try Bench()
                try kill(bench, at: rule)
                let given = try bench.tokencert(["resume", "1", "--abandon"])
                #expect(given.status == 0, "\(given.errors)")
                #expect(given.errors.contains("tokencert issue --key"), "\(given.errors)")
                #expect(given.errors.contains("tokencert delete") == isKnown, "\(given.errors)")
            }
        }

        @Test("A request's key is forgotten when the process dies")
        func killedRequest() throws {
            let bench = try Bench()
            try kill(bench, at: "C_Sign#1:before", ["request"])
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(resumed.output.contains("its key is on the token: 'pkcs11:"))
            #expect(try bench.tokencert(["resume"]).output == "Nothing is unfinished.\n")
        }

        @Test("Many at once lose an order, share an id or stand in each other's way")
        func twentyAtOnce() throws {
            let bench = try Bench()
            let outcomes = Collected()
            DispatchQueue.concurrentPerform(iterations: 20) { _ in
                if let outcome = try? bench.tokencert(["issue", "--json", "--key-type", "rsa:2048"])
                {
                    outcomes.add(outcome)
                }
            }
            let all = outcomes.all
            #expect(all.count == 20)
            // SoftHSM2 itself is not always up to it. What fails before its order is begun has
            // changed nothing, and is simply done again.
            var early = 0
            for outcome in all where outcome.status != 0 {
                #expect([73, 74].contains(outcome.status), "\(outcome.errors)")
                if !outcome.errors.contains("tokencert resume") { early += 1 }
            }
            #expect(early <= 5)
            let history = try bench.tokencert(["history", "--json"]).json()
            let orders = try #require(history["orders"] as? [[String: Any]])
            #expect(orders.count == 20 - early)
            #expect(bench.ca.orders.count == bench.ca.issued.count)
            let verified = try bench.tokencert(["history", "verify", "--json"]).json()
            let hash = try #require(verified["lastHash"] as? String)
            #expect(try bench.tokencert(["history", "verify", "--hash", hash]).status == 0)
            let other = String(hash.reversed())
            expect(
                try bench.tokencert(["history", "verify", "--hash", other]), 78,
                "is not what was written")
            for order in orders {
                let summary = try #require(order["summary"] as? [String: Any])
                guard summary["isFinished"] as? Bool == false, let number = summary["order"] else {
                    continue
                }
                let resumed = try bench.tokencert(["resume", "\(number)"])
                #expect(resumed.status == 0, "\(resumed.errors)")
            }
            for _ in 0..<early {
                let again = try bench.tokencert(["issue", "--key-type", "rsa:2048"])
                #expect(again.status == 0, "\(again.errors)")
            }
            #expect(bench.ca.orders.count == 20)
            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            #expect(keys.count == 20)
            #expect(Set(keys.compactMap { $0["id"] as? String }).count == 20)
            #expect(keys.allSatisfy { ($0["certificates"] as? [Any])?.count == 1 })
        }
    }
}

/// What several threads have found.
private final class Collected: @unchecked Sendable {
    private let lock = NSLock()
    private var outcomes: [Outcome] = []

    func add(_ outcome: Outcome) { lock.withLock { outcomes.append(outcome) } }

    var all: [Outcome] { lock.withLock { outcomes } }
}
