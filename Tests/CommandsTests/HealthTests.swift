import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Findings about keys and certificates, and their removal.
    @Suite struct HealthTests {
        private func kinds(_ outcome: Outcome) throws -> [String] {
            let findings = try #require(try outcome.json()["findings"] as? [[String: Any]])
            return findings.compactMap { $0["kind"] as? String }.sorted()
        }

        private func uri(_ bench: Bench, _ half: String = "privateKey") throws -> String {
            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            if half == "certificate" {
                let certificates = try #require(keys.first?["certificates"] as? [[String: Any]])
                return try #require(certificates.first?["uri"] as? String)
            }
            return try #require(keys.first?[half] as? String)
        }

        @Test("An expiring certificate changes the exit status for monitoring")
        func expiring() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue"]).status == 0)
            let fine = try bench.tokencert(["health", "--json"])
            #expect(fine.status == 0, "\(fine)")
            #expect(try kinds(fine).isEmpty)
            let soon = try bench.tokencert(["health", "--json", "--days", "1000"])
            #expect(soon.status == 79)
            #expect(try kinds(soon) == ["expiring"])
            let text = try bench.tokencert(["health", "--days", "1000"])
            #expect(
                text.output.contains(
                    /\n +anna@example\.org \(Anna Müller, valid to .*\n +to renew it: tokencert renew anna@/
                ),
                "\(text.output)")
            #expect(!text.output.contains("pkcs11:"), "\(text.output)")
            // Another token may have a key of the same name.
            let elsewhere = try bench.tokencert(["health", "--days", "1000", "--token", "work"])
            #expect(
                elsewhere.output.contains("tokencert renew anna@example.org --token work\n"),
                "\(elsewhere.output)")
            let unknown = try bench.tokencert(["health", "--json"], ["TOKENCERT_CA_FILE": ""])
            #expect(unknown.status == 0, "without anchors no issuer is reported as untrusted")
        }

        // Otherwise the advice is a command that refuses the certificate.
        @Test("A certificate whose issuer is not trusted is not reported as renewable")
        func notRenewable() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue"]).status == 0)
            let other = bench.token.folder.file("other-root.pem")
            let made = try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Other", "-out",
                    other, "-keyout", bench.token.folder.file("other.key"),
                ])
            try #require(made.status == 0, "\(made)")
            let health = try bench.tokencert(["health", "--days", "3650", "--ca-file", other])
            #expect(health.status == 79, "\(health)")
            #expect(health.output.contains("tokencert import --cert FILE"), "\(health)")
            #expect(!health.output.contains("tokencert renew"), "\(health)")
            let absent = ["--ledger", bench.token.folder.file("none.sqlite")]
            for command in ["health", "list"] {
                let named = try bench.tokencert([command] + absent)
                #expect(named.errors.contains("note: there is no ledger at "), "\(named)")
                #expect(try !bench.tokencert([command]).errors.contains("note:"))
            }
        }

        @Test("Short keys, imported keys and small exponents are reported")
        func weakKeys() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            try run(
                "openssl",
                [
                    "genrsa", "-traditional", "-3", "-out", folder.file("short.pem"), "1024",
                ])
            try run(
                "openssl",
                [
                    "rsa", "-in", folder.file("short.pem"), "-outform", "DER", "-out",
                    folder.file("k"),
                ])
            try run(
                "openssl",
                [
                    "rsa", "-in", folder.file("short.pem"), "-pubout", "-outform", "DER", "-out",
                    folder.file("p"),
                ])
            for (file, type) in [("k", "privkey"), ("p", "pubkey")] {
                let written = try bench.token.pkcs11Tool([
                    "--write-object", folder.file(file), "--type", type, "--id", "07", "--label",
                    "old",
                ])
                #expect(written.status == 0, "\(written.errors)")
            }
            let outcome = try bench.tokencert(["health", "--json"])
            #expect(outcome.status == 79)
            #expect(
                try kinds(outcome) == [
                    "imported", "keyWithoutCertificate", "shortKey", "smallExponent",
                ])
            // Without a login the private key cannot be checked.
            let seen = try kinds(
                try bench.tokencert(["health", "--json"], ["TOKENCERT_PIN_SOURCE": ""]))
            #expect(!seen.contains("imported"), "\(seen)")
            #expect(try bench.tokencert(["list"]).output.contains("! an RSA key of 1024 bits"))
            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            #expect((keys.first?["findings"] as? [String])?.contains("shortKey") == true)
        }

        @Test("A revoked certificate is reported")
        func revoked() throws {
            let port = Int.random(in: 20000..<30000)
            let bench = try Bench(["--ocsp", "http://127.0.0.1:\(port)/"])
            #expect(try bench.tokencert(["issue"]).status == 0)
            let silent = try bench.tokencert(["health", "--json", "--online"])
            #expect(try kinds(silent) == ["revocationUnknown"], "\(silent)")
            // An attacker who can block the responder must not hide a revocation from monitoring.
            #expect(silent.status == 79)
            // No responder is asked about a certificate that does not chain to an anchor.
            let anchorless = try bench.tokencert(
                ["health", "--json", "--online"], ["TOKENCERT_CA_FILE": ""])
            #expect(try kinds(anchorless) == ["revocationUnchecked"], "\(anchorless)")
            #expect(anchorless.status == 0)
            #expect(try anchorless.json()["checkedIssuers"] as? Bool == false)
            let broken = try bench.token.folder.write("nothing", "broken.pem")
            expect(
                try bench.tokencert(["health"], ["TOKENCERT_CA_FILE": broken]), 78,
                "contains no certificate")
            for (status, expected) in [("V", []), ("R", ["revoked"])] {
                let responder = try Responder(bench, port: port, status: status)
                defer { withExtendedLifetime(responder) {} }
                let outcome = try bench.tokencert(["health", "--json", "--online"])
                #expect(try kinds(outcome) == expected, "\(outcome)")
                #expect(outcome.status == (expected.isEmpty ? 0 : 79))
            }
            // A recorded answer without a nextUpdate time.
            do {
                let kept = try Responder(bench, port: port, status: "V", isEndless: true)
                defer { withExtendedLifetime(kept) {} }
                #expect(try kinds(try bench.tokencert(["health", "--json", "--online"])).isEmpty)
                let late = try run(
                    "faketime",
                    ["-f", "+3d", product("tokencert"), "health", "--json", "--online"],
                    environment: bench.environment)
                #expect(try kinds(late) == ["revocationUnknown"], "\(late)")
            }
            // An answer signed by another party does not count: neither by a stranger, nor by a
            // certificate of the CA that is not for OCSP.
            let stranger = bench.token.folder.file("stranger")
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", stranger + ".key",
                    "-out", stranger + ".pem", "-subj", "/CN=Stand-in CA Class 1 Root",
                ])
            for signer in [stranger, bench.ca.folder.file("server")] {
                let liar = try Responder(bench, port: port, status: "V", signer: signer)
                defer { withExtendedLifetime(liar) {} }
                let outcome = try bench.tokencert(["health", "--json", "--online"])
                #expect(try kinds(outcome) == ["revocationUnknown"], "\(outcome)")
            }
        }

        @Test("show prints a key and its certificate as they are on the token")
        func show() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue"]).status == 0)
            let key = try uri(bench)
            let text = try bench.tokencert(["show", key]).output
            for part in ["generated          on the token", "CN=Anna Müller", "emailProtection"] {
                #expect(text.contains(part), "\(text)")
            }
            let pem = try bench.tokencert(["show", key, "--pem"]).output
            let issued = try #require(bench.ca.issued.first)
            #expect(pem == issued)
            let der = try run(
                "bash",
                [
                    "-c", "exec \"$0\" show \"$1\" --der | openssl x509 -inform DER",
                    product("tokencert"), try uri(bench, "certificate"),
                ], environment: bench.environment)
            #expect(der.output == issued, "\(der.errors)")
            let publicKey = try bench.tokencert(["show", key, "--public-key"]).output
            let file = try bench.token.folder.write(issued, "issued.pem")
            let expected = try run("openssl", ["x509", "-in", file, "-noout", "-pubkey"]).output
            #expect(publicKey == expected)
            expect(
                try bench.tokencert(["show", "pkcs11:object=nothing"]), 66, "no key or certificate")
            #expect(
                try bench.tokencert(["list", "--tree"]).output.contains(
                    "issued by Stand-in CA Class 1 Root"))
        }

        @Test("Only the named objects are removed, and not the key of a valid certificate")
        func delete() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--label", "keep"]).status == 0)
            let kept = Set(bench.token.contents.keys)
            #expect(try bench.tokencert(["issue", "--label", "mail"]).status == 0)
            let all = bench.token.contents
            let key = "pkcs11:object=mail;type=private"
            let certificate = "pkcs11:object=mail;type=cert"
            let unasked = try run(
                "setsid", ["--wait", product("tokencert"), "delete", certificate],
                environment: bench.environment)
            expect(unasked, 64, "there is no terminal")
            expect(
                try bench.tokencert(["delete", key, "--yes"]), 73, "a valid certificate")
            #expect(try bench.tokencert(["delete", certificate, "--dry-run"]).status == 0)
            #expect(bench.token.contents == all)
            let wrong = try AtTerminal(bench: bench).run(
                ["delete", certificate], "expect {Type mail}; send keep\\r")
            #expect(wrong.status == 64, "\(wrong)")
            #expect(bench.token.contents == all)
            let done = try AtTerminal(bench: bench).run(
                ["delete", certificate], "expect {Type mail}; send mail\\r")
            #expect(done.status == 0, "\(done)")
            #expect(bench.token.contents.count == all.count - 1)
            // Without a certificate the key is not needed.
            #expect(try bench.tokencert(["delete", key, "--yes", "--json"]).status == 0)
            #expect(Set(bench.token.contents.keys) == kept)
            // A URI without a type selects the key and its certificate.
            #expect(try bench.tokencert(["issue", "--label", "both"]).status == 0)
            let both = try bench.tokencert(
                ["delete", "pkcs11:object=both", "--yes", "--yes-delete-private-key"])
            #expect(both.status == 0, "\(both.errors)")
            #expect(Set(bench.token.contents.keys) == kept)
            // Two certificates have the same URI: the serial number selects one.
            #expect(try bench.tokencert(["renew", "pkcs11:object=keep;type=cert"]).status == 0)
            expect(
                try bench.tokencert(["delete", "pkcs11:object=keep;type=cert", "--yes"]), 66,
                "2 certificates")
            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            let certificates = try #require(keys.first?["certificates"] as? [[String: Any]])
            let serials = certificates.compactMap { $0["serialNumber"] as? String }.sorted()
            let removed = try bench.tokencert(
                [
                    "delete", "pkcs11:object=keep;type=cert", "--yes", "--serial",
                    try #require(serials.first),
                ])
            #expect(removed.status == 0, "\(removed.errors)")
            let left = try bench.tokencert(["show", "pkcs11:object=keep;type=cert"]).output
            #expect(left.contains("serial             \(serials.last ?? "?")"), "\(left)")
        }

        @Test(
            "An object that the token reports as removed but still has is reported",
            arguments: ["rsa:2048", "ec:p256"])
        func deleteNothing(kind: String) throws {
            let bench = try Bench()
            #expect(
                try bench.tokencert(["request", "--label", "mail", "--key-type", kind]).status == 0)
            let outcome = try bench.tokencert(
                ["delete", "pkcs11:object=mail;type=private", "--yes", "--yes-delete-private-key"],
                bench.faulty(["FAULTY_DESTROYS_NOTHING": "1"]))
            expect(outcome, 74, "still has them")
            // This token keeps only private keys, and what is left of the key looks different.
            let kept = try bench.tokencert(
                ["delete", "pkcs11:object=mail;type=private", "--yes", "--yes-delete-private-key"],
                bench.faulty(["FAULTY_DESTROYS_NOTHING": "private"]))
            expect(kept, 74, "still has them")
        }

        @Test(
            "Removing a certificate or a public key keeps the private keys"
        )
        func deleteMore() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--label", "mail", "--id", "01"]).status == 0)
            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            let certificates = try #require(keys.first?["certificates"] as? [[String: Any]])
            let serial = try #require(certificates.first?["serialNumber"] as? String)
            // The serial number of a certificate never selects a key, even if no certificate has
            // it.
            expect(
                try bench.tokencert(
                    ["delete", "pkcs11:object=mail", "--serial", "0abc", "--yes"]), 66, "no key or")
            expect(
                try bench.tokencert([
                    "delete", "pkcs11:object=mail;type=private", "--serial", serial, "--yes",
                ]), 64, "--serial selects a certificate")
            #expect(
                try bench.tokencert(["delete", "pkcs11:object=mail", "--serial", serial, "--yes"])
                    .status == 0)
            let left = try bench.tokencert(["list", "--json"]).json()
            let key = try #require((left["keys"] as? [[String: Any]])?.first)
            #expect(key["privateKey"] is String && key["publicKey"] is String)
            // The public key has its own URI, which does not select the private key.
            try bench.token.pkcs11Tool([
                "--keypairgen", "--key-type", "EC:secp256r1", "--id", "02", "--label", "ec",
            ])
            let half = try bench.tokencert([
                "delete", "pkcs11:object=ec;type=public", "--yes", "--yes-delete-private-key",
            ])
            #expect(
                half.status == 0 && half.output.contains("the other object of the key pair"),
                "\(half)")
            let after = try bench.token.pkcs11Tool(["--list-objects", "--type", "privkey"]).output
            #expect(after.components(separatedBy: "Private Key Object").count == 3, "\(after)")
        }

        @Test("A key is kept if its valid certificate has another ID")
        func deleteNeeded() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--label", "mail", "--id", "01"]).status == 0)
            // The public key and the certificate get another ID, as other programs leave them.
            for type in ["pubkey", "cert"] {
                let moved = try bench.token.pkcs11Tool([
                    "--set-id", "02", "--type", type, "--id", "01",
                ])
                #expect(moved.status == 0, "\(moved.errors)")
            }
            let before = bench.token.contents
            expect(
                try bench.tokencert(["delete", "pkcs11:id=%01;type=private", "--yes"]), 73,
                "a valid certificate")
            #expect(bench.token.contents == before)
        }

        @Test(
            "If only the security officer can write, exactly the named objects are removed"
        )
        func deleteByOfficer() throws {
            let bench = try Bench()
            let file = try bench.token.folder.write(bench.token.soPIN + "\n", "so-pin")
            let profile = try bench.token.folder.write(
                """
                {"name": "card", "title": "card", "tested": "here",
                 "match": {"tokenModel": "SoftHSM v2"},
                 "generates": "securityOfficer", "writes": "securityOfficer"}
                """, "card.json")
            let card = bench.faulty([
                "FAULTY_SO_WRITES": bench.token.pin, "TOKENCERT_TOKEN_PROFILE": profile,
                "TOKENCERT_SO_PIN_SOURCE": "file:\(file)",
            ])
            #expect(try bench.tokencert(["issue", "--label", "keep"], card).status == 0)
            let kept = Set(bench.token.contents.keys)
            #expect(try bench.tokencert(["issue", "--label", "mail"], card).status == 0)
            let all = bench.token.contents
            // The security officer cannot see private keys, so nothing is removed.
            expect(
                try bench.tokencert(
                    ["delete", "pkcs11:object=mail", "--yes", "--yes-delete-private-key"], card),
                73,
                "cannot see")
            #expect(bench.token.contents == all)
            let outcome = try bench.tokencert(
                ["delete", "pkcs11:object=mail;type=cert", "--yes"], card)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let removed = Set(all.keys).subtracting(bench.token.contents.keys)
            #expect(removed.count == 1 && removed.isDisjoint(with: kept))
        }
    }
}

/// An OpenSSL responder for the certificates of a stand-in CA, ended with its last reference.
final class Responder {
    private let process = Process()

    /// `signer` is the path of a certificate and its key without `.pem` and `.key`, by default the
    /// CA's own; with `isEndless` the answers have no nextUpdate time.
    init(
        _ bench: Bench, port: Int, status: String, signer: String? = nil, isEndless: Bool = false
    ) throws {
        let folder = bench.token.folder
        let certificate = try folder.write(try #require(bench.ca.issued.first), "ocsp.pem")
        let serial =
            try run("openssl", ["x509", "-in", certificate, "-noout", "-serial"]).output
            .split(separator: "=").last?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
        let revoked = status == "R" ? "260101000000Z" : ""
        let index = try folder.write(
            "\(status)\t350101000000Z\t\(revoked)\t\(serial)\tunknown\t/CN=x\n", "index")
        let signer = signer ?? bench.ca.folder.file("root")
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = [
            "ocsp", "-index", index, "-port", "\(port)", "-CA", bench.ca.rootFile, "-rsigner",
            signer + ".pem", "-rkey", signer + ".key",
        ]
        if !isEndless { process.arguments? += ["-ndays", "1"] }
        // A connection for a test would keep the responder busy, so wait for its own message.
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        var text = ""
        while !text.contains("waiting for OCSP client connections") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw SetUpFailure(text: text) }
            text += String(decoding: data, as: UTF8.self)
        }
    }

    deinit { end(process) }
}

private struct SetUpFailure: Error {
    let text: String
}
