import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Certificates from a CA behind a command, on SoftHSM2.
    @Suite struct CommandCATests {
        private static let examples = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Packaging/examples").path()

        /// A token, and a folder with a CA of the program openssl.
        private struct CommandBench {
            let token: ThrowawayToken
            let folder: TemporaryFolder

            init() throws {
                token = try ThrowawayToken()
                folder = try TemporaryFolder()
                try openssl([
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", folder.file("ca.key"), "-out", folder.file("ca.pem"),
                    "-subj", "/CN=Test CA", "-days", "30", "-addext",
                    "keyUsage=critical,keyCertSign,cRLSign",
                ])
            }

            var caOpenSSL: String { "\(CommandCATests.examples)/ca-openssl \(folder.path)" }

            var environment: [String: String] {
                token.tokencertEnvironment.merging(
                    ["TOKENCERT_CA_FILE": folder.file("ca.pem")]
                ) { $1 }
            }

            @discardableResult
            func openssl(_ arguments: [String]) throws -> String {
                let outcome = try run("openssl", arguments)
                #expect(outcome.status == 0, "openssl \(arguments): \(outcome.errors)")
                return outcome.output
            }

            func tokencert(_ arguments: [String], command: String? = nil) throws -> Outcome {
                try run(
                    product("tokencert"),
                    arguments + (command.map { ["--ca-command", $0] } ?? []),
                    environment: environment)
            }

            func issue(_ more: [String], command: String) throws -> Outcome {
                try tokencert(
                    ["issue", "--name", "Anna", "--email", "anna@example.org", "--label", "mail"]
                        + more, command: command)
            }

            /// A command that runs a script with the variable `CA`, the command of the openssl CA.
            func script(_ text: String) throws -> String {
                let file = try folder.write(
                    "CA='\(caOpenSSL)'; cd '\(folder.path)' || exit 1\n\(text)\n",
                    "script-\(UUID().uuidString)")
                return "sh \(file)"
            }

            /// The certificates of the only key on the token.
            func certificates() throws -> Int {
                let list = try tokencert(["list", "--json"]).json()
                let keys = try #require(list["keys"] as? [[String: Any]])
                #expect(keys.count == 1)
                return (keys.first?["certificates"] as? [Any])?.count ?? 0
            }
        }

        @Test(
            "A certificate of a CA behind a command is issued, for RSA and elliptic curves",
            arguments: ["rsa:2048", "ec:p256"])
        func issue(kind: String) throws {
            let bench = try CommandBench()
            let dryRun = try bench.issue(
                ["--key-type", kind, "--dry-run"], command: bench.caOpenSSL)
            #expect(dryRun.status == 0, "\(dryRun.errors)")
            #expect(dryRun.output.contains("command:"), "\(dryRun.output)")
            let issued = try bench.issue(["--key-type", kind], command: bench.caOpenSSL)
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(try bench.certificates() == 1)
            let history = try bench.tokencert(["history", "1"]).output
            #expect(history.contains("exit status 0"), "\(history)")
            #expect(history.contains("key verified by a signature"), "\(history)")
            let renewed = try bench.tokencert(["renew", "mail"], command: bench.caOpenSSL)
            #expect(renewed.status == 0, "\(renewed.errors)")
            #expect(try bench.certificates() == 2)
        }

        // Otherwise the only certificate of the other CA is gone.
        @Test("A token that overwrites certificates keeps one of another CA until the user agrees")
        func otherCA() throws {
            let bench = try CommandBench()
            #expect(
                try bench.issue(["--key-type", "ec:p256"], command: bench.caOpenSSL).status == 0)
            let other = try bench.script("exec $CA")
            let profile = try bench.folder.write(
                #"""
                {"name": "other", "title": "another token", "tested": "here", "match": {},
                "certificatesPerKey": 1, "replacesCertificates": true}
                """#, "profile.json")
            let renew = ["renew", "mail", "--retire", "--token-profile", profile]
            for arguments in [renew, renew + ["--dry-run"]] {
                let refused = try bench.tokencert(arguments, command: other)
                #expect(refused.status == 73, "\(refused)")
                #expect(refused.errors.contains("it was issued by another CA"), "\(refused)")
            }
            let history = try bench.tokencert(["history", "--json"]).json()
            #expect((history["orders"] as? [Any])?.count == 1)
            let all = try bench.tokencert(["renew", "--all"], command: other)
            #expect(all.status == 79 && all.errors.contains("was skipped"), "\(all)")
            let agreed = try bench.tokencert(renew + ["--accept-changes"], command: other)
            #expect(agreed.status == 0, "\(agreed)")
        }

        // Otherwise the user would have to order a second certificate.
        @Test("A certificate that is issued later is fetched with the CA's number")
        func later() throws {
            let bench = try CommandBench()
            let command = try bench.script(
                """
                if [ -e ready ] && [ "$TOKENCERT_ORDER_REFERENCE" = 4711 ]; then
                    TOKENCERT_ORDER_ACTION=issue exec $CA
                fi
                echo 4711 queued >&2
                exit 75
                """)
            let issued = try bench.issue([], command: command)
            expect(issued, 75, "ID 4711")
            try bench.folder.write("", "ready")
            let resumed = try bench.tokencert(["resume", "1", "--fetch"], command: command)
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(try bench.certificates() == 1)
        }

        // Otherwise a crash would lose a certificate that the CA has issued.
        @Test("An order whose command was running when tokencert was killed can be fetched")
        func killed() throws {
            let bench = try CommandBench()
            let command = try bench.script(
                """
                [ "$TOKENCERT_ORDER_ACTION" = issue ] || exec $CA
                $CA >/dev/null
                kill -KILL $PPID
                """)
            #expect(try bench.issue([], command: command).status == 128 + 9)
            let resumed = try bench.tokencert(["resume", "1", "--fetch"], command: command)
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(try bench.certificates() == 1)
        }

        // Otherwise the certificate would be lost, and a second one would be ordered.
        @Test("A certificate is used even if the command reports that nothing was ordered")
        func failedWithCertificate() throws {
            let bench = try CommandBench()
            let command = try bench.script("$CA; exit 69")
            let issued = try bench.issue([], command: command)
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(try bench.certificates() == 1)
        }

        // Otherwise the command could order something after the user was told that it has ended.
        @Test("A signal that ends tokencert ends its CA command, even if that ignores SIGTERM")
        func signalled() throws {
            let bench = try CommandBench()
            let command = try bench.script(
                "trap '' TERM; kill -TERM $PPID; sleep 5; touch survived")
            // The test runner may ignore signals, which its children inherit.
            let outcome = try run(
                "env",
                [
                    "--default-signal=TERM", product("tokencert"), "issue", "--name", "Anna",
                    "--email", "anna@example.org",
                    "--label", "mail", "--ca-command", command,
                ], environment: bench.environment)
            #expect(outcome.status == 128 + 15, "\(outcome.errors)")
            #expect(outcome.errors.contains("ask the CA before you order again"))
            sleep(6)
            #expect(!FileManager.default.fileExists(atPath: bench.folder.file("survived")))
        }

        // Otherwise an order whose certificate was issued could be placed again.
        @Test(
            "ca-cmp reports a refusal only if the first answer is one, and 69 only before it asks")
        func cmpFailures() throws {
            let bench = try CommandBench()
            try bench.folder.write("secret", "secret")
            try FileManager.default.copyItem(
                atPath: bench.folder.file("ca.pem"), toPath: bench.folder.file("next.pem"))
            try bench.openssl([
                "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", bench.folder.file("other.key"), "-subj", "/CN=Anna",
                "-out", bench.folder.file("request.pem"),
            ])
            let request = try bench.folder.read("request.pem")
            func ask(_ arguments: [String], _ input: String) throws -> Outcome {
                try run("\(Self.examples)/ca-cmp", arguments, input: input)
            }
            let secret = bench.folder.file("secret")
            // The program ends before it reads its input, so it gets none.
            #expect(try ask(["http://127.0.0.1:1", "x"], "").status == 69)
            #expect(try ask(["http://127.0.0.1:1", "x", "/no/such/secret"], "").status == 69)
            #expect(try ask(["http://127.0.0.1:1", "x", secret], request).status == 1)
            // The other certificates are for another key, so openssl refuses them after the issuance.
            for (options, status) in [
                (["-pkistatus", "2"], 65), (["-send_error"], 65),
                (["-pkistatus", "0", "-statusstring", "PKIStatus: rejection"], 1),
                (["-pkistatus", "0", "-statusstring", "Connection refused"], 1),
                (["-pkistatus", "3"], 1), (["-send_unprotected"], 1),
            ] as [([String], Int32)] {
                let (server, port) = try cmpServer(bench.folder, options)
                defer { end(server) }
                let outcome = try ask(["http://127.0.0.1:\(port)", "x", secret], request)
                #expect(outcome.status == status, "\(options): \(outcome.errors)")
                #expect(outcome.output.isEmpty && !outcome.errors.isEmpty, "\(options)")
            }
        }

        @Test("A refusal is reported with its reason, and control characters are escaped")
        func refused() throws {
            let bench = try CommandBench()
            let command = try bench.script("printf 'no \\033[31mAnna\\n' >&2; exit 65")
            let outcome = try bench.issue([], command: command)
            expect(outcome, 65, "the CA refused the order: no ")
            #expect(!outcome.errors.contains("\u{1B}"))
        }

        // Otherwise a typing mistake would leave a key and an order behind.
        @Test("A program that does not exist is reported before a key is generated")
        func missing() throws {
            let bench = try CommandBench()
            expect(
                try bench.issue([], command: "/no/such/program"), 69,
                "the program /no/such/program of the CA command is not found")
            #expect(bench.token.contents.isEmpty)
            #expect(try bench.tokencert(["resume"]).output.contains("No order"))
        }

        // Otherwise a program that can write to the ledger could have other programs run.
        @Test("resume never runs a command only because the ledger contains it")
        func commandOfLedger() throws {
            let bench = try CommandBench()
            let command = try bench.script("echo x >>runs; exit 1")
            expect(try bench.issue([], command: command), 75, "exited with status 1")
            let runs = try bench.folder.read("runs")
            expect(try bench.tokencert(["resume", "1", "--fetch"]), 64, "which is not set")
            let other = try bench.script("exit 1")
            let outcome = try bench.tokencert(["resume", "1", "--fetch"], command: other)
            expect(outcome, 64, "belongs to the CA command")
            #expect(outcome.errors.contains("--ca-command '\(command)'"), "\(outcome.errors)")
            #expect(try bench.folder.read("runs") == runs)
        }

        @Test(
            "A CA command cannot be combined with an account on the command line",
            arguments: [
                ["--ca-url", "https://localhost:1"], ["--username", "anna"],
                ["--password-source", "prompt"],
            ])
        func usage(options: [String]) throws {
            let bench = try CommandBench()
            expect(
                try bench.issue(options, command: bench.caOpenSSL), 64,
                "\(options[0]) cannot be combined with --ca-command")
            expect(try bench.issue([], command: "'open"), 64, "--ca-command has no program")
        }

        @Test("A certificate is requested with the Certificate Management Protocol")
        func cmp() throws {
            let bench = try CommandBench()
            let issued = try bench.issue(["--key-type", "ec:p256"], command: bench.caOpenSSL)
            #expect(issued.status == 0, "\(issued.errors)")
            let first = try #require(
                FileManager.default.contentsOfDirectory(atPath: bench.folder.file("issued")).first)
            // OpenSSL's server returns a certificate that was made in advance.
            try bench.folder.write(
                try bench.openssl([
                    "x509", "-in", bench.folder.file("issued/\(first)"), "-noout", "-pubkey",
                ]), "key.pem")
            try bench.folder.write(
                """
                basicConstraints = critical,CA:FALSE
                keyUsage = critical,digitalSignature
                extendedKeyUsage = emailProtection,clientAuth
                subjectAltName = email:anna@example.org

                """, "extensions")
            try bench.openssl([
                "x509", "-new", "-force_pubkey", bench.folder.file("key.pem"), "-subj", "/CN=Anna",
                "-CA", bench.folder.file("ca.pem"), "-CAkey", bench.folder.file("ca.key"),
                "-set_serial", "0x1234567890", "-days", "100",
                "-extfile", bench.folder.file("extensions"), "-out", bench.folder.file("next.pem"),
            ])
            try bench.folder.write("secret", "secret")
            let (server, port) = try cmpServer(bench.folder)
            defer { end(server) }
            let arguments = "http://127.0.0.1:\(port) reference \(bench.folder.file("secret"))"
            let second = try bench.tokencert(
                [
                    "issue", "--key", "mail", "--name", "Anna", "--email", "anna@example.org",
                ], command: "\(Self.examples)/ca-cmp \(arguments)")
            #expect(second.status == 0, "\(second.errors)")
            #expect(try bench.certificates() == 2)
        }

        /// OpenSSL's server for the protocol, and its port.
        private func cmpServer(
            _ folder: TemporaryFolder, _ options: [String] = []
        ) throws -> (Process, String) {
            let server = Process()
            let output = Pipe()
            server.executableURL = URL(filePath: "/usr/bin/env")
            server.arguments =
                [
                    "openssl", "cmp", "-port", "0", "-srv_ref", "server",
                    "-srv_secret", "file:" + folder.file("secret"),
                    "-rsp_cert", folder.file("next.pem"), "-rsp_extracerts", folder.file("ca.pem"),
                ] + options
            server.standardOutput = output
            server.standardError = FileHandle.nullDevice
            try server.run()
            // It prints ACCEPT [::]:PORT PID=NUMBER.
            var text = ""
            while !text.contains("PID=") {
                let data = output.fileHandleForReading.availableData
                guard !data.isEmpty else { break }
                text += String(decoding: data, as: UTF8.self)
            }
            let line = text.split(separator: "\n").last { $0.contains("ACCEPT") }
            let port = line?.split(separator: " ").dropFirst().first?.split(separator: ":").last
            return (server, try #require(port.map(String.init)))
        }
    }
}
