import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    @Suite struct IssueTests {
        @Test(
            "issue makes a key and writes a certificate for it, and list shows both"
        )
        func issueAndList() throws {
            let bench = try Bench()
            let issued = try bench.tokencert(["issue", "--json", "--label", "mail"])
            #expect(issued.status == 0, "\(issued.errors)")
            let report = try issued.json()
            #expect(report["keyKind"] as? String == "RSA 3072")
            #expect((report.certificate("subject"))?.contains("CN=Anna Müller") == true)
            let id = try #require(report["id"] as? String)

            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            #expect(keys.count == 1)
            #expect(keys[0]["id"] as? String == id)
            #expect(keys[0]["label"] as? String == "mail")
            #expect(keys[0]["privateKey"] as? String == report["key"] as? String)
            let certificates = try #require(keys[0]["certificates"] as? [[String: Any]])
            #expect(certificates.count == 1)
            #expect((certificates[0]["daysLeft"] as? Int).map { (728...730).contains($0) } == true)
        }

        @Test("Other programs find the key and its certificate under the same ID")
        func othersAgree() throws {
            let bench = try Bench()
            let id = try #require(
                try bench.tokencert(["issue", "--json", "--key-type", "rsa:2048"]).json()["id"]
                    as? String)
            let objects = try bench.token.pkcs11Tool(["--list-objects"]).output
            #expect(objects.components(separatedBy: "ID:         \(id)").count == 4, "\(objects)")
            #expect(objects.contains("never extractable"), "\(objects)")
            #expect(objects.contains("serial:"), "\(objects)")

            let p11tool = try run(
                "p11tool",
                [
                    "--provider", softHSMModule, "--login", "--list-all",
                    "pkcs11:token=work",
                ],
                environment: bench.token.environment.merging(["GNUTLS_PIN": bench.token.pin]) { $1 }
            )
            let groups = stride(from: 0, to: id.count, by: 2).map {
                String(id.dropFirst($0).prefix(2))
            }.joined(separator: ":")
            #expect(
                p11tool.output.components(separatedBy: "ID: \(groups)").count == 4, "\(p11tool)")
        }

        @Test("The certificate verifies a signature that the token makes")
        func tokenSignsForCertificate() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let certificate = folder.file("certificate.pem")
            let report = try bench.tokencert(["issue", "--json", "--out", certificate]).json()
            let id = try #require(report["id"] as? String)
            let message = try folder.write("a message", "message")
            try run(
                "openssl",
                ["x509", "-in", certificate, "-noout", "-pubkey", "-out", folder.file("key.pem")])
            let signed = try bench.token.pkcs11Tool([
                "--sign", "--mechanism", "SHA256-RSA-PKCS", "--id", id, "--input-file", message,
                "--output-file", folder.file("signature"),
            ])
            #expect(signed.status == 0, "\(signed.errors)")
            let verified = try run(
                "openssl",
                [
                    "dgst", "-sha256", "-verify", folder.file("key.pem"), "-signature",
                    folder.file("signature"), message,
                ])
            #expect(verified.output.contains("Verified OK"), "\(verified)")
        }

        @Test("The certificate and the token's key work for TLS client authentication")
        func tlsClientWithToken() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let report = try bench.tokencert([
                "issue", "--json", "--out", folder.file("client.pem"),
            ]).json()
            let uri = try #require(report["key"] as? String)
            let server = try TLSServer(bench.ca)
            let configuration = try folder.write(
                """
                openssl_conf = init
                [init]
                engines = engines
                [engines]
                pkcs11 = pkcs11
                [pkcs11]
                engine_id = pkcs11
                MODULE_PATH = \(softHSMModule)
                PIN = \(bench.token.pin)
                init = 0
                """, "openssl.cnf")
            let client = try run(
                "openssl",
                [
                    "s_client", "-connect", "localhost:\(server.port)", "-CAfile",
                    bench.ca.rootFile, "-verify_return_error", "-cert", folder.file("client.pem"),
                    "-engine", "pkcs11", "-keyform", "engine", "-key", uri, "-quiet",
                ],
                environment: bench.token.environment.merging(["OPENSSL_CONF": configuration]) {
                    $1
                },
                input: "GET / HTTP/1.0\r\n\r\n", seconds: 30)
            #expect(client.output.contains("Verify return code: 0 (ok)"), "\(client)")
            #expect(client.output.contains("Anna"), "\(client)")
            // curl also reads the certificate from the token.
            let certificate = uri.replacing("type=private", with: "type=cert")
            let curl = try run(
                "curl",
                [
                    "-s", "--cacert", bench.ca.rootFile, "--engine", "pkcs11", "--cert-type", "ENG",
                    "--key-type", "ENG", "--cert", certificate, "--key", uri,
                    "https://localhost:\(server.port)/",
                ],
                environment: bench.token.environment.merging(["OPENSSL_CONF": configuration]) {
                    $1
                })
            #expect(curl.output.contains("Verify return code: 0 (ok)"), "\(curl)")
            // Without the token's key the server refuses the connection.
            let stranger = try run(
                "openssl",
                [
                    "s_client", "-connect", "localhost:\(server.port)", "-CAfile",
                    bench.ca.rootFile, "-quiet",
                ], input: "GET / HTTP/1.0\r\n\r\n", seconds: 30)
            #expect(!stranger.output.contains("HTTP/1.0 200"), "\(stranger)")
        }

        @Test(
            "Every type of key gets a certificate",
            arguments: [
                ("rsa:2048", "RSA 2048"), ("rsa:4096", "RSA 4096"), ("ec:p256", "EC P-256"),
                ("ec:p384", "EC P-384"), ("ec:p521", "EC P-521"), ("ed25519", "Ed25519"),
            ])
        func everyKeyKind(type: String, name: String) throws {
            let bench = try Bench(["--accept-elliptic-curves"])
            let issued = try bench.tokencert([
                "issue", "--json", "--key-type", type, "--ca-accepts", "rsa,ec,ed25519",
            ])
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(try issued.json()["keyKind"] as? String == name)
            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            #expect(keys.count == 1 && keys[0]["kind"] as? String == name, "\(keys)")
            #expect((keys[0]["certificates"] as? [Any])?.count == 1)
        }

        @Test("The default is RSA 2048 if the token does not support RSA 3072")
        func smallerDefault() throws {
            let bench = try Bench()
            let usual = try bench.tokencert(["issue", "--dry-run", "--json"])
            #expect(try usual.json()["keyKind"] as? String == "RSA 3072")
            let issued = try bench.tokencert(
                ["issue", "--json"], bench.faulty(["FAULTY_RSA_LIMIT": "2048"]))
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(try issued.json()["keyKind"] as? String == "RSA 2048")
        }

        @Test("An EC key that CAcert does not accept is refused before it is made")
        func ellipticCurveRefusedBeforeItIsMade() throws {
            let bench = try Bench()
            let before = bench.token.contents
            expect(
                try bench.tokencert(["issue", "--key-type", "ec:p256"]), 65,
                "the CA does not sign EC P-256 keys; no key was generated")
            #expect(bench.token.contents == before)
            #expect(bench.ca.requests.isEmpty)
        }

        @Test("An existing key gets a certificate without making another key")
        func existingKey() throws {
            let bench = try Bench()
            let request = try bench.tokencert([
                "request", "--json", "--name", "x", "--label", "mine",
            ])
            #expect(request.status == 0, "\(request.errors)")
            let key = try #require(try request.json()["key"] as? String)
            let issued = try bench.tokencert(["issue", "--json", "--key", key])
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(try issued.json()["isNewKey"] as? Bool == false)
            #expect(
                try bench.token.pkcs11Tool(["--list-objects"]).output
                    .components(separatedBy: "Private Key Object").count == 2)
        }

        @Test("An order is completed although the reader of the output exits")
        func closedPipes() throws {
            let bench = try Bench()
            let outcome = try run(
                "bash",
                [
                    "-c", "set -o pipefail; \"$0\" issue 2> >(sleep 0.1) | true",
                    product("tokencert"),
                ], environment: bench.environment)
            #expect(outcome.status == 0, "\(outcome)")
            #expect(
                try bench.token.pkcs11Tool(["--list-objects"]).output.contains("Certificate Object")
            )
        }

        @Test(
            "--out follows links and accepts devices; a certificate is printed if its file fails"
        )
        func outputFiles() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let link = folder.file("link")
            try folder.write("", "target")
            try FileManager.default.createSymbolicLink(
                atPath: link, withDestinationPath: folder.file("target"))
            #expect(try bench.tokencert(["request", "--out", link]).status == 0)
            #expect(try folder.read("target").contains("BEGIN CERTIFICATE REQUEST"))
            let toOutput = try bench.tokencert(["request", "--out", "/dev/stdout"])
            #expect(toOutput.output.contains("BEGIN CERTIFICATE REQUEST"), "\(toOutput)")
            let before = bench.token.contents
            expect(
                try bench.tokencert(["issue", "--out", "/nonexistent/file"]), 78,
                "cannot write /nonexistent/file")
            expect(
                try bench.tokencert(["issue", "--out", folder.path]), 78, "Is a directory")
            #expect(bench.token.contents == before)
            // The folder disappears during the order: the certificate is printed.
            let gone = folder.file("gone")
            try FileManager.default.createDirectory(
                atPath: gone, withIntermediateDirectories: true)
            let password = bench.environment["TOKENCERT_PASSWORD_SOURCE"]?.dropFirst("file:".count)
            let outcome = try bench.tokencert([
                "issue", "--out", gone + "/certificate.pem", "--password-source",
                "command:sh -c 'rmdir \(gone); cat \(password ?? "")'",
            ])
            expect(outcome, 78, "the text below was not written")
            #expect(outcome.errors.contains("BEGIN CERTIFICATE"))
            #expect(outcome.errors.contains("do not order it again"))
        }

        /// Otherwise the only record of an order, or the only copy of a PIN, could be overwritten.
        @Test("--out never replaces a file of tokencert or one with other content")
        func preciousFiles() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            let files = FileManager.default
            #expect(try bench.tokencert(["issue", "--key-type", "rsa:2048"]).status == 0)
            let ledger = folder.file("state/tokencert/ledger.sqlite")
            let before = try Data(contentsOf: URL(filePath: ledger))
            let configuration = try folder.write("{}", "config.json")
            let settings = bench.faulty(["TOKENCERT_CONFIG": configuration])
            try files.createSymbolicLink(
                atPath: folder.file("link"), withDestinationPath: ledger)
            try files.linkItem(atPath: folder.file("pin"), toPath: folder.file("hard"))
            for (file, name) in [
                (ledger, "the ledger"), (ledger + "-wal", "the ledger"),
                (ledger + "-journal", "the ledger"), (folder.file("link"), "the ledger"),
                (folder.file("state/../state/tokencert/ledger.sqlite"), "the ledger"),
                (configuration, "the configuration"), (folder.file("hard"), "the file of a PIN"),
                (folder.file("state/tokencert/refused-pins.json"), "the list of refused PINs"),
            ] {
                for command in [["issue"], ["request"], ["issue", "--dry-run"]] {
                    expect(
                        try bench.tokencert(command + ["--out", file], settings), 64,
                        "--out would overwrite " + name)
                }
            }
            let notes = try folder.write("notes\n", "notes")
            expect(
                try bench.tokencert(["request", "--out", notes], settings), 73,
                "notes contains other data, so it is not overwritten")
            expect(
                try bench.tokencert(["request", "--out", "-"], settings), 64, "does not name a file"
            )
            #expect(bench.calls("C_Initialize") == 0)
            #expect(try Data(contentsOf: URL(filePath: ledger)) == before)
            #expect(try folder.read("notes") == "notes\n")
            // The result of an earlier run may be replaced.
            try folder.write("\u{FEFF}\n-----BEGIN CERTIFICATE REQUEST-----\n", "old.csr")
            let again = try bench.tokencert(["request", "--out", folder.file("old.csr")])
            #expect(again.status == 0, "\(again)")
        }

        @Test("A dry run changes nothing and sends no PIN")
        func dryRun() throws {
            let bench = try Bench()
            let before = bench.token.contents
            let outcome = try bench.tokencert(
                ["issue", "--dry-run"], bench.faulty(["TOKENCERT_PIN_SOURCE": "file:/nonexistent"]))
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("Anna Müller"))
            #expect(outcome.output.contains("RSA 3072"))
            #expect(bench.token.contents == before)
            #expect(bench.calls("C_Login") == 0)
            #expect(bench.ca.orders.isEmpty)
        }

        @Test("OpenSSL accepts a request for another CA")
        func requestForWebForm() throws {
            let bench = try Bench()
            let made = try bench.tokencert([
                "request", "--name", "Anna Müller", "--email", "anna@example.org", "--key-type",
                "ec:p384",
            ])
            #expect(made.status == 0, "\(made.errors)")
            let checked = try run(
                "openssl", ["req", "-verify", "-noout", "-text", "-nameopt", "utf8"],
                input: made.output)
            #expect(checked.errors.contains("verify OK"), "\(checked)")
            #expect(checked.output.contains("email:anna@example.org"), "\(checked)")
            #expect(checked.output.contains("Anna Müller"), "\(checked)")
            #expect(checked.output.contains("ecdsa-with-SHA384"), "\(checked)")
        }

        @Test("Secrets never appear in arguments, in written files, in URLs or in the CA's log")
        func secretsStayInside() throws {
            let bench = try Bench()
            let trace = bench.token.folder.file("trace")
            let outcome = try run(
                "strace",
                ["-f", "-s", "4096", "-o", trace, product("tokencert"), "issue"],
                environment: bench.environment)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let pin = bench.token.pin
            let lines = try bench.token.folder.read("trace").split(separator: "\n")
            // The trace contains written data: the ledger has the account's address.
            #expect(lines.contains { $0.contains("pwrite64(") && $0.contains("anna@example.org") })
            for line in lines
            where line.contains(pin) || line.contains("correct%20horse")
                || line.contains("correct horse")
            {
                // Secrets are only read, from the files that were named.
                #expect(line.contains("read("), "\(line)")
            }
            for request in bench.ca.requests {
                #expect(request.contains(#""method":"POST""#), "\(request)")
                #expect(request.contains(#""queryFields":[]"#), "\(request)")
            }
            #expect(bench.ca.requests.count == 2)
        }
    }
}

/// A TLS server that requires a client certificate of the stand-in CA.
final class TLSServer: @unchecked Sendable {
    let port: Int
    private let process = Process()

    init(_ ca: StandIn) throws {
        port = Int.random(in: 20000...30000)
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = [
            "s_server", "-accept", "\(port)", "-cert", ca.folder.file("server.pem"), "-key",
            ca.folder.file("server.key"), "-CAfile", ca.rootFile, "-Verify", "2",
            "-verify_return_error", "-www", "-naccept", "4",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        for _ in 0..<50 {
            let probe = try run("bash", ["-c", "exec 3<>/dev/tcp/localhost/\(port)"])
            if probe.status == 0 { return }
            usleep(100_000)
        }
    }

    deinit {
        end(process)
    }
}
