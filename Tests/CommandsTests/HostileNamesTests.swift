import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Names that would make a shell run a command.
    @Suite struct HostileNamesTests {
        /// File names that each create the file `PWN` if a shell evaluates them.
        private static let names = [
            "x1$(touch PWN)", "x2`touch PWN`", "x3;touch PWN", "x4 b 'c' \"d\"", "x5|touch PWN",
            "x6&touch PWN&", "x7\n$(touch PWN)", "x8>PWN", "x9${IFS}$(touch PWN)", "-x$(touch PWN)",
        ]

        /// Types words into a shell, completes each of them, and runs the line.
        private func typing(_ shell: String, _ keys: [String], _ bench: Bench) throws -> Outcome {
            let folder = bench.token.folder
            let name = shell == "bash" ? "completions.bash" : "_tokencert"
            try folder.write(try bench.tokencert(["completions", shell]).output, name)
            let begin =
                shell == "bash"
                ? ". ./completions.bash"
                : "fpath=(\(folder.path) $fpath); autoload -U compinit; compinit -u -D"
            let dialogue =
                "send {cd \(folder.path); \(begin)}; send \\r; sleep 1.5\n"
                + keys.map { "send -- \"\($0)\"; sleep 1.5" }.joined(separator: "\n")
                + "\nsend \\r; sleep 1.5; send \"exit\\r\""
            let products = URL(filePath: product("tokencert")).deletingLastPathComponent().path()
            return try AtTerminal(bench: bench, columns: 300).run(
                shell == "bash" ? ["--norc", "--noprofile"] : ["-f"], dialogue,
                [
                    "PATH": products + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? ""),
                    "LANG": "C.UTF-8", "TOKENCERT_PIN_SOURCE": "", "TOKENCERT_CA_FILE": "",
                    "ZDOTDIR": folder.path, "HOME": folder.path,
                ], program: shell)
        }

        private func requireNothingRan(_ bench: Bench, _ outcome: Outcome) {
            let made = FileManager.default.fileExists(atPath: bench.token.folder.file("PWN"))
            #expect(!made, "\(outcome.output)")
        }

        /// Otherwise pressing Tab could run a command in a name.
        @Test(
            "Completing the names of trust anchors, files and profiles runs no command",
            arguments: ["bash", "zsh"])
        func files(shell: String) throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let anchors = folder.file("data/tokencert/anchors")
            let profiles = folder.file("config/tokencert/token-profiles")
            for place in [anchors, profiles] {
                try FileManager.default.createDirectory(
                    atPath: place, withIntermediateDirectories: true)
            }
            var settings: [String: [String: String]] = [:]
            for name in Self.names {
                try folder.write("x", "data/tokencert/anchors/\(name).pem")
                try folder.write("x", name)
                settings[name] = [:]
            }
            try JSONEncoder().encode(["profiles": settings]).write(
                to: URL(filePath: folder.file("config/tokencert/config.json")))
            for keys in [
                ["tokencert trust remove \\t\\t"], ["tokencert trust remove x1\\t"],
                ["tokencert trust remove x2\\t", " x4\\t"],
                ["tokencert trust add x3\\t"], ["tokencert list --profile \\t\\t", "x5\\t"],
                ["tokencert import --cert x9\\t"],
            ] { requireNothingRan(bench, try typing(shell, keys, bench)) }
        }

        /// Otherwise a name with a blank or a quotation mark could not be completed, or would
        /// select another anchor.
        @Test(
            "A completed name reaches the program unchanged", arguments: ["bash", "zsh"])
        func quoting(shell: String) throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let anchors = folder.file("data/tokencert/anchors")
            try FileManager.default.createDirectory(
                atPath: anchors, withIntermediateDirectories: true)
            var names = ["a b 'c' \"d\"", "q;touch PWN;", "u&(touch PWN)#~*?[x]{y,z}<|>\\"]
            // bash would run these when the line is entered, so tokencert does not offer them to
            // bash.
            if shell == "zsh" { names += ["v$(touch PWN)", "w`touch PWN`", "y$HOME"] }
            for name in names { try folder.write("x", "data/tokencert/anchors/\(name).pem") }
            var shown = ""
            for name in names {
                shown += try typing(
                    shell, ["tokencert trust remove \(name.prefix(1))\\t"], bench
                ).output
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: anchors)
            #expect(left.isEmpty, "\(left) \(shown)")
            #expect(!FileManager.default.fileExists(atPath: folder.file("PWN")))
        }

        /// A shell quotes completed words, but not every character that it would expand or run.
        @Test(
            "A shell is not offered names that it would not quote",
            arguments: [
                ("bash", ["'plain one'"]), ("zsh", ["plain one", "x$(touch PWN)", "y`w`"]),
            ])
        func notOffered(shell: String, names: [String]) throws {
            let bench = try Bench()
            let anchors = bench.token.folder.file("data/tokencert/anchors")
            try FileManager.default.createDirectory(
                atPath: anchors, withIntermediateDirectories: true)
            for name in ["x$(touch PWN)", "y`w`", "z!!", "plain one"] {
                try bench.token.folder.write("x", "data/tokencert/anchors/\(name).pem")
            }
            let offered = try bench.tokencert(
                [
                    "---completion", "trust", "remove", "--", "positional@0", "3", "0",
                    "tokencert", "trust", "remove", "",
                ], ["SAP_SHELL": shell])
            // For zsh the last line is a single blank.
            let lines = offered.output.split(separator: "\n").filter { $0 != " " }
            #expect(lines.map(String.init) == names, "\(offered)")
        }

        /// Otherwise the shell would hang at each Tab if a reader or its service hangs.
        @Test("A module that does not respond is not waited for")
        func slowModule() throws {
            let bench = try Bench()
            let start = ContinuousClock.now
            let outcome = try bench.tokencert(
                [
                    "---completion", "list", "--", "--token", "3", "0", "tokencert", "list",
                    "--token", "",
                ], bench.faulty(["FAULTY_RULES": "C_GetSlotList:before:delay=40000"]))
            #expect(outcome.status == 0 && outcome.output.allSatisfy(\.isNewline), "\(outcome)")
            #expect(ContinuousClock.now - start < .seconds(10))
        }

        /// Otherwise a name on a token could add an option to the command.
        @Test(
            "Completing the names of tokens and keys runs no command",
            arguments: ["bash", "zsh"])
        func tokens(shell: String) throws {
            let bench = try Bench()
            for label in ["x1$(touch PWN)", "x2`touch PWN`;", "--json", "x4 'a' \"b\""] {
                try bench.token.addToken(label: label)
            }
            #expect(
                try bench.tokencert(
                    ["request", "--token", "work", "--label", "k$(touch PWN)`touch PWN`;"]
                ).status == 0)
            _ = try bench.completions(["show"], "positional@0", [""])
            for keys in [
                ["tokencert list --token \\t\\t", "x1\\t"], ["tokencert list --token x2\\t"],
                ["tokencert list --token x4\\t"],
                ["tokencert show --token work pk\\t", "\\t"],
                ["tokencert show --token work k\\t\\t"],
            ] { requireNothingRan(bench, try typing(shell, keys, bench)) }
            let offered = try bench.completions(["list"], "--token", ["--token", ""])
            #expect(offered.contains("x4 'a' \"b\"") && !offered.contains("--json"), "\(offered)")
        }
    }
}
