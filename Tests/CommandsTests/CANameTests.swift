import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Names and addresses that CAcert's API changes or cannot issue.
    @Suite struct CANameTests {
        private func bench(
            _ arguments: [String] = [], first: String = "Anna", middle: String = "",
            last: String = "Müller", emails: [String] = ["anna@example.org"]
        ) throws -> Bench {
            try Bench(
                arguments,
                accounts: [
                    StandIn.account(
                        "anna@example.org", points: 100, codeSigning: true, emails: emails,
                        first: first, middle: middle, last: last)
                ])
        }

        /// The names in the issued certificates, with their bytes unchanged.
        private func issuedNames(_ bench: Bench) throws -> [String] {
            try bench.ca.issued.map { pem in
                let file = try bench.token.folder.write(pem, "issued.pem")
                let subject = try run(
                    "openssl",
                    ["x509", "-in", file, "-noout", "-subject", "-nameopt"]
                        + ["utf8,sep_multiline,sname"])
                let line = subject.output.split(separator: "\n").first { $0.contains("CN=") }
                return try #require(line).trimmingCharacters(in: .whitespaces)
            }
        }

        /// Checks that the output contains no control characters except line feeds.
        private func expectNoControls(_ outcome: Outcome, _ arguments: [String]) {
            let controls = (outcome.output + outcome.errors).unicodeScalars.filter {
                $0 != "\n" && $0.properties.generalCategory == .control
            }
            #expect(controls.isEmpty, "\(arguments): \(outcome)")
        }

        // Otherwise members with a letter outside ASCII in their name could not get a certificate.
        @Test(
            "A name that the CA encodes byte by byte is accepted with a remark and can be renewed",
            arguments: [
                ("Anna", "Müller", "Anna MÃ¼ller"),
                ("Łukasz", "Żółć", "Å\u{81}ukasz Å»Ã³Å\u{82}Ä\u{87}"),
            ])
        func byteByByte(first: String, last: String, written: String) throws {
            let bench = try bench(["--names", "latin1"], first: first, last: last)
            let name = "\(first) \(last)"
            let issued = try bench.tokencert(["issue", "--label", "mail"])
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(
                issued.output.contains(
                    "remark       the CA encoded each byte of the name as one character"))
            #expect(issued.output.contains("represents \"\(name)\""), "\(issued.output)")
            #expect(!issued.output.contains("changed "), "\(issued.output)")
            expectNoControls(issued, ["issue"])
            #expect(try issuedNames(bench) == ["CN=\(written)"])
            for arguments in [
                ["list"], ["list", "--json"], ["show", "pkcs11:object=mail;type=cert"],
                ["show", "pkcs11:object=mail;type=cert", "--json"], ["health"],
                ["health", "--json"], ["history", "1"], ["history", "1", "--json"],
                ["renew", "--all", "--dry-run"],
            ] {
                let outcome = try bench.tokencert(arguments)
                #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
                expectNoControls(outcome, arguments)
            }
            // A renewal requests the name of the account, not the name in the certificate.
            let renewed = try bench.tokencert(["renew", "--all", "--json"])
            #expect(renewed.status == 0, "\(renewed.errors)")
            expectNoControls(renewed, ["renew"])
            let reports = try #require(try renewed.json()["renewed"] as? [[String: Any]])
            let remarks = try #require(reports.first?["remarks"] as? [String])
            #expect(
                remarks == [
                    "the CA encoded each byte of the name as one character: \"\(written)\" represents \"\(name)\""
                ])
            #expect(try issuedNames(bench) == ["CN=\(written)", "CN=\(written)"])
            // After the CA changes to UTF-8, the name is correct.
            try bench.ca.restart(["--names", "utf8"])
            let later = try bench.tokencert(["renew", "pkcs11:object=mail", "--retire"])
            #expect(later.status == 0, "\(later.errors)")
            #expect(!later.output.contains("each byte of the name"), "\(later.output)")
            #expect(try issuedNames(bench).filter { $0 == "CN=\(name)" }.count == 1)
        }

        // Otherwise a late certificate could not be imported from the web site.
        @Test("A late certificate with a name encoded byte by byte is accepted with a remark")
        func lateByteByByte() throws {
            let bench = try bench(["--names", "latin1", "--signing-time", "1"])
            expect(try bench.tokencert(["issue"]), 75, "it may still issue one")
            for _ in 0..<600 where bench.ca.issued.isEmpty { usleep(100_000) }
            let file = try bench.token.folder.write(
                try #require(bench.ca.issued.first), "from-the-web.pem")
            let resumed = try bench.tokencert(["resume", "1", "--from", file])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(
                resumed.output.contains(
                    "remark       the CA encoded each byte of the name as one character"))
        }

        @Test(
            "A name outside ASCII that the CA writes unchanged gets no remark",
            arguments: [("Anna", "Müller"), ("Łukasz", "Żółć"), ("Jörg", "漢字")])
        func exact(first: String, last: String) throws {
            let bench = try bench(["--names", "utf8"], first: first, last: last)
            let issued = try bench.tokencert(["issue", "--json"])
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(try issued.json()["remarks"] as? [String] == [])
            #expect(try issuedNames(bench) == ["CN=\(first) \(last)"])
        }

        // Otherwise the CA would issue for "CAcert WoT User", and the certificate would be
        // rejected.
        @Test(
            "A name that the API cannot issue is refused before the order, with alternatives",
            arguments: ["D'Arc", "D\\\"Arc", "D\\\\Arc"])
        func impossibleNames(last: String) throws {
            let bench = try bench(first: "Jeanne", last: last)
            let name = "Jeanne " + last.replacing("\\\\", with: "\\").replacing("\\\"", with: "\"")
            let before = bench.token.contents
            for arguments in [["issue"], ["issue", "--name", name], ["issue", "--dry-run"]] {
                let outcome = try bench.tokencert(arguments)
                expect(outcome, 65, "the name \"\(name)\" cannot be issued through the API")
                #expect(
                    outcome.errors.contains(
                        "with tokencert issue, use instead: --name 'CAcert WoT User'"),
                    "\(outcome.errors)")
            }
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
            let account = try bench.tokencert(["account"])
            #expect(
                account.output.contains("\(name) (cannot be issued through the API: "),
                "\(account.output)")
            let report = try bench.tokencert(["account", "--json"]).json()
            let marked = try #require(report["notIssuable"] as? [[String: String]])
            #expect(marked.map { $0["value"] } == [name])
            let instead = try bench.tokencert(["issue", "--name", "CAcert WoT User"])
            #expect(instead.status == 0, "\(instead.errors)")
        }

        @Test("Other names of the account are offered if one of them cannot be issued")
        func otherNames() throws {
            let bench = try bench(first: "Jeanne", middle: "d'", last: "Arc")
            let several = try bench.tokencert(["issue"])
            expect(several, 65, "the account has several names")
            #expect(!several.errors.contains("d'"), "\(several.errors)")
            let refused = try bench.tokencert(["issue", "--name", "Jeanne d' Arc"])
            expect(refused, 65, "cannot be issued through the API")
            #expect(
                refused.errors.contains(
                    "with tokencert issue, use instead: --name 'Jeanne Arc'"))
            #expect(bench.ca.orders.isEmpty)
        }

        // Otherwise the CA would issue for another address, and the certificate would be rejected.
        @Test("An address that the API cannot issue is refused before the order")
        func impossibleAddresses() throws {
            let alone = try bench(emails: ["o'neil@example.org"])
            expect(
                try alone.tokencert(["issue"]), 65,
                "the address \"o'neil@example.org\" cannot be issued through the API")
            #expect(alone.ca.orders.isEmpty)
            let bench = try bench(emails: ["o'neil@example.org", "anna@example.org"])
            let before = bench.token.contents
            let outcome = try bench.tokencert([
                "issue", "--email", "anna@example.org", "--email", "O'Neil@example.org",
            ])
            expect(outcome, 65, "cannot be issued through the API: the CA drops the apostrophe")
            #expect(
                outcome.errors.contains(
                    "with tokencert issue, use instead: --email 'anna@example.org'"))
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
            let account = try bench.tokencert(["account"]).output
            #expect(account.contains("o'neil@example.org (cannot be issued through the API: "))
        }

        @Test("A name or an address that no certificate can contain is marked and not offered")
        func tooLong() throws {
            let long = String(repeating: "x", count: 64)
            let bench = try bench(last: long, emails: ["m\u{FC}@example.org", "anna@example.org"])
            let account = try bench.tokencert(["account"]).output
            #expect(
                account.contains("Anna \(long) (cannot be issued through the API: "), "\(account)")
            #expect(
                account.contains("m\u{FC}@example.org (cannot be issued through the API: "),
                "\(account)")
            let before = bench.token.contents
            let name = try bench.tokencert(["issue", "--email", "anna@example.org"])
            expect(name, 65, "a name in a certificate must have 1 to 64 characters")
            #expect(name.errors.contains("--name 'CAcert WoT User'"), "\(name.errors)")
            let address = try bench.tokencert(["issue", "--name", "CAcert WoT User"])
            expect(address, 65, "the account has several addresses")
            #expect(!address.errors.contains("m\u{FC}@"), "\(address.errors)")
            #expect(bench.token.contents == before)
        }

        @Test("A dry run and the real run say that a long name may be too long for the CA")
        func longInBytes() throws {
            let text = "Not checked: whether the CA encodes each byte of the name"
            let long = try bench(last: String(repeating: "\u{FC}", count: 30))
            let outcome = try long.tokencert(["issue", "--dry-run"])
            #expect(outcome.status == 0 && outcome.output.contains(text), "\(outcome)")
            let short = try bench().tokencert(["issue", "--dry-run"])
            #expect(short.status == 0 && !short.output.contains(text), "\(short)")
            let note = "note: not checked: whether the CA encodes each byte of the name"
            let ordered = try long.tokencert(["issue"])
            #expect(ordered.errors.contains(note), "\(ordered)")
            #expect(try !bench().tokencert(["issue"]).errors.contains(note))
        }

        // Otherwise the dry run would succeed, and the real run would make a key and then fail.
        @Test("An address that is too long for a request is refused before a key is made")
        func addressTooLong() throws {
            let long = String(repeating: "a", count: 117) + "@example.org"
            let bench = try bench(emails: [long])
            let before = bench.token.contents
            for command in ["issue", "request"] {
                for arguments in [["--dry-run"], []] {
                    let outcome = try bench.tokencert([command, "--email", long] + arguments)
                    #expect(outcome.status == 65, "\(command) \(arguments): \(outcome.errors)")
                    #expect(outcome.errors.contains("3 to 128 ASCII characters"))
                }
            }
            #expect(bench.token.contents == before && bench.ca.orders.isEmpty)
        }

        @Test("Addresses are compared without case, sent as typed, and each only once")
        func caseOfAddresses() throws {
            let bench = try bench(emails: ["anna@example.org", "a@example.org"])
            let outcome = try bench.tokencert([
                "issue", "--label", "mail", "--email", "Anna@Example.org", "--email",
                "ANNA@example.org",
            ])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("Anna@Example.org"), "\(outcome.output)")
            #expect(!outcome.output.contains("ANNA@"), "\(outcome.output)")
            // A renewal keeps the spelling.
            let renewed = try bench.tokencert(["renew", "pkcs11:object=mail"])
            #expect(renewed.status == 0, "\(renewed.errors)")
            #expect(bench.ca.issued.count == 2)
            for pem in bench.ca.issued {
                let names = try run(
                    "openssl", ["x509", "-noout", "-ext", "subjectAltName"], input: pem
                ).output
                #expect(names.contains("email:Anna@Example.org\n"), "\(names)")
            }
        }

        @Test("The account page states what the code signing flag does not cover")
        func codeSigningFlag() throws {
            let output = try bench().tokencert(["account"]).output
            #expect(
                output.contains(
                    "flagged for code signing; the CA also requires 100 points, which it does not"
                ), "\(output)")
        }
    }

    /// What CAcert's server sends if it fails, and what tokencert sends to it.
    @Suite struct CAServerTests {
        // CAcert makes requests with the same cookie wait for each other, and tokencert does not
        // recognise translated texts.
        @Test("tokencert sends no cookie and no language to the CA")
        func headers() throws {
            let bench = try Bench()
            let german = ["LANG": "de_DE.UTF-8", "LANGUAGE": "de"]
            #expect(try bench.tokencert(["issue"], german).status == 0)
            #expect(bench.ca.requests.count == 2)
            for line in bench.ca.requests {
                #expect(line.contains("\"user-agent\""), "\(line)")
                #expect(!line.contains("cookie") && !line.contains("language"), "\(line)")
            }
        }

        // Otherwise a short outage of the CA would lead users to change a correct password.
        @Test("A refused login hints that the CA may be down, and the same password works later")
        func deadDatabase() throws {
            let bench = try Bench([
                "--fault", "dead-database", "--account-fault", "dead-database",
            ])
            let before = bench.token.contents
            for arguments in [["account"], ["issue"]] {
                let outcome = try bench.tokencert(arguments)
                expect(outcome, 77, "does not accept this user name and password")
                #expect(outcome.errors.contains("database may be down"), "\(outcome.errors)")
            }
            #expect(bench.token.contents == before)
            try bench.ca.restart(["--fault", "dead-database"])
            let refused = try bench.tokencert(["issue"])
            expect(refused, 77, "That username couldn't be found")
            #expect(refused.errors.contains("database may be down"), "\(refused.errors)")
            try bench.ca.restart([])
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(bench.ca.issued.count == 1)
        }

        @Test(
            "An order that ends in an empty HTTP 500 has an unknown outcome and a likely cause")
        func weakKeyList() throws {
            let bench = try Bench(["--fault", "weak-key-list"])
            expect(try bench.tokencert(["issue"]), 75, "cannot read its list of weak keys")
            #expect(bench.ca.orders.count == 1)
            expect(try bench.tokencert(["resume", "1"]), 75, "list of weak keys")
            #expect(bench.ca.orders.count == 1)
        }

        @Test("A redirect of the account page hints that the CA has another host name")
        func redirect() throws {
            let bench = try Bench(["--account-fault", "redirect"])
            let before = bench.token.contents
            expect(try bench.tokencert(["issue"]), 69, "for a host name other than its own")
            #expect(bench.token.contents == before)
        }
    }

    /// Certificates whose issuer is not trusted, and certificates that are wrong.
    @Suite struct UntrustedIssuerTests {
        // Otherwise the user would be told to discard a good certificate.
        @Test(
            "A certificate from an untrusted issuer can be written after the issuer is trusted",
            arguments: ["plain", "messy"])
        func class3(form: String) throws {
            let bench = try Bench(["--signer", "class3", "--answer-form", form])
            // The messy answer includes class 3, so only the root is missing.
            let other = try TemporaryFolder()
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", other.file("k"),
                    "-out", other.file("other.pem"), "-subj", "/CN=Other", "-days", "2",
                ])
            let name = form == "plain" ? "Stand-in CA Class 3 Root" : "Stand-in CA Class 1 Root"
            let outcome: Outcome
            if form == "plain" {
                outcome = try bench.tokencert(["issue"])
            } else {
                // The server is trusted for the order; the anchors are replaced afterwards.
                _ = try bench.tokencert(["issue", "--label", "mail"])
                let file = try bench.token.folder.write(
                    try #require(bench.ca.issued.first) + bench.ca.folder.read("class3.pem"),
                    "certificate.pem")
                outcome = try bench.tokencert(
                    ["import", "--cert", file, "--ca-file", other.file("other.pem")])
            }
            expect(outcome, 76, "its issuer \"\(name)\" is not trusted")
            for hint in ["tokencert trust fetch", "tokencert trust add FILE"] {
                #expect(outcome.errors.contains(hint), "\(outcome.errors)")
            }
            #expect(!outcome.errors.contains("do not use"), "\(outcome.errors)")
            guard form == "plain" else { return }
            #expect(
                outcome.errors.contains("in the ledger: tokencert resume 1"), "\(outcome.errors)")
            let root = try run(
                "openssl",
                ["x509", "-in", bench.ca.rootFile, "-noout", "-fingerprint", "-sha256"]
            ).output.split(separator: "=").last
            let fetched = try bench.tokencert([
                "trust", "fetch", "--fingerprint",
                try #require(root).trimmingCharacters(in: .whitespacesAndNewlines),
            ])
            #expect(fetched.status == 0, "\(fetched.errors)")
            let resumed = try bench.tokencert(["resume", "1"], ["TOKENCERT_CA_FILE": ""])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(bench.ca.orders.count == 1)
        }

        @Test(
            "A certificate with a wrong signature is rejected with a warning not to use it",
            arguments: ["class1", "class3"])
        func wrongSignature(signer: String) throws {
            let bench = try Bench(["--fault", "wrong-ca", "--signer", signer])
            let both = try bench.token.folder.write(
                try bench.ca.folder.read("root.pem") + bench.ca.folder.read("class3.pem"),
                "both.pem")
            let outcome = try bench.tokencert(["issue"], ["TOKENCERT_CA_FILE": both])
            expect(outcome, 76, "does not chain to a trust anchor")
            #expect(outcome.errors.contains("do not use that certificate"), "\(outcome.errors)")
            #expect(!outcome.errors.contains("trust fetch"), "\(outcome.errors)")
        }
    }
}
