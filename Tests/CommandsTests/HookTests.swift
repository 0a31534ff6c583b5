import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertCommands

extension RealParts {
    /// Programs of the user before an order, after a certificate and after a failure.
    @Suite struct HookTests {
        /// A token, a CA, and a configuration file with hooks.
        private struct HookBench {
            let bench: Bench
            private let file: String

            init(_ options: [String] = []) throws {
                bench = try Bench(options)
                file = bench.token.folder.file("config.json")
                try set([:])
            }

            var folder: TemporaryFolder { bench.token.folder }

            /// Sets the commands of hooks, and removes all others.
            func set(_ hooks: [String: String]) throws {
                let data = try JSONSerialization.data(withJSONObject: ["hooks": hooks])
                try folder.write(String(decoding: data, as: UTF8.self), "config.json")
            }

            /// A command that stores its environment, its input and its descriptors in files named
            /// after the hook.
            func recorder() throws -> String {
                let script = try folder.write(
                    """
                    cd '\(folder.path)' || exit 1
                    env >"$TOKENCERT_HOOK.env"
                    cat >"$TOKENCERT_HOOK.json"
                    ls -l /proc/self/fd >"$TOKENCERT_HOOK.descriptors"
                    echo x >>"$TOKENCERT_HOOK.runs"
                    """, "recorder")
                return "sh \(script)"
            }

            func tokencert(
                _ arguments: [String], _ changes: [String: String] = [:]
            ) throws -> Outcome {
                try bench.tokencert(
                    arguments, ["TOKENCERT_CONFIG": file].merging(changes) { $1 })
            }

            func issue(_ more: [String] = []) throws -> Outcome {
                try tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"] + more)
            }

            func runs(_ hook: String) -> Int {
                ((try? folder.read(hook + ".runs")) ?? "").split(separator: "\n").count
            }

            /// The variables of tokencert that a recorder got.
            func variables(_ hook: String) throws -> [String: String] {
                let lines = try folder.read(hook + ".env").split(separator: "\n")
                    .filter { $0.hasPrefix("TOKENCERT_") }
                return Dictionary(
                    lines.map { line in
                        let parts = line.split(separator: "=", maxSplits: 1)
                        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
                    }, uniquingKeysWith: { $1 })
            }

            /// The input that a recorder got, after it was validated against the schema.
            func input(_ hook: String) throws -> [String: Any] {
                let text = try folder.read(hook + ".json")
                let root = URL(filePath: #filePath).deletingLastPathComponent()
                    .deletingLastPathComponent().deletingLastPathComponent()
                let schema = root.appending(
                    path: "Sources/Commands/Documentation.docc/Resources/tokencert.schema.json")
                let script = root.appending(path: "Tests/TestSupport/validate.py")
                let valid = try run(
                    "/usr/bin/python3", [script.path(), schema.path(), "hook"], input: text)
                #expect(valid.status == 0, "\(valid.errors)\(text)")
                let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
                return try #require(object as? [String: Any])
            }
        }

        // Otherwise a hook could not decide, or would learn where the PIN is.
        @Test("Hooks get the facts of the order and the certificate, and no setting of the user")
        func facts() throws {
            let bench = try HookBench()
            let recorder = try bench.recorder()
            try bench.set(["before-order": recorder, "after-issue": recorder])
            // A path is relative to the folder in which tokencert was started.
            let ledger = FileManager.default.currentDirectoryPath + "/other-\(UUID()).sqlite"
            defer {
                for end in ["", "-wal", "-shm", ".lock"] {
                    try? FileManager.default.removeItem(atPath: ledger + end)
                }
            }
            let relative = try #require(ledger.split(separator: "/").last)
            let issued = try bench.issue(["--ledger", String(relative)])
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(!issued.errors.contains("warning"), "\(issued.errors)")
            let before = try bench.variables("before-order")
            #expect(before["TOKENCERT_HOOK_COMMAND"] == "issue")
            #expect(before["TOKENCERT_HOOK_TOKEN_LABEL"] == "work")
            #expect(before["TOKENCERT_HOOK_TOKEN"]?.hasPrefix("pkcs11:") == true, "\(before)")
            #expect(before["TOKENCERT_HOOK_KEY_LABEL"] == "mail")
            #expect(before["TOKENCERT_HOOK_EMAILS"] == "anna@example.org", "\(before)")
            #expect(before["TOKENCERT_HOOK_NAME"]?.hasPrefix("Anna") == true, "\(before)")
            #expect(before["TOKENCERT_HOOK_ORDER"] == nil)
            #expect(before["TOKENCERT_HOOK_SERIAL"] == nil)
            let after = try bench.variables("after-issue")
            #expect(after["TOKENCERT_HOOK_ORDER"] == "1")
            #expect(after["TOKENCERT_HOOK_KEY_ID"] == before["TOKENCERT_HOOK_KEY_ID"])
            #expect(after["TOKENCERT_HOOK_NOT_AFTER"]?.hasSuffix("Z") == true, "\(after)")
            #expect(after["TOKENCERT_HOOK_SERIAL"] != nil)
            for variables in [before, after] {
                // The number of the order belongs to this ledger.
                #expect(variables["TOKENCERT_LEDGER"] == ledger)
                let others = variables.keys.filter { !$0.hasPrefix("TOKENCERT_HOOK") }
                #expect(others == ["TOKENCERT_LEDGER"])
            }
            _ = try bench.input("before-order")
            let certificate = try #require(
                (try bench.input("after-issue")["issued"] as? [String: Any])?["certificate"]
                    as? [String: Any])
            #expect((certificate["pem"] as? String)?.contains("BEGIN CERTIFICATE") == true)
            for hook in ["before-order", "after-issue"] {
                let descriptors = try bench.folder.read(hook + ".descriptors")
                #expect(!descriptors.contains("sqlite") && !descriptors.contains("socket"))
            }
        }

        // Otherwise a refused order would cost a key, a PIN attempt or a certificate.
        @Test(
            "An order that before-order refuses leaves the ledger, the token and the CA unchanged")
        func refused() throws {
            let bench = try HookBench()
            try bench.set(["before-order": "sh -c 'echo not on Sundays >&2; exit 3'"])
            let dryRun = try bench.issue(["--dry-run"])
            #expect(dryRun.status == 0, "\(dryRun.errors)")
            #expect(dryRun.output.contains("whether the hook before-order allows the order"))
            let refused = try bench.issue()
            expect(refused, 77, "the hook before-order refused the order: not on Sundays")
            #expect(refused.errors.contains("edit \(bench.folder.file("config.json"))"))
            let json = try bench.issue(["--json"]).json()
            #expect((json["error"] as? [String: Any])?["code"] as? String == "hookFailed")
            #expect(bench.bench.ca.orders.isEmpty)
            #expect(bench.bench.token.contents.isEmpty)
            #expect(
                !FileManager.default.fileExists(
                    atPath: bench.folder.file("state/tokencert/ledger.sqlite")))
        }

        @Test("An order that was not sent stays as it was if before-order refuses to resume it")
        func resumed() throws {
            let bench = try HookBench()
            _ = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.bench.faulty(["FAULTY_RULES": "C_GenerateKeyPair:after:kill"]))
            try bench.set(["before-order": "false"])
            let history = try bench.tokencert(["history", "1"]).output
            expect(
                try bench.tokencert(["resume", "1"]), 77,
                "the hook before-order refused the order: false exited with status 1")
            #expect(try bench.tokencert(["history", "1"]).output == history)
            #expect(bench.bench.ca.orders.isEmpty)
            let recorder = try bench.recorder()
            try bench.set(["before-order": recorder, "after-issue": recorder])
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            for hook in ["before-order", "after-issue"] {
                #expect(try bench.variables(hook)["TOKENCERT_HOOK_ORDER"] == "1")
                #expect(try bench.variables(hook)["TOKENCERT_HOOK_COMMAND"] == "resume")
            }
        }

        @Test("A hook that is not installed stops an order only if it is before-order")
        func notInstalled() throws {
            let bench = try HookBench()
            let recorder = try bench.recorder()
            try bench.set(["before-order": "/no/such/hook", "after-issue": recorder])
            let stopped = try bench.issue()
            expect(stopped, 77, "the hook before-order failed: cannot run /no/such/hook")
            #expect(bench.bench.ca.orders.isEmpty && bench.runs("after-issue") == 0)
            let doctor = try bench.tokencert(["doctor", "--offline"])
            #expect(doctor.status == 79)
            #expect(doctor.output.contains("the hook before-order is not found: /no/such/hook"))
            try bench.set(["before-order": recorder, "after-issue": "/no/such/hook"])
            let issued = try bench.issue()
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(
                issued.errors.contains(
                    "warning: the hook after-issue failed: cannot run /no/such/hook"))
            #expect(bench.runs("before-order") == 1)
            let config = try bench.tokencert(["config"]).output
            #expect(config.contains("hooks.after-issue") && config.contains("/no/such/hook"))
        }

        // Otherwise a user would not look for the certificate that the CA may have issued.
        @Test("If before-order refuses a second order, the certificate of the first can be fetched")
        func secondOrder() throws {
            let bench = try HookBench(["--signing-time", "1"])
            #expect(try bench.issue().status == 75)
            try bench.set(["before-order": "false"])
            let again = ["resume", "1", "--order-again"]
            let refused = try bench.tokencert(again)
            expect(refused, 77, "order 1 was not sent again, and the CA may still issue")
            #expect(refused.errors.contains("tokencert resume 1 --fetch"), "\(refused)")
            #expect(!refused.errors.contains("nothing was changed"), "\(refused)")
            let json = try #require(
                try bench.tokencert(again + ["--json"]).json()["error"] as? [String: Any])
            #expect((json["message"] as? String)?.contains("was not sent again") == true)
            #expect(bench.bench.ca.orders.count == 1)
        }

        // Otherwise a program that reads the result of an order would get text that is not JSON.
        @Test("A signal during a hook at the end leaves one JSON value on standard output")
        func interrupted() throws {
            let bench = try HookBench()
            let running = bench.folder.file("running")
            try bench.set(["after-issue": "sh -c 'touch \(running); sleep 60'"])
            let program = try InBackground(
                bench.bench, ["issue", "--key-type", "rsa:2048", "--json"],
                ["TOKENCERT_CONFIG": bench.folder.file("config.json")])
            waitUntil { FileManager.default.fileExists(atPath: running) }
            let end = program.send(SIGINT)
            #expect(end.signal == SIGINT, "\(end)")
            let json = try JSONSerialization.jsonObject(with: Data(end.output.utf8))
            #expect((json as? [String: Any])?["error"] == nil, "\(end)")
            #expect(end.errors.contains("the hook after-issue may be incomplete"), "\(end)")
        }

        // Otherwise doctor reports that all is well, and every order fails.
        @Test("doctor reports a hook that is a folder, not executable, or without an interpreter")
        func unusable() throws {
            let bench = try HookBench()
            let folder = bench.folder.path
            let plain = try bench.folder.write("#!/bin/sh\n", "plain")
            let bare = try bench.folder.write("exit 0\n", "bare")
            let lost = try bench.folder.write("#!/no/such/interpreter\n", "lost")
            for file in [bare, lost] {
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755], ofItemAtPath: file)
            }
            for (program, text) in [
                (folder, "is not a regular file"), (plain, "is not executable"),
                (bare, "is a script without an interpreter in its first line"),
                (lost, "is a script whose interpreter is not found: /no/such/interpreter"),
            ] {
                try bench.set(["before-order": program])
                let doctor = try bench.tokencert(["doctor", "--offline", "--json"])
                #expect(doctor.status == 79, "\(doctor)")
                let checks = try #require(try doctor.json()["checks"] as? [[String: Any]])
                let messages = checks.compactMap { $0["message"] as? String }
                #expect(
                    messages.contains("the program of the hook before-order \(text): \(program)"),
                    "\(messages)")
                expect(try bench.issue(), 77, "cannot run \(program): it \(text)")
            }
            #expect(bench.bench.ca.orders.isEmpty)
        }

        // Otherwise a failure at night would stay unnoticed.
        @Test("on-failure gets the message and the status, except for a wrong command line")
        func failures() throws {
            let bench = try HookBench()
            try bench.set(["on-failure": try bench.recorder()])
            #expect(try bench.issue(["--nonsense"]).status == 64)
            let wrong = ["--email", "bob@example.org"]
            #expect(try bench.issue(wrong + ["--dry-run"]).status == 65)
            #expect(try bench.tokencert(["show", "pkcs11:object=nothing"]).status == 66)
            #expect(bench.runs("on-failure") == 0)
            let failed = try bench.issue(wrong)
            #expect(failed.status == 65, "\(failed.errors)")
            #expect(bench.runs("on-failure") == 1)
            let variables = try bench.variables("on-failure")
            #expect(variables["TOKENCERT_HOOK_STATUS"] == "65")
            #expect(variables["TOKENCERT_HOOK_COMMAND"] == "issue")
            let message = try #require(variables["TOKENCERT_HOOK_MESSAGE"])
            #expect(failed.errorLine == "error: " + message)
            let error = try #require(try bench.input("on-failure")["error"] as? [String: Any])
            #expect(error["code"] as? String == variables["TOKENCERT_HOOK_CODE"])
            // The ledger was not opened before this failure.
            let ledger = bench.folder.file("own.sqlite")
            _ = try bench.tokencert(["issue"] + wrong, ["TOKENCERT_LEDGER": ledger])
            #expect(try bench.variables("on-failure")["TOKENCERT_LEDGER"] == ledger)
            _ = try bench.issue(wrong + ["--ledger", "own.sqlite"])
            let typed = try bench.variables("on-failure")["TOKENCERT_LEDGER"]
            #expect(typed?.hasPrefix("/") == true && typed?.hasSuffix("/own.sqlite") == true)
            try bench.set(["on-failure": "sh -c 'echo no mail >&2; exit 1'"])
            let warned = try bench.issue(wrong)
            #expect(warned.status == 65)
            #expect(
                warned.errors.hasSuffix(
                    "warning: the hook on-failure failed: sh exited with status 1: no mail\n"),
                "\(warned.errors)")
        }

        // Otherwise a script that removes what is left of the key would remove another one.
        @Test(
            "on-failure gets the label of the new key, not that of the key that has the default label"
        )
        func labelOfFailedKey() throws {
            let bench = try HookBench()
            let arguments = ["issue", "--key-type", "rsa:2048"]
            #expect(try bench.tokencert(arguments).status == 0)
            try bench.set(["on-failure": try bench.recorder()])
            let failing = bench.bench.faulty(["FAULTY_RULES": "C_CreateObject#1:before:return=0x30"]
            )
            let failed = try bench.tokencert(arguments, failing)
            #expect(failed.status != 0, "\(failed)")
            let variables = try bench.variables("on-failure")
            #expect(variables["TOKENCERT_HOOK_KEY_LABEL"] == "anna@example.org 2")
        }

        @Test("on-expiring runs for each certificate that is listed, without its token")
        func expiring() throws {
            let bench = try HookBench()
            #expect(try bench.issue().status == 0)
            try bench.set(["on-expiring": try bench.recorder()])
            let withoutToken = ["TOKENCERT_MODULE": "/nonexistent.so"]
            #expect(try bench.tokencert(["expiring"], withoutToken).status == 0)
            #expect(bench.runs("on-expiring") == 0)
            let listed = try bench.tokencert(["expiring", "--within", "1000d"], withoutToken)
            #expect(listed.status == 79 && listed.errors.isEmpty, "\(listed)")
            #expect(bench.runs("on-expiring") == 1)
            let variables = try bench.variables("on-expiring")
            #expect(variables["TOKENCERT_HOOK_ORDER"] == "1")
            #expect(variables["TOKENCERT_HOOK_KEY_LABEL"] == "mail")
            #expect(variables["TOKENCERT_LEDGER"]?.hasSuffix("/ledger.sqlite") == true)
            let line = try #require(try bench.input("on-expiring")["expiring"] as? [String: Any])
            let certificate = try #require(line["certificate"] as? [String: Any])
            #expect((certificate["pem"] as? String)?.contains("BEGIN CERTIFICATE") == true)
            #expect((line["next"] as? String)?.hasPrefix("tokencert renew mail") == true)
        }

        // Otherwise on-failure could start itself forever.
        @Test("tokencert runs in a hook without warnings, and without hooks of its own")
        func nested() throws {
            let bench = try HookBench()
            let script = try bench.folder.write(
                """
                cd '\(bench.folder.path)' || exit 1
                echo x >>on-failure.runs
                '\(product("tokencert"))' issue \
                    --config '\(bench.folder.file("config.json"))' >nested.txt 2>&1
                """, "nested")
            try bench.set(["on-failure": "sh \(script)"])
            #expect(try bench.issue(["--email", "bob@example.org"]).status == 65)
            #expect(bench.runs("on-failure") == 1)
            let text = try bench.folder.read("nested.txt")
            #expect(text.contains("error: ") && !text.contains("warning: "), "\(text)")
        }

        // Otherwise a hook that hangs would keep a timer from running again.
        @Test("A hook that does not end is terminated, even if it ignores SIGTERM")
        func hanging() throws {
            let hook = try HookRun(
                HookInput(.afterIssue, of: "issue", HookFacts()),
                words: ["sh", "-c", "trap '' TERM; echo waiting >&2; sleep 60"])
            let began = ContinuousClock.now
            let problem = try #require(hook.problem(withinSeconds: 1))
            #expect(problem.failureText == "failed: sh did not end within 1 seconds: waiting")
            #expect(ContinuousClock.now - began < .seconds(30))
        }

        @Test("The example shows a notification, and mails it if there is no desktop")
        func example() throws {
            let folder = try TemporaryFolder()
            let example = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../Packaging/examples/hook-notify").standardizedFileURL.path()
            let path = "\(folder.path):/usr/bin:/bin"
            for (program, result) in [("notify-send", "1"), ("mail", "0")] {
                let file = try folder.write(
                    """
                    #!/bin/sh
                    { echo "\(program)" "$@"; [ \(program) = notify-send ] || cat; } \
                        >>'\(folder.file("calls"))'
                    exit \(result)
                    """, program)
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o755], ofItemAtPath: file)
            }
            let facts = [
                "PATH": path, "DBUS_SESSION_BUS_ADDRESS": "none", "TOKENCERT_HOOK": "on-failure",
                "TOKENCERT_HOOK_COMMAND": "renew", "TOKENCERT_HOOK_MESSAGE": "the token <b>failed",
            ]
            let outcome = try run(example, [], environment: facts)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let calls = try folder.read("calls")
            let text = "tokencert renew failed: the token <b>failed\n"
            #expect(calls.hasPrefix("notify-send -- " + text), "\(calls)")
            #expect(calls.hasSuffix("\n" + text), "\(calls)")
            #expect(calls.contains("mail -s tokencert: on-failure "))
            let refused = try run(
                example, [], environment: facts.merging(["TOKENCERT_HOOK": "before-order"]) { $1 })
            #expect(refused.status == 1 && refused.errors.contains("cannot decide"))
        }
    }
}
