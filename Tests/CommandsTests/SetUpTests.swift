import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Setting up tokens, PINs and trust.
    @Suite struct SetUpTests {
        /// A store without a token, and files with a new PIN and a new SO PIN.
        private func emptyBench() throws -> (Bench, pin: String, officer: String) {
            let bench = try Bench(withoutToken: ())
            return (
                bench, try bench.token.folder.write("8347261\n", "new-pin"),
                try bench.token.folder.write("98127341\n", "so-pin")
            )
        }

        private func softHSM(_ bench: Bench, _ officer: String) -> [String: String] {
            bench.faulty(["TOKENCERT_SO_PIN_SOURCE": "file:\(officer)"])
        }

        @Test("token init sets up a token with the given PIN and SO PIN")
        func initialize() throws {
            let (bench, pin, officer) = try emptyBench()
            let arguments = ["token", "init", "--label", "wörk", "--pin-source", "file:\(pin)"]
            let made = try bench.tokencert(arguments, softHSM(bench, officer))
            #expect(made.status == 0, "\(made.errors)")
            #expect(made.output.contains("label   wörk"))
            let issued = try bench.tokencert(
                ["issue", "--token", "wörk", "--pin-source", "file:\(pin)"])
            #expect(issued.status == 0, "\(issued.errors)")
            // Another program confirms the SO PIN.
            let other = try run(
                "pkcs11-tool",
                [
                    "--module", softHSMModule, "--token-label", "wörk", "--login", "--login-type",
                    "so", "--so-pin", "env:PIN", "--init-pin", "--new-pin", "env:NEW",
                ],
                environment: bench.token.environment.merging([
                    "PIN": "98127341", "NEW": "8347261",
                ]) { $1 })
            #expect(other.status == 0, "\(other.errors)")
        }

        @Test("A token in use is erased only after a confirmation and with the right SO PIN")
        func initializeAgain() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue"]).status == 0)
            let before = bench.token.contents
            let right = try bench.token.folder.write(bench.token.soPIN, "so-pin")
            let pin = try bench.token.folder.write("8347261", "new-pin")
            let arguments = [
                "token", "init", "--label", "other", "--token", "work", "--pin-source",
                "file:\(pin)",
            ]
            let settings = softHSM(bench, right)
            let unasked = try run(
                "setsid", ["--wait", product("tokencert")] + arguments,
                environment: bench.environment.merging(settings) { $1 })
            expect(unasked, 64, "there is no terminal")
            let source = try run(
                "setsid", ["--wait", product("tokencert"), "token", "change-pin"],
                environment: bench.environment)
            expect(source, 64, "there is no terminal")
            #expect(source.errors.contains("--new-pin-source"), "\(source)")
            expect(
                try bench.tokencert(arguments + ["--erase", "word"], settings), 64,
                "the label of the token is \"work\"")
            let wrong = try AtTerminal(bench: bench).run(
                arguments, "expect {Type work}; send wrok\\r", settings)
            #expect(wrong.status == 64 && wrong.output.contains("nothing was done"), "\(wrong)")
            #expect(wrong.output.contains("keys 1, certificates 1"), "\(wrong)")
            let wrongPIN = softHSM(bench, pin)
            let erase = arguments + ["--erase", "work"]
            expect(try bench.tokencert(erase, wrongPIN), 77, "security officer's PIN is wrong")
            // The wrong PIN is not sent a second time.
            expect(try bench.tokencert(erase, wrongPIN), 77, "was refused by this token before")
            #expect(bench.calls("C_InitToken") == 1)
            #expect(bench.token.contents == before)
            let done = try AtTerminal(bench: bench).run(
                arguments, "expect {Type work}; send work\\r", settings)
            #expect(done.status == 0, "\(done)")
            let list = try bench.tokencert(
                ["list", "--json", "--token", "other", "--pin-source", "file:\(pin)"]
            ).json()
            #expect((list["keys"] as? [Any])?.isEmpty == true)
        }

        @Test(
            "A PIN that is easy to guess is refused as the new PIN",
            arguments: ["123456", "12345678", "1111", "987654", "3537363231383830"])
        func weakPINs(pin: String) throws {
            let bench = try Bench()
            let file = try bench.token.folder.write(pin, "weak")
            let settings = bench.faulty([:])
            expect(
                try bench.tokencert(
                    ["token", "change-pin", "--new-pin-source", "file:\(file)"], settings), 64,
                "the new PIN is refused")
            #expect(bench.calls("C_SetPIN") == 0 && bench.logins.isEmpty)
        }

        @Test("The prompts of token init contain the new name of the token")
        func promptsOfNewToken() throws {
            let bench = try Bench()
            let empty = try ThrowawayToken(label: nil)
            let settings = empty.environment.merging([
                "TOKENCERT_TOKEN": "", "TOKENCERT_PIN_SOURCE": "prompt",
            ]) { $1 }
            let done = try AtTerminal(bench: bench).run(
                ["token", "init", "--label", "home"],
                """
                expect "The SO PIN (security officer) replaces"
                expect {new SO PIN for "home": }; send 27182818\\r; expect "once more: "
                send 27182818\\r; expect "The PIN unlocks the keys on the token: 4 to 255 characters"
                expect {new PIN for "home": }; send 23456789\\r
                expect "too easy to guess: digits in order; try again"
                expect {new PIN for "home": }; send 123456\\r
                expect "a factory default; try again"
                expect {new PIN for "home": }; send 83649172\\r
                expect "once more: "; send 83649172\\r
                """, settings)
            #expect(done.status == 0 && done.output.contains("The token is set up"), "\(done)")
            #expect(
                !done.output.contains("83649172") && !done.output.contains("23456789"), "\(done)")
        }

        @Test("change-pin changes the PIN and sends a wrong old PIN only once")
        func changePIN() throws {
            let bench = try Bench()
            let new = try bench.token.folder.write("55512347", "new")
            let arguments = ["token", "change-pin", "--new-pin-source", "file:\(new)"]
            let settings = bench.faulty([:])
            let wrong = settings.merging(["TOKENCERT_PIN_SOURCE": "file:\(new)"]) { $1 }
            for _ in 0..<2 {
                #expect(try bench.tokencert(arguments, wrong).status == 77)
            }
            // The login detects the wrong PIN, so only one attempt is used up.
            #expect(bench.calls("C_SetPIN") == 0 && bench.logins == ["user"])
            #expect(try bench.tokencert(arguments, settings).status == 0)
            #expect(try bench.tokencert(["list"], wrong).status == 0)
            expect(try bench.tokencert(["list"]), 77, "the PIN is wrong")
            // The two entries of the new PIN differ, three times.
            let twice =
                "expect {new PIN for}; send 73829104\\r; expect {once more}; send 73829105\\r"
            let typed = try AtTerminal(bench: bench).run(
                ["token", "change-pin"],
                "\(twice); expect {try again}; \(twice); expect {try again}; \(twice)", wrong)
            #expect(typed.status == 64, "\(typed)")
            #expect(typed.output.contains("error:") && bench.calls("C_SetPIN") == 1, "\(typed)")
            #expect(
                typed.output.components(separatedBy: "the two do not match; try again").count == 3)
            #expect(!typed.output.contains("7382910"))
        }

        @Test("token unblock sets a new PIN with the SO PIN and keeps the keys")
        func unblock() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["request"]).status == 0)
            let officer = try bench.token.folder.write(bench.token.soPIN, "so-pin")
            let new = try bench.token.folder.write("55512347", "new")
            let settings = softHSM(bench, officer)
            expect(
                try bench.tokencert(["token", "set-pin", "--pin-source", "file:\(new)"], settings),
                73, "already has a user PIN")
            let arguments = ["token", "unblock", "--pin-source", "file:\(new)"]
            let wrong = softHSM(bench, new)
            for _ in 0..<2 { #expect(try bench.tokencert(arguments, wrong).status == 77) }
            #expect(bench.logins == ["SO"])
            #expect(try bench.tokencert(arguments, settings).status == 0)
            let list = try bench.tokencert(["list", "--json", "--pin-source", "file:\(new)"]).json()
            #expect((list["keys"] as? [Any])?.count == 1)
            // A token with objects keeps its name, since renaming would erase them.
            expect(
                try bench.tokencert(
                    ["token", "label", "home", "--pin-source", "file:\(new)"], settings), 73,
                "has 2 objects")
        }

        @Test("An SO PIN that the card refuses only in C_InitPIN is not sent again")
        func officerRefusedLate() throws {
            let bench = try Bench()
            let officer = try bench.token.folder.write(bench.token.soPIN, "so-pin")
            let new = try bench.token.folder.write("55512347", "new")
            let late = softHSM(bench, officer).merging(
                ["FAULTY_RULES": "C_InitPIN:before:return=0xa0"]) { $1 }
            let arguments = ["token", "unblock", "--pin-source", "file:\(new)"]
            expect(try bench.tokencert(arguments, late), 77, "the security officer's PIN is wrong")
            expect(try bench.tokencert(arguments, late), 77, "was refused by this token before")
            #expect(bench.logins == ["SO"])
        }

        @Test("token label renames an empty token and keeps its PINs")
        func label() throws {
            let bench = try Bench()
            let officer = try bench.token.folder.write(bench.token.soPIN, "so-pin")
            let outcome = try bench.tokencert(["token", "label", "home"], softHSM(bench, officer))
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(try bench.tokencert(["list", "--token", "home"]).status == 0)
        }

        @Test(
            "An expired PIN can be changed, and a wrong SO PIN does not count against the user PIN"
        )
        func expiredAndMixed() throws {
            let bench = try Bench()
            let new = try bench.token.folder.write("55512347", "new")
            let expired = bench.faulty(["FAULTY_SET_FLAGS": "USER_PIN_TO_BE_CHANGED"])
            expect(try bench.tokencert(["request"], expired), 77, "must be changed before")
            #expect(
                try bench.tokencert(["request"], expired).errors.contains("token change-pin"))
            let arguments = ["token", "change-pin", "--new-pin-source", "file:\(new)"]
            let changed = try bench.tokencert(arguments, expired)
            #expect(changed.status == 0, "\(changed.errors)")
            let settings = ["TOKENCERT_PIN_SOURCE": "file:\(new)"]
            // The SO PIN is wrong; the correct user PIN must not be recorded as refused.
            let wrong = softHSM(bench, new).merging(settings) { $1 }
            expect(
                try bench.tokencert(["token", "label", "home"], wrong), 77,
                "the security officer's PIN is wrong")
            #expect(try bench.tokencert(["list"], wrong).status == 0)
        }

        @Test("change-pin on a token without a login requirement changes only the SO PIN")
        func noLoginRequired() throws {
            let bench = try Bench()
            let officer = try bench.token.folder.write(bench.token.soPIN, "so-pin")
            let new = try bench.token.folder.write("55512347", "new")
            let open = softHSM(bench, officer).merging([
                "FAULTY_CLEAR_FLAGS": "LOGIN_REQUIRED"
            ]) { $1 }
            expect(
                try bench.tokencert(
                    ["token", "change-pin", "--new-pin-source", "file:\(new)"], open), 73,
                "does not use a PIN")
            #expect(bench.logins.isEmpty)
            let outcome = try bench.tokencert(
                ["token", "change-pin", "--so", "--new-pin-source", "file:\(new)"], open)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(bench.logins == ["SO", "SO"])
            // The user PIN is unchanged.
            #expect(try bench.tokencert(["request"]).status == 0)
            // Private objects are searched for before a token is initialized again.
            try bench.token.pkcs11Tool(["--delete-object", "--type", "pubkey"])
            let before = bench.token.contents
            let right = softHSM(bench, new).merging([
                "FAULTY_CLEAR_FLAGS": "LOGIN_REQUIRED"
            ]) { $1 }
            expect(
                try bench.tokencert(["token", "label", "home"], right), 73, "which would be lost")
            #expect(bench.token.contents == before && bench.calls("C_InitToken") == 0)
        }

        @Test("Only the token that the user confirmed is erased")
        func swapped() throws {
            let bench = try Bench()
            let officer = try bench.token.folder.write(bench.token.soPIN, "so-pin")
            let pin = try bench.token.folder.write("8347261", "new-pin")
            // A configured token name does not select a token to erase.
            let byDefault = try bench.tokencert(
                ["token", "init", "--label", "x", "--pin-source", "file:\(pin)"],
                softHSM(bench, officer).merging(["TOKENCERT_TOKEN": "work"]) { $1 })
            #expect(byDefault.status == 0, "\(byDefault.errors)")
            #expect(try bench.tokencert(["list", "--token", "work"]).status == 0)
            let before = bench.token.contents
            // The token is removed while the user is asked.
            let file = try bench.token.folder.write("", "token-file")
            let gone = try AtTerminal(bench: bench).run(
                [
                    "token", "init", "--label", "y", "--token", "work", "--pin-source",
                    "file:\(pin)",
                ],
                "expect {Type work}; exec rm {\(file)}; send work\\r",
                softHSM(bench, officer).merging(["FAULTY_TOKEN_FILE": file]) { $1 })
            #expect(gone.status == 74, "\(gone)")
            #expect(bench.calls("C_InitToken") == 1)
            #expect(bench.token.contents == before)
        }

        @Test("If a module cannot set PINs, nothing is sent to it")
        func noNewPIN() throws {
            let bench = try Bench()
            let profile = try bench.token.folder.write(
                """
                {"name": "x", "title": "x", "tested": "x", "match": {"tokenModel": "SoftHSM v2"},
                 "newPINTool": "some-tool unblock"}
                """, "profile.json")
            let settings = bench.faulty(["TOKENCERT_TOKEN_PROFILE": profile])
            for arguments in [
                ["token", "unblock"], ["token", "label", "x"],
                ["token", "init", "--label", "x", "--token", "work", "--erase", "work"],
            ] {
                let outcome = try bench.tokencert(arguments, settings)
                expect(outcome, 73, "cannot set a user PIN")
                #expect(outcome.errors.contains("some-tool unblock"))
            }
            #expect(bench.logins.isEmpty && bench.calls("C_InitToken") == 0)
        }

        @Test("Only the known root, or one with the given fingerprint, is trusted")
        func trust() throws {
            let bench = try Bench()
            let own = ["TOKENCERT_CA_FILE": ""]
            let folder = bench.token.folder.file("data") + "/tokencert/anchors"
            func names() -> [String] {
                (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            }
            expect(try bench.tokencert(["trust", "fetch"], own), 76, "is not the expected root")
            #expect(names().isEmpty)
            expect(try bench.tokencert(["issue"], own), 78, "no trust anchors")
            let text = try run(
                "openssl",
                ["x509", "-in", bench.ca.rootFile, "-noout", "-fingerprint", "-sha256"]
            ).output
            let fingerprint = try #require(text.split(separator: "=").last).trimmingCharacters(
                in: .whitespacesAndNewlines)
            let fetched = try bench.tokencert(
                ["trust", "fetch", "--json", "--fingerprint", fingerprint], own)
            #expect(try (fetched.json()["anchors"] as? [Any])?.count == 2, "\(fetched.errors)")
            let issued = try bench.tokencert(["issue"], own)
            #expect(issued.status == 0, "\(issued.errors)")
            let list = try bench.tokencert(["trust"], own).output
            #expect(list.contains("Stand-in CA Class 1 Root") && list.contains("Class 3"))
            let name = try #require(names().first { $0.contains("class-1") }?.dropLast(4))
            expect(
                try bench.tokencert(["trust", "remove", "\(name)x"], own), 66, "no trust anchor")
            #expect(try bench.tokencert(["trust", "remove", "\(name)"], own).status == 0)
            #expect(names().count == 1)
            #expect(try bench.tokencert(["trust", "add", bench.ca.rootFile], own).status == 0)
            #expect(names().count == 2)
            // The server is unreachable: nothing is stored, and the error says so.
            expect(
                try bench.tokencert(
                    ["trust", "fetch"],
                    own.merging(["TOKENCERT_CA_URL": "http://localhost:1"]) { $1 }),
                69, "cannot reach http://localhost:1")
        }
    }
}
