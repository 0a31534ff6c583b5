import Foundation
import Testing
import TokencertTestSupport

extension Bench {
    /// What a shell is offered for the last word of a line. Asks again while a module has shown
    /// nothing, since completion does not wait for it.
    func completions(
        _ command: [String], _ place: String, _ words: [String], _ changes: [String: String] = [:]
    ) throws -> [String] {
        let line = ["tokencert"] + command + words
        let arguments =
            ["---completion"] + command
            + ["--", place, "\(line.count - 1)", "\(line.last?.count ?? 0)"] + line
        for _ in 0..<20 {
            let outcome = try tokencert(arguments, changes)
            try #require(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
            let offered = outcome.output.split(separator: "\n").map(String.init)
            if !offered.isEmpty { return offered }
            Thread.sleep(forTimeInterval: 0.5)
        }
        return []
    }
}

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
            "bash and zsh complete commands, options, short names and URIs",
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
            _ = try bench.completions(["show"], "positional@0", [""])
            // A command, an option, a label.
            let list = try typing(
                shell, start, ["tokencert li\\t", "--tok\\t", " w\\t", " --col\\t", " nev\\t"],
                bench)
            #expect(list.output.contains("token \"work\""), "\(list.output)")
            #expect(list.output.contains("mail "), "\(list.output)")
            // By a short name; or by a URI: first the part that it shares with the key's, then the
            // rest. Bash splits what the user types at ":" and "=".
            for keys in [
                ["tokencert show ma\\t"], ["tokencert show pk\\t", "c\\t"],
                ["tokencert show pkcs11:mo\\t", "c\\t"],
            ] {
                _ = try bench.completions(["show"], "positional@0", [""])
                let show = try typing(shell, start, keys + [" --pem"], bench)
                #expect(show.output.contains("-----BEGIN CERTIFICATE-----"), "\(show.output)")
            }
            let pin = bench.token.folder.file("pin")
            let source = try typing(
                shell, start, ["tokencert list --pin-source file:\(pin.dropLast())\\t"], bench)
            #expect(source.output.contains("RSA 3072"), "\(source.output)")
            #expect(bench.logins.isEmpty)
        }

        @Test("bash completes --option=value and the numbers of orders")
        func bashWords() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--label", "mail"]).status == 0)
            let script = try bench.tokencert(["completions", "bash"])
            let file = try bench.token.folder.write(script.output, "completions.bash")
            _ = try bench.completions(["show"], "positional@0", [""])
            let list = try typing(
                "bash", ". \(file)", ["tokencert list --token=w\\t", "--color=nev\\t"], bench)
            #expect(list.output.contains("RSA 3072"), "\(list.output)")
            let history = try typing("bash", ". \(file)", ["tokencert history 1\\t"], bench)
            #expect(history.output.contains("order 1: "), "\(history.output)")
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
            let words = ["--module", faultyModule]
            #expect(
                try bench.completions(
                    ["list"], "--token", words + option + ["--token", ""], settings)
                    == ["work"])
            let line = ["tokencert", "list"] + words + ["--token", ""]
            for _ in 0..<2 {
                let none = try bench.tokencert(
                    ["---completion", "list", "--", "--token", "5", "0"] + line, settings)
                #expect(none.output.split(separator: "\n").isEmpty, "\(none)")
                Thread.sleep(forTimeInterval: 2)
            }
        }

        // Users cannot type URIs of 145 characters.
        @Test(
            "Objects and tokens are offered by short names, or by URIs after the beginning of one")
        func shortNames() throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [0xAB, 1], label: Array("mail".utf8))
            try bench.token.makePair(.rsa, id: [0xAB, 2], label: Array("two".utf8))
            try bench.token.makePair(.rsa, id: [0xAB, 3], label: Array("two".utf8))
            for command in ["show", "list"] {
                let names = try bench.completions([command], "positional@0", [""])
                #expect(names.sorted() == ["ab02", "ab03", "mail"], "\(names)")
                let uris = try bench.completions([command], "positional@0", ["pkcs11:"])
                #expect(uris.allSatisfy { $0.hasPrefix("pkcs11:") && $0.contains(";id=") })
            }
            #expect(try bench.completions(["issue"], "--key", ["--key", "m"]).contains("mail"))
            #expect(try bench.completions(["list"], "--token", ["--token", ""]) == ["work"])
            let uri = try bench.completions(["list"], "--token", ["--token", "pkcs11:"])
            #expect(uri.count == 1 && uri[0].contains("token=work"), "\(uri)")
        }

        @Test("Sources of secrets, profiles and orders are offered, unfinished orders first")
        func values() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let option = "--pin-source"
            for (begun, offered) in [
                ("", ["prompt", "pinentry", "file:", "env:", "fd:", "command:"]),
                ("file:\(folder.file("pi"))", ["file:\(folder.file("pin"))"]),
                ("file:\(folder.file("token"))", ["file:\(folder.file("tokens"))/"]),
                ("env:SOFTHSM2_C", ["env:SOFTHSM2_CONF"]),
            ] {
                let words = try bench.completions(["list"], option, [option, begun])
                #expect(words == offered, "\(begun)")
            }
            let file = try folder.write(#"{"profiles": {"home": {}, "work": {}}}"#, "config.json")
            #expect(
                try bench.completions(["list"], "--profile", ["--config", file, "--profile", "w"])
                    == ["home", "work"])
            #expect(try bench.tokencert(["issue"]).status == 0)
            let failing = ["FAULTY_RULES": "C_CreateObject:before:return=0x30"]
            #expect(
                try bench.tokencert(
                    ["issue", "--key-type", "rsa:2048"], bench.faulty(failing)
                ).status != 0)
            #expect(
                try bench.completions(["history", "show"], "positional@0", [""]) == ["2", "1"])
            #expect(try bench.completions(["resume"], "positional@0", [""]) == ["2"])
        }

        // Otherwise each Tab would wake a reader and its card.
        @Test("A module is initialized once a minute at most, and its file is only the user's")
        func cache() throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [1], label: Array("mail".utf8))
            let settings = bench.faulty([:])
            for _ in 0..<3 {
                _ = try bench.completions(["list"], "--token", ["--token", ""], settings)
                _ = try bench.completions(["list"], "positional@0", [""], settings)
            }
            #expect(bench.calls("C_Initialize") == 1)
            #expect(bench.logins.isEmpty)
            let cache = bench.token.folder.file("cache/tokencert")
            func permissions(_ path: String) throws -> Int? {
                try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            }
            #expect(try permissions(cache) == 0o700)
            let files = try FileManager.default.contentsOfDirectory(atPath: cache)
            let name = try #require(files.first { $0.hasSuffix(".json") })
            for file in files { #expect(try permissions(cache + "/" + file) == 0o600, "\(file)") }
            try bench.token.folder.write("damaged", "cache/tokencert/\(name)")
            #expect(
                try bench.completions(["list"], "--token", ["--token", ""], settings) == ["work"])
            #expect(bench.calls("C_Initialize") == 2)
        }

        // Otherwise the shell would hang at each Tab if a reader or its service is slow.
        @Test("A slow module is not waited for, and is offered as soon as it has responded")
        func slow() throws {
            let bench = try Bench()
            let settings = bench.faulty(["FAULTY_RULES": "C_Initialize:before:delay=6000"])
            let start = ContinuousClock.now
            let first = try bench.tokencert(
                ["---completion", "list", "--", "--token", "3", "0", "tokencert", "list"]
                    + ["--token", ""], settings)
            #expect(first.status == 0 && first.output.allSatisfy(\.isNewline), "\(first)")
            #expect(ContinuousClock.now - start < .seconds(4))
            #expect(
                try bench.completions(["list"], "--token", ["--token", ""], settings) == ["work"])
            #expect(bench.calls("C_Initialize") == 1)
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
