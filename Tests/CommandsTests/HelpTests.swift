import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Help texts and manual pages.
    @Suite struct HelpTests {
        private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Snapshots")

        /// A command in the output of `--experimental-dump-help`.
        private struct Command: Decodable {
            let commandName: String
            let subcommands: [Command]?
            let abstract: String?
        }

        private struct Dump: Decodable {
            let command: Command
        }

        private func commands() throws -> [[String]] {
            let dump = try run(product("tokencert"), ["--experimental-dump-help"]).output
            let root = try JSONDecoder().decode(Dump.self, from: Data(dump.utf8)).command
            func paths(_ command: Command, _ above: [String]) -> [[String]] {
                (command.subcommands ?? []).filter { $0.commandName != "help" }.flatMap {
                    [above + [$0.commandName]] + paths($0, above + [$0.commandName])
                }
            }
            return [[]] + paths(root, [])
        }

        @Test("The help of each command matches its snapshot and fits into 80 columns")
        func snapshots() throws {
            let isRecording = ProcessInfo.processInfo.environment["TOKENCERT_RECORD"] != nil
            var names: Set<String> = []
            for command in try commands() {
                let outcome = try run(
                    product("tokencert"), command + ["--help"], environment: ["COLUMNS": "80"])
                #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(command)")
                let name = (["tokencert"] + command).joined(separator: "-") + ".txt"
                names.insert(name)
                let file = Self.folder.appending(path: name)
                if isRecording {
                    try outcome.output.write(to: file, atomically: true, encoding: .utf8)
                }
                let expected = try? String(contentsOf: file, encoding: .utf8)
                #expect(
                    outcome.output == expected,
                    "\(name) differs; to record it: TOKENCERT_RECORD=1 SoftHSM/test --filter HelpTests"
                )
                // ArgumentParser does not wrap the usage line.
                let long = outcome.output.split(separator: "\n").filter {
                    $0.count > 80 && !$0.hasPrefix("USAGE: ")
                }
                #expect(long.isEmpty, "\(name) has lines over 80 columns: \(long)")
            }
            let kept = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path())
                .filter { $0.hasSuffix(".txt") }
            #expect(Set(kept) == names, "snapshots of commands that do not exist")
        }

        @Test("The commands and the options of a command are listed in groups")
        func groups() throws {
            func titles(_ arguments: [String]) throws -> [Substring] {
                let help = try run(product("tokencert"), arguments + ["--help"]).output
                return help.split(separator: "\n").filter {
                    $0.hasSuffix(":") && !$0.hasPrefix(" ") && $0 == $0.uppercased()
                }
            }
            #expect(
                try titles([])
                    == ["OPTIONS:", "GET STARTED:", "CERTIFICATES:", "LOOK:", "ADVANCED:"])
            #expect(
                try titles(["issue"])
                    == ["CERTIFICATE:", "TOKEN AND PINS:", "CA:", "GENERAL:", "OPTIONS:"])
            #expect(try titles(["trust"]) == ["OPTIONS:", "SUBCOMMANDS:"])
        }

        // Otherwise a script that runs the program without arguments would get another output.
        @Test("Without a command, a terminal gets the guide and a pipe gets the help")
        func alone() throws {
            let bench = try Bench()
            let piped = try bench.tokencert([])
            #expect(piped.status == 0)
            #expect(try piped.output == bench.tokencert(["--help"]).output)
            let guide = try AtTerminal(bench: bench, columns: 80).run(
                [], "", bench.faulty(["TOKENCERT_PIN_SOURCE": "prompt"]))
            #expect(guide.status == 0, "\(guide)")
            #expect(guide.output.contains("token           work\r\n"), "\(guide)")
            #expect(guide.output.contains("CA account      anna@example.org\r\n"), "\(guide)")
            #expect(guide.output.contains("Next: "), "\(guide)")
            #expect(bench.logins.isEmpty && bench.ca.requests.isEmpty)
            let empty = try AtTerminal(bench: Bench(withoutToken: ()), columns: 80).run(
                [], "", ["TOKENCERT_CA_FILE": ""])
            #expect(empty.output.contains("missing"), "\(empty)")
            #expect(empty.output.contains("tokencert trust fetch"), "\(empty)")
        }

        @Test("Each command has an overview, and its examples are accepted")
        func everyCommandIsExplained() throws {
            for command in try commands() {
                let help = try run(product("tokencert"), command + ["--help"]).output
                #expect(help.hasPrefix("OVERVIEW: "), "\(command)")
                let examples = help.split(separator: "\n").filter { $0.hasPrefix("  tokencert ") }
                for example in examples {
                    try requireUnderstood(String(example))
                }
            }
        }

        /// Checks that a command line is valid, although there is neither a token nor a CA.
        private func requireUnderstood(_ example: String) throws {
            let folder = try TemporaryFolder()
            let words = example.replacingOccurrences(
                of: "tokencert", with: product("tokencert"))
            let outcome = try run(
                "/bin/sh", ["-c", "cd \(folder.file("")) && exec \(words)"],
                environment: [
                    "HOME": folder.file(""), "SOFTHSM2_CONF": "/dev/null",
                    "TOKENCERT_PIN_SOURCE": "file:/nothing",
                    "TOKENCERT_PASSWORD_SOURCE": "file:/no",
                    "TOKENCERT_SO_PIN_SOURCE": "file:/nothing",
                    "TOKENCERT_MODULE": "/usr/lib/softhsm/libsofthsm2.so",
                    "TOKENCERT_CA_URL": "https://localhost:1",
                ])
            #expect(![1, 64].contains(outcome.status), "\(example): \(outcome)")
        }

        @Test("Each command has a manual page that man shows without warnings")
        func manuals() throws {
            let folder = try TemporaryFolder()
            let script = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../Packaging/manpages").standardizedFileURL.path()
            let dump = try run(product("tokencert"), ["--experimental-dump-help"]).output
            let file = try folder.write(dump, "help.json")
            let settings = try folder.write(
                run(product("tokencert"), ["config", "--json"]).output, "settings.json")
            try FileManager.default.createDirectory(
                atPath: folder.file("man1"), withIntermediateDirectories: true)
            let statuses = try folder.write(
                run(product("tokencert"), ["help", "exit-status"]).output, "statuses")
            let made = try run(
                "/usr/bin/python3",
                [script, file, settings, statuses, "0.1.0", "2026-01-31", folder.file("man1")])
            #expect(made.status == 0, "\(made.errors)")
            let pages = try FileManager.default.contentsOfDirectory(atPath: folder.file("man1"))
            for command in try commands() {
                let name = (["tokencert"] + command).joined(separator: "-") + ".1"
                guard pages.contains(name) else {
                    Issue.record("\(name) is missing")
                    continue
                }
                let shown = try run(
                    "man", ["--warnings", "-l", folder.file("man1/" + name)],
                    environment: [
                        "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANPAGER": "cat",
                        "MANROFFOPT": "-ww",
                    ])
                #expect(shown.status == 0 && shown.errors.isEmpty, "\(name): \(shown.errors)")
                for section in ["NAME", "SYNOPSIS", "the token failed or was removed"] {
                    #expect(shown.output.contains(section), "\(name)")
                }
            }
        }
    }
}
