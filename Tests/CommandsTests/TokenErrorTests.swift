import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Errors of tokens: the exit status, the message, and that nothing is changed.
    @Suite struct TokenErrorTests {
        @Test("A key is made only on a token that is selected unambiguously")
        func selection() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "other")
            let before = bench.token.contents
            let ambiguous = try bench.tokencert(["issue"])
            expect(ambiguous, 66, "more than one token matches")
            #expect(ambiguous.errors.components(separatedBy: "one of them: --token ").count == 3)
            let unknown = try bench.tokencert(["issue", "--token", "wrok"])
            expect(unknown, 66, "no token has the label or serial number \"wrok\"")
            #expect(unknown.errors.contains("available: --token work (serial "))
            expect(
                try bench.tokencert(["list", "pkcs11:token=nowhere"]), 66, "no token matches")
            #expect(bench.token.contents == before)
            // The printed option can be pasted.
            #expect(ambiguous.errors.contains("one of them: --token other (serial "))
            #expect(try bench.tokencert(["list", "--token", "other"]).status == 0)
            // A label that two tokens have is replaced by the serial number.
            try bench.token.addToken(label: "other")
            let twins = try bench.tokencert(["list", "--token", "other"])
            expect(twins, 66, "more than one token matches")
            let found = twins.errors.firstMatch(of: /one of them: --token (\S+) \(label other\)/)
            let serial = String(try #require(found).output.1)
            #expect(try bench.tokencert(["list", "--token", serial]).status == 0)
        }

        @Test("A missing, an uninitialized and a broken token have different errors")
        func uninitialized() throws {
            let bench = try Bench()
            let empty = try ThrowawayToken(label: nil)
            expect(
                try bench.tokencert(["issue"], empty.environment), 66,
                "the token is not set up yet")
            expect(
                try bench.tokencert(["issue", "--token", "work"], empty.environment), 66,
                "no token found")
            expect(
                try bench.tokencert(
                    ["tokens"],
                    bench.faulty(["TOKENCERT_MODULE": "/usr/lib/nothing.so"])
                        .merging(["TOKENCERT_MODULE": "/usr/lib/nothing.so"]) { $1 }), 78,
                "/usr/lib/nothing.so")
            expect(
                try bench.tokencert(["tokens"], ["SOFTHSM2_CONF": "/nonexistent"]), 78,
                "does not initialise")
        }

        @Test("A wrong PIN is sent only once")
        func wrongPINOnce() throws {
            let bench = try Bench()
            let before = bench.token.contents
            let file = try bench.token.folder.write("99999999\n", "wrong")
            let outcome = try bench.tokencert(
                ["issue", "--pin-source", "file:\(file)"], bench.faulty([:]))
            expect(outcome, 77, "the PIN is wrong")
            #expect(outcome.errorLine.contains("CKR_PIN_INCORRECT"))
            #expect(!outcome.errors.contains("--allow-last-try"))
            #expect(bench.calls("C_Login") == 1)
            #expect(!outcome.errors.contains("99999999"))
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
            // Otherwise a job that runs repeatedly would lock the token.
            let list = ["list", "--pin-source", "file:\(file)"]
            expect(
                try bench.tokencert(list, bench.faulty([:])), 77,
                "was refused by this token before and it has not changed; it was not sent")
            #expect(bench.calls("C_Login") == 1)
            expect(
                try bench.tokencert(list + ["--retry-pin"], bench.faulty([:])), 77,
                "the PIN is wrong")
            #expect(bench.calls("C_Login") == 2)
            #expect(
                !(try bench.token.folder.read("state/tokencert/refused-pins.json")).contains("9999")
            )
            // The correct PIN in the same file counts as a new PIN.
            try bench.token.folder.write(bench.token.pin + "\n", "wrong")
            #expect(try bench.tokencert(list, bench.faulty([:])).status == 0)
        }

        @Test(
            "The profile's limit protects the last PIN attempt of a token that does not report it"
        )
        func uncountedTries() throws {
            let bench = try Bench()
            let profile = try bench.token.folder.write(
                """
                {"name": "own", "title": "A token", "tested": "never", "match": {},
                 "pinTries": 3, "countsPINsTogether": true}
                """, "profile.json")
            func list(_ pin: String, _ arguments: [String] = []) throws -> Outcome {
                let file = try bench.token.folder.write(pin, "pin-\(pin)")
                return try bench.tokencert(
                    ["list", "--token-profile", profile, "--pin-source", "file:\(file)"]
                        + arguments, bench.faulty([:]))
            }
            expect(try list("11110000"), 77, "the PIN is wrong")
            expect(try list("22220000"), 77, "the PIN is wrong")
            let last = try list("33330000")
            expect(last, 77, "2 wrong PINs were sent, and one more may lock the token")
            #expect(last.errors.contains("--allow-last-try"))
            #expect(bench.calls("C_Login") == 2)
            // The correct PIN does not reset the count.
            #expect(try list(bench.token.pin, ["--allow-last-try"]).status == 0)
            expect(try list(bench.token.pin), 77, "2 wrong PINs were sent")
        }

        @Test("A wrong PIN with an unusual return value is not sent again")
        func refusedByAnotherName() throws {
            let bench = try Bench()
            let settings = bench.faulty(["FAULTY_RULES": "C_Login:before:return=0x103"])
            expect(try bench.tokencert(["list"], settings), 77, "not accept this PIN for this role")
            expect(try bench.tokencert(["list"], settings), 77, "was refused by this token before")
            #expect(bench.calls("C_Login") == 1)
        }

        @Test("A module that fails does not hide the tokens of others")
        func sickModule() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["tokens"], bench.faulty(["FAULTY_RULES": "C_GetSlotList:before:return=0x30"]))
            #expect(outcome.status == 0, "\(outcome)")
            #expect(
                outcome.output.contains(
                    "cannot list the slots of the module [CKR_DEVICE_ERROR]"))
            let list = try bench.tokencert(
                ["list"], bench.faulty(["FAULTY_RULES": "C_FindObjectsInit:before:return=0x30"]))
            expect(list, 74, "cannot search the token [CKR_DEVICE_ERROR]")
        }

        @Test("A wrong PIN in a variable is not sent again by the next run")
        func wrongPINInVariable() throws {
            let bench = try Bench()
            let wrong = bench.faulty([
                "TOKENCERT_PIN_SOURCE": "env:WORK_PIN", "WORK_PIN": "11112222",
            ])
            expect(try bench.tokencert(["request"], wrong), 77, "the PIN is wrong")
            expect(try bench.tokencert(["request"], wrong), 77, "was refused by this token before")
            #expect(bench.calls("C_Login") == 1)
            let right = wrong.merging(["WORK_PIN": bench.token.pin]) { $1 }
            #expect(try bench.tokencert(["request", "--retry-pin"], right).status == 0)
            #expect(try bench.tokencert(["request"], right).status == 0)
        }

        @Test(
            "A PIN that is missing, malformed or in the wrong place is not sent",
            arguments: [
                ("PIN", "env:NOTHING", "environment variable NOTHING is not set", 77),
                ("empty", "file:EMPTY", "is empty", 77),
                ("two lines", "file:LINES", "contains more than one line", 77),
                ("short", "file:SHORT", "4 to 255 bytes", 77),
                ("no file", "file:/nonexistent/pin", "cannot open", 77),
                ("a path", "/etc/hostname", "not one of prompt", 64),
                ("the PIN itself", "31415926", "not one of prompt", 64),
            ] as [(String, String, String, Int32)])
        func uselessPIN(name: String, source: String, message: String, status: Int32) throws {
            let bench = try Bench()
            let before = bench.token.contents
            let folder = bench.token.folder
            try folder.write("", "EMPTY")
            try folder.write("31415926\n\n", "LINES")
            try folder.write("123\n", "SHORT")
            let place = ["EMPTY", "LINES", "SHORT"].reduce(source) {
                $0.replacing("file:\($1)", with: "file:\(folder.file($1))")
            }
            for command in ["issue", "list", "request"] {
                let outcome = try bench.tokencert(
                    [command, "--pin-source", place], bench.faulty([:]))
                expect(outcome, status, message)
                #expect(!outcome.errors.contains("31415926"))
            }
            #expect(bench.calls("C_Login") == 0)
            #expect(bench.token.contents == before)
        }

        @Test("A token that fails is not reported as missing")
        func sickToken() throws {
            let bench = try Bench()
            let sick = bench.faulty(["FAULTY_RULES": "C_GetTokenInfo:before:return=0x30"])
            expect(try bench.tokencert(["list"], sick), 74, "CKR_DEVICE_ERROR")
            let tokens = try bench.tokencert(["tokens"], sick)
            #expect(tokens.status == 0)
            #expect(
                tokens.output.contains(
                    "cannot read the description of the token [CKR_DEVICE_ERROR]"),
                "\(tokens)")
        }

        @Test("The serial number in the URI of a key must match the token")
        func uriAndLabel() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["request", "--label", "mine"]).status == 0)
            let other = ["--token", "work", "--key", "pkcs11:serial=0000;object=mine"]
            expect(try bench.tokencert(["request"] + other), 66, "no token matches")
            expect(
                try bench.tokencert(["list", "--token", "work", "pkcs11:serial=0000"]), 66,
                "no token matches")
            expect(
                try bench.tokencert(
                    ["list", "--token", "pkcs11:?module-path=/nonexistent.so"],
                    ["TOKENCERT_MODULE": ""]), 78, "/nonexistent.so")
        }

        @Test("A PIN in a URI is refused and not printed")
        func pinInURI() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert([
                "issue", "--token", "pkcs11:token=work?pin-value=31415926",
            ])
            expect(outcome, 64, "the URI contains a PIN")
            #expect(!outcome.errors.contains("31415926"))
        }

        @Test("pin-source in a URI is used")
        func pinSourceInURI() throws {
            let bench = try Bench()
            let file = bench.token.folder.file("pin")
            let outcome = try bench.tokencert(
                ["list", "--json", "pkcs11:token=work?pin-source=file:\(file)"],
                ["TOKENCERT_PIN_SOURCE": ""])
            #expect(try outcome.json()["sawPrivateObjects"] as? Bool == true, "\(outcome.errors)")
        }

        @Test(
            "The flags of a token are checked before a PIN is sent",
            arguments: [
                ("USER_PIN_LOCKED", 77, "the token's PIN is locked"),
                ("USER_PIN_FINAL_TRY", 77, "one more wrong PIN locks the token; no PIN was sent"),
                ("USER_PIN_TO_BE_CHANGED", 77, "must be changed"),
                ("WRITE_PROTECTED", 73, "write-protected"),
            ] as [(String, Int32, String)])
        func flags(flags: String, status: Int32, message: String) throws {
            let bench = try Bench()
            let before = bench.token.contents
            expect(
                try bench.tokencert(["issue"], bench.faulty(["FAULTY_SET_FLAGS": flags])), status,
                message)
            #expect(bench.calls("C_Login") == 0)
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
            let tokens = try bench.tokencert(
                ["tokens", "--json"], bench.faulty(["FAULTY_SET_FLAGS": flags]))
            #expect(tokens.status == 0)
        }

        @Test("--allow-last-try permits the last PIN attempt")
        func lastTryOnDemand() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["issue", "--allow-last-try"],
                bench.faulty(["FAULTY_SET_FLAGS": "USER_PIN_FINAL_TRY"]))
            #expect(outcome.status == 0, "\(outcome.errors)")
        }

        @Test("An ID in use is refused for a new key")
        func idTaken() throws {
            let bench = try Bench()
            let first = try bench.tokencert(["request", "--id", "01ab", "--json"])
            #expect(first.status == 0, "\(first.errors)")
            let before = bench.token.contents
            for command in [["issue"], ["request"], ["issue", "--dry-run"]] {
                expect(
                    try bench.tokencert(command + ["--id", "01AB"]), 73, "the id 01ab is used")
            }
            #expect(bench.token.contents == before)
        }

        @Test("A full or broken token loses no certificate and leaves no partial key")
        func failingToken() throws {
            let full = try Bench()
            let outcome = try full.tokencert(
                ["issue"], full.faulty(["FAULTY_RULES": "C_CreateObject:before:return=0x31"]))
            expect(outcome, 73, "CKR_DEVICE_MEMORY")
            #expect(outcome.errors.contains("to continue: tokencert resume "))
            // The order has a certificate, so its key must not be removed.
            #expect(!outcome.errors.contains("to remove it: "))

            let removed = try Bench()
            let before = removed.token.contents
            expect(
                try removed.tokencert(
                    ["issue"],
                    removed.faulty(["FAULTY_RULES": "C_GenerateKeyPair:before:return=0x32"])), 74,
                "CKR_DEVICE_REMOVED")
            #expect(removed.token.contents == before)
            let generations = removed.calls("C_GenerateKeyPair")
            #expect(generations == 1, "another template was tried for a token that is gone")
            for name in ["C_GenerateKeyPair", "C_SignInit", "C_Sign", "C_CreateObject"] {
                expect(
                    try removed.tokencert(
                        ["issue"], removed.faulty(["FAULTY_DROP_FUNCTIONS": name])), 73, name)
            }
            #expect(removed.token.contents == before && removed.ca.requests.count == 1)
            let unsigned = try removed.tokencert(
                ["issue"], removed.faulty(["FAULTY_RULES": "C_Sign:before:return=0x30"]))
            expect(unsigned, 74, "CKR_DEVICE_ERROR")
            #expect(unsigned.errors.contains("to continue: tokencert resume "))
            #expect(unsigned.errors.contains(" --key --token "))
            #expect(removed.ca.orders.isEmpty)
        }

        @Test(
            "The ID of a single object is in use, too",
            arguments: ["certificate", "public", "private"])
        func occupied(object: String) throws {
            let bench = try Bench()
            let folder = bench.token.folder
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder.file("k"),
                    "-outform", "DER", "-out", folder.file("c"), "-subj", "/CN=others",
                ])
            let isPrivate = object == "private"
            try run(
                "openssl",
                ["rsa", "-in", folder.file("k"), "-outform", "DER", "-out", folder.file("d")]
                    + (isPrivate ? [] : ["-pubout"]))
            let written = try bench.token.pkcs11Tool([
                "--write-object", folder.file(object == "certificate" ? "c" : "d"), "--type",
                object == "certificate" ? "cert" : isPrivate ? "privkey" : "pubkey", "--id", "05",
            ])
            #expect(written.status == 0, "\(written.errors)")
            let before = bench.token.contents
            #expect(before.count == 1)
            for job in ["issue", "request"] {
                expect(try bench.tokencert([job, "--id", "05"]), 73, "the id 05 is used")
            }
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
        }

        @Test("If two pairs have the same ID, each certificate goes to its own key")
        func pairsWithOneID() throws {
            let bench = try Bench()
            for label in ["first", "second"] {
                let made = try bench.token.pkcs11Tool([
                    "--keypairgen", "--key-type", "rsa:2048", "--id", "07", "--label", label,
                ])
                #expect(made.status == 0, "\(made.errors)")
            }
            for label in ["first", "second"] {
                let outcome = try bench.tokencert([
                    "issue", "--json", "--key", "pkcs11:object=\(label);type=private",
                ])
                #expect(outcome.status == 0, "\(outcome.errors)")
                // After the certificate is removed, an import finds its key again.
                let issued = try outcome.json()
                let file = try bench.token.folder.write(
                    try #require(issued.certificate("pem")), "\(label).pem")
                let removed = try bench.tokencert([
                    "delete", "--yes", try #require(issued.certificate("uri")), "--serial",
                    try #require(issued.certificate("serialNumber")),
                ])
                #expect(removed.status == 0, "\(removed.errors)")
                let imported = try bench.tokencert(["import", "--cert", file, "--json"])
                #expect(imported.status == 0, "\(imported.errors)")
                #expect(try imported.json()["label"] as? String == label)
            }
            #expect(try bench.tokencert(["health"]).output.contains("another key has the same id"))
            #expect(try bench.tokencert(["list"]).output.contains("! another key has the same id"))
        }

        @Test("--key must match exactly one key")
        func namedKey() throws {
            let bench = try Bench()
            expect(
                try bench.tokencert(["issue", "--key", "pkcs11:object=nothing"]), 66,
                "no private key on the token matches")
            #expect(try bench.tokencert(["request", "--label", "twin"]).status == 0)
            try bench.token.makePair(.rsa, id: [7], label: Array("twin".utf8))
            let outcome = try bench.tokencert(["issue", "--key", "pkcs11:object=twin"])
            expect(outcome, 66, "2 private keys on the token match")
            #expect(outcome.errors.components(separatedBy: "one of them: --key ").count == 3)
            expect(
                try bench.tokencert(["issue", "--key", "pkcs11:token=work"]), 64,
                "names neither a key nor a certificate")
            #expect(bench.ca.orders.isEmpty)
        }

        @Test(
            "A name that no certificate can have is refused before a key is made",
            arguments: [
                ["--name", ""], ["--name", String(repeating: "x", count: 65)],
                ["--name", "x", "--email", "müller@example.org"],
            ])
        func impossibleSubject(arguments: [String]) throws {
            let bench = try Bench()
            let before = bench.token.contents
            expect(try bench.tokencert(["request"] + arguments), 65, "certificate")
            #expect(bench.token.contents == before)
        }

        @Test("A key that requires a context-specific login without reporting it can be used")
        func hiddenContextLogin() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["request"], bench.faulty(["FAULTY_CONTEXT_LOGIN": "1"]))
            #expect(outcome.status == 0, "\(outcome.errors)")
            // One login for the user, one for the signature.
            #expect(bench.calls("C_Login") == 2)
        }

        @Test(
            "A wrong command line is refused and changes nothing",
            arguments: [
                (
                    ["issue", "--key-type", "rsa:1024"],
                    "--key-type: unknown kind of key \"rsa:1024\""
                ),
                (["issue", "--id", "xyz"], "--id must be 1 to 64 bytes"),
                (["issue", "--token", "pkcs11:%zz"], "not a PKCS#11 URI"),
                (
                    ["issue", "--token", "pkcs11:nonsense=x"],
                    "the attribute \"nonsense\" is unknown"
                ),
                (["issue", "--nonsense"], "Unknown option '--nonsense'"),
                (["nonsense"], "unknown command \"nonsense\""),
                (["version"], "unknown command \"version\""),
                (["help", "nope"], "unknown command \"nope\""),
                (["list", "--pin", "0815"], "--pin is not an option"),
                (["issue", "--password=0815"], "--password is not an option"),
                (["issue", "--ca-url", "http://localhost"], "--ca-url must be an https://"),
                (["issue", "--ca-url", "https://u:p@localhost"], "--ca-url must be an https://"),
                (["issue", "--ca-url", "https://"], "--ca-url must be an https://"),
                (["issue", "--ca-url", "https://:443"], "--ca-url must be an https://"),
                (["issue", "--ca-url", "https://localhost "], "--ca-url must be an https://"),
                (["trust", "fetch", "--ca-url", "http://a b"], "--ca-url must be an https://"),
                (["issue", "--timeout", "0"], "--timeout must be between 1 and 3600 seconds"),
                (["issue", "--ca-accepts", "dsa"], "--ca-accepts: unknown kind of key \"dsa\""),
                (
                    ["issue", "--key", "pkcs11:object=a", "--id", "01"],
                    "--key names an existing key"
                ),
            ])
        func usage(arguments: [String], message: String) throws {
            let bench = try Bench()
            let before = bench.token.contents
            let refused = try bench.tokencert(arguments)
            expect(refused, 64, message)
            #expect(!refused.errors.contains("0815") && refused.output.isEmpty, "\(refused)")
            #expect(bench.token.contents == before)
            #expect(bench.ca.requests.isEmpty)
        }
    }
}
