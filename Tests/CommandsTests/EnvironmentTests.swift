import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Which variables are accepted, refused or reported.
    @Suite struct EnvironmentTests {
        /// Otherwise a variable from a script could disable a safeguard in another command, or a
        /// requested dry run could place a real order.
        @Test(
            "Each command refuses command-line-only options in the environment",
            arguments: [
                "YES", "YES_DELETE_PRIVATE_KEY", "ERASE", "RETIRE", "RETRY_PIN", "ALLOW_LAST_TRY",
                "KEY", "ID", "LABEL", "OUT", "NOT_EMPTY", "KEYS_MAY_STAY", "DRY_RUN", "NEW_KEY",
                "ACCEPT_CHANGES", "IF_PRESENT", "CHAIN", "TREE", "JSON", "FINGERPRINT",
                "NEW_PIN_SOURCE", "FROM", "ORDER_AGAIN", "ABANDON", "SERIAL", "EXPIRING", "DRYRUN",
            ])
        func commandLineOnly(name: String) throws {
            let bench = try Bench()
            let before = bench.token.contents
            for (command, value) in [
                (["issue"], "on"), (["config"], "0"), (["doctor"], "1"),
                (["delete", "pkcs11:token=work;object=mail;type=private"], "1"),
                (["token", "init", "--label", "work"], "work"),
            ] {
                let outcome = try bench.tokencert(
                    command, bench.faulty(["TOKENCERT_" + name: value]))
                expect(outcome, 64, "TOKENCERT_\(name) is set in the environment")
                #expect(outcome.errorLine.contains("command line only"))
            }
            #expect(bench.token.contents == before && bench.ca.orders.isEmpty)
            #expect(bench.calls("C_Initialize") == 0)
        }

        /// Otherwise "on" could count as "off" silently.
        @Test("A flag in the environment is applied or refused, and config shows the result")
        func flags() throws {
            let bench = try Bench()
            func online(_ text: String) throws -> String {
                let outcome = try bench.tokencert(
                    ["config", "--json"], ["TOKENCERT_ONLINE": text])
                let lines = try outcome.json()["settings"] as? [[String: String]] ?? []
                let value = lines.first { $0["name"] == "online" }?["value"]
                return "\(outcome.status) \(value ?? "")"
            }
            for text in ["1", "true", "YES", "on", "On", " true", "on\n"] {
                #expect(try online(text) == "0 true", "\(text)")
            }
            for text in ["0", "False", "no", "OFF", " off "] {
                #expect(try online(text) == "0 false", "\(text)")
            }
            for text in ["y", "t", "2", "enabled", "truee", " "] {
                expect(
                    try bench.tokencert(["config"], ["TOKENCERT_ONLINE": text]), 64,
                    "is not a valid value")
            }
            // The commands use it, too: "off" in the environment overrides the file.
            let file = try bench.token.folder.write(#"{"quiet": true}"#, "config.json")
            let settings = ["TOKENCERT_CONFIG": file]
            let issue = ["issue", "--key-type", "rsa:2048", "--label"]
            #expect(try bench.tokencert(issue + ["quiet"], settings).errors.isEmpty)
            let loud = settings.merging(["TOKENCERT_QUIET": "off"]) { $1 }
            #expect(try bench.tokencert(issue + ["loud"], loud).errors.contains("order 2"))
            let variable = ["TOKENCERT_QUIET": "on"]
            #expect(try bench.tokencert(issue + ["other"], variable).errors.isEmpty)
        }

        // Otherwise a dry run that the program does not understand would be a real run.
        @Test(
            "A flag on the command line takes no value",
            arguments: [
                ["issue", "--dry-run=on"], ["issue", "--dry-run=off"],
                ["renew", "--all", "--retire=1"],
                ["health", "--online=maybe"], ["delete", "pkcs11:token=work", "--yes=no"],
            ])
        func flagWithValue(command: [String]) throws {
            let bench = try Bench()
            let before = bench.token.contents
            let outcome = try bench.tokencert(command, bench.faulty([:]))
            expect(outcome, 64, "does not take any value")
            #expect(bench.token.contents == before && bench.ca.orders.isEmpty)
            #expect(bench.calls("C_Initialize") == 0)
        }

        /// Otherwise a blank variable would select no token, no CA or all addresses, depending on
        /// the setting.
        @Test("An empty variable counts as not set, and a blank one is refused")
        func blank() throws {
            let bench = try Bench()
            let file = try bench.token.folder.write(
                #"{"token": "work", "email": ["a@example.org"], "ca-url": "https://localhost:1"}"#,
                "config.json")
            let variables = ["TOKENCERT_TOKEN", "TOKENCERT_EMAIL", "TOKENCERT_CA_URL"]
            let settings = bench.environment.merging(["TOKENCERT_CONFIG": file]) { $1 }
            // `bench.tokencert` drops empty variables.
            func config(_ changes: [String: String]) throws -> Outcome {
                try run(
                    product("tokencert"), ["config", "--json"],
                    environment: settings.merging(changes) { $1 })
            }
            for name in variables + ["TOKENCERT_MODULE_ARGUMENTS", "TOKENCERT_LEDGER"] {
                let without = try config([name: ""])
                let lines = try without.json()["settings"] as? [[String: String]] ?? []
                let setting = name.dropFirst("TOKENCERT_".count).lowercased().replacing(
                    "_", with: "-")
                let from = lines.first { $0["name"] == setting }?["from"]
                let absent = name == "TOKENCERT_LEDGER" ? "default" : "not set"
                #expect(from == (variables.contains(name) ? "file" : absent), "\(name)")
                for text in [" ", "\t"] + (name == "TOKENCERT_EMAIL" ? [",", " , "] : []) {
                    let outcome = try config([name: text])
                    #expect(outcome.status == 64, "\(name)=\(text): \(outcome.errors)")
                    #expect(
                        outcome.errorLine.contains(name + " in the environment is blank"),
                        "\(outcome.errors)")
                }
            }
            for name in ["TOKENCERT_CONFIG", "TOKENCERT_PROFILE"] {
                expect(
                    try bench.tokencert(["config"], [name: " "]), 64, "\(name) in the environment")
            }
            // Variables of command-line-only options may be empty, too.
            for name in ["TOKENCERT_YES", "TOKENCERT_CONFIG", "TOKENCERT_PROFILE"] {
                #expect(try config([name: ""]).status == 0, "\(name)")
            }
        }

        /// Otherwise the key would get another label, and another file would be read or written.
        @Test("Arguments and settings that are not in UTF-8 are refused, and nothing changes")
        func otherEncodings() throws {
            let bench = try Bench()
            let before = bench.token.contents
            for (line, expected) in [
                ("$0 issue --label $'M\\xfcller'", "argument 3 is not valid UTF-8"),
                ("$0 issue --label mail --out $'/tmp/M\\xfcller'", "argument 5 is not valid UTF-8"),
                (
                    "TOKENCERT_USERNAME=$'M\\xfcller' $0 issue --label mail",
                    "TOKENCERT_USERNAME in the environment is not valid UTF-8"
                ),
                (
                    "TOKENCERT_CONFIG=$'/M\\xfcller' $0 config",
                    "TOKENCERT_CONFIG in the environment is not valid UTF-8"
                ),
            ] {
                let outcome = try run(
                    "bash", ["-c", "exec env " + line.replacing("$0", with: product("tokencert"))],
                    environment: bench.token.tokencertEnvironment.merging(
                        bench.ca.tokencertEnvironment
                    ) { $1 })
                expect(outcome, 64, expected)
            }
            #expect(bench.token.contents == before && bench.ca.orders.isEmpty)
            for name in ["HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"] {
                let outcome = try run(
                    "bash",
                    ["-c", "exec env \(name)=$'/M\\xfcller' \(product("tokencert")) config"],
                    environment: bench.environment)
                expect(outcome, 78, "\(name) is not valid UTF-8")
            }
            // Not the argument: it may be a URI with a PIN.
            let secret = try run(
                "bash", ["-c", "exec \(product("tokencert")) list $'pkcs11:?pin-value=12\\xfc'"])
            expect(secret, 64, "argument 2 is not valid UTF-8")
            #expect(!secret.errors.contains("12"), "\(secret.errors)")
            // A completion prints only its proposals, and the name of the program does not matter.
            for line in [
                "SAP_SHELL=bash exec \(product("tokencert")) ---completion list -- --token 3 0 tokencert list --token $'M\\xfc'",
                "exec -a $'j\\xfcrgen' \(product("tokencert")) --help",
            ] {
                let outcome = try run("bash", ["-c", line], environment: bench.environment)
                #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
            }
            // The letter itself is accepted.
            let accepted = try bench.tokencert(["list", "--token", "Müller"])
            #expect(accepted.errorLine.contains("Müller"), "\(accepted)")
        }

        /// Otherwise the user would not notice that a different account or token is used.
        @Test("A misspelt variable is reported, and a variable of another program is not")
        func misspelt() throws {
            let bench = try Bench()
            for (name, meant) in [
                ("TOKENCERT_USRNAME", "TOKENCERT_USERNAME"), ("TOKENCERT_TOKNE", "TOKENCERT_TOKEN"),
                ("TOKENCERT_PROFIL", "TOKENCERT_PROFILE"),
            ] {
                let outcome = try bench.tokencert(["config"], [name: "x"])
                #expect(outcome.status == 0)
                #expect(outcome.errors.contains("warning: \(name)"), "\(outcome.errors)")
                #expect(outcome.errors.contains("did you mean \(meant)?"), "\(outcome.errors)")
            }
            for name in ["TOKENCERT_SWEEP", "TOKENCERT_STRICT", "TOKENCERT_VERSION"] {
                let outcome = try bench.tokencert(["config"], [name: "1"])
                #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
            }
        }
    }
}
