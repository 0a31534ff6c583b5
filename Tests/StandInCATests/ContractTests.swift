import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// The contract of CAcert's API, tested with curl and OpenSSL. If the stand-in behaves
    /// differently, all other tests are worthless.
    @Suite struct ContractTests {
        private func post(
            _ ca: StandIn, _ page: String, _ fields: [String], _ options: [String] = []
        ) throws -> String {
            try run(
                "curl",
                ["-s", "--cacert", ca.rootFile, ca.url + "/api/" + page] + options
                    + fields.flatMap { ["--data-urlencode", $0] }
            ).output
        }

        private let login = ["username=anna@example.org", "password=\(StandIn.password)"]

        private static let goodKey = [
            "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
        ]

        private func request(_ folder: TemporaryFolder, _ key: [String]) throws -> String {
            let made = try run("openssl", key + ["-out", folder.file("key.pem")])
            #expect(made.status == 0, "\(made.errors)")
            try run(
                "openssl",
                [
                    "req", "-new", "-key", folder.file("key.pem"), "-subj", "/CN=ignored", "-out",
                    folder.file("request.pem"),
                ])
            return "optionalCSR@\(folder.file("request.pem"))"
        }

        @Test(
            "Keys that CAcert refuses are refused with the same text",
            arguments: [
                (
                    ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
                    "403, The keys that you use are very small",
                    "wiki.cacert.org"
                ),
                (
                    [
                        "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                        "-pkeyopt", "rsa_keygen_pubexp:3",
                    ], "403, The keys you use might be insecure.",
                    "<a href='//"
                ),
                (
                    ["ecparam", "-genkey", "-noout", "-name", "prime256v1"],
                    "403, The keys you supplied use an unrecognized algorithm.", "CAcert"
                ),
                (
                    ["genpkey", "-algorithm", "ed25519"],
                    "403, The keys you supplied use an unrecognized algorithm.", "CAcert"
                ),
            ])
        func keys(key: [String], answer: String, detail: String) throws {
            let ca = try StandIn()
            let csr = try request(ca.folder, key)
            let body = try post(
                ca, "ccsr.php", login + ["email[0]=anna@example.org", csr])
            #expect(body.hasPrefix(answer), "\(body)")
            #expect(body.contains(detail), "\(body)")
            #expect(ca.issued.isEmpty)
        }

        @Test("A Debian weak key is refused")
        func weakKeys() throws {
            let folder = try TemporaryFolder()
            let csr = try request(folder, Self.goodKey)
            let line = try run(
                "openssl", ["rsa", "-in", folder.file("key.pem"), "-noout", "-modulus"]
            ).output
            let hash = try run("sha1sum", [], input: line).output.prefix(40).suffix(20)
            let list = try folder.write("# a list\n\(hash)\n", "list")
            let ca = try StandIn(["--weak-keys", list])
            let body = try post(ca, "ccsr.php", login + ["email[0]=anna@example.org", csr])
            #expect(body.contains("vulnerable version of OpenSSL"), "\(body)")
        }

        @Test("Checks come in the server's order")
        func order() throws {
            let ca = try StandIn()
            let csr = try request(ca.folder, Self.goodKey)
            let wrongLogin = ["username=anna@example.org", "password=x"]
            #expect(
                try post(ca, "ccsr.php", wrongLogin).hasPrefix(
                    "403,That username couldn't be found"))
            // The address is checked before the request.
            #expect(
                try post(ca, "ccsr.php", login + ["email[0]=b@example.org"]).hasPrefix(
                    "404,Wasn't able to match any emails"))
            #expect(
                try post(ca, "ccsr.php", login + ["email[0]=anna@example.org"]).hasPrefix(
                    "403, I didn't receive a valid Certificate Request."))
            // A request with a wrong signature (its last byte is changed) passes all checks and is
            // queued.
            try run(
                "openssl",
                ["req", "-in", ca.folder.file("request.pem"), "-outform", "DER", "-out"]
                    + [ca.folder.file("request.der")])
            var der = try Data(contentsOf: URL(filePath: ca.folder.file("request.der")))
            der[der.count - 1] ^= 1
            let broken = try ca.folder.write(
                """
                -----BEGIN CERTIFICATE REQUEST-----
                \(der.base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed]))
                -----END CERTIFICATE REQUEST-----

                """, "broken.pem")
            #expect(
                try post(
                    ca, "ccsr.php", login + ["email[0]=anna@example.org", "optionalCSR@\(broken)"]
                ).hasPrefix("404,Your certificate request has failed. ID: "))
            #expect(
                try post(ca, "ccsr.php", login + ["email[0]=anna@example.org", csr]).hasPrefix(
                    "200,Authentication Ok\n-----BEGIN CERTIFICATE-----"))
        }

        @Test("The stand-in silently makes the same changes as CAcert")
        func silentChanges() throws {
            let ca = try StandIn(accounts: [
                StandIn.account(
                    "anna@example.org", points: 49, codeSigning: true,
                    emails: ["anna@example.org", "a@example.org"])
            ])
            let csr = try request(ca.folder, Self.goodKey)
            let body = try post(
                ca, "ccsr.php",
                login + [
                    "email[7]= a@example.org ", "email[2]=b@example.org",
                    "email[]=anna@example.org", "name=Anna Müller", "codesign=1", csr,
                ])
            try ca.folder.write(body, "answer")
            let text = try run(
                "openssl",
                [
                    "x509", "-in", ca.folder.file("answer"), "-noout", "-text", "-certopt",
                    "no_pubkey,no_sigdump", "-dates",
                ]
            ).output
            #expect(
                text.contains(
                    "CN = CAcert WoT User, emailAddress = a@example.org, emailAddress = anna@example.org"
                ), "\(text)")
            #expect(text.contains("email:a@example.org, email:anna@example.org"), "\(text)")
            #expect(!text.contains("Code Signing"), "\(text)")
            #expect(text.contains("CA:FALSE"), "\(text)")
            #expect(text.contains("TLS Web Client Authentication"), "\(text)")
            // With fewer than 50 points, the validity is 180 days.
            let ends = try run(
                "openssl",
                ["x509", "-in", ca.folder.file("answer"), "-noout", "-checkend", "\(179 * 86400)"])
            #expect(ends.status == 0)
            let later = try run(
                "openssl",
                ["x509", "-in", ca.folder.file("answer"), "-noout", "-checkend", "\(181 * 86400)"])
            #expect(later.status == 1)
        }

        @Test("The API accepts GET requests, and the root is at its usual path")
        func otherWays() throws {
            let ca = try StandIn()
            let body = try post(ca, "cemails.php", login, ["--get"])
            #expect(
                body == """
                    200,Authentication Ok
                    CS=1
                    NAME=CAcert WoT User
                    NAME=Anna M&Atilde;&frac14;ller
                    EMAIL=anna@example.org

                    """)
            let csr = try request(ca.folder, Self.goodKey)
            let issued = try post(
                ca, "ccsr.php", login + ["email[0]=anna@example.org", csr], ["--get"])
            #expect(issued.hasPrefix("200,Authentication Ok\n-----BEGIN"), "\(issued)")
            let head = try run(
                "curl",
                [
                    "-s", "-o", "/dev/null", "-w", "%{http_code} %{content_type}", "--cacert",
                    ca.rootFile, ca.url + "/api/cemails.php",
                ]
            ).output
            #expect(head.hasPrefix("200 text/html"), "\(head)")
            let root = try run(
                "curl", ["-s", "--cacert", ca.rootFile, ca.url + "/certs/root_X0F.crt"]
            ).output
            #expect(root == (try ca.folder.read("root.pem")))
        }

        @Test("A stand-in that is started again is the same CA and keeps issued certificates")
        func startedAgain() throws {
            let ca = try StandIn()
            let root = try ca.folder.read("root.pem")
            let csr = try request(ca.folder, Self.goodKey)
            let order = login + ["email[0]=anna@example.org", csr]
            #expect(try post(ca, "ccsr.php", order).hasPrefix("200,"))
            try ca.restart(["--signer", "class3"])
            #expect(try ca.folder.read("root.pem") == root)
            #expect(ca.issued.count == 1)
            let body = try post(ca, "ccsr.php", order)
            try ca.folder.write(body, "answer.pem")
            let verified = try run(
                "openssl",
                [
                    "verify", "-CAfile", ca.rootFile, "-untrusted", ca.folder.file("class3.pem"),
                    ca.folder.file("answer.pem"),
                ])
            #expect(verified.status == 0, "\(body)\n\(verified.errors)")
            #expect(ca.issued.count == 2)
        }

        @Test("An order waits for the configured delay")
        func delay() throws {
            let ca = try StandIn(["--delay", "1.5"])
            let csr = try request(ca.folder, Self.goodKey)
            let start = Date()
            let body = try post(ca, "ccsr.php", login + ["email[0]=anna@example.org", csr])
            #expect(body.hasPrefix("200,"))
            #expect(Date().timeIntervalSince(start) >= 1.5)
        }

        /// Otherwise its folder gets another name.
        @Test("An argument that is not in UTF-8 is refused before anything is written")
        func otherEncodings() throws {
            let folder = try TemporaryFolder()
            let program = product("cacert-standin")
            for line in ["\(folder.path)/M$'\\xfc'ller", "\(folder.path)/ca --ocsp $'\\xfc'"] {
                let outcome = try run("bash", ["-c", "exec timeout 20 \(program) \(line)"])
                #expect(outcome.status == 64 && outcome.errors.contains("UTF-8"), "\(outcome)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
            let line = "mkdir $'M\\xfc' && cd $'M\\xfc' && exec timeout 20 \(program) ca"
            let outcome = try run("bash", ["-c", "cd \(folder.path) && \(line)"])
            #expect(outcome.status == 64 && outcome.errors.contains("UTF-8"), "\(outcome)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
        }
    }
}
