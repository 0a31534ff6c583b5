import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Checks the exit status, the message and the token for each answer that the CA may give.
    @Suite struct CAAnswerTests {
        /// Otherwise a wrong certificate would be written, or a lost order would look like a
        /// refused one.
        @Test(
            "A faulty answer leaves only the key on the token and has its own status and message",
            arguments: [
                ("wrong-key", 76, "for another key"),
                ("wrong-ca", 76, "does not chain to a trust anchor"),
                ("expired", 76, "outside its validity"),
                ("not-yet-valid", 76, "outside its validity"),
                ("ca-true", 76, "is a CA certificate"),
                ("fewer-addresses", 76, "e-mail addresses: requested"),
                ("other-name", 76, "name: requested \"Anna Müller\", got \"Somebody Else\""),
                ("no-code-signing", 76, "code signing: requested \"yes\", got \"no\""),
                ("cut", 75, "its answer is damaged"),
                ("no-certificate", 75, "but sent none"),
                ("html", 75, "not understood"),
                ("empty", 75, "an empty answer"),
                ("garbage", 75, "not understood"),
                ("500", 75, "Internal Server Error"),
                ("redirect", 75, "HTTP 302"),
                ("reset", 75, "its answer is incomplete"),
                ("huge", 75, "the answer is larger than 1 MiB"),
            ] as [(String, Int32, String)])
        func faults(fault: String, status: Int32, message: String) throws {
            let bench = try Bench(
                ["--fault", fault],
                accounts: [
                    StandIn.account(
                        "anna@example.org", points: 100, codeSigning: true,
                        emails: ["anna@example.org", "a@example.org"])
                ])
            let outcome = try bench.tokencert([
                "issue", "--codesign", "--email", "anna@example.org", "--email", "a@example.org",
            ])
            expect(outcome, status, message)
            try expectOnlyAKey(bench, outcome)
            #expect(bench.ca.orders.count == 1)
        }

        /// Checks that the token has one new key and no certificate, and that the error names the
        /// key.
        private func expectOnlyAKey(_ bench: Bench, _ outcome: Outcome) throws {
            let objects = try bench.token.pkcs11Tool(["--list-objects"]).output
            #expect(!objects.contains("Certificate Object"), "\(objects)")
            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            #expect(keys.count == 1)
            let label = try #require(keys.first?["label"] as? String)
            let id = try #require(keys.first?["id"] as? String)
            #expect(
                outcome.errors.contains("stays on the token: \(label), id \(id)"),
                "\(outcome.errors)")
            #expect(outcome.errors.contains("tokencert resume 1"), "\(outcome.errors)")
        }

        @Test(
            "No key is generated if the account page is not from the CA's API",
            arguments: [
                ("html", "not come from the CA's API"), ("empty", "an empty answer"),
                ("500", "not come from the CA's API"), ("redirect", "HTTP 302"),
                ("garbage", "not come from the CA's"),
                ("huge", "the answer is larger than 1 MiB"), ("reset", "cannot be reached"),
                ("hang", "cannot be reached"),
            ])
        func accountFaults(fault: String, message: String) throws {
            let bench = try Bench(["--account-fault", fault])
            let before = bench.token.contents
            expect(try bench.tokencert(["issue", "--timeout", "3"]), 69, message)
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
        }

        @Test("Extensions that CAcert adds to every certificate are not reported as changes")
        func additions() throws {
            let bench = try Bench(["--answer-form", "messy"])
            for arguments in [["--label", "mail"], ["--label", "code", "--codesign"]] {
                let outcome = try bench.tokencert(["issue", "--json"] + arguments)
                #expect(outcome.status == 0, "\(outcome.errors)")
                let file = try bench.token.folder.write(
                    try #require(try outcome.json().certificate("pem")), "certificate.pem")
                let text = try run("openssl", ["x509", "-in", file, "-noout", "-text"]).output
                #expect(text.contains("Microsoft Encrypted File System"), "\(text)")
            }
        }

        @Test("A certificate is accepted if the answer contains a warning before the verdict")
        func warningBeforeTheVerdict() throws {
            let bench = try Bench(["--fault", "warning"])
            let outcome = try bench.tokencert(["issue"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(bench.ca.orders.count == 1)
        }

        /// Otherwise resume would order a second time.
        @Test("An answer with unknown wording leaves the outcome unknown")
        func unknownRefusal() throws {
            let bench = try Bench(["--fault", "reworded"])
            expect(try bench.tokencert(["issue"]), 75, "is not understood: 404, Your certificate")
            expect(try bench.tokencert(["resume", "1"]), 75, "the outcome of order 1 is unknown")
            #expect(bench.ca.orders.count == 1)
        }

        @Test("A complete certificate is kept if the connection breaks after it")
        func wholeCertificateBeforeTheBreak() throws {
            let bench = try Bench(["--fault", "late-reset"])
            let outcome = try bench.tokencert(["issue"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(
                try bench.token.pkcs11Tool(["--list-objects"]).output.contains("Certificate Object")
            )
        }

        /// Otherwise two certificates would be issued.
        @Test("An order without an answer is never sent a second time")
        func neverSentTwice() throws {
            let bench = try Bench()
            let server = try SilentServer(bench.ca)
            let outcome = try bench.tokencert(["issue"], ["TOKENCERT_CA_URL": server.url])
            expect(outcome, 75, "its outcome is unknown")
            #expect(server.requests == ["/api/cemails.php", "/api/ccsr.php"])
        }

        @Test(
            "An order that never left the machine can be sent once the CA is reachable again"
        )
        func goneAfterTheAccountPage() throws {
            let bench = try Bench()
            let server = try SilentServer(bench.ca, ["closing"])
            let outcome = try bench.tokencert(["issue"], ["TOKENCERT_CA_URL": server.url])
            expect(outcome, 69, "the CA cannot be reached")
            #expect(server.requests == ["/api/cemails.php"])
            try expectOnlyAKey(bench, outcome)
            // The CA is reachable again at the same address.
            let port = server.url.split(separator: ":").last.map(String.init) ?? ""
            let back = try StandIn(["--port", port])
            let resumed = try bench.tokencert(["resume", "1"], ["TOKENCERT_CA_URL": back.url])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(back.orders.count == 1)
        }

        /// Otherwise a key would be generated that no order mentions.
        @Test("No key is generated if the ledger cannot be written")
        func unwritableLedger() throws {
            let bench = try Bench()
            let before = bench.token.contents
            let folder = bench.token.folder
            let text = try folder.write("no database", "text")
            try run("sqlite3", [folder.file("other"), "CREATE TABLE t (a)"])
            for (path, message) in [
                ("/proc/ledger.sqlite", "cannot open the ledger"), (text, "is damaged"),
                (folder.file("other"), "not a ledger of tokencert"),
                (folder.file("text/ledger"), "cannot open the ledger"),
            ] {
                expect(try bench.tokencert(["issue", "--ledger", path]), 78, message)
            }
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
        }

        @Test("A CA that hangs does not block the program beyond the timeout")
        func hangingCA() throws {
            let bench = try Bench(["--fault", "hang"])
            let outcome = try bench.tokencert(["issue", "--timeout", "3"])
            expect(outcome, 75, "its outcome is unknown")
            try expectOnlyAKey(bench, outcome)
        }

        @Test("A refusal is reported in the words of the CA, and nothing is written")
        func refusedByTheCA() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert([
                "issue", "--key-type", "ec:p256", "--ca-accepts", "ec",
            ])
            expect(
                outcome, 65, "the CA refused the order: The keys you supplied use an unrecognized")
            try expectOnlyAKey(bench, outcome)
        }

        @Test("A late certificate is neither ordered again nor reported as refused")
        func lateCertificate() throws {
            let bench = try Bench(["--signing-time", "1"])
            let outcome = try bench.tokencert(["issue"])
            expect(outcome, 75, "it may still issue one")
            #expect(outcome.errorLine.contains("ID 47"), "\(outcome.errors)")
            #expect(bench.ca.orders.count == 1)
            try expectOnlyAKey(bench, outcome)
            // The CA issues it in the end.
            for _ in 0..<300 where bench.ca.issued.isEmpty { usleep(100_000) }
            #expect(bench.ca.issued.count == 1)
        }

        @Test("The ledger keeps the answer if the certificate cannot be written")
        func answersAreKept() throws {
            let bench = try Bench(["--fault", "other-name"])
            let outcome = try bench.tokencert(["issue"])
            #expect(outcome.status == 76)
            let history = try bench.tokencert(["history", "1", "--json"]).output
            let answer = try #require(
                history.firstMatch(of: /"body":"([A-Za-z0-9+\/=]+)"/)?.output.1)
            let kept = String(
                decoding: try #require(Data(base64Encoded: String(answer))), as: UTF8.self)
            #expect(kept.contains(try #require(bench.ca.issued.first)))
        }

        @Test("--accept-changes writes a certificate with a changed name")
        func acceptedChanges() throws {
            let bench = try Bench(["--fault", "other-name"])
            let outcome = try bench.tokencert(["issue", "--accept-changes"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("requested \"Anna Müller\", got \"Somebody Else\""))
            #expect(
                try bench.token.pkcs11Tool(["--list-objects"]).output.contains("Certificate Object")
            )
        }

        @Test("Certificates of the class 3 signer, also with text before them, are accepted")
        func messyAnswersOfClass3() throws {
            let bench = try Bench(["--signer", "class3", "--answer-form", "messy"])
            let outcome = try bench.tokencert(["issue"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("Class 3"))
        }

        @Test("Silent changes by CAcert are detected: an unassured name, no code signing")
        func silentChanges() throws {
            // With 20 points the account page has no name; with 60 points the CA grants no code
            // signing.
            let young = try Bench(accounts: [
                StandIn.account(
                    "anna@example.org", points: 20, codeSigning: false,
                    emails: ["anna@example.org"])
            ])
            let issued = try young.tokencert(["issue", "--json"])
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(
                (try issued.json().certificate("subject"))?.contains("CN=CAcert WoT User") == true)
            expect(
                try young.tokencert(["issue", "--name", "Anna Müller"]), 65,
                "the account has no name \"Anna Müller\"")

            let assured = try Bench(accounts: [
                StandIn.account(
                    "anna@example.org", points: 60, codeSigning: true,
                    emails: ["anna@example.org"])
            ])
            expect(
                try assured.tokencert(["issue", "--codesign"]), 76,
                "code signing: requested \"yes\", got \"no\"")
        }

        @Test("The user must choose if the account has several names or addresses")
        func choicesAreListed() throws {
            let bench = try Bench(accounts: [
                StandIn.account(
                    "anna@example.org", points: 100, codeSigning: false,
                    emails: ["anna@example.org", "a@example.org"], middle: "Maria")
            ])
            let before = bench.token.contents
            let names = try bench.tokencert(["issue"])
            expect(names, 65, "the account has several names")
            #expect(names.errors.contains("Anna Maria Müller"))
            let addresses = try bench.tokencert(["issue", "--name", "Anna Müller"])
            expect(addresses, 65, "the account has several addresses")
            #expect(addresses.errors.contains("a@example.org"))
            expect(
                try bench.tokencert(["issue", "--name", "Anna Müller", "--email", "b@example.org"]),
                65, "the account has no verified address \"b@example.org\"")
            expect(
                try bench.tokencert([
                    "issue", "--name", "Anna Müller", "--email", "a@example.org", "--codesign",
                ]), 65, "is not enabled for code signing")
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
        }

        @Test("A wrong password is reported as such, and no key is generated")
        func wrongPassword() throws {
            let bench = try Bench()
            let before = bench.token.contents
            let file = try bench.token.folder.write("wrong", "wrong")
            for command in ["issue", "account"] {
                expect(
                    try bench.tokencert([command], ["TOKENCERT_PASSWORD_SOURCE": "file:\(file)"]),
                    77, "does not accept this user name and password")
            }
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
        }

        @Test("A server that is not trusted never gets the password")
        func untrustedServer() throws {
            let bench = try Bench()
            let before = bench.token.contents
            let other = try TemporaryFolder()
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", other.file("k"),
                    "-out", other.file("root.pem"), "-subj", "/CN=Other", "-days", "2",
                ])
            let outcome = try bench.tokencert(
                ["issue"], ["TOKENCERT_CA_FILE": other.file("root.pem")])
            expect(outcome, 69, "the CA cannot be reached")
            #expect(outcome.errorLine.contains("certificate"), "\(outcome.errors)")
            // The right root, but another host name.
            let otherName = bench.ca.url.replacing("localhost", with: "www.localhost")
            expect(
                try bench.tokencert(["issue"], ["TOKENCERT_CA_URL": otherName]), 69,
                "no alternative certificate subject name matches")
            #expect(bench.ca.requests.isEmpty)
            #expect(bench.token.contents == before)
        }

        @Test("A server with an expired certificate never gets the password")
        func expiredServer() throws {
            let bench = try Bench()
            let ca = bench.ca.folder
            try run(
                "openssl",
                ["req", "-new", "-key", ca.file("server.key"), "-subj", "/CN=localhost", "-out"]
                    + [ca.file("server.csr")])
            try ca.write("subjectAltName=DNS:localhost\n", "extensions")
            let signed = try run(
                "openssl",
                [
                    "x509", "-req", "-in", ca.file("server.csr"), "-CA", ca.file("root.pem"),
                    "-CAkey", ca.file("root.key"), "-days", "-1", "-extfile",
                    ca.file("extensions"), "-out", ca.file("expired.pem"),
                ])
            #expect(signed.status == 0, "\(signed.errors)")
            let server = try SilentServer(bench.ca, certificate: "expired.pem")
            let before = bench.token.contents
            let refused = try bench.tokencert(["issue"], ["TOKENCERT_CA_URL": server.url])
            expect(refused, 69, "certificate has expired")
            #expect(refused.errors.contains("hint: check this machine's clock: date\n"))
            #expect(server.requests.isEmpty)
            #expect(bench.token.contents == before)
        }

        @Test("The password of a proxy that cannot be used does not appear in the error")
        func passwordOfProxy() throws {
            let bench = try Bench()
            for proxy in ["http://u:s3cret@bad host:99999/", "ftp://u:s3cret@proxy.example:1"] {
                let outcome = try bench.tokencert(
                    ["account"],
                    ["TOKENCERT_CA_URL": "https://ca.example.test", "https_proxy": proxy])
                expect(outcome, 69, "the address of the proxy")
                #expect(!outcome.errors.contains("s3cret"), "\(outcome.errors)")
            }
        }

        @Test("A password is read from every kind of source, and no proxy is used for localhost")
        func passwordSources() throws {
            let bench = try Bench()
            let byVariable = try bench.tokencert(
                ["account"],
                [
                    "TOKENCERT_PASSWORD_SOURCE": "env:MY_PASSWORD",
                    "MY_PASSWORD": StandIn.password, "https_proxy": "http://localhost:1",
                    "ALL_PROXY": "http://localhost:1",
                ])
            #expect(byVariable.status == 0, "\(byVariable.errors)")
            let byDescriptor = try run(
                "bash",
                [
                    "-c", "exec \"$0\" account --password-source fd:3 3< \"$1\"",
                    product("tokencert"), bench.ca.folder.file("password"),
                ], environment: bench.environment)
            #expect(byDescriptor.status == 0, "\(byDescriptor.errors)")
            let prompted = try AtTerminal(bench: bench).run(
                ["account", "--password-source", "prompt"],
                #"expect "assword" { send "\#(StandIn.password)\r" }"#)
            #expect(prompted.status == 0, "\(prompted)")
            #expect(!prompted.output.contains(StandIn.password), "\(prompted)")
            #expect(prompted.output.contains("Anna Müller"), "\(prompted)")
        }

        @Test("No key is generated if the CA is unreachable")
        func unreachableCA() throws {
            let bench = try Bench()
            let before = bench.token.contents
            expect(
                try bench.tokencert(["issue"], ["TOKENCERT_CA_URL": "https://localhost:1"]), 69,
                "the CA cannot be reached")
            #expect(bench.token.contents == before)
        }

        @Test("Without a trust anchor nothing is sent, and the system's anchors are not used")
        func noAnchors() throws {
            let bench = try Bench()
            let before = bench.token.contents
            let outcome = try bench.tokencert(["issue"], ["TOKENCERT_CA_FILE": ""])
            expect(outcome, 78, "there are no trust anchors")
            #expect(outcome.errors.contains("tokencert trust fetch"))
            #expect(bench.ca.requests.isEmpty)
            #expect(bench.token.contents == before)
            let broken = try bench.token.folder.write(
                "-----BEGIN CERTIFICATE-----\nAAAA\n", "broken.pem")
            expect(
                try bench.tokencert(["issue", "--ca-file", broken]), 78,
                "cannot read the certificates in \(broken)")
            // Anchors in tokencert's own folder are used without an option.
            let folder = bench.token.folder.file("data/tokencert/anchors")
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: bench.ca.rootFile, toPath: folder + "/root.pem")
            #expect(try bench.tokencert(["account"], ["TOKENCERT_CA_FILE": ""]).status == 0)
            let trace = bench.token.folder.file("trace")
            try run(
                "strace",
                ["-f", "-e", "trace=openat,open", "-o", trace, product("tokencert"), "account"],
                environment: bench.environment)
            let opened = try bench.token.folder.read("trace")
            #expect(!opened.contains("/etc/ssl/certs"), "\(opened)")
            #expect(!opened.contains("openssl.cnf"), "\(opened)")
        }

        @Test("Names are shown exactly, even with quotation marks and letters outside ASCII")
        func accountPage() throws {
            let bench = try Bench(accounts: [
                StandIn.account(
                    "anna@example.org", points: 100, codeSigning: true,
                    emails: ["anna@example.org", "x@example.org"], first: "Ãnna", middle: "D'Arc",
                    last: "Müller & Söhne <漢>", suffix: "\\\"Jr.\\\"")
            ])
            let status = try bench.tokencert(["account", "--json"]).json()
            #expect(
                status["names"] as? [String] == [
                    "Ãnna Müller & Söhne <漢>", "Ãnna D'Arc Müller & Söhne <漢>",
                    "Ãnna Müller & Söhne <漢> \"Jr.\"", "Ãnna D'Arc Müller & Söhne <漢> \"Jr.\"",
                ])
            #expect(
                status["emailAddresses"] as? [String] == ["anna@example.org", "x@example.org"])
            #expect(status["codeSigning"] as? Bool == true)
        }
    }
}
