import Foundation
import Testing
import TokencertTestSupport

/// A member who uses only curl and OpenSSL, no code of tokencert.
private struct Member {
    let ca: StandIn
    let folder: TemporaryFolder

    static let goodKey = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]

    init(_ ca: StandIn, _ key: [String] = goodKey, _ request: [String] = []) throws {
        self.ca = ca
        folder = try TemporaryFolder()
        let made = try run("openssl", key + ["-out", folder.file("key.pem")])
        #expect(made.status == 0, "\(made.errors)")
        try run(
            "openssl",
            [
                "req", "-new", "-key", folder.file("key.pem"), "-subj", "/CN=ignored/O=ignored",
                "-addext", "basicConstraints=critical,CA:TRUE", "-out", folder.file("request.pem"),
            ] + request)
    }

    /// The fields for user name and password.
    func login(_ username: String = "anna@example.org") -> [String] {
        ["username=\(username)", "password=\(StandIn.password)"]
    }

    /// The field with the request.
    var request: String { "optionalCSR@\(folder.file("request.pem"))" }

    func post(
        _ page: String, _ fields: [String], _ options: [String] = []
    ) throws -> String {
        try run(
            "curl",
            ["-s", "--cacert", ca.rootFile, ca.url + "/api/" + page] + options
                + fields.flatMap { ["--data-urlencode", $0] }
        ).output
    }

    /// Places an order with additional fields.
    func order(_ fields: [String] = [], _ options: [String] = []) throws -> String {
        try post("ccsr.php", login() + ["email[0]=anna@example.org", request] + fields, options)
    }

    /// The output of OpenSSL for the certificate in an answer.
    func x509(_ answer: String, _ arguments: [String]) throws -> String {
        try folder.write(answer, "answer")
        let outcome = try run(
            "openssl", ["x509", "-in", folder.file("answer"), "-noout"] + arguments)
        #expect(outcome.status == 0, "\(answer)\n\(outcome.errors)")
        return outcome.output
    }

    /// The subject of the certificate in an answer: the attributes, with unchanged bytes.
    func subject(_ answer: String) throws -> [String] {
        try x509(answer, ["-subject", "-nameopt", "utf8,sep_multiline,sname"])
            .split(separator: "\n").dropFirst().map { $0.trimmingCharacters(in: .whitespaces) }
    }
}

extension RealParts {
    /// The rules of CAcert's API, each tested with curl and OpenSSL.
    @Suite struct ContractRulesTests {
        @Test("Every answer is HTML in UTF-8, sent in chunks, with a session cookie")
        func headers() throws {
            let member = try Member(StandIn())
            for page in ["cemails.php", "ccsr.php"] {
                let answer = try member.post(page, member.login(), ["-i"])
                let head = answer.lowercased()
                #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
                #expect(head.contains("content-type: text/html; charset=utf-8\r\n"), "\(head)")
                #expect(head.contains("transfer-encoding: chunked\r\n"), "\(head)")
                #expect(head.contains("set-cookie: cacert="), "\(head)")
            }
        }

        @Test("The log has the names of headers and fields, but no values")
        func log() throws {
            let member = try Member(StandIn())
            _ = try member.order([], ["-H", "Cookie: cacert=secret", "-H", "Accept-Language: de"])
            let line = try #require(member.ca.orders.last)
            for name in ["\"cookie\"", "\"accept-language\"", "\"password\"", "\"email[0]\""] {
                #expect(line.contains(name), "\(line)")
            }
            for value in ["secret", "correct horse", "anna@example.org"] {
                #expect(!line.contains(value), "\(line)")
            }
        }

        @Test("Requests with the same session cookie wait for each other")
        func sessions() async throws {
            let member = try Member(StandIn(["--delay", "0.7"]))
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<3 {
                    group.addTask { try member.order([], ["-H", "Cookie: a=b; cacert=1234"]) }
                }
                for try await body in group { #expect(body.hasPrefix("200,"), "\(body)") }
            }
            #expect(ContinuousClock.now - start >= .seconds(2.1))
        }

        @Test("A request for another host is redirected with an empty body, before anything else")
        func otherHost() throws {
            let member = try Member(StandIn())
            let format = ["-w", "%{http_code} %{size_download}", "-H", "Host: www.example.org"]
            #expect(try member.order([], format) == "302 0")
            #expect(try member.post("cemails.php", [], format) == "302 0")
            #expect(member.ca.issued.isEmpty)
        }

        @Test("A list of weak keys that cannot be read is HTTP 500 with an empty body")
        func unreadableWeakKeys() throws {
            let member = try Member(StandIn(["--fault", "weak-key-list"]))
            #expect(try member.order([], ["-w", "%{http_code} %{size_download}"]) == "500 0")
            #expect(member.ca.issued.isEmpty)
            // The checks before the key's are not affected.
            #expect(
                try member.post("ccsr.php", member.login() + [member.request]).hasPrefix(
                    "404,Wasn't able to match any emails"))
        }

        @Test("If the database is down, the answer is that of a wrong password")
        func deadDatabase() throws {
            let member = try Member(
                StandIn(["--fault", "dead-database", "--account-fault", "dead-database"]))
            let unknown = "403,That username couldn't be found\n"
            #expect(try member.order() == unknown)
            #expect(try member.post("cemails.php", member.login()) == unknown)
            let other = try Member(StandIn())
            #expect(
                try other.post("cemails.php", ["username=anna@example.org", "password=x"])
                    == unknown)
        }

        @Test("Texts about keys follow Accept-Language and the field lang, with the same number")
        func languages() throws {
            let member = try Member(
                StandIn(), ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"])
            let german = "403, Ihre Schlüssel sind sehr kurz"
            #expect(try member.order().hasPrefix("403, The keys that you use are very small"))
            let header = ["-H", "Accept-Language: fr;q=0.3, de-DE;q=0.9, en;q=0.5"]
            #expect(try member.order([], header).hasPrefix(german))
            #expect(try member.order(["lang=de_DE"]).hasPrefix(german))
            // Other texts are not translated.
            #expect(
                try member.post("ccsr.php", member.login() + ["lang=de"]).hasPrefix(
                    "404,Wasn't able to match any emails"))
        }

        @Test("User names match without case and trailing blanks")
        func userNames() throws {
            let member = try Member(StandIn())
            for name in ["ANNA@Example.ORG", "anna@example.org  "] {
                #expect(try member.post("cemails.php", member.login(name)).hasPrefix("200,"))
            }
            #expect(
                try member.post("cemails.php", member.login(" anna@example.org")).hasPrefix("403,"))
        }

        @Test("Only the account page and the error about the user name end with a line end")
        func lineEnds() throws {
            let member = try Member(StandIn())
            #expect(
                try member.post("ccsr.php", member.login())
                    == "404,Wasn't able to match any emails sent against your account")
            #expect(
                try member.post("cemails.php", member.login()).hasSuffix("=anna@example.org\n"))
            #expect(try member.order().hasSuffix("-----END CERTIFICATE-----\n"))
        }

        @Test(
            "A name is used if it matches a name of the account exactly after trimming blanks",
            arguments: [
                ("Anna Müller", "Anna Müller"), ("  Anna Müller\n", "Anna Müller"),
                ("anna müller", "CAcert WoT User"), ("Anna Mueller", "CAcert WoT User"),
                ("Anna Mu\u{308}ller", "CAcert WoT User"), ("", "CAcert WoT User"),
            ])
        func names(sent: String, got: String) throws {
            let member = try Member(StandIn())
            let subject = try member.subject(member.order(["name=\(sent)"]))
            #expect(subject == ["CN=\(got)", "emailAddress=anna@example.org"])
        }

        @Test(
            "A name with a character that SQL escapes never matches",
            arguments: ["D'Arc", "D\\\"Arc", "D\\\\Arc"])
        func escapedNames(last: String) throws {
            let member = try Member(
                StandIn(accounts: [
                    StandIn.account(
                        "anna@example.org", points: 100, codeSigning: false,
                        emails: ["anna@example.org"], first: "Jeanne", last: last)
                ]))
            let page = try member.post("cemails.php", member.login())
            #expect(page.contains("NAME=Jeanne D"), "\(page)")
            let name = "Jeanne " + last.replacing("\\\\", with: "\\").replacing("\\\"", with: "\"")
            #expect(
                try member.subject(member.order(["name=\(name)"])).first == "CN=CAcert WoT User")
        }

        @Test(
            "The signer reads a name as UTF-8 or as ISO-8859-1",
            arguments: [
                ("utf8", "Łukasz", "Żółć", "Łukasz Żółć"),
                ("latin1", "Łukasz", "Żółć", "Å\u{81}ukasz Å»Ã³Å\u{82}Ä\u{87}"),
                ("utf8", "Anna", "Müller", "Anna Müller"),
                ("latin1", "Anna", "Müller", "Anna MÃ¼ller"),
                ("latin1", "Anna", "Miller/+=,", "Anna Miller/+=,"),
            ])
        func bytesOfNames(names: String, first: String, last: String, got: String) throws {
            let member = try Member(
                StandIn(
                    ["--names", names],
                    accounts: [
                        StandIn.account(
                            "anna@example.org", points: 100, codeSigning: false,
                            emails: ["anna@example.org"], first: first, last: last)
                    ]))
            let answer = try member.order(["name=\(first) \(last)"])
            #expect(try member.subject(answer).first == "CN=\(got)")
            let type = try member.x509(
                answer, ["-subject", "-nameopt", "show_type,sep_comma_plus"])
            #expect(type.contains("UTF8STRING:"), "\(type)")
        }

        @Test("A name that is too long for X.509 stays pending, as it does if the signer fails")
        func longNames() throws {
            let last = String(repeating: "x", count: 60)
            let member = try Member(
                StandIn(accounts: [
                    StandIn.account(
                        "anna@example.org", points: 100, codeSigning: false,
                        emails: ["anna@example.org"], first: "Anna", last: last)
                ]))
            let answer = try member.order(["name=Anna \(last)"])
            #expect(answer.hasPrefix("404,Your certificate request has failed. ID: "), "\(answer)")
            #expect(try member.order().hasPrefix("200,"))
        }

        @Test("Addresses match without case, keep the spelling that was sent, and lose duplicates")
        func addresses() throws {
            let member = try Member(
                StandIn(accounts: [
                    StandIn.account(
                        "anna@example.org", points: 100, codeSigning: false,
                        emails: ["anna@example.org", "John@example.org", "o'neil@example.org"])
                ]))
            let answer = try member.post(
                "ccsr.php",
                member.login() + [
                    "email[9]= JOHN@Example.org\t", "email[2]=other@example.org",
                    "email[]=o'neil@example.org", "email[5]=ANNA@example.org",
                    "email[6]=john@example.org", member.request,
                ])
            #expect(
                try member.subject(answer) == [
                    "CN=CAcert WoT User", "emailAddress=JOHN@Example.org",
                    "emailAddress=oneil@example.org", "emailAddress=ANNA@example.org",
                ])
            #expect(
                try member.x509(answer, ["-ext", "subjectAltName"]).contains(
                    "email:JOHN@Example.org, email:oneil@example.org, email:ANNA@example.org"))
        }

        @Test("A request with a wrong signature is queued, but no certificate is issued")
        func wrongSelfSignature() throws {
            let member = try Member(StandIn())
            let file = member.folder.file("request.pem")
            try run("openssl", ["req", "-in", file, "-outform", "DER", "-out", file + ".der"])
            var der = try Data(contentsOf: URL(filePath: file + ".der"))
            der[der.count - 1] ^= 1
            let base64 = der.base64EncodedString(
                options: [.lineLength64Characters, .endLineWithLineFeed])
            try member.folder.write(
                "-----BEGIN CERTIFICATE REQUEST-----\n\(base64)\n-----END CERTIFICATE REQUEST-----\n",
                "request.pem")
            let body = try member.order()
            #expect(
                body.wholeMatch(of: /404,Your certificate request has failed\. ID: [0-9]+/) != nil,
                "\(body)")
            usleep(300_000)
            #expect(member.ca.issued.isEmpty)
        }

        @Test(
            "Only RSA keys in the usual form are accepted",
            arguments: [
                (
                    ["genpkey", "-algorithm", "RSA-PSS"],
                    "403, The keys you supplied use an unrecognized algorithm."
                ),
                (
                    [
                        "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                        "-pkeyopt", "rsa_keygen_pubexp:18446744073709551629",
                    ], "403, Something went wrong when processing your request."
                ),
                (
                    ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
                    "200,Authentication Ok\n-----BEGIN CERTIFICATE-----\n"
                ),
            ])
        func keys(key: [String], answer: String) throws {
            let body = try Member(StandIn(), key).order()
            #expect(body.hasPrefix(answer), "\(body)")
        }

        @Test("Requests in other PEM forms are accepted, and other text is refused")
        func requests() throws {
            let member = try Member(StandIn(), Member.goodKey, ["-sha1", "-newhdr"])
            let text = try member.folder.read("request.pem")
            #expect(text.hasPrefix("-----BEGIN NEW CERTIFICATE REQUEST-----"), "\(text)")
            try member.folder.write(text.replacing("\n", with: "\r\n"), "request.pem")
            #expect(try member.order().hasPrefix("200,"))
            for broken in ["", "no request", text.replacing("REQUEST", with: "THING")] {
                try member.folder.write(broken, "request.pem")
                #expect(
                    try member.order().hasPrefix("403, I didn't receive a valid Certificate"))
            }
            try member.folder.write(
                "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
                "request.pem")
            #expect(try member.order() == "404,Invalid or missing CSR")
        }

        @Test(
            "A certificate has the extensions of CAcert's signer and no others",
            arguments: [false, true])
        func extensions(codeSigning: Bool) throws {
            let signer = codeSigning ? "class3" : "class1"
            let member = try Member(StandIn(["--signer", signer]))
            let answer = try member.order(codeSigning ? ["codesign=1"] : [])
            let text = try member.x509(
                answer, ["-text", "-certopt", "no_pubkey,no_sigdump,ext_default"])
            let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            let extensions = try #require(lines.firstIndex(of: "X509v3 extensions:"))
            let list = codeSigning ? "class3-revoke.crl" : "revoke.crl"
            let code =
                codeSigning
                ? "Code Signing, Microsoft Individual Code Signing, "
                    + "Microsoft Commercial Code Signing, " : ""
            #expect(
                lines[(extensions + 1)...].filter { !$0.isEmpty } == [
                    "X509v3 Basic Constraints: critical", "CA:FALSE",
                    "X509v3 Key Usage: critical",
                    "Digital Signature, Key Encipherment, Key Agreement",
                    "X509v3 Extended Key Usage:",
                    "E-mail Protection, TLS Web Client Authentication, \(code)"
                        + "Microsoft Encrypted File System, Microsoft Server Gated Crypto, "
                        + "Netscape Server Gated Crypto",
                    "Authority Information Access:", "OCSP - URI:http://ocsp.example.org/",
                    "X509v3 CRL Distribution Points:", "Full Name:",
                    "URI:http://crl.example.org/\(list)",
                    "X509v3 Subject Alternative Name:", "email:anna@example.org",
                ], "\(text)")
            #expect(text.contains("Signature Algorithm: sha512WithRSAEncryption"), "\(text)")
            for (days, status) in [(729, Int32(0)), (731, 1)] {
                let ends = try run(
                    "openssl",
                    ["x509", "-in", member.folder.file("answer"), "-noout", "-checkend"]
                        + ["\(days * 86400)"])
                #expect(ends.status == status)
            }
        }

        @Test("Serial numbers have three bytes and are consecutive, even after a restart")
        func serialNumbers() throws {
            let member = try Member(StandIn())
            func serial() throws -> Int {
                let line = try member.x509(member.order(), ["-serial"])
                let digits = try #require(line.wholeMatch(of: /serial=([0-9A-F]{6})\n/)?.output.1)
                let names = try FileManager.default.contentsOfDirectory(
                    atPath: member.ca.folder.file("issued"))
                #expect(names.contains("\(digits).pem"), "\(names)")
                return try #require(Int(digits, radix: 16))
            }
            let first = try serial()
            #expect(try serial() == first + 1)
            try member.ca.restart([])
            #expect(try serial() == first + 2)
        }

        // The sweeps place thousands of orders, several at a time.
        @Test("Several orders at once are all issued, each with its own serial number")
        func several() async throws {
            let member = try Member(StandIn())
            let bodies = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<12 { group.addTask { try member.order() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(bodies).count == 12 && bodies.allSatisfy { $0.hasPrefix("200,") })
            #expect(Set(member.ca.issued).count == 12)
            let left = try FileManager.default.contentsOfDirectory(atPath: member.ca.folder.path)
            #expect(!left.contains { $0.hasPrefix("work-") }, "\(left)")
        }
    }
}
