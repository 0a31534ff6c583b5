import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// The JSON output of every command, and the schema that describes it.
    @Suite struct SchemaTests {
        /// A command and the name of its output. `FOLDER`, `ROOT`, `FINGERPRINT` and `ANCHOR` are
        /// replaced with values of the bench.
        private struct Sample {
            /// The name in the schema.
            let output: String
            let arguments: [String]
            let status: Int32
            /// Additional variables; FAULTY_ variables load the faulty module.
            let environment: [String: String]

            init(
                _ output: String, _ arguments: String..., status: Int32 = 0,
                environment: [String: String] = [:]
            ) {
                self.output = output
                self.arguments = arguments
                self.status = status
                self.environment = environment
            }
        }

        /// A home folder, for commands that change files of the user.
        private static let home = ["HOME": "FOLDER/home"]

        /// Commands on a token with a PIN, with an account; each depends on those before it.
        private static let everyday = [
            Sample("config", "config"),
            Sample("config", "config", "--config", "FOLDER/config.json", "--profile", "home"),
            Sample("completions", "completions", "bash"),
            Sample("doctor", "doctor"),
            Sample("doctor", "doctor", "--offline", "--module", "/nonexistent.so", status: 79),
            Sample("account", "account"),
            Sample("certificates", "certificates"),
            Sample("tokens", "tokens"),
            Sample("tokens", "tokens", "--verbose"),
            Sample("tokens", "tokens", environment: ["TOKENCERT_MODULE": ""]),
            Sample(
                "tokens", "tokens",
                environment: ["FAULTY_RULES": "C_GetTokenInfo:before:return=0x30"]),
            Sample("tokenProfiles", "tokens", "--profiles"),
            Sample("resumeList", "resume"),
            Sample("history", "history"),
            Sample("list", "list"),
            Sample("health", "health"),
            Sample("expiring", "expiring"),
            Sample("requestPlan", "request", "--dry-run"),
            Sample("request", "request", "--label", "spare", "--key-type", "rsa:2048"),
            Sample("requestPlan", "request", "--dry-run", "--key", "pkcs11:object=spare"),
            Sample("issuePlan", "issue", "--dry-run"),
            Sample("issuePlan", "issue", "--dry-run", "--key", "pkcs11:object=spare"),
            Sample(
                "issue", "issue", "--label", "mail", "--key-type", "rsa:2048", "--out",
                "FOLDER/mail.pem"),
            Sample("list", "list"),
            Sample("list", "list", environment: ["TOKENCERT_PIN_SOURCE": ""]),
            Sample("show", "show", "pkcs11:object=mail"),
            Sample("show", "show", "pkcs11:object=mail;type=cert"),
            Sample("consumers", "use", environment: home),
            Sample("useAllPresent", "use", "--all-present", environment: home),
            Sample("use", "use", "ssh", "mail", "--host", "example.org", environment: home),
            Sample(
                "use", "use", "ssh", "mail", "--host", "example.org", "--write",
                environment: home),
            Sample("use", "use", "ssh", environment: home),
            Sample("consumers", "use", environment: home),
            Sample("useAllPresent", "use", "ssh", "--all-present", environment: home),
            Sample(
                "useAllPresent", "use", "ssh", "--all-present", "--module", "/nonexistent.so",
                status: 78, environment: home),
            Sample("useUndone", "use", "ssh", "--undo", environment: home),
            Sample("health", "health"),
            Sample("health", "health", "--days", "1000", status: 79),
            Sample("health", "health", environment: ["TOKENCERT_CA_FILE": ""]),
            Sample("expiring", "expiring", "--within", "2w"),
            Sample("expiring", "expiring", "--within", "1000d", status: 79),
            Sample("renewPlan", "renew", "--all", "--dry-run"),
            Sample("renew", "renew", "--expiring", "1d"),
            Sample("renew", "renew", "--all", "--new-key"),
            Sample("import", "import", "--cert", "FOLDER/mail.pem"),
            Sample(
                "renew", "renew", "--all", status: 73,
                environment: ["FAULTY_RULES": "C_CreateObject:before:return=0x31"]),
            Sample("resumeList", "resume"),
            Sample("expiring", "expiring", "--within", "1000d", status: 79),
            Sample("issue", "resume", "5"),
            Sample("resumeMessage", "resume", "1"),
            Sample("certificates", "certificates"),
            Sample("revoke", "revoke", "FOLDER/mail.pem", "--yes"),
            Sample("revoke", "revoke", "FOLDER/mail.pem", "--yes"),
            Sample("revoke", "revoke", "--lost-token", "work", "--yes"),
            Sample("certificates", "certificates", "--all"),
            Sample(
                "evidence", "evidence", "pkcs11:object=spare", "--out", "FOLDER/evidence"),
            Sample("history", "history", "show", "2"),
            Sample("history", "history"),
            Sample("historyVerify", "history", "verify"),
            Sample("trust", "trust", "add", "ROOT"),
            Sample("trust", "trust", "list"),
            Sample("trust", "trust", "fetch", "--fingerprint", "FINGERPRINT"),
            Sample("trustRemoved", "trust", "remove", "ANCHOR"),
            Sample("deletePlan", "delete", "pkcs11:object=spare", "--dry-run"),
            Sample(
                "delete", "delete", "pkcs11:object=spare;type=private", "--yes",
                "--yes-delete-private-key"),
            Sample(
                "tokenMessage", "token", "change-pin", "--new-pin-source", "file:FOLDER/new-pin"),
            Sample(
                "tokenMessage", "token", "unblock", "--pin-source", "file:FOLDER/pin",
                "--so-pin-source", "file:FOLDER/so-pin"),
        ]

        /// Commands on a store with a token without a PIN and a slot that is not initialized.
        private static let fresh = [
            Sample("tokens", "tokens", "--verbose"),
            Sample(
                "tokenMessage", "token", "set-pin", "--token", "bare", "--pin-source",
                "file:FOLDER/new-pin", "--so-pin-source", "file:FOLDER/so-pin"),
            Sample(
                "tokenMessage", "token", "label", "home", "--token", "bare", "--pin-source",
                "file:FOLDER/new-pin", "--so-pin-source", "file:FOLDER/so-pin"),
            Sample(
                "tokenInit", "token", "init", "--label", "wörk", "--pin-source",
                "file:FOLDER/new-pin", "--so-pin-source", "file:FOLDER/so-pin"),
            Sample(
                "probe", "probe", "--token", "home", "--yes", "--key-type", "ec:p256",
                "--pin-source", "file:FOLDER/new-pin"),
        ]

        /// Commands that fail, on a token with a PIN, with an account.
        private static let failures = [
            Sample("error", "isue", status: 64),
            Sample("error", "use", "shh", status: 64),
            Sample("error", "use", "ssh", "--undo", status: 66, environment: home),
            Sample("error", "issue", "--nonsense", status: 64),
            Sample("error", "show", "pkcs11:nonsense", status: 64),
            Sample("error", "issue", "--email", "bob@example.org", status: 65),
            Sample("error", "list", "--token", "wrok", status: 66),
            Sample("error", "show", "pkcs11:object=nothing", status: 66),
            Sample("error", "history", "show", "7", status: 66),
            Sample("error", "revoke", "2dd50d", "--yes", status: 66),
            Sample("error", "account", "--ca-url", "https://localhost:1", status: 69),
            Sample("error", "token", "set-pin", status: 73),
            Sample(
                "error", "list", status: 74,
                environment: ["FAULTY_RULES": "C_OpenSession:before:return=0x30"]),
            // A vendor-defined return value.
            Sample(
                "error", "list", status: 74,
                environment: ["FAULTY_RULES": "C_OpenSession:before:return=0x80000001"]),
            Sample("error", "trust", "fetch", status: 76),
            Sample("error", "list", "--pin-source", "file:FOLDER/new-pin", status: 77),
            Sample("error", "list", "--pin-source", "file:FOLDER/new-pin", status: 77),
            Sample("error", "list", "--module", "/nonexistent.so", status: 78),
            Sample("error", "config", "--profile", "missing", status: 78),
            Sample("error", "doctor", "--color", "blue", status: 64),
            // The error contains the certificate, since it cannot be written to the file.
            Sample("error", "issue", "--out", "/dev/full", status: 78),
        ]

        private static let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        private static let script = root.appending(path: "Tests/TestSupport/validate.py").path()
        private static let file = root.appending(
            path: "Sources/Commands/Documentation.docc/Resources/tokencert.schema.json"
        ).path()

        private func schema() throws -> [String: Any] {
            let data = try Data(contentsOf: URL(filePath: Self.file))
            return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        }

        private func definitions() throws -> [String: [String: Any]] {
            try #require(try schema()["$defs"] as? [String: [String: Any]])
        }

        private func validate(_ text: String, _ output: String) throws -> Outcome {
            try run("/usr/bin/python3", [Self.script, Self.file, output], input: text)
        }

        /// Runs commands in order and validates their output against the schema.
        private func check(
            _ samples: [Sample], _ bench: Bench,
            _ location: SourceLocation = #_sourceLocation
        ) throws {
            try bench.token.folder.write("8347261\n", "new-pin")
            try bench.token.folder.write(bench.token.soPIN + "\n", "so-pin")
            try bench.token.folder.write(
                #"{"profiles": {"home": {"token": "work", "quiet": true}}}"#, "config.json")
            let text = try run(
                "openssl",
                ["x509", "-in", bench.ca.rootFile, "-noout", "-fingerprint", "-sha256"]
            ).output
            let fingerprint = try #require(text.split(separator: "=").last)
                .filter(\.isHexDigit).lowercased()
            let words = [
                "FOLDER": bench.token.folder.path, "ROOT": bench.ca.rootFile,
                "FINGERPRINT": fingerprint,
                "ANCHOR": "stand-in-ca-class-1-root-" + fingerprint.prefix(8),
            ]
            try FileManager.default.createDirectory(
                atPath: bench.token.folder.file("home"), withIntermediateDirectories: true)
            func replaced(_ text: String) -> String {
                words.reduce(text) { $0.replacing($1.key, with: $1.value) }
            }
            for sample in samples {
                let arguments = sample.arguments.map(replaced)
                let environment = sample.environment.mapValues(replaced)
                let isFaulty = environment.keys.contains { $0.hasPrefix("FAULTY_") }
                let outcome = try bench.tokencert(
                    arguments + ["--json"],
                    isFaulty ? bench.faulty(environment) : environment)
                #expect(
                    outcome.status == sample.status, "\(arguments): \(outcome)",
                    sourceLocation: location)
                let violations = try validate(outcome.output, sample.output)
                #expect(
                    violations.status == 0, "\(arguments): \(violations.errors)\(outcome)",
                    sourceLocation: location)
                try checkForm(try outcome.json(), location)
            }
        }

        @Test("The output of everyday commands matches the schema")
        func everydayCommands() throws {
            try check(Self.everyday, try Bench())
        }

        @Test("The output of commands that set up tokens matches the schema")
        func freshTokens() throws {
            let bench = try Bench(withoutToken: ())
            let made = try run(
                "pkcs11-tool",
                [
                    "--module", softHSMModule, "--init-token", "--slot-index", "0", "--label",
                    "bare", "--so-pin", "env:SO_PIN",
                ],
                environment: bench.token.environment.merging(["SO_PIN": bench.token.soPIN]) { $1 })
            #expect(made.status == 0, "\(made.errors)")
            try check(Self.fresh, bench)
        }

        private static let revocation = [
            Sample("issue", "issue", "--label", "mail", "--key-type", "rsa:2048"),
            Sample("revoke", "revoke", "mail", "--yes"),
            Sample("revoke", "revoke", "--lost-token", "work", "--yes"),
        ]

        @Test("The output about a revocation that is not published yet matches the schema")
        func publication() throws {
            let server = try FileServer()
            let bench = try Bench(["--ocsp", "http://127.0.0.1:1/", "--crl", server.url])
            try server.publish(RevocationListFile(), of: bench)
            try check(Self.revocation, bench)
            #expect(server.requests == 2)
        }

        private static let severalTokens = [
            Sample(
                "issue", "issue", "--token", "work", "--label", "mail", "--key-type", "rsa:2048"),
            Sample("listOfTokens", "list"),
            Sample(
                "listOfTokens", "list", status: 74,
                environment: ["FAULTY_RULES": "C_FindObjectsInit#1:before:return=0x30"]),
            Sample("healthOfTokens", "health"),
            Sample("healthOfTokens", "health", "--days", "1000", status: 79),
            Sample(
                "healthOfTokens", "health", status: 74,
                environment: ["FAULTY_RULES": "C_FindObjectsInit#1:before:return=0x30"]),
            // A token whose description cannot be read has no description in the output either.
            Sample(
                "healthOfTokens", "health", status: 74,
                environment: ["FAULTY_RULES": "C_GetTokenInfo#1:before:return=0x30"]),
        ]

        @Test("The output about several tokens matches the schema")
        func tokens() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "home")
            try bench.token.addToken(label: "spare")
            try check(Self.severalTokens, bench)
        }

        private static let copies = [
            Sample(
                "issue", "issue", "--token", "work", "--label", "mail", "--key-type", "rsa:2048"),
            Sample(
                "issuePlan", "renew", "mail", "--token", "work", "--copy-to", "home", "--dry-run"),
            Sample(
                "issue", "renew", "mail", "--token", "work", "--copy-to", "home", "--pin-source",
                "file:FOLDER/pin"),
            Sample("error", "renew", "mail", "--token", "work", "--copy-to", "home", status: 73),
            Sample("history", "history"),
            // The copy is skipped without a URI, since its token is not read.
            Sample("renewPlan", "renew", "mail", "--token", "work", "--dry-run"),
            Sample("renew", "renew", "mail", "--token", "work"),
        ]

        @Test("The output about a certificate and its copy matches the schema")
        func copiedCertificate() throws {
            let bench = try Bench()
            try bench.token.addToken(label: "home")
            try check(Self.copies, bench)
        }

        @Test("The output of commands that fail matches the schema")
        func failedCommands() throws {
            let bench = try Bench()
            try check(Self.failures, bench)
            #expect(try bench.tokencert(["list"]).status == 0)
        }

        @Test("The output about objects of other programs matches the schema")
        func foreignObjects() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let made = try run(
                "bash",
                [
                    "-ec",
                    """
                    cd "$0"
                    openssl genrsa -traditional -3 -out short.pem 1024
                    openssl rsa -in short.pem -outform DER -out privkey
                    openssl rsa -in short.pem -pubout -outform DER -out pubkey
                    # A curve and an algorithm that have no name here, and a key for clients.
                    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:brainpoolP256r1 \
                        -nodes -keyout k -subj /CN=brainpool -outform DER -out brainpool
                    openssl req -x509 -newkey ed448 -nodes -keyout k -subj /CN=ed448 \
                        -outform DER -out ed448
                    openssl req -x509 -newkey ed25519 -nodes -keyout k -subj /CN=server -days 5 \
                        -addext extendedKeyUsage=serverAuth -outform DER -out server
                    """, folder.path,
                ])
            #expect(made.status == 0, "\(made.errors)")
            try folder.write("no certificate", "text")
            let objects = [
                ["--write-object", folder.file("privkey"), "--type", "privkey", "--id", "07"],
                ["--write-object", folder.file("pubkey"), "--type", "pubkey", "--id", "07"],
                // The certificate of another key with the same ID, and certificates without a key.
                ["--write-object", folder.file("server"), "--type", "cert", "--id", "07"],
                ["--write-object", folder.file("brainpool"), "--type", "cert", "--id", "08"],
                ["--write-object", folder.file("ed448"), "--type", "cert"],
                ["--write-object", folder.file("text"), "--type", "data"],
                ["--keypairgen", "--key-type", "EC:secp256k1", "--id", "09"],
            ]
            for arguments in objects {
                let written = try bench.token.pkcs11Tool(arguments)
                #expect(written.status == 0, "\(arguments): \(written.errors)")
            }
            for source in ["", "file:\(folder.file("pin"))"] {
                let environment = ["TOKENCERT_PIN_SOURCE": source]
                try check(
                    [
                        Sample("list", "list", environment: environment),
                        Sample("health", "health", status: 79, environment: environment),
                        Sample("show", "show", "pkcs11:type=public", environment: environment),
                        Sample("show", "show", "pkcs11:type=cert", environment: environment),
                    ], bench)
            }
            let delete = "pkcs11:id=%07;type=private"
            try check([Sample("deletePlan", "delete", delete, "--dry-run")], bench)
        }

        @Test("The output about certificates that renew passes over matches the schema")
        func passedOver() throws {
            try check(
                [
                    Sample("issue", "issue", "--label", "mail", "--key-type", "rsa:2048"),
                    Sample("delete", "delete", "pkcs11:object=mail;type=cert", "--yes"),
                    Sample("renewPlan", "renew", "--all", "--dry-run", status: 79),
                    Sample("renew", "renew", "--all", status: 79),
                ], try Bench())
        }

        @Test("The history of an order matches the schema, which lists every kind of event")
        func events() throws {
            let bench = try Bench(["--signer", "class3", "--answer-form", "messy"])
            let folder = bench.token.folder
            try check(
                [
                    Sample(
                        "issue", "issue", "--key-type", "rsa:2048", "--out", "FOLDER/mail.pem")
                ], bench)
            try folder.write(
                folder.read("mail.pem") + bench.ca.folder.read("class3.pem"), "both.pem")
            let silent = try SilentServer(bench.ca)
            try check(
                [
                    Sample("import", "import", "--cert", "FOLDER/both.pem", "--chain"),
                    Sample("renew", "renew", "--all", "--retire"),
                    Sample(
                        "request", "request", "--key-type", "rsa:2048", "--token-profile",
                        "softhsm2"),
                    Sample(
                        "error", "issue", "--key-type", "ec:p256", "--ca-accepts", "ec",
                        status: 65),
                    Sample(
                        "error", "issue", "--key-type", "rsa:2048", status: 73,
                        environment: ["FAULTY_CERTIFICATE_LIMIT": "500"]),
                    Sample("resumeMessage", "resume", "6", "--abandon"),
                    Sample(
                        "error", "issue", "--key-type", "rsa:2048", "--ca-url", silent.url,
                        status: 75),
                ], bench)
            // The key was made, but the process was killed before it could record that.
            _ = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_RULES": "C_GenerateKeyPair:after:kill"]))
            let unfinished = try bench.tokencert(["resume", "--json"]).json()["orders"]
            let killed = try #require((unfinished as? [[String: Any]])?.last?["order"] as? Int)
            try check([Sample("issue", "resume", "\(killed)")], bench)
            try orderWhileTheCAGoes(bench)
            try bench.ca.restart(["--fault", "late"])
            try check(
                [
                    Sample("issue", "issue", "--key-type", "rsa:2048", "--fetch"),
                    Sample("revoke", "revoke", "FOLDER/mail.pem", "--yes"),
                    Sample("resumeList", "resume"), Sample("history", "history"),
                ], bench)

            let history = try bench.tokencert(["history", "--json"]).json()
            let orders = try #require(history["orders"] as? [[String: Any]])
            let happened = orders.flatMap { $0["events"] as? [[String: Any]] ?? [] }
            let parts = try #require(try definitions()["parts"]?["$defs"] as? [String: Any])
            let event = try #require(parts["event"] as? [String: Any])
            let properties = try #require(event["properties"] as? [String: [String: Any]])
            let kinds = try #require(properties["kind"]?["enum"] as? [String])
            #expect(Set(happened.compactMap { $0["kind"] as? String }) == Set(kinds))
        }

        /// Starts an order whose CA is gone before the request is sent.
        private func orderWhileTheCAGoes(_ bench: Bench) throws {
            var server: SilentServer? = try SilentServer(bench.ca)
            let slow = bench.faulty([
                "FAULTY_RULES": "C_Sign#1:before:delay=2000",
                "TOKENCERT_CA_URL": try #require(server?.url),
            ])
            let signatures = bench.calls("C_Sign")
            let queue = DispatchQueue(label: "issue")
            queue.async { _ = try? bench.tokencert(["issue", "--key-type", "rsa:2048"], slow) }
            for _ in 0..<600 where bench.calls("C_Sign") == signatures { usleep(50_000) }
            server = nil
            queue.sync {}
        }

        @Test(
            "Changes by the CA and broken answers are part of the output and match the schema",
            arguments: ["other-name", "late-reset"])
        func oddAnswers(fault: String) throws {
            let bench = try Bench(["--fault", fault])
            try check(
                [
                    Sample("issue", "issue", "--key-type", "rsa:2048", "--accept-changes"),
                    Sample("history", "history"),
                ], bench)
        }

        @Test("Every command with --json has an output in the schema and a sample here")
        func complete() throws {
            let samples = Self.everyday + Self.fresh + Self.failures + Self.severalTokens
            // HookTests checks what hooks get.
            let outputs = Set(try definitions().keys).subtracting(["parts", "hook"])
            #expect(Set(samples.map(\.output)) == outputs)
            // Programs that do not know the command can validate against any output.
            let all = try #require(try schema()["anyOf"] as? [[String: String]])
            #expect(Set(all.compactMap { $0["$ref"] }) == Set(outputs.map { "#/$defs/\($0)" }))

            let help = try run(product("tokencert"), ["--experimental-dump-help"]).json()
            let commands = commandsWithJSON(try #require(help["command"] as? [String: Any]))
            #expect(commands.count > 20, "\(commands)")
            for command in commands {
                #expect(
                    samples.contains {
                        $0.output != "error" && $0.arguments.starts(with: command)
                    }, "\(command)")
            }
        }

        /// The names of the commands with the option `--json`, each with its parent commands.
        private func commandsWithJSON(
            _ command: [String: Any], _ path: [String] = []
        ) -> [[String]] {
            let options = command["arguments"] as? [[String: Any]] ?? []
            let names = options.flatMap { $0["names"] as? [[String: Any]] ?? [] }
            let hasJSON = names.contains { $0["name"] as? String == "json" }
            let commands = command["subcommands"] as? [[String: Any]] ?? []
            return (hasJSON ? [path] : [])
                + commands.flatMap {
                    commandsWithJSON($0, path + [$0["commandName"] as? String ?? ""])
                }
        }

        @Test("Every field in the schema has a description, and other fields are not allowed")
        func described() throws {
            func look(_ value: Any, _ path: String) {
                if let values = value as? [Any] {
                    for (index, value) in values.enumerated() { look(value, "\(path)/\(index)") }
                }
                guard let object = value as? [String: Any] else { return }
                for (name, value) in object { look(value, "\(path)/\(name)") }
                guard object["type"] as? String == "object",
                    let properties = object["properties"] as? [String: [String: Any]]
                else { return }
                #expect(object["additionalProperties"] as? Bool == false, "\(path)")
                let required = object["required"] as? [String] ?? []
                #expect(Set(required).isSubset(of: properties.keys), "\(path)")
                for (name, property) in properties {
                    let text = property["description"] as? String ?? ""
                    #expect(text.hasSuffix("."), "\(path)/properties/\(name)")
                }
            }
            look(try schema(), "#")
            let version = #""schemaVersion": 1"#
            for text in [
                "", "{}", "[]", #"{"message": ""}"#, #"{"message": "", "schemaVersion": 2}"#,
                #"{"message": 1, \#(version)}"#, #"{"message": "", "more": 1, \#(version)}"#,
            ] {
                #expect(try validate(text, "tokenMessage").status == 1, "\(text)")
            }
            #expect(
                try validate(#"{"message": "done", \#(version)}"#, "tokenMessage").status == 0)
        }

        // Otherwise a script could not tell which version of an output it reads.
        @Test("Every output in the schema requires the version")
        func versions() throws {
            for (name, output) in try definitions() where !["parts", "import"].contains(name) {
                let required = output["required"] as? [String] ?? []
                #expect(required.contains("schemaVersion"), "\(name)")
            }
            let imported = try #require(try definitions()["import"])
            #expect(imported["$ref"] as? String == "#/$defs/issue")
        }

        // Otherwise a script would need other names for each command.
        @Test("The schema defines a certificate once")
        func oneCertificate() throws {
            func places(_ value: Any, _ path: String) -> [String] {
                if let values = value as? [Any] { return values.flatMap { places($0, path) } }
                guard let object = value as? [String: Any] else { return [] }
                let properties = object["properties"] as? [String: Any] ?? [:]
                let isCertificate = ["issuer", "notAfter", "pem"].contains { name in
                    properties[name] != nil
                }
                return (isCertificate ? [path] : [])
                    + object.flatMap { places($0.value, path + "/" + $0.key) }
            }
            let parts = "#/$defs/parts/$defs/"
            // An event of the ledger has the end of its certificate, in seconds.
            #expect(
                Set(places(try schema(), "#")) == [parts + "certificate", parts + "certified"])
        }

        /// The objects in an output that describe a certificate, except in events of the ledger.
        private func certificates(_ value: Any, at name: String = "") -> [[String: Any]] {
            if let values = value as? [Any] {
                return values.flatMap { certificates($0, at: name) }
            }
            guard name != "content", let object = value as? [String: Any] else { return [] }
            let isCertificate =
                name.lowercased().contains("certificate")
                || ["issuer", "notAfter", "sha256Fingerprint"].contains { object[$0] != nil }
            return (isCertificate ? [object] : [])
                + object.flatMap { certificates($0.value, at: $0.key) }
        }

        /// Checks that an output has the version, and the one form for each certificate.
        private func checkForm(_ output: [String: Any], _ location: SourceLocation) throws {
            #expect(output["schemaVersion"] as? Int == 1, sourceLocation: location)
            let parts = try definitions()["parts"]?["$defs"] as? [String: [String: Any]]
            let form = try #require(parts?["certificate"])
            let names = Set((form["properties"] as? [String: Any] ?? [:]).keys)
            let needed = (form["dependentRequired"] as? [String: [String]] ?? [:])["subject"] ?? []
            for certificate in certificates(output) {
                #expect(
                    names.isSuperset(of: certificate.keys), "\(certificate)",
                    sourceLocation: location)
                #expect(
                    certificate["subject"] == nil && certificate["uri"] != nil
                        || Set(needed).isSubset(of: certificate.keys), "\(certificate)",
                    sourceLocation: location)
            }
        }
    }
}
