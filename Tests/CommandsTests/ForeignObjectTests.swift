import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Objects of other programs and cards: read if possible, and never discarded.
    @Suite struct ForeignObjectTests {
        private let mail: [UInt8] = Array("mail".utf8)
        private let key = "pkcs11:object=mail;type=private"
        private let certificate = "pkcs11:object=mail;type=cert"

        // Otherwise a certificate on a card with fixed-size files would be written twice, and the
        // user would be told to delete the first copy.
        @Test(
            "A certificate with padding after it is read, paired with its key and kept",
            arguments: [UInt8(0x00), 0xFF])
        func padding(byte: UInt8) throws {
            let bench = try Bench()
            let pem = try bench.issue { der in
                .certificate(
                    der + [UInt8](repeating: byte, count: 500), label: mail, id: [1])
            }
            let listed = try #require(
                try bench.listedKeys().first?["certificates"] as? [[String: Any]])
            #expect((listed.first?["subject"] as? String)?.contains("Anna Müller") == true)
            #expect(try bench.healthFindings().isEmpty)
            #expect(try bench.tokencert(["show", certificate, "--pem"]).output == pem)
            let before = bench.token.contents
            expect(
                try bench.tokencert(["delete", key, "--yes"]), 73, "a valid certificate")
            #expect(bench.token.contents == before)
            #expect(try bench.tokencert(["delete", certificate, "--yes"]).status == 0)
            #expect(try bench.listedCertificates().isEmpty)
        }

        // Otherwise the certificate could not be removed, or would stay although it is reported as
        // removed.
        @Test("A certificate with a non-minimal DER length can be removed")
        func nonMinimalLength() throws {
            let bench = try Bench()
            try bench.issue { der in
                .certificate([0x30, 0x83, 0x00] + der[2...], label: mail, id: [1])
            }
            #expect((try bench.listedKeys().first?["certificates"] as? [Any])?.count == 1)
            let before = bench.token.contents.count
            let removed = try bench.tokencert(["delete", certificate, "--yes"])
            #expect(removed.status == 0, "\(removed.errors)")
            #expect(bench.token.contents.count == before - 1)
            #expect(try bench.listedCertificates().isEmpty)
        }

        // Otherwise two certificates are ordered for one.
        @Test("Two encodings of one certificate are renewed once")
        func twoEncodings() throws {
            let bench = try Bench()
            try bench.issue { der in
                try? bench.token.write(.certificate(der, label: mail, id: [1]))
                return .certificate([0x30, 0x83, 0x00] + der[2...], label: mail, id: [1])
            }
            #expect(try bench.listedCertificates().count == 2)
            #expect(try bench.tokencert(["renew", "--all"]).status == 0)
            let history = try bench.tokencert(["history", "--json"]).json()
            #expect((history["orders"] as? [Any])?.count == 2)
        }

        // Otherwise "delete" could remove the key of a valid certificate, and "health" could
        // suggest deleting the certificate.
        @Test(
            "An unreadable certificate is listed, protects its key and is removed only by its URI",
            arguments: [
                ("pem", "PEM text", "unreadable"), ("garbage", "unreadable", "unreadable"),
                ("url", "URL only", "unsupported"), ("openpgp", "not X.509", "unsupported"),
            ])
        func unreadable(form: String, name: String, kind: String) throws {
            let bench = try Bench()
            try bench.issue { der in
                switch form {
                case "pem":
                    let text = Data(der).base64EncodedString(options: .lineLength64Characters)
                    return .certificate(
                        Array(
                            "-----BEGIN CERTIFICATE-----\n\(text)\n-----END CERTIFICATE-----\n"
                                .utf8),
                        label: mail, id: [1])
                case "url":
                    return .certificate(nil, label: mail, id: [1], url: "http://localhost/mail.der")
                case "openpgp":
                    return .certificate(der, label: mail, id: [1], type: 0x8000_0000 | 0x0050_4750)
                default: return .certificate(Array("garbage".utf8), label: mail, id: [1])
                }
            }
            let listed = try bench.tokencert(["list"])
            #expect(listed.output.contains(name), "\(listed)")
            #expect(try bench.tokencert(["list", "--tree"]).output.contains(name))
            #expect(try bench.tokencert(["show", certificate]).output.contains(name))
            #expect(try bench.healthFindings() == [kind])
            let health = try bench.tokencert(["health"])
            #expect(!health.output.contains("tokencert delete"), "\(health.output)")
            #expect(health.status == (kind == "unreadable" ? 79 : 0))
            let before = bench.token.contents
            let refused = try bench.tokencert(["delete", key, "--yes"])
            expect(refused, 73, "a possibly valid certificate may belong to this key")
            #expect(refused.errors.contains("mail (\(name))"), "\(refused.errors)")
            expect(
                try bench.tokencert([
                    "delete", "pkcs11:object=mail", "--yes", "--yes-delete-private-key",
                ]), 64, "cannot be read")
            #expect(bench.token.contents == before)
            let removed = try bench.tokencert(["delete", certificate, "--yes"])
            #expect(removed.status == 0, "\(removed.errors)")
            #expect(bench.token.contents.count == before.count - 1)
            #expect(try bench.tokencert(["delete", key, "--yes"]).status == 0)
            #expect(bench.token.contents.isEmpty)
        }

        private let garbage: [UInt8] = Array("garbage".utf8)

        // Otherwise one damaged object would make every run of the timer fail.
        @Test("renew reports an unreadable certificate as a failure only if a key may need it")
        func unreadableForRenew() throws {
            let bench = try Bench()
            #expect(
                try bench.tokencert([
                    "issue", "--label", "mail", "--id", "01", "--key-type", "rsa:2048",
                ]).status == 0)
            try bench.token.write(.certificate(garbage, label: Array("x".utf8), id: [9]))
            try bench.token.write(.certificate(garbage, id: [1], type: 0x8000_0000 | 0x0050_4750))
            let renew = ["renew", "--expiring", "30d"]
            for arguments in [[], ["--dry-run"]] {
                let outcome = try bench.tokencert(renew + arguments)
                #expect(outcome.status == 0, "\(outcome)")
                #expect(
                    outcome.errors.contains(
                        "was skipped: its value is not an X.509 certificate"),
                    "\(outcome.errors)")
                #expect(
                    outcome.errors.contains("was skipped: it is not an X.509 certificate"),
                    "\(outcome.errors)")
            }
            // It has the ID of a key, so it may be the certificate of that key.
            try bench.token.write(.certificate(garbage, label: mail, id: [1]))
            expect(try bench.tokencert(renew), 79, "1 certificate was skipped")
        }

        @Test("renew reports an unreadable certificate as a failure if a key has no other one")
        func unreadableBesideKey() throws {
            let bench = try Bench()
            #expect(
                try bench.tokencert([
                    "issue", "--label", "mail", "--id", "01", "--key-type", "rsa:2048",
                ]).status == 0)
            let renewed = try bench.tokencert(["renew", "--all", "--new-key", "--retire"])
            #expect(renewed.status == 0, "\(renewed.errors)")
            try bench.token.write(.certificate(garbage, label: Array("x".utf8), id: [9]))
            // The old key has a successor, so it needs no certificate.
            let renew = ["renew", "--expiring", "30d"]
            let outcome = try bench.tokencert(renew)
            #expect(outcome.status == 0, "\(outcome)")
            #expect(
                try bench.tokencert(["request", "--label", "spare", "--key-type", "rsa:2048"])
                    .status == 0)
            expect(try bench.tokencert(renew), 79, "1 certificate was skipped")
        }

        @Test("The command that is printed for an unreadable certificate prints its bytes")
        func readingCommand() throws {
            let bench = try Bench()
            try bench.token.write(.certificate(Array("other".utf8), label: mail, id: [9]))
            try bench.token.write(.certificate(garbage, label: Array("it's".utf8), id: [9]))
            let shown = "pkcs11:object=it%27s;type=cert"
            for arguments in [["health", shown], ["renew", "--all"], ["show", "--pem", shown]] {
                let outcome = try bench.tokencert(arguments)
                let lines = (outcome.output + outcome.errors).split(separator: "\n")
                let line = try #require(
                    lines.first { $0.contains("--label 'it'\\''s'") }, "\(outcome)")
                let start = try #require(line.firstRange(of: "pkcs11-tool")).lowerBound
                let read = try run(
                    "bash", ["-c", String(line[start...])], environment: bench.token.environment)
                #expect(read.output == "garbage", "\(line)\n\(read)")
            }
        }

        // Otherwise "health" could suggest deleting a good certificate, and "delete" could remove
        // its key.
        @Test(
            "A certificate matches its key in every encoding of the public key",
            arguments: [UInt8(0x01), 0x0A])
        func formsOfKeys(algorithm: UInt8) throws {
            let bench = try Bench()
            try bench.issue { der in
                .certificate(try withoutParameters(der, algorithm), label: mail, id: [1])
            }
            let keys = try bench.listedKeys()
            #expect(keys.count == 1)
            #expect((keys[0]["certificates"] as? [Any])?.count == 1)
            #expect((keys[0]["mismatchedCertificates"] as? [Any])?.isEmpty == true)
            #expect(!(try bench.healthFindings()).contains("mismatch"))
            let before = bench.token.contents
            expect(
                try bench.tokencert(["delete", key, "--yes"]), 73, "a valid certificate")
            #expect(bench.token.contents == before)
        }

        /// Replaces the AlgorithmIdentifier of an RSA key of 2048 bits with rsaEncryption or
        /// id-RSASSA-PSS, without parameters.
        private func withoutParameters(_ der: [UInt8], _ algorithm: UInt8) throws -> [UInt8] {
            let name: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01]
            let old: [UInt8] = [0x30, 0x82, 0x01, 0x22, 0x30, 0x0D] + name + [0x01, 0x05, 0x00]
            let new: [UInt8] = [0x30, 0x82, 0x01, 0x20, 0x30, 0x0B] + name + [algorithm]
            var changed = der
            changed.replaceSubrange(try #require(der.firstRange(of: old)), with: new)
            // The certificate and its signed part are two bytes shorter.
            for place in [2, 6] {
                let length = Int(changed[place]) * 256 + Int(changed[place + 1]) - 2
                changed[place] = UInt8(length / 256)
                changed[place + 1] = UInt8(length % 256)
            }
            return changed
        }

        @Test(
            "health does not suggest deleting a certificate without a key or with another key's ID"
        )
        func noAdvice() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            #expect(try bench.tokencert(["request", "--id", "05", "--label", "a"]).status == 0)
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder.file("k"),
                    "-outform", "DER", "-out", folder.file("c"), "-subj", "/CN=Foreign", "-addext",
                    "basicConstraints=critical,CA:FALSE",
                ])
            for id in ["05", "06"] {
                try bench.token.pkcs11Tool([
                    "--write-object", folder.file("c"), "--type", "cert", "--id", id,
                ])
            }
            let health = try bench.tokencert(["health"])
            #expect(health.output.contains("its CKA_ID belongs to a different key"))
            #expect(!health.output.contains("tokencert delete"), "\(health.output)")
            #expect(try bench.healthFindings().contains("certificateWithoutKey"))
            #expect(
                try bench.tokencert(["list"]).output.contains(
                    "! its CKA_ID belongs to a different key"))
        }

        @Test(
            "health suggests deleting a certificate only if its successor chains to a trust anchor")
        func replaced() throws {
            let bench = try Bench()
            #expect(
                try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"]).status
                    == 0)
            // Validity dates have a resolution of one second.
            Thread.sleep(forTimeInterval: 1.1)
            #expect(try bench.tokencert(["renew", key]).status == 0)
            let health = ["health", "--days", "1000"]
            let advice = try bench.tokencert(health).output
            #expect(advice.components(separatedBy: "tokencert delete").count == 2, "\(advice)")
            #expect(advice.contains(/tokencert delete [0-9a-f]+ --cert\n/), "\(advice)")
            let unknown = try bench.tokencert(health, ["TOKENCERT_CA_FILE": ""]).output
            #expect(unknown.contains("a newer certificate has replaced it"), "\(unknown)")
            #expect(!unknown.contains("tokencert delete"), "\(unknown)")
        }

        // Otherwise health would also report its issuer as not trusted.
        @Test("health reports an expired certificate of a trusted CA only as expired")
        func expired() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--label", "mail"]).status == 0)
            func later(_ arguments: [String]) throws -> Outcome {
                try run(
                    "faketime", ["-f", "+800d", product("tokencert")] + arguments,
                    environment: bench.environment)
            }
            let health = try later(["health", "--json"])
            #expect(health.status == 79, "\(health.errors)")
            let findings = try #require(try health.json()["findings"] as? [[String: Any]])
            #expect(findings.compactMap { $0["kind"] as? String } == ["expired"])
            #expect(
                !(try later(["list", "--tree"]).output.contains("not chain to a trust anchor")))
            // Without a matching anchor, the issuer is reported as well.
            let stranger = bench.token.folder.file("stranger.pem")
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                    bench.token.folder.file("k"), "-out", stranger, "-subj", "/CN=Stranger",
                ])
            let unknown = try later(["health", "--ca-file", stranger])
            #expect(unknown.output.contains("not chain to a trust anchor"), "\(unknown)")
        }

        // Otherwise a renewed key would be listed as two keys, with its certificate at the wrong
        // one.
        @Test(
            "A key pair that pkcs11-tool makes without an ID is one key",
            arguments: ["rsa:2048", "EC:secp256r1"])
        func withoutID(kind: String) throws {
            let bench = try Bench()
            for label in ["key1", "key2"] {
                let made = try bench.token.pkcs11Tool([
                    "--keypairgen", "--key-type", kind, "--label", label,
                ])
                #expect(made.status == 0, "\(made.errors)")
            }
            let keys = try bench.listedKeys()
            #expect(keys.map { $0["label"] as? String } == ["key1", "key2"])
            #expect(keys.allSatisfy { $0["privateKey"] is String && $0["publicKey"] is String })
            #expect(keys.allSatisfy { $0["sha256"] is String })
            let findings = try bench.healthFindings()
            #expect(findings.filter { $0 == "keyWithoutCertificate" }.count == 2, "\(findings)")
            #expect(!findings.contains("duplicateID"))
            let shown = try bench.tokencert(["show", "pkcs11:object=key1", "--json"]).json()
            #expect((shown["keys"] as? [Any])?.count == 1)
            let before = bench.token.contents.count
            let removed = try bench.tokencert([
                "delete", "pkcs11:object=key1;type=private", "--yes",
            ])
            #expect(removed.status == 0, "\(removed.errors)")
            #expect(bench.token.contents.count == before - 2)
            #expect(try bench.listedKeys().map { $0["label"] as? String } == ["key2"])
        }
    }
}
