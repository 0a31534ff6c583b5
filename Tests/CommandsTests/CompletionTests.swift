import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Completions in real shells.
    @Suite struct CompletionTests {
        /// Types into a shell that has the completions, and returns the output of the session.
        private func typing(
            _ shell: String, _ start: String, _ keys: [String], _ bench: Bench
        ) throws -> Outcome {
            let programs =
                productsDirectoryOfTokencert + ":"
                + (ProcessInfo.processInfo.environment["PATH"] ?? "")
            // The shell echoes the completed words, and the program receives them.
            let dialogue =
                "send {\(start)}; send \\r; sleep 1\n"
                + keys.map { "send -- \"\($0)\"; sleep 1.5" }.joined(separator: "\n")
                + "\nsend \\r; sleep 1; send \"exit\\r\""
            return try AtTerminal(bench: bench, columns: 400).run(
                shell == "bash" ? ["--norc", "--noprofile"] : ["-f"], dialogue,
                [
                    "PATH": programs, "LANG": "C.UTF-8", "TOKENCERT_PIN_SOURCE": "",
                    "ZDOTDIR": bench.token.folder.path, "HOME": bench.token.folder.path,
                ], program: shell)
        }

        private var productsDirectoryOfTokencert: String {
            URL(filePath: product("tokencert")).deletingLastPathComponent().path()
        }

        @Test(
            "bash and zsh complete commands, options, labels and URIs with colons",
            arguments: ["bash", "zsh"])
        func shells(shell: String) throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--label", "mail"]).status == 0)
            let name = shell == "bash" ? "completions.bash" : "_tokencert"
            let script = try bench.tokencert(["completions", shell])
            #expect(script.status == 0)
            let file = try bench.token.folder.write(script.output, name)
            let start =
                shell == "bash"
                ? ". \(file)"
                : "fpath=(\(bench.token.folder.path) $fpath); autoload -U compinit; compinit -u -D"
            // A command, an option, a label.
            let list = try typing(
                shell, start, ["tokencert li\\t", "--tok\\t", " w\\t", " --col\\t", " nev\\t"],
                bench)
            #expect(list.output.contains("token \"work\""), "\(list.output)")
            #expect(list.output.contains("mail "), "\(list.output)")
            // A certificate: first the part that its URI shares with the key's, then the rest.
            let show = try typing(shell, start, ["tokencert show pk\\t", "c\\t", " --pem"], bench)
            #expect(show.output.contains("-----BEGIN CERTIFICATE-----"), "\(show.output)")
            #expect(bench.logins.isEmpty)
        }

        /// Otherwise anyone who can name a token could run commands in the user's shell.
        @Test("A token's name is never run as a command when a shell completes it")
        func maliciousName() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "x$(touch r)`touch r`'; #")
            let script = try bench.tokencert(["completions", "bash"])
            let file = try bench.token.folder.write(script.output, "completions.bash")
            let typed = try typing(
                "bash", ". \(file); cd \(bench.token.folder.path)",
                ["tokencert list --token \\t\\t", "x\\t"], bench)
            #expect(
                !FileManager.default.fileExists(atPath: bench.token.folder.file("r")), "\(typed)")
        }

        // Otherwise a module that needs its folder would offer no tokens.
        @Test(
            "Completion initializes the module on the command line with its arguments",
            arguments: [
                ["--module-arguments", #""configdir='sql:/no such folder' flags=readOnly""#],
                ["--module-arguments=configdir=\\'sql:/no\\ such\\ folder\\'\\ flags=readOnly"],
            ])
        func moduleArguments(option: [String]) throws {
            let bench = try Bench()
            let settings = bench.faulty([
                "FAULTY_RESERVED": "configdir='sql:/no such folder' flags=readOnly",
                "TOKENCERT_MODULE": "",
            ])
            let words = ["tokencert", "list", "--module", faultyModule]
            for (arguments, offered) in [(option, ["work"]), ([], [])] as [([String], [Substring])]
            {
                let all = words + arguments + ["--token", ""]
                let outcome = try bench.tokencert(
                    ["---completion", "list", "--", "--token", "\(all.count - 1)", "0"] + all,
                    settings)
                #expect(outcome.status == 0, "\(outcome)")
                #expect(outcome.output.split(separator: "\n") == offered, "\(outcome)")
            }
        }

        @Test("Completion works without a token and never asks for a PIN")
        func nothingThere() throws {
            let bench = try Bench(withoutToken: ())
            for place in ["--token", "positional@0"] {
                let outcome = try bench.tokencert(
                    ["---completion", "list", "--", place, "2", "0", "tokencert", "list", ""],
                    ["TOKENCERT_CONFIG": "/nonexistent", "TOKENCERT_PIN_SOURCE": "prompt"])
                #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
            }
            expect(
                try bench.tokencert(["completions", "tcsh"]), 64,
                "no completion script for \"tcsh\"")
        }
    }
}
