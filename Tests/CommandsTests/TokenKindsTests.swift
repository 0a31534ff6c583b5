import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Tokens that differ from SoftHSM2, simulated by the faulty module.
    @Suite struct TokenKindsTests {
        private func profile(_ bench: Bench, _ rules: String) throws -> [String: String] {
            let file = try bench.token.folder.write(
                """
                {"name": "other", "title": "another token", "tested": "here", "match": {}, \(rules)}
                """, "profile.json")
            return ["TOKENCERT_TOKEN_PROFILE": file]
        }

        // MARK: Roles

        private func cardLike(_ bench: Bench, soPIN: String) throws -> [String: String] {
            let file = try bench.token.folder.write(soPIN + "\n", "so-pin")
            return bench.faulty(["FAULTY_SO_WRITES": bench.token.pin]).merging(
                try profile(bench, #""generates": "securityOfficer", "writes": "securityOfficer""#)
            ) { $1 }.merging(["TOKENCERT_SO_PIN_SOURCE": "file:\(file)"]) { $1 }
        }

        @Test("A token that only the security officer writes to gets its certificate")
        func securityOfficerWrites() throws {
            let bench = try Bench()
            let card = try cardLike(bench, soPIN: bench.token.soPIN)
            let issue = ["issue", "--key-type", "rsa:2048"]
            let plan = try bench.tokencert(issue + ["--dry-run"], card)
            #expect(plan.output.contains("PINs          PIN, then SO PIN"))
            let outcome = try bench.tokencert(issue, card)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(bench.ca.orders.count == 1)
            let renewed = try bench.tokencert(["renew", "--all", "--retire"], card)
            #expect(renewed.status == 0, "\(renewed.errors)")
            let fresh = try bench.tokencert(["renew", "--all", "--new-key", "--retire"], card)
            #expect(fresh.status == 0, "\(fresh.errors)")
            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            #expect(keys.count == 2)
            #expect(keys.compactMap { ($0["certificates"] as? [Any])?.count }.sorted() == [0, 1])
        }

        @Test("A wrong PIN of either role is sent only once")
        func wrongPINsOfRoles() throws {
            let bench = try Bench()
            let before = bench.token.contents
            let wrongOfficer = try cardLike(bench, soPIN: "99998888")
            expect(
                try bench.tokencert(["issue", "--key-type", "rsa:2048"], wrongOfficer), 77,
                "the security officer's PIN is wrong; it was sent once")
            #expect(bench.logins == ["user", "SO"])
            expect(
                try bench.tokencert(["issue", "--key-type", "rsa:2048"], wrongOfficer), 77,
                "was refused by this token before")
            #expect(bench.logins == ["user", "SO"])
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
            let other = try Bench()
            let file = try other.token.folder.write("11112222\n", "wrong")
            let wrongUser = try cardLike(other, soPIN: other.token.soPIN).merging([
                "TOKENCERT_PIN_SOURCE": "file:\(file)"
            ]) { $1 }
            expect(
                try other.tokencert(["issue", "--key-type", "rsa:2048"], wrongUser), 77,
                "the PIN is wrong; it was sent once")
            #expect(other.logins == ["user"])
        }

        @Test("A context-specific PIN that the token refused is not sent again")
        func wrongContextPIN() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["request", "--key-type", "rsa:2048"],
                bench.faulty([
                    "FAULTY_CONTEXT_LOGIN": "1", "FAULTY_RULES": "C_Login#2:before:return=0xa0",
                ]))
            expect(outcome, 77, "the PIN is wrong; it was sent once")
            #expect(bench.logins == ["user", "context"])
        }

        /// Creates a token with a certificate, the certificate in a file, and an unfinished order.
        private func readyBench() throws -> (bench: Bench, certificate: String) {
            let bench = try Bench()
            let issued = try bench.tokencert(["issue", "--key-type", "rsa:2048", "--json"])
            #expect(issued.status == 0, "\(issued.errors)")
            let pem = try #require(try issued.json().certificate("pem"))
            let stopped = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_RULES": "C_CreateObject:before:return=0x30"]))
            #expect(stopped.status == 74, "\(stopped.errors)")
            try bench.token.folder.write("", "calls")
            return (bench, try bench.token.folder.write(pem, "certificate.pem"))
        }

        private static let jobs = [
            ["issue", "--key-type", "rsa:2048"], ["request", "--key-type", "rsa:2048"],
            ["renew", "--all"], ["renew", "--all", "--new-key"], ["resume", "2"],
            ["import", "--cert", "CERTIFICATE"],
            ["probe", "--yes", "--not-empty", "--key-type", "rsa:2048"],
        ]

        private static let readingJobs = [
            ["list"], ["show", "pkcs11:object=anna%40example.org"], ["health"],
            ["evidence", "pkcs11:object=anna%40example.org;type=private", "--out", "EVIDENCE"],
            ["delete", "pkcs11:object=anna%40example.org;type=cert", "--yes"],
            ["list", "--tree"],
        ]

        @Test(
            "A wrong user PIN is sent only once by every job", arguments: jobs + readingJobs)
        func wrongUserPINOfEachJob(arguments: [String]) throws {
            let (bench, certificate) = try readyBench()
            let folder = bench.token.folder
            let words = arguments.map {
                $0 == "CERTIFICATE" ? certificate : $0 == "EVIDENCE" ? folder.file("evidence") : $0
            }
            let wrong = try folder.write("99998888\n", "wrong")
            let settings = bench.faulty(["TOKENCERT_PIN_SOURCE": "file:\(wrong)"])
            let before = bench.token.contents
            for _ in 0..<2 {
                let outcome = try bench.tokencert(words, settings)
                #expect(outcome.status == 77, "\(outcome.errors)")
            }
            #expect(bench.logins == ["user"])
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.count == 2)
        }

        @Test(
            "The error of a failed job names every object that it left on the token",
            arguments: [
                ["issue", "--key-type", "rsa:2048"], ["request", "--key-type", "rsa:2048"],
                ["renew", "--all", "--retire"], ["renew", "--all", "--new-key", "--retire"],
                ["import", "--cert", "CERTIFICATE", "--chain"],
                ["delete", "pkcs11:object=anna%40example.org;type=cert", "--yes"],
            ],
            [
                "C_GenerateKeyPair", "C_CreateObject#1", "C_CreateObject#2", "C_Sign#1",
                "C_DestroyObject",
            ])
        func everythingIsNamed(arguments: [String], function: String) throws {
            for (when, code) in [("before", "0x30"), ("after", "0x30"), ("before", "0x13")] {
                let bench = try Bench(["--signer", "class3", "--answer-form", "messy"])
                let issued = try bench.tokencert(["issue", "--key-type", "rsa:2048", "--json"])
                let report = try issued.json()
                let pem = try #require(report.certificate("pem"))
                var file = try bench.token.folder.write(pem, "certificate.pem")
                if arguments[0] == "import" {
                    // This certificate comes from the web site and is not on the token.
                    let uri = try #require(report.certificate("uri"))
                    #expect(try bench.tokencert(["delete", uri, "--yes"]).status == 0)
                    file = try bench.token.folder.write(
                        pem + bench.ca.folder.read("class3.pem"), "certificate.pem")
                }
                let before = Set(bench.token.contents.keys)
                let outcome = try bench.tokencert(
                    arguments.map { $0 == "CERTIFICATE" ? file : $0 },
                    bench.faulty(["FAULTY_RULES": "\(function):\(when):return=\(code)"]))
                guard outcome.status != 0 else { continue }
                let came = Set(bench.token.contents.keys).subtracting(before)
                let named = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("hint: ") }
                let keys = named.filter { $0.contains("the new key pair stays") }.count
                let certificates = named.filter {
                    $0.contains("the certificate was written:")
                        || $0.contains("refused the certificate but shows it")
                        || $0.contains("of its chain was written")
                }.count
                #expect(
                    came.count == 2 * keys + certificates,
                    "\(arguments) \(function):\(when):\(code): \(came.count) came\n\(outcome.errors)"
                )
            }
        }

        @Test(
            "A wrong SO PIN is sent only once by every job",
            arguments: jobs + [["delete", "pkcs11:object=anna%40example.org;type=cert", "--yes"]])
        func wrongOfficerPINOfEachJob(arguments: [String]) throws {
            let (bench, certificate) = try readyBench()
            let words = arguments.map { $0 == "CERTIFICATE" ? certificate : $0 }
            let card = try cardLike(bench, soPIN: "99998888")
            let before = bench.token.contents
            for _ in 0..<2 {
                let outcome = try bench.tokencert(words, card)
                #expect(outcome.status == 77, "\(outcome.errors)")
            }
            #expect(bench.logins.filter { $0 == "SO" }.count == 1)
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.count == 2)
        }

        @Test(
            "A context-specific PIN that is refused is sent only once by every job",
            arguments: jobs)
        func wrongContextPINOfEachJob(arguments: [String]) throws {
            let (bench, certificate) = try readyBench()
            let words = arguments.map { $0 == "CERTIFICATE" ? certificate : $0 }
            let settings = bench.faulty([
                "FAULTY_CONTEXT_LOGIN": "1", "FAULTY_RULES": "C_Login#2:before:return=0xa0",
            ])
            for _ in 0..<2 {
                let outcome = try bench.tokencert(words, settings)
                #expect(outcome.status == 77, "\(outcome.errors)")
            }
            #expect(bench.logins == ["user", "context"])
        }

        @Test(
            "The flags of the SO PIN are checked before it is sent",
            arguments: [
                ("SO_PIN_LOCKED", "security officer's PIN is locked"),
                ("SO_PIN_FINAL_TRY", "one more wrong security officer's PIN locks the token"),
                ("SO_PIN_TO_BE_CHANGED", "security officer's PIN must be changed"),
            ])
        func securityOfficerFlags(flag: String, message: String) throws {
            let bench = try Bench()
            let card = try cardLike(bench, soPIN: bench.token.soPIN)
                .merging(["FAULTY_SET_FLAGS": flag]) { $1 }
            expect(try bench.tokencert(["issue", "--key-type", "rsa:2048"], card), 77, message)
            #expect(bench.logins.isEmpty)
            #expect(bench.ca.requests.isEmpty)
        }

        @Test("A management key in the wrong format is not sent")
        func formOfOfficerPIN() throws {
            let bench = try Bench()
            let rules = """
                "generates": "securityOfficer", "writes": "securityOfficer",
                "securityOfficerPIN": {"name": "management key", "hexadecimalDigits": [48]}
                """
            let card = try cardLike(bench, soPIN: "27182818")
                .merging(try profile(bench, rules)) { $1 }
            expect(
                try bench.tokencert(["issue", "--key-type", "rsa:2048"], card), 77,
                "the management key must have 48 hexadecimal digits")
            #expect(bench.logins.isEmpty)
        }

        @Test("A lost login is repeated once")
        func loginAnew() throws {
            let bench = try Bench()
            for rule in ["C_GenerateKeyPair#1", "C_SignInit#1", "C_CreateObject#1"] {
                let before = bench.calls("C_Login")
                let outcome = try bench.tokencert(
                    ["issue", "--key-type", "rsa:2048"],
                    bench.faulty(["FAULTY_RULES": "\(rule):before:return=0x101"]))
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(bench.calls("C_Login") - before == 2)
            }
            let before = bench.calls("C_Login")
            let outcome = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_RULES": "C_CreateObject:before:return=0x101"]))
            expect(outcome, 74, "CKR_USER_NOT_LOGGED_IN")
            #expect(bench.calls("C_Login") - before == 2)
        }

        @Test("An action that succeeded although the token reported a lost login is not repeated")
        func nothingTwice() throws {
            for function in ["C_GenerateKeyPair", "C_CreateObject"] {
                let bench = try Bench()
                let outcome = try bench.tokencert(
                    ["issue", "--json", "--key-type", "rsa:2048"],
                    bench.faulty(["FAULTY_RULES": "\(function)#1:after:return=0x101"]))
                if outcome.status != 0 {
                    let resumed = try bench.tokencert(["resume", "1"])
                    #expect(resumed.status == 0, "\(outcome.errors)\n\(resumed.errors)")
                }
                let keys = try #require(
                    try bench.tokencert(["list", "--json"]).json()["keys"] as? [[String: Any]])
                #expect(keys.count == 1, "\(function): \(keys)")
                #expect((keys.first?["certificates"] as? [Any])?.count == 1, "\(function): \(keys)")
                #expect(bench.ca.orders.count == 1)
            }
        }

        @Test("tokencert does not log in to a token that requires no login")
        func noLogin() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["list", "--pin-source", "file:\(bench.token.folder.file("pin"))"],
                bench.faulty(["FAULTY_CLEAR_FLAGS": "LOGIN_REQUIRED"]))
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(bench.logins.isEmpty)
        }

        @Test("On a reader with a keypad, the PIN is entered there")
        func readerKeys() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty([
                    "FAULTY_SET_FLAGS": "PROTECTED_AUTHENTICATION_PATH",
                    "FAULTY_KEYPAD_PIN": bench.token.pin,
                    "TOKENCERT_PIN_SOURCE": "file:/nonexistent",
                ]))
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("enter the PIN on the reader of \"work\""))
        }

        @Test(
            "The documentation lists every profile with its test status"
        )
        func documentedProfiles() throws {
            let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
                path: "../../Sources/Commands/Documentation.docc/Tokens.md")
            let text = try String(contentsOf: file, encoding: .utf8)
            let report = try run(product("tokencert"), ["tokens", "--profiles", "--json"]).json()
            let profiles = try #require(report["profiles"] as? [[String: Any]])
            #expect(profiles.count == 13)
            for profile in profiles {
                let parts = ["name", "title", "tested"].compactMap { profile[$0] as? String }
                #expect(text.contains("| `\(parts[0])` | \(parts[1]) | \(parts[2]) |"), "\(parts)")
            }
        }

        // MARK: Signatures and public keys

        @Test(
            "Tokens with other mechanisms, encodings or attributes get their certificate",
            arguments: [
                ("rsa:2048", ["FAULTY_DROP_MECHANISMS": "0x40"]),
                ("rsa:2048", ["FAULTY_DROP_MECHANISMS": "0x40,0x1"]),
                ("ec:p256", ["FAULTY_EC_POINT": "raw"]),
                ("ec:p256", ["FAULTY_EC_POINT": "bitstring"]),
                ("ec:p521", ["FAULTY_EC_POINT": "raw"]),
                ("ec:p521", ["FAULTY_EC_POINT": "bitstring"]),
                ("ec:p256", ["FAULTY_EC_PARAMS": "numbers", "FAULTY_EC_POINT": "raw"]),
                ("ec:p384", ["FAULTY_LONG_ANSWERS": "80"]),
                ("rsa:2048", ["FAULTY_LONG_ANSWERS": "80", "FAULTY_FIND_ONE": "1"]),
                ("rsa:2048", ["FAULTY_LATE_ATTRIBUTES": "1"]),
                // CKA_DECRYPT and CKA_EXTRACTABLE, whose defaults in SoftHSM2 are right;
                // CKA_ISSUER.
                ("rsa:2048", ["FAULTY_REJECT_ATTRIBUTES": "0x105"]),
                ("rsa:2048", ["FAULTY_REJECT_ATTRIBUTES": "0x105,0x162"]),
                ("ec:p256", ["FAULTY_REJECT_ATTRIBUTES": "0x81"]),
            ])
        func otherForms(kind: String, settings: [String: String]) throws {
            let bench = try Bench(["--accept-elliptic-curves"])
            let more = settings.merging(["TOKENCERT_CA_ACCEPTS": "rsa,ec"]) { $1 }
            let outcome = try bench.tokencert(
                ["issue", "--key-type", kind], bench.faulty(more))
            #expect(outcome.status == 0, "\(outcome.errors)")
            let list = try bench.tokencert(["list", "--json"], bench.faulty(more))
            let keys = try #require(try list.json()["keys"] as? [[String: Any]])
            #expect(keys.count == 1)
            #expect((keys.first?["certificates"] as? [Any])?.count == 1)
            #expect(keys.first?["kind"] as? String != "unknown")
        }

        @Test("A key that was not made on the token is refused, unless the profile has hidesOrigin")
        func origin() throws {
            let bench = try Bench()
            let settings = bench.faulty(["FAULTY_NOT_LOCAL": "1"])
            let refused = try bench.tokencert(["issue", "--key-type", "rsa:2048"], settings)
            expect(refused, 74, "the token reports that the key was not generated on it")
            #expect(bench.ca.orders.isEmpty)
            let known = settings.merging(try profile(bench, #""hidesOrigin": true"#)) { $1 }
            let outcome = try bench.tokencert(["issue", "--key-type", "rsa:2048"], known)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(
                outcome.output.contains(
                    "the token does not report that it generated the key itself"))
        }

        // MARK: Objects that stay on the token

        @Test(
            "A refused call leaves no partial object on the token",
            arguments: [
                // CKA_VERIFY and CKA_ID of the public key, CKA_SIGN, CKA_DECRYPT; CKA_SUBJECT.
                "0x10a", "0x102", "0x108", "0x105", "0x3", "0x101",
            ])
        func noJunk(attribute: String) throws {
            let bench = try Bench()
            let before = Set(bench.token.contents.keys)
            let outcome = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_SPOIL_ATTRIBUTES": attribute]))
            let left = Set(bench.token.contents.keys).subtracting(before)
            if outcome.status == 0 {
                #expect(left.count == 3)
            } else if outcome.errors.contains("the new key pair stays on the token") {
                #expect(left.count == 2)
            } else {
                #expect(left.isEmpty, "\(outcome.errors)")
            }
        }

        @Test("A key that could leave the token is not made")
        func unprotectedKey() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_REJECT_ATTRIBUTES": "0x103"]))
            expect(outcome, 73, "the token cannot generate a non-extractable key")
            #expect(bench.token.contents.isEmpty)
            #expect(bench.ca.orders.isEmpty)
        }

        @Test("A certificate that SoftHSM2 shows but did not store is not reported as written")
        func ghost() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_REJECT_ATTRIBUTES": "0x101"]))
            expect(outcome, 74, "the certificate cannot be written")
            #expect(bench.token.contents.count == 2)
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(bench.token.contents.count == 3)
            #expect(bench.ca.orders.count == 1)
        }

        @Test("An old certificate that the token kept is not reported as removed")
        func destroysNothing() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--key-type", "rsa:2048"]).status == 0)
            let outcome = try bench.tokencert(
                ["renew", "--all", "--retire"], bench.faulty(["FAULTY_DESTROYS_NOTHING": "1"]))
            expect(
                outcome, 74,
                "the token reports that it removed the old certificate, but still has it")
        }

        // MARK: Fixed places for keys

        @Test("A new key gets a free place of the token and never replaces another key")
        func places() throws {
            let bench = try Bench()
            let rules = """
                "places": [{"id": "01", "name": "9a"}, {"id": "02", "name": "9c"},
                           {"id": "04", "name": "9e", "isOffered": false}],
                "certificatesPerKey": 1, "replacesCertificates": true
                """
            let card = bench.faulty([:]).merging(try profile(bench, rules)) { $1 }
            let issue = ["issue", "--key-type", "rsa:2048"]
            expect(
                try bench.tokencert(issue + ["--id", "0102"], card), 73,
                "the token has no place for a key with the id 0102")
            for id in ["01", "02"] {
                let outcome = try bench.tokencert(issue + ["--json"], card)
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(try outcome.json()["id"] as? String == id)
            }
            let before = bench.token.contents
            expect(
                try bench.tokencert(issue, card), 73, "all places for keys on the token are in use")
            expect(try bench.tokencert(issue + ["--id", "01"], card), 73, "the id 01 is used")
            expect(
                try bench.tokencert(["renew", "pkcs11:id=%01;type=private"], card), 73,
                "the token has room for 1 certificate per key")
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.count == 2)
            let outcome = try bench.tokencert(
                ["renew", "pkcs11:id=%01;type=private", "--retire"], card)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try bench.tokencert(issue + ["--id", "04"], card).status == 0)
        }

        @Test("A mistake in a profile is an error")
        func brokenProfiles() throws {
            let bench = try Bench()
            for (rules, message) in [
                (#""generate": "user""#, #"unknown property "generate""#),
                (#""generates": "nobodyy""#, #""generates" has an unknown value"#),
                (#""keyKinds": ["rsa:x"]"#, #""keyKinds" has an unknown kind of key: "rsa:x""#),
                (#""places": [{"id": "1", "name": "x"}]"#, #""1" is not a hexadecimal id"#),
                (
                    #""omits": {"privateKey": ["CKA_NONSENSE"]}"#,
                    #"unknown attribute "CKA_NONSENSE""#
                ),
            ] {
                expect(
                    try bench.tokencert(["list"], try profile(bench, rules)), 78, message)
            }
            expect(
                try bench.tokencert(["list"], ["TOKENCERT_TOKEN_PROFILE": "nothing"]), 64,
                "there is no token profile \"nothing\"")
        }

        // Otherwise every command would wait forever.
        @Test("A named pipe in the folder of token profiles is an error")
        func pipeAmongProfiles() throws {
            let bench = try Bench()
            let folder = bench.token.folder.file("config/tokencert/token-profiles")
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            try run("mkfifo", [folder + "/own.json"])
            expect(try bench.tokencert(["list"]), 78, "it is not a regular file")
            #expect(try bench.tokencert(["list", "--token-profile", "none"]).status == 0)
        }

        @Test("A probe leaves no objects behind and removes no others")
        func probe() throws {
            let bench = try Bench()
            let refused = try bench.tokencert(["probe"])
            expect(refused, 64, "there is no terminal")
            let outcome = try bench.tokencert(["probe", "--yes", "--key-type", "rsa:2048,ec:p256"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            // There is nothing unusual to report.
            let measured = try outcome.json()
            #expect(measured["keyKinds"] == nil && measured["hidesOrigin"] == nil)
            let silent = try bench.tokencert(
                ["probe", "--yes", "--key-type", "ec:p256"],
                bench.faulty(["FAULTY_NOT_LOCAL": "1"]))
            #expect(try silent.json()["hidesOrigin"] as? Bool == true)
            #expect(outcome.errors.contains("EC P-256: signs with CKM_ECDSA"))
            #expect(bench.token.contents.isEmpty)
            // The output can be used as a profile.
            let file = try bench.token.folder.write(outcome.output, "measured.json")
            let issued = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048", "--token-profile", file])
            #expect(issued.status == 0, "\(issued.errors)")
            let before = bench.token.contents
            expect(try bench.tokencert(["probe", "--yes"]), 73, "is not empty")
            let again = try bench.tokencert(
                ["probe", "--yes", "--not-empty", "--key-type", "ec:p256"])
            #expect(again.status == 0, "\(again.errors)")
            #expect(bench.token.contents == before)
        }

        // Otherwise keys and certificates that the user does not know about stay on the token.
        @Test(
            "A probe stops at objects that the token does not remove, and names them",
            arguments: [false, true])
        func probeWithRefusedRemoval(keysMayStay: Bool) throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["probe", "--yes", "--key-type", "ec:p256,rsa:2048"]
                    + (keysMayStay ? ["--keys-may-stay"] : []),
                bench.faulty(["FAULTY_RULES": "C_DestroyObject:before:return=0x30"]))
            #expect(bench.calls("C_GenerateKeyPair") == (keysMayStay ? 2 : 1))
            for name in ["private key", "public key", "certificate", "CKR_DEVICE_ERROR"] {
                #expect(outcome.errors.contains(name), "\(outcome.errors)")
            }
            if keysMayStay {
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(try outcome.json()["keepsDestroyedKeys"] == nil)
            } else {
                expect(outcome, 73, "did not remove test objects")
            }
        }

        @Test("A probe learns that a token keeps destroyed keys, and makes no more of them")
        func probeOfKeptKeys() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["probe", "--yes", "--key-type", "ec:p256,rsa:2048"],
                bench.faulty(["FAULTY_DESTROYS_NOTHING": "1"]))
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try outcome.json()["keepsDestroyedKeys"] as? Bool == true)
            #expect(outcome.errors.contains("RSA 2048: not tested"), "\(outcome.errors)")
            #expect(bench.calls("C_GenerateKeyPair") == 1)
        }

        @Test("The built-in profiles are listed, and the user's own profiles take precedence")
        func profiles() throws {
            let bench = try Bench()
            let list = try bench.tokencert(["tokens", "--profiles", "--json"]).json()
            let names = try #require(list["profiles"] as? [[String: Any]])
                .compactMap { $0["name"] as? String }
            #expect(
                names == [
                    "softhsm2", "ykcs11", "opensc-piv", "opensc-openpgp", "opensc-sc-hsm",
                    "opensc-pkcs15", "tpm2", "opencryptoki", "nss", "yubihsm2", "nethsm",
                    "cloudhsm", "p11-kit-client",
                ])
            let folder = bench.token.folder.file("config/tokencert/token-profiles")
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            try bench.token.folder.write(
                #"""
                {"name": "own", "title": "own", "tested": "here",
                 "match": {"tokenModel": "SoftHSM*"}, "keyKinds": ["ec:p256"]}
                """#, "config/tokencert/token-profiles/own.json")
            expect(
                try bench.tokencert(["issue", "--key-type", "rsa:2048"]), 73,
                "generates no usable keys of kind RSA 2048")
            let shown = try bench.tokencert(["tokens", "--verbose"])
            #expect(shown.output.contains("profile: own"))
            #expect(shown.output.contains("keys that can be made: ec:p256"))
            let other = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048", "--token-profile", "none"])
            #expect(other.status == 0, "\(other.errors)")
        }

        // MARK: Tokens that are inserted and removed

        @Test("--wait finds a token that is inserted in the meantime")
        func waiting() throws {
            let bench = try Bench()
            expect(
                try bench.tokencert(["list", "--token", "later", "--wait", "1"]), 66,
                "no token has the label or serial number \"later\"")
            let file = bench.token.folder.file("token-is-in")
            let reader = bench.faulty(["FAULTY_TOKEN_FILE": file])
            expect(try bench.tokencert(["list"], reader), 66, "no token found")
            let putting = Thread {
                Thread.sleep(forTimeInterval: 1.5)
                _ = FileManager.default.createFile(atPath: file, contents: nil)
            }
            putting.start()
            let outcome = try bench.tokencert(["list", "--wait", "--json"], reader)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("waiting for the token"))
        }

        @Test("An order can be completed after the token was removed at any step")
        func pulledOut() throws {
            for place in ["C_GenerateKeyPair#1", "C_Sign#1", "C_CreateObject#1", "C_Sign#2"] {
                let bench = try Bench()
                let file = try bench.token.folder.write("", "token-is-in")
                let reader = bench.faulty([
                    "FAULTY_TOKEN_FILE": file, "FAULTY_RULES": "\(place):before:pull",
                ])
                let outcome = try bench.tokencert(["issue", "--key-type", "rsa:2048"], reader)
                expect(outcome, 74, "CKR_DEVICE_REMOVED")
                try bench.token.folder.write("", "token-is-in")
                let back = bench.faulty(["FAULTY_TOKEN_FILE": file])
                let resumed = try bench.tokencert(["resume", "1", "--wait", "5"], back)
                #expect(resumed.status == 0, "\(place) \(resumed.errors)")
                #expect(bench.ca.orders.count == 1)
                #expect(bench.token.contents.count == 3)
            }
        }
    }
}
