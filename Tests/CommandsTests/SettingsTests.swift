import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// The configuration file and the sources of secrets.
    @Suite struct SettingsTests {
        private func configure(_ bench: Bench, _ text: String) throws -> [String: String] {
            ["TOKENCERT_CONFIG": try bench.token.folder.write(text, "config.json")]
        }

        @Test("The command line overrides the environment, the profile and the file, in this order")
        func precedence() throws {
            let bench = try Bench()
            let file = try configure(
                bench,
                """
                {"token": "missing", "timeout": 60, "profile": "home", "email": ["a@example.org"],
                 "profiles": {"home": {"token": "work", "quiet": true},
                              "other": {"token": "other", "codesign": true, "email": []}}}
                """)
            func settings(
                _ arguments: [String] = [], _ changes: [String: String] = [:]
            ) throws -> [String: [String: String]] {
                let report = try bench.tokencert(
                    ["config", "--json"] + arguments, file.merging(changes) { $1 }
                ).json()
                let lines = try #require(report["settings"] as? [[String: String]])
                return Dictionary(uniqueKeysWithValues: lines.map { ($0["name"] ?? "", $0) })
            }
            let usual = try settings()
            #expect(usual["token"] == ["name": "token", "value": "work", "from": "profile home"])
            #expect(usual["timeout"] == ["name": "timeout", "value": "60", "from": "file"])
            #expect(usual["email"]?["value"] == "a@example.org")
            #expect(usual["quiet"]?["value"] == "true")
            #expect(usual["username"]?["from"] == "TOKENCERT_USERNAME")
            #expect(usual["color"]?["from"] == "default")
            let other = try settings(["--profile", "other"])
            #expect(other["token"]?["value"] == "other" && other["quiet"]?["from"] == "not set")
            #expect(other["email"]?["value"] == "")
            let variable = try settings([], ["TOKENCERT_TOKEN": "third"])
            #expect(variable["token"]?["from"] == "TOKENCERT_TOKEN")
            // The commands use the settings, too. The same key in two profiles is not a repeated
            // key.
            #expect(try bench.tokencert(["list"], file).status == 0)
            expect(
                try bench.tokencert(["list", "--profile", "other"], file), 66,
                "no token has the label or serial number \"other\"")
            #expect(
                try bench.tokencert(["list", "--profile", "other", "--token", "work"], file).status
                    == 0)
            expect(
                try bench.tokencert(["issue", "--dry-run"], file), 65,
                "no verified address \"a@example.org\"")
            // A URI that contains its token overrides the configured token.
            #expect(
                try bench.tokencert(["list", "pkcs11:token=work", "--profile", "other"], file)
                    .status == 0)
            let usualPlace = bench.token.folder.file("config/tokencert")
            try FileManager.default.createDirectory(
                atPath: usualPlace, withIntermediateDirectories: true)
            try Data(#"{"token": "missing"}"#.utf8).write(
                to: URL(filePath: usualPlace + "/config.json"))
            expect(
                try bench.tokencert(["list"]), 66,
                "no token has the label or serial number \"missing\"")
        }

        @Test(
            "A mistake in the configuration file is an error",
            arguments: [
                ("{", "it is not valid JSON"), ("[]", "must be a JSON object"),
                (#"{"tokne": "work"}"#, "\"tokne\""),
                (#"{"token": true}"#, "a string in quotation"),
                (#"{"quiet": "yes"}"#, "true or false"), (#"{"yes": true}"#, "\"yes\""),
                (#"{"pin": "31415926"}"#, "\"pin\""),
                (#"{"profile": "a", "profiles": {"b": {}}}"#, "no profile \"a\""),
                (#"{"profiles": {"b": {"tokne": "x"}}}"#, "\"tokne\""),
                (#"{"profiles": ["b"]}"#, "must be a JSON object"),
                (#"{"token": "work", "token": "other"}"#, "\"token\" is set twice"),
                (
                    #"{"token": "}\",", "email": ["a"], "tok\u0065n": "b"}"#,
                    "\"token\" is set twice"
                ),
                (#"{"profiles": {"b": {}, "b": {"quiet": true}}}"#, "\"b\" is set twice"),
                (#"{"profiles": {"b": {"days": 9, "days": 8}}}"#, "\"days\" is set twice"),
                (#"{"token": ""}"#, "\"token\" in"), (#"{"ca-url": " "}"#, "is empty"),
                (#"{"module-arguments": ""}"#, "is empty"), (#"{"ledger": ""}"#, "is empty"),
                (#"{"email": []}"#, "is empty"), (#"{"email": ["a@example.org", ""]}"#, "is empty"),
                (#"{"profile": "", "profiles": {"": {}}}"#, "\"profile\" in"),
                (#"{"profiles": {"b": {"username": ""}}}"#, "\"username\" in"),
                (#"{"profiles": {"b": {"module-arguments": " "}}}"#, "\"module-arguments\" in"),
                (#"{"profiles": {"b": {"email": [""]}}}"#, "\"email\" in"),
            ])
        func mistakes(text: String, message: String) throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(["list"], try configure(bench, text))
            expect(outcome, 78, message)
            #expect(!outcome.errors.contains("31415926"))
            #expect(bench.logins.isEmpty)
        }

        @Test("A named pipe in place of the configuration file is refused without waiting")
        func pipe() throws {
            let bench = try Bench()
            let place = bench.token.folder.file("config/tokencert")
            try FileManager.default.createDirectory(
                atPath: place, withIntermediateDirectories: true)
            #expect(unsafe mkfifo(place + "/config.json", 0o600) == 0)
            expect(try bench.tokencert(["list"]), 78, "config.json is not a regular file")
        }

        // Otherwise other users could have programs run with the user's permissions.
        @Test("A configuration file that other users can write to is refused")
        func writableByOthers() throws {
            let bench = try Bench()
            let file = try configure(bench, #"{"token": "work"}"#)
            let path = bench.token.folder.file("config.json")
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
            expect(try bench.tokencert(["list"], file), 78, "other users can write")
            expect(
                try bench.tokencert(["list", "--config", "/nonexistent"]), 78, "/nonexistent")
            expect(
                try bench.tokencert(["list", "--profile", "work"]), 78, "no profile \"work\"")
        }

        @Test("The PIN of one token is not sent to another, and a misplaced PIN is not printed")
        func standing() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--label", "mail"]).status == 0)
            try bench.token.addToken(label: "other")
            // For another token, the PIN and the module of the configured one are not used.
            let wrong = try bench.token.folder.write("99998888\n", "wrong")
            let file = try configure(
                bench,
                #"{"token": "pkcs11:token=other?pin-source=file:\#(wrong)", "key-type": "rsa:2048"}"#
            )
            let settings = bench.faulty(file.merging(["TOKENCERT_PIN_SOURCE": ""]) { $1 })
            let named =
                "pkcs11:token=work;object=mail;type=private?pin-source=file:"
                + bench.token.folder.file("pin")
            #expect(try bench.tokencert(["show", named], settings).status == 0)
            #expect(try bench.tokencert(["list", "pkcs11:token=work"], settings).status == 0)
            #expect(bench.logins == ["user"])
            // The settings for new keys do not apply to an existing key.
            #expect(
                try bench.tokencert(["request", "--key", named, "--name", "x"], settings).status
                    == 0)
            // A PIN in place of its source is not printed.
            let shown = try bench.tokencert(
                ["config"],
                ["TOKENCERT_PIN_SOURCE": "31415926", "TOKENCERT_CA_URL": "https://a:b@c"])
            #expect(shown.status == 0 && !shown.output.contains("31415926"), "\(shown)")
            #expect(!shown.output.contains("a:b@"))
        }

        @Test(
            "A PIN in a URI is not printed if something precedes pkcs11:",
            arguments: [
                " pkcs11:token=work?pin-value=31415926", "'pkcs11:token=work?pin-value=31415926'",
                "token=work?PIN-VALUE=31415926",
            ])
        func misspeltURI(uri: String) throws {
            let bench = try Bench()
            for outcome in [
                try bench.tokencert(["list", "--token", uri]),
                try bench.tokencert(["list"], ["TOKENCERT_TOKEN": uri]),
            ] {
                expect(outcome, 64, "a URI must begin with pkcs11:")
                #expect(!outcome.errors.contains("31415926"), "\(outcome.errors)")
            }
            let shown = try bench.tokencert(["config"], ["TOKENCERT_TOKEN": uri])
            #expect(shown.status == 0 && !shown.output.contains("31415926"), "\(shown)")
        }

        @Test("A command can supply the PIN, and a wrong PIN from it is not sent again")
        func commands() throws {
            let bench = try Bench()
            let faulty = bench.faulty([:])
            let folder = bench.token.folder
            func list(_ command: String) throws -> Outcome {
                try bench.tokencert(["list", "--json", "--pin-source", command], faulty)
            }
            let right = try list("command:cat '\(folder.file("pin"))'")
            #expect(try right.json()["sawPrivateObjects"] as? Bool == true, "\(right.errors)")
            expect(try list("command:sh -c 'exit 1'"), 77, "sh exited with status 1")
            #expect(bench.logins.count == 1)
            expect(try list("command:echo 99999"), 77, "the PIN is wrong")
            let again = try list("command:echo 99999")
            expect(again, 77, "was refused by this token before")
            // Another program is another source.
            #expect(try list("command:cat \(folder.file("pin"))").status == 0)
            #expect(!again.errors.contains("99999"))
            #expect(bench.logins.count == 3)
            #expect(!(try folder.read("state/tokencert/refused-pins.json")).contains("99999"))
        }

        @Test("A PIN can be entered in pinentry, and its errors are reported")
        func pinentry() throws {
            let bench = try Bench()
            let settings = bench.faulty(["TOKENCERT_PIN_SOURCE": "pinentry"])
            let real = bench.token.folder.file("real")
            try FileManager.default.createDirectory(
                atPath: real, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: real + "/pinentry", withDestinationPath: "/usr/bin/pinentry-tty")
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            let asked = try AtTerminal(bench: bench).run(
                ["list"],
                "expect {PIN for \"work\"}; expect {PIN:}; send \(bench.token.pin)\\r",
                settings.merging(["PATH": real + ":" + path]) { $1 })
            #expect(asked.status == 0, "\(asked)")
            #expect(!asked.output.contains(bench.token.pin))
            #expect(bench.logins.count == 1)
            // Cancelled; missing; another program with its name; a PIN with an escape sequence.
            let given = try AtTerminal(bench: bench).run(
                ["list"], #"expect {PIN:}; send "\004""#,
                settings.merging(["PATH": real + ":" + path]) { $1 })
            #expect(given.status == 77, "\(given)")
            func list(_ script: String) throws -> Outcome {
                let file = try bench.token.folder.write("#!/bin/sh\n" + script, "pinentry")
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755], ofItemAtPath: file)
                return try bench.tokencert(
                    ["list"],
                    settings.merging(["PATH": bench.token.folder.path + ":" + path]) { $1 })
            }
            let loop = "echo OK; while read line; do case $line in"
            expect(
                try list("\(loop) GETPIN) echo ERR 83886179 cancelled;; *) echo OK;; esac; done"),
                77, "nothing was typed")
            expect(
                try list("\(loop) GETPIN) echo ERR 83886340 no display;; *) echo OK;; esac; done"),
                77, "pinentry failed: no display")
            expect(try list("exit 0"), 77, "exited without an answer")
            #expect(bench.logins.count == 1)
            let escaped = bench.token.pin.replacing("3", with: "%33")
            let right = try list(
                "\(loop) GETPIN) echo 'S x'; echo 'D \(escaped)'; echo OK;; *) echo OK;; esac; done"
            )
            #expect(right.status == 0, "\(right.errors)")
            expect(
                try bench.tokencert(["list"], settings.merging(["PATH": "/nonexistent"]) { $1 }),
                77, "cannot run pinentry")
        }
    }
}
