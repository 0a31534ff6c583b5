import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// The locations of files do not depend on the working directory.
    @Suite struct PathTests {
        private func config(_ outcome: Outcome) throws -> [String: String] {
            let lines = try outcome.json()["settings"] as? [[String: String]] ?? []
            return Dictionary(uniqueKeysWithValues: lines.map { ($0["name"]!, $0["value"] ?? "") })
        }

        /// Otherwise an empty ledger would be used, and no trust anchors.
        @Test(
            "Without HOME, the home folder of the user database is used, never /"
        )
        func noHome() throws {
            let entry = try run("sh", ["-c", "getent passwd $(id -u)"]).output
            let home = try #require(entry.split(separator: ":").dropFirst(5).first)
            let program = product("tokencert")
            for environment in [["-u", "HOME"], ["HOME="]] {
                let outcome = try run("env", environment + [program, "config", "--json"])
                #expect(
                    try outcome.json()["file"] as? String
                        == "\(home)/.config/tokencert/config.json", "\(outcome)")
            }
            let wrong = try run(program, ["history"], environment: ["HOME": "home"])
            expect(wrong, 78, "HOME is not an absolute path")
            // The user database has no user with this number.
            let unknown = try run(
                "setpriv",
                ["--reuid", "54321", "--regid", "54321", "--clear-groups", "env", "-u", "HOME"]
                    + [program, "doctor"])
            if getuid() == 0 { expect(unknown, 78, "HOME is not set") }
        }

        /// Otherwise the ledger would be in a folder that is not found again with the right `HOME`.
        @Test("A home folder that does not exist is not created")
        func missingHome() throws {
            let folder = try TemporaryFolder()
            let token = try ThrowawayToken()
            let home = folder.file("none")
            let environment = token.tokencertEnvironment.merging([
                "HOME": home, "XDG_STATE_HOME": "", "XDG_CONFIG_HOME": "",
            ]) { $1 }
            for arguments in [
                ["request", "--name", "Anna"],
                ["token", "change-pin", "--new-pin-source", "file:\(token.folder.file("pin"))"],
            ] {
                let outcome = try run(
                    product("tokencert"), arguments, environment: environment)
                expect(outcome, 78, "cannot use the home folder \(home)")
            }
            #expect(!FileManager.default.fileExists(atPath: home))
        }

        /// Otherwise each working directory would have its own ledger, and an order could be placed
        /// twice.
        @Test(
            "~ is the home directory in configuration, environment and after file: and =")
        func tilde() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let file = try folder.write(
                #"{"ledger": "~/l.sqlite", "profiles": {"a": {"pin-source": "file:~/pin"}}}"#,
                "config.json")
            let home = ["HOME": folder.path]
            let settings = home.merging(["TOKENCERT_CONFIG": "~/config.json"]) { $1 }
            let shown = try config(
                try bench.tokencert(["config", "--json", "--profile", "a"], settings))
            #expect(shown["ledger"] == folder.file("l.sqlite"))
            #expect(
                try bench.tokencert(
                    ["request", "--out=~/r.pem", "--pin-source", "file:~/pin"], settings
                ).status == 0)
            #expect(try folder.read("r.pem").contains("REQUEST"))
            #expect(FileManager.default.fileExists(atPath: folder.file("l.sqlite")))
            #expect(
                try bench.tokencert(
                    ["history", "--ledger=~/l.sqlite"],
                    home.merging(["TOKENCERT_CONFIG": file]) { $1 }
                ).output.contains("request"))
            let uri = "pkcs11:token=work?pin-source=file:~/pin"
            #expect(
                try bench.tokencert(
                    ["list", uri],
                    home.merging(["TOKENCERT_PIN_SOURCE": "command:~/no-such-program"]) { $1 }
                ).status == 0)
            try FileManager.default.copyItem(
                atPath: bench.ca.rootFile, toPath: folder.file("root.pem"))
            let added = try bench.tokencert(["trust", "add", "~/root.pem"], home)
            #expect(added.status == 0, "\(added.errors)")
            expect(
                try bench.tokencert(["revoke", "~/root.pem"], home), 64,
                "\(folder.file("root.pem")) contains 0 end-entity certificates")
            // The home folder of another user is not looked up.
            for arguments in [
                ["history", "--ledger=~root/l.sqlite"], ["list", "--pin-source", "file:~root/pin"],
                ["request", "--out", "~root/x"],
            ] { expect(try bench.tokencert(arguments, home), 64, "another user") }
        }

        @Test(
            "A relative path in the configuration or in the environment is refused",
            arguments: [
                ("ledger", "l.sqlite"), ("ledger", "./l.sqlite"), ("ca-file", "root.pem"),
                ("module", "./module.so"), ("module", "lib/module.so"),
                ("token-profile", "profile.json"), ("token-profile", "a/b"),
                ("pin-source", "file:pin"), ("so-pin-source", "file:../pin"),
                ("password-source", "command:./program"),
                ("password-source", "command:'a b/program' x"),
                ("token", "pkcs11:token=work?pin-source=file:pin"),
            ])
        func relative(name: String, value: String) throws {
            let bench = try Bench()
            let file = try bench.token.folder.write(
                String(
                    decoding: try JSONEncoder().encode([
                        "profiles": ["unused": [name: value]]
                    ]), as: UTF8.self), "config.json")
            expect(
                try bench.tokencert(["list"], bench.faulty(["TOKENCERT_CONFIG": file])), 78,
                "relative path")
            let variable = "TOKENCERT_" + name.uppercased().replacing("-", with: "_")
            let outcome = try bench.tokencert(
                ["list"], bench.faulty([:]).merging([variable: value]) { $1 })
            expect(outcome, 64, "relative path")
            #expect(outcome.errorLine.contains(variable))
            #expect(bench.calls("C_Initialize") == 0)
        }

        @Test("Relative paths on the command line, and names that are not paths, stay unchanged")
        func names() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let file = try folder.write(
                #"{"module": "libsofthsm2.so", "token-profile": "none"}"#, "config.json")
            let shown = try config(
                try bench.tokencert(
                    ["config", "--json"], ["TOKENCERT_CONFIG": file, "TOKENCERT_MODULE": ""]))
            #expect(shown["module"] == "libsofthsm2.so" && shown["token-profile"] == "none")
            let here = try run(
                "sh",
                ["-c", "cd \(folder.path) && exec \(product("tokencert")) request --out r.pem"],
                environment: bench.environment)
            #expect(here.status == 0, "\(here.errors)")
            #expect(try folder.read("r.pem").contains("REQUEST"))
        }

        // Opening a pipe blocks until another process writes to it.
        @Test(
            "A pipe as the ledger is refused without waiting",
            arguments: [["history"], ["history", "verify"], ["resume"], ["issue", "--dry-run"]])
        func pipeAsLedger(arguments: [String]) throws {
            let bench = try Bench()
            let pipe = bench.token.folder.file("pipe")
            #expect(try run("mkfifo", [pipe]).status == 0)
            let outcome = try run(
                "timeout", ["20", product("tokencert")] + arguments + ["--ledger", pipe],
                environment: bench.environment)
            expect(outcome, 78, "the ledger \(pipe) is not a regular file")
        }
    }
}
