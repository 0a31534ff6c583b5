import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// A PIN that a token refused is not sent again.
    @Suite struct RefusedPINTests {
        private let bench: Bench
        private var folder: TemporaryFolder { bench.token.folder }
        private var memory: String { folder.file("state/tokencert/refused-pins.json") }

        init() throws { bench = try Bench() }

        /// Runs `list` with a PIN source, through the module that counts logins.
        private func list(
            _ source: String, _ arguments: [String] = [], rules: String = ""
        ) throws -> Outcome {
            try bench.tokencert(
                ["list", "--pin-source", source] + arguments,
                bench.faulty(rules.isEmpty ? [:] : ["FAULTY_RULES": rules]))
        }

        /// The result of one of several concurrent runs.
        private struct Run {
            let status: String
            let errors: String
        }

        /// Runs the program several times concurrently.
        private func atOnce(_ count: Int, _ source: String) throws -> [Run] {
            let line =
                "cd '\(folder.path)'; for i in $(seq \(count)); do { "
                + "'\(product("tokencert"))' list --pin-source \"$1\" >out$i 2>err$i; "
                + "printf %s $? >rc$i; } & done; wait"
            // dash waits for SIGCHLD, which is blocked in child processes of the test.
            try run(
                "bash", ["-c", line, "bash", source],
                environment: bench.environment.merging(bench.faulty([:])) { $1 })
            return try (1...count).map { index in
                Run(
                    status: try folder.read("rc\(index)"), errors: try folder.read("err\(index)"))
            }
        }

        /// A card has three attempts, so five runs of a timer or of "make -j" would lock it.
        @Test(
            "Concurrent runs with the same source of a wrong PIN send the PIN only once",
            arguments: ["command:", "file:"])
        func oneTry(kind: String) throws {
            try folder.write("99998888\n", "wrong")
            let source =
                kind == "command:"
                ? "command:sh -c 'sleep 1; cat \(folder.file("wrong"))'"
                : "file:" + folder.file("wrong")
            let runs = try atOnce(5, source)
            #expect(bench.logins.count == 1)
            // SoftHSM2 sometimes fails while another process writes to its token.
            let answered = runs.filter { !$0.errors.contains("CKR_GENERAL_ERROR") }
            #expect(answered.allSatisfy { $0.status == "77" }, "\(runs.map(\.errors))")
            #expect(runs.allSatisfy { $0.status != "0" })
            #expect(
                answered.filter { $0.errors.contains("was refused by this token before") }.count
                    == answered.count - 1, "\(runs.map(\.errors))")
        }

        /// Otherwise each name of the same file could use up an attempt.
        @Test("A refused PIN is not sent again from the same file under another name")
        func otherNames() throws {
            try folder.write("99998888\n", "wrong")
            try FileManager.default.linkItem(
                atPath: folder.file("wrong"), toPath: folder.file("hard"))
            func fromDescriptor() throws -> Outcome {
                try run(
                    "bash",
                    [
                        "-c", #"exec "$0" list --pin-source fd:3 3< "$1""#, product("tokencert"),
                        folder.file("wrong"),
                    ], environment: bench.environment.merging(bench.faulty([:])) { $1 })
            }
            expect(try list("file:" + folder.file("wrong")), 77, "the PIN is wrong")
            let again = "was refused by this token before and it has not changed"
            expect(try list("file:" + folder.file("hard")), 77, again)
            expect(try fromDescriptor(), 77, again)
            #expect(bench.logins.count == 1)
            // The PIN is first refused from a descriptor; afterwards a correct one is sent.
            try folder.write("88889999\n", "wrong")
            expect(try fromDescriptor(), 77, "the PIN is wrong")
            expect(try fromDescriptor(), 77, again)
            #expect(bench.logins.count == 2)
            try folder.write(bench.token.pin + "\n", "wrong")
            #expect(try fromDescriptor().status == 0)
        }

        @Test("Concurrent runs with the right PIN all succeed")
        func rightPIN() throws {
            let runs = try atOnce(3, "file:" + folder.file("pin"))
            #expect(runs.allSatisfy { $0.status == "0" }, "\(runs.map(\.errors))")
            #expect(bench.logins.count == 3)
            #expect(try !String(contentsOfFile: memory, encoding: .utf8).contains("work"))
        }

        /// Otherwise a long job would block the login of every other run.
        @Test("A run that has logged in does not block others")
        func release() throws {
            let line =
                "FAULTY_RULES='C_FindObjectsInit:before:delay=6000' '\(product("tokencert"))' list & "
                + "sleep 2; time -p '\(product("tokencert"))' list; kill $!; wait"
            let start = ContinuousClock.now
            let outcome = try run(
                "bash", ["-c", line],
                environment: bench.environment.merging(bench.faulty([:])) { $1 })
            #expect(ContinuousClock.now - start < .seconds(60))
            let real = try #require(
                outcome.errors.split(separator: "\n").first { $0.hasPrefix("real ") })
            #expect(try #require(Double(real.dropFirst(5))) < 4, "\(outcome)")
        }

        /// Otherwise the record could be overwritten, and the last attempts of a card used up.
        @Test(
            "If the record of refused PINs is unreadable, only a PIN typed at a prompt is sent",
            arguments: ["empty", "cut", "other", "circle", "dangling", "folder", "pipe"])
        func damaged(kind: String) throws {
            try folder.write("99998888\n", "wrong")
            expect(try list("file:" + folder.file("wrong")), 77, "the PIN is wrong")
            let text = try String(contentsOfFile: memory, encoding: .utf8)
            let files = FileManager.default
            try files.removeItem(atPath: memory)
            switch kind {
            case "empty": try Data().write(to: URL(filePath: memory))
            case "cut": try Data(text.utf8.dropLast(9)).write(to: URL(filePath: memory))
            case "other": try Data("{}".utf8).write(to: URL(filePath: memory))
            case "circle": try files.createSymbolicLink(atPath: memory, withDestinationPath: memory)
            case "dangling":
                try files.createSymbolicLink(atPath: memory, withDestinationPath: "/nonexistent/x")
            case "pipe": #expect(unsafe mkfifo(memory, 0o600) == 0)
            default: try files.createDirectory(atPath: memory, withIntermediateDirectories: false)
            }
            for source in [
                "file:" + folder.file("wrong"), "file:" + folder.file("pin"),
                "command:cat \(folder.file("pin"))",
            ] {
                let outcome = try list(source)
                expect(outcome, 78, "no PIN was sent")
                #expect(outcome.errors.contains("mv '\(memory)'"), "\(outcome.errors)")
                expect(try list(source, ["--retry-pin"]), 78, "no PIN was sent")
            }
            #expect(bench.logins.count == 1)
            // A user who types the PIN can continue.
            let typed = try AtTerminal(bench: bench).run(
                ["list", "--pin-source", "prompt"],
                "expect {PIN for}; send \(bench.token.pin)\\r", bench.faulty([:]))
            #expect(typed.status == 0, "\(typed)")
            // The command from the hint.
            try run("mv", [memory, memory + ".old"])
            #expect(try list("file:" + folder.file("pin")).status == 0)
        }

        @Test("A PIN is not sent if the attempt cannot be recorded first")
        func notWritten() throws {
            try folder.write("x", "state")
            let outcome = try list("file:" + folder.file("pin"))
            #expect(outcome.status == 78, "\(outcome.errors)")
            #expect(bench.logins.isEmpty)
            // Another folder would have a record without the refused PINs.
            #expect(!outcome.errors.contains("XDG_STATE_HOME"), "\(outcome.errors)")
        }

        /// Otherwise a run that is killed during the login would use up an attempt at every
        /// restart.
        @Test(
            "A PIN whose attempt was interrupted by a kill is not sent again",
            arguments: [
                "before", "after",
            ])
        func killed(when: String) throws {
            let source = "file:" + folder.file("pin")
            let first = try list(source, rules: "C_Login:\(when):kill")
            #expect(first.status == 128 + 9)
            let second = try list(source)
            expect(second, 77, "a run ended while it was trying")
            #expect(second.errors.contains("--retry-pin"))
            #expect(bench.logins.count == 1)
            #expect(try list(source, ["--retry-pin"]).status == 0)
            #expect(try list(source).status == 0)
        }

        /// Otherwise a run that is planned with a dry run fails later, without the user.
        @Test("A dry run notes that the real run would stop because of the PIN, and sends none")
        func dryRun() throws {
            try folder.write("99998888\n", "wrong")
            try folder.write("1\n", "short")
            expect(try list("file:" + folder.file("wrong")), 77, "the PIN is wrong")
            func dryRun(_ command: String, _ source: String) throws -> Outcome {
                let outcome = try bench.tokencert(
                    [command, "--dry-run", "--pin-source", source], bench.faulty([:]))
                #expect(outcome.status == 0, "\(outcome)")
                return outcome
            }
            let cases = [
                ("file:" + folder.file("wrong"), "was refused by this token before"),
                ("file:" + folder.file("absent"), "cannot open"),
                ("file:" + folder.file("short"), "the token requires a PIN of"),
                ("env:NO_SUCH_PIN", "NO_SUCH_PIN"),
            ]
            for command in ["issue", "request"] {
                for (source, reason) in cases {
                    let noted = try dryRun(command, source).errors
                    #expect(noted.contains("this would stop") && noted.contains(reason), "\(noted)")
                }
                let right = try dryRun(command, "file:" + folder.file("pin")).errors
                #expect(!right.contains("this would stop"), "\(right)")
            }
            #expect(bench.logins.count == 1)
        }

        /// Otherwise a temporary failure of a reader would require --retry-pin each time.
        @Test("A login that fails for another reason is not a refusal and does not clear one")
        func otherFailure() throws {
            let right = "file:" + folder.file("pin")
            #expect(try list(right, rules: "C_Login:before:return=0x30").status == 74)
            #expect(try list(right).status == 0)
            try folder.write("99998888\n", "wrong")
            let wrong = "file:" + folder.file("wrong")
            expect(try list(wrong), 77, "the PIN is wrong")
            #expect(
                try list(wrong, ["--retry-pin"], rules: "C_Login:before:return=0x30").status == 74)
            expect(try list(wrong), 77, "was refused by this token before")
        }

        /// Otherwise a backup would allow an offline search of all six-digit PINs.
        @Test("The record contains nothing that helps to guess a PIN")
        func nothingKept() throws {
            expect(try list("command:echo 99998888"), 77, "the PIN is wrong")
            try folder.write("99998888\n", "wrong")
            expect(try list("file:" + folder.file("wrong")), 77, "the PIN is wrong")
            let text = try String(contentsOfFile: memory, encoding: .utf8)
            let sources =
                try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            let kept = try #require(sources?["sources"] as? [[String: Any]])
            #expect(kept.count == 2)
            for entry in kept {
                #expect(Set(entry.keys).isSubset(of: ["token", "role", "source", "stamp"]))
            }
            #expect(kept.contains { $0["source"] as? String == "command:echo" })
            // The same program with other arguments is the same source.
            expect(try list("command:echo 77778888"), 77, "was refused by this token before")
            #expect(bench.logins.count == 2)
        }

        @Test("The record of an earlier version still applies")
        func earlierFormat() throws {
            try folder.write("99998888\n", "wrong")
            let wrong = "file:" + folder.file("wrong")
            expect(try list(wrong), 77, "the PIN is wrong")
            expect(try list("command:echo 99998888"), 77, "the PIN is wrong")
            var kept = try #require(
                try JSONSerialization.jsonObject(
                    with: Data(contentsOf: URL(filePath: memory))) as? [String: Any])
            kept["sources"] = (kept["sources"] as? [[String: Any]] ?? []).map {
                entry -> [String: Any] in
                var entry = entry
                if let stamp = entry["stamp"] as? String {
                    var parts = stamp.split(separator: ":").map(String.init)
                    parts.insert("9", at: 2)
                    entry["stamp"] = parts.joined(separator: ":")
                } else {
                    entry["command"] = String(repeating: "ab", count: 32)
                }
                return entry
            }
            let formats: [Any] = [kept, kept["sources"] ?? []]
            for old in formats {
                try JSONSerialization.data(withJSONObject: old).write(to: URL(filePath: memory))
                expect(try list(wrong), 77, "was refused by this token before")
                expect(try list("command:echo 99998888"), 77, "was refused by this token before")
            }
            #expect(bench.logins.count == 2)
            // The next write removes the hash of the command line.
            #expect(try list("file:" + folder.file("pin")).status == 0)
            #expect(try !String(contentsOfFile: memory, encoding: .utf8).contains("abab"))
        }

        /// Otherwise each new label could use up one of the card's three attempts.
        @Test("A refused PIN is not sent to the same token under another label")
        func otherLabel() throws {
            try folder.write("99998888\n", "wrong")
            let wrong = "file:" + folder.file("wrong")
            expect(try list(wrong), 77, "the PIN is wrong")
            var kept = try #require(
                try JSONSerialization.jsonObject(
                    with: Data(contentsOf: URL(filePath: memory))) as? [String: Any])
            var sources = try #require(kept["sources"] as? [[String: Any]])
            // The format is manufacturer;model;serial number.
            let token = try #require(sources[0]["token"] as? String)
            #expect(!token.contains("work"), "\(token)")
            let serial = try #require(token.split(separator: ";").last)
            // An earlier version recorded it under the former label of the token.
            sources[0]["token"] = "pkcs11:model=SoftHSM%20v2;serial=\(serial);token=before"
            kept["sources"] = sources
            try JSONSerialization.data(withJSONObject: kept).write(to: URL(filePath: memory))
            expect(try list(wrong), 77, "was refused by this token before")
            #expect(bench.logins.count == 1)
        }
    }
}
