import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    @Suite struct RenewAndImportTests {
        private func certificates(_ bench: Bench) throws -> [[String: Any]] {
            let list = try bench.tokencert(["list", "--json"]).json()
            let keys = try #require(list["keys"] as? [[String: Any]])
            return keys.flatMap { $0["certificates"] as? [[String: Any]] ?? [] }
        }

        private func issue(_ bench: Bench, _ arguments: [String] = []) throws -> [String: Any] {
            let kind = arguments.contains("--key") ? [] : ["--key-type", "rsa:2048"]
            let outcome = try bench.tokencert(["issue", "--json"] + kind + arguments)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return try outcome.json()
        }

        @Test(
            "A renewal keeps the key, the name, the options and the old certificate"
        )
        func renewSameKey() throws {
            let bench = try Bench()
            let old = try issue(bench, ["--codesign"])
            let uri = try #require(old.certificate("uri"))
            let outcome = try bench.tokencert(["renew", uri, "--json"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let renewed = try #require((try outcome.json()["renewed"] as? [[String: Any]])?.first)
            #expect(renewed["key"] as? String == old["key"] as? String)
            #expect(renewed.certificate("subject") == old.certificate("subject"))
            #expect(renewed.certificate("serialNumber") != old.certificate("serialNumber"))
            #expect(try certificates(bench).count == 2)
            // Without this request, the answer would have been refused.
            let history = try bench.tokencert(["history", "2", "--json"]).output
            #expect(history.contains(#""codeSigning":true"#))
            #expect(history.contains("replacedCertificate"))
        }

        @Test("renew --retire removes the old certificate, which stays in the ledger")
        func retire() throws {
            let bench = try Bench()
            let old = try issue(bench)
            let outcome = try bench.tokencert(["renew", "--all", "--retire", "--json"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let left = try certificates(bench)
            #expect(left.count == 1)
            #expect(left.first?["serialNumber"] as? String != old.certificate("serialNumber"))
            let pem = try #require(old.certificate("pem"))
            let history = try bench.tokencert(["history", "2", "--json"]).output
            #expect(history.contains(pem.replacingOccurrences(of: "\n", with: "\\n")))
            // If the new certificate is not proved, nothing is removed.
            let kept = try bench.tokencert(
                ["renew", "--all", "--retire"],
                bench.faulty(["FAULTY_RULES": "C_Sign#2:before:return=0x30"]))
            #expect(kept.status == 74, "\(kept.errors)")
            #expect(try certificates(bench).count == 2)
            let resumed = try bench.tokencert(["resume", "3"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(try certificates(bench).count == 1)
        }

        @Test("A removal that the token reports but does not perform is detected")
        func pretendedRemoval() throws {
            let bench = try Bench()
            _ = try issue(bench)
            let outcome = try bench.tokencert(
                ["renew", "--all", "--retire"],
                bench.faulty(["FAULTY_RULES": "C_DestroyObject:before:return=0"]))
            expect(outcome, 74, "still has it")
            #expect(outcome.errors.contains("tokencert resume 2"))
        }

        @Test(
            "renew --new-key makes a key as strong as new ones, keeps the old key, and is not repeated"
        )
        func renewWithNewKey() throws {
            let bench = try Bench()
            let old = try issue(bench)
            let outcome = try bench.tokencert(["renew", "--all", "--new-key", "--json"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let renewed = try #require((try outcome.json()["renewed"] as? [[String: Any]])?.first)
            #expect(renewed["id"] as? String != old["id"] as? String)
            #expect(renewed["keyKind"] as? String == "RSA 3072")
            let list = try bench.tokencert(["list", "--json"]).json()
            #expect((list["keys"] as? [Any])?.count == 2)
            // The old certificate is still on the token, but it has a successor.
            let again = try bench.tokencert(["renew", "--all", "--dry-run", "--json"]).json()
            let would = try #require(again["wouldRenew"] as? [[String: Any]])
            #expect(would.count == 1)
            #expect(would.first?.certificate("serialNumber") == renewed.certificate("serialNumber"))
        }

        @Test("--expiring renews exactly the certificates that expire within the given days")
        func expiring() throws {
            let bench = try Bench()
            _ = try issue(bench)
            let none = try bench.tokencert(["renew", "--expiring", "30d"])
            #expect(none.status == 0)
            #expect(none.output == "Nothing needs to be renewed.\n")
            #expect(bench.ca.orders.count == 1)
            let some = try bench.tokencert(["renew", "--expiring", "731d"])
            #expect(some.status == 0, "\(some.errors)")
            #expect(bench.ca.orders.count == 2)
            expect(try bench.tokencert(["renew", "--expiring", "soon"]), 64, "number of days")
            expect(try bench.tokencert(["renew"]), 64, "exactly one of")
            expect(
                try bench.tokencert(["renew", "pkcs11:object=nothing"]), 66, "no certificate with")
        }

        @Test("A renewal replaces only the certificate that the URI selects")
        func namedCertificate() throws {
            let bench = try Bench()
            let old = try issue(bench, ["--label", "first"])
            let newer = try issue(
                bench, ["--key", try #require(old["key"] as? String), "--label", "second"])
            let outcome = try bench.tokencert([
                "renew", "pkcs11:object=first;type=cert", "--retire",
            ])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let left = try certificates(bench).compactMap { $0["serialNumber"] as? String }
            #expect(left.count == 2)
            #expect(left.contains(try #require(newer.certificate("serialNumber"))))
            #expect(!left.contains(try #require(old.certificate("serialNumber"))))
        }

        @Test("If certificates have the same URI, the serial number selects the one to renew")
        func certificatesWithOneURI() throws {
            let bench = try Bench()
            let old = try issue(bench, ["--label", "mail"])
            let key = try #require(old["key"] as? String)
            let uri = try #require(old.certificate("uri"))
            // Validity dates have a resolution of one second.
            Thread.sleep(forTimeInterval: 1.1)
            #expect(try bench.tokencert(["renew", key]).status == 0)
            let serials = try certificates(bench).compactMap { $0["serialNumber"] as? String }
            let first = try #require(old.certificate("serialNumber"))
            let second = try #require(serials.first { $0 != first })
            // health reports the old certificate as replaced and suggests the command that removes
            // it.
            let health = try bench.tokencert(["health", "--json", "--days", "1000"]).json()
            let findings = try #require(health["findings"] as? [[String: Any]])
            #expect(
                Set(findings.compactMap { $0["kind"] as? String }) == ["expiring", "replaced"])
            let replaced = try #require(findings.first { $0["kind"] as? String == "replaced" })
            #expect(replaced["severity"] as? String == "notice")
            #expect(
                (replaced["advice"] as? String)?.contains("'\(uri)' --serial \(first)") == true)
            let expiring = try #require(findings.first { $0["kind"] as? String == "expiring" })
            #expect(
                expiring["advice"] as? String
                    == "to renew it: tokencert renew '\(uri)' --serial \(second)")
            for arguments in [["renew", uri, "--retire"], ["show", "--pem", uri]] {
                let outcome = try bench.tokencert(arguments)
                expect(outcome, 66, "2 certificates on the token match")
                for serial in [first, second] {
                    #expect(outcome.errors.contains("one of them: \(serial) ("))
                }
            }
            #expect(bench.ca.orders.count == 2)
            let pem = try bench.tokencert(["show", "--pem", uri, "--serial", first]).output
            #expect(pem == old.certificate("pem"))
            let renewed = try bench.tokencert(["renew", uri, "--serial", first, "--retire"])
            #expect(renewed.status == 0, "\(renewed.errors)")
            let left = try certificates(bench).compactMap { $0["serialNumber"] as? String }
            #expect(left.count == 2 && left.contains(second) && !left.contains(first))
        }

        @Test("Only the old certificate is removed if the module ignores CKA_VALUE in searches")
        func retireWhereSearchesAreBlind() throws {
            let bench = try Bench()
            _ = try issue(bench, ["--label", "other"])
            let old = try issue(bench, ["--label", "mail"])
            let outcome = try bench.tokencert(
                ["renew", try #require(old["key"] as? String), "--retire"],
                bench.faulty(["FAULTY_IGNORE_IN_SEARCH": "0x11"]))
            #expect(outcome.status == 0, "\(outcome.errors)")
            let left = try certificates(bench)
            #expect(left.count == 2)
            #expect(
                !left.contains {
                    $0["serialNumber"] as? String == old.certificate("serialNumber")
                })
        }

        @Test("A module without C_DestroyObject is detected before the order")
        func retireWithoutRemoval() throws {
            let bench = try Bench()
            _ = try issue(bench)
            expect(
                try bench.tokencert(
                    ["renew", "--all", "--retire"],
                    bench.faulty(["FAULTY_DROP_FUNCTIONS": "C_DestroyObject"])), 73,
                "C_DestroyObject is missing")
            #expect(bench.ca.orders.count == 1)
        }

        @Test("A certificate that cannot be renewed does not prevent the renewal of others")
        func oneOddKey() throws {
            let bench = try Bench()
            let odd = try issue(bench, ["--label", "a odd"])
            _ = try issue(bench, ["--label", "b mail"])
            // Only the public key object is left of this key.
            let removed = try bench.token.pkcs11Tool([
                "--delete-object", "--type", "privkey", "--id",
                try #require(odd["id"] as? String),
            ])
            #expect(removed.status == 0, "\(removed.errors)")
            let outcome = try bench.tokencert(["renew", "--expiring", "1000d"])
            expect(outcome, 79, "1 certificate was skipped")
            #expect(bench.ca.orders.count == 3)
        }

        @Test("With --if-present, a missing token is not a failure")
        func ifPresent() throws {
            let bench = try Bench()
            let absent = ["renew", "--expiring", "30d", "--token", "elsewhere"]
            expect(try bench.tokencert(absent), 66, "no token has the label or serial number")
            let outcome = try bench.tokencert(absent + ["--if-present"])
            #expect(outcome.status == 0, "\(outcome)")
            #expect(outcome.errors.contains("no token has the label or serial number"))
            #expect(outcome.output == "The token is not present; nothing was renewed.\n")
            let empty = try ThrowawayToken(label: nil)
            let unset = try bench.tokencert(
                ["renew", "--expiring", "30d", "--if-present"],
                empty.environment.merging(["TOKENCERT_TOKEN": ""]) { $1 })
            #expect(unset.status == 0, "\(unset)")
            // A PIN from a file is for one token, so several are still an error.
            try bench.token.addToken(label: "other")
            expect(
                try bench.tokencert(["renew", "--expiring", "30d", "--if-present"]), 66,
                "a PIN that is not typed belongs to one token")
        }

        @Test("A certificate from a file that is older than the one on the token is refused")
        func olderFromFile() throws {
            let bench = try Bench()
            let first = try issue(bench, ["--label", "mail"])
            let key = try #require(first["key"] as? String)
            Thread.sleep(forTimeInterval: 1.1)
            let renewed = try bench.tokencert(["renew", key])
            #expect(renewed.status == 0, "\(renewed.errors)")
            let killed = try bench.tokencert(
                ["renew", key, "--retire"],
                bench.faulty(["FAULTY_RULES": "C_Sign#2:before:kill"]))
            #expect(killed.status == 137, "\(killed)")
            let file = try bench.token.folder.write(
                try #require(first.certificate("pem")), "old.pem")
            expect(
                try bench.tokencert(["resume", "3", "--from", file]), 76,
                "is older than the one to be replaced")
            #expect(try certificates(bench).count >= 2)
        }

        @Test("A second renewal of a certificate is refused while the first is unfinished")
        func unfinishedRenewal() throws {
            let bench = try Bench()
            _ = try issue(bench)
            let killed = try bench.tokencert(
                ["renew", "--all", "--new-key"],
                bench.faulty(["FAULTY_RULES": "C_CreateObject:before:kill"]))
            #expect(killed.status == 137)
            expect(
                try bench.tokencert(["renew", "--all", "--new-key"]), 75,
                "order 2 for this key is not finished")
            #expect(bench.ca.orders.count == 2)
            let resumed = try bench.tokencert(["resume", "2"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(bench.ca.orders.count == 2)
        }

        /// Puts a key on the token, and returns a file with its certificate, which is not on the
        /// token.
        private func orphan(_ bench: Bench) throws -> String {
            let outcome = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_CERTIFICATE_LIMIT": "500"]))
            expect(outcome, 73, "CKR_DEVICE_MEMORY")
            #expect(try bench.tokencert(["resume", "1", "--abandon"]).status == 0)
            return try bench.token.folder.write(
                try #require(bench.ca.issued.first), "certificate.pem")
        }

        @Test("A certificate from a file is written once, for its own key")
        func importByKey() throws {
            let bench = try Bench()
            let file = try orphan(bench)
            let der = bench.token.folder.file("certificate.der")
            try run("openssl", ["x509", "-in", file, "-outform", "DER", "-out", der])
            let first = try bench.tokencert(["import", "--cert", der, "--label", "from a file"])
            #expect(first.status == 0, "\(first.errors)")
            let second = try bench.tokencert(["import", "--cert", file])
            #expect(second.status == 0, "\(second.errors)")
            #expect(second.output.contains("was already on the token"))
            let found = try certificates(bench)
            #expect(found.count == 1)
            #expect(found.first?["label"] as? String == "from a file")
        }

        // Otherwise the user is advised to trust the issuer of someone else's certificate.
        @Test("An import takes the certificate for its key from a file, whatever precedes it")
        func importAmongOthers() throws {
            let bench = try Bench()
            let file = try orphan(bench)
            let text = try String(contentsOfFile: file, encoding: .utf8)
            let other = bench.token.folder.file("other.pem")
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null",
                    "-subj", "/CN=other", "-addext", "basicConstraints=CA:FALSE", "-out", other,
                ])
            let both = try bench.token.folder.write(
                String(contentsOfFile: other, encoding: .utf8) + text, "both.pem")
            let imported = try bench.tokencert(["import", "--cert", both])
            #expect(imported.status == 0, "\(imported.errors)")
            #expect(try certificates(bench).count == 1)
        }

        @Test(
            "An import refuses foreign, untrusted and unreadable certificates"
        )
        func refusedImports() throws {
            let bench = try Bench()
            let file = try orphan(bench)
            let stranger = try Bench()
            _ = try issue(stranger)
            let foreign = try bench.token.folder.write(
                try #require(stranger.ca.issued.first), "foreign.pem")
            expect(try bench.tokencert(["import", "--cert", foreign]), 66, "no key on the token")
            expect(
                try bench.tokencert(["import", "--cert", bench.ca.rootFile]), 76,
                "only CA certificates")
            let other = bench.token.folder.file("other.pem")
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null",
                    "-subj", "/CN=other", "-out", other,
                ])
            expect(
                try bench.tokencert(["import", "--cert", file, "--ca-file", other]), 76,
                "does not chain to a trust anchor")
            let request = try bench.tokencert(["request", "--json"]).json()
            expect(
                try bench.tokencert([
                    "import", "--cert", file, "--key", try #require(request["key"] as? String),
                ]), 76, "for another key")
            let before = bench.token.contents
            let broken = try bench.token.folder.write("nothing", "broken.pem")
            expect(
                try bench.tokencert(["import", "--cert", broken]), 78, "contains no certificate")
            #expect(bench.token.contents == before)
        }

        /// A certificate by the root of the stand-in CA for the key of another certificate.
        private func signed(
            _ bench: Bench, _ certificate: String, _ extensions: String, days: String = "30"
        ) throws -> String {
            let folder = bench.token.folder
            let key = try folder.write(
                run("openssl", ["x509", "-in", certificate, "-noout", "-pubkey"]).output, "key.pem")
            let config = try folder.write(extensions, "extensions")
            let request = folder.file("request.pem")
            try run(
                "openssl",
                [
                    "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null",
                    "-subj", "/CN=x", "-out", request,
                ])
            let file = folder.file("signed.pem")
            let outcome = try run(
                "openssl",
                [
                    "x509", "-req", "-in", request, "-force_pubkey", key, "-CA",
                    bench.ca.rootFile, "-CAkey", bench.ca.folder.file("root.key"), "-extfile",
                    config, "-out", file, "-days", days,
                ])
            #expect(outcome.status == 0, "\(outcome.errors)")
            return file
        }

        @Test(
            "A certificate without a personal use is refused, unless --accept-changes allows it",
            arguments: [
                ("extendedKeyUsage=serverAuth\n", "30", "is for serverAuth only", true),
                (
                    "extendedKeyUsage=clientAuth\nkeyUsage=keyEncipherment\n", "30",
                    "does not allow signatures", true
                ),
                ("basicConstraints=CA:TRUE\n", "30", "only CA certificates", false),
                ("extendedKeyUsage=clientAuth\n", "-1", "outside its validity", false),
            ])
        func uselessImports(
            extensions: String, days: String, message: String, canBeAccepted: Bool
        ) throws {
            let bench = try Bench()
            let file = try signed(bench, try orphan(bench), extensions, days: days)
            let before = bench.token.contents
            expect(try bench.tokencert(["import", "--cert", file]), 76, message)
            #expect(bench.token.contents == before)
            let accepted = try bench.tokencert(["import", "--cert", file, "--accept-changes"])
            #expect(accepted.status == (canBeAccepted ? 0 : 76), "\(accepted.errors)")
        }

        // Otherwise one of the certificates is silently left out.
        @Test("A file with certificates for two keys on the token is imported only with --key")
        func twoKeys() throws {
            let bench = try Bench()
            var pems: [String] = []
            for label in ["a", "b"] {
                _ = try bench.tokencert(["issue", "--label", label, "--key-type", "rsa:2048"])
                pems.append(try bench.tokencert(["show", label, "--pem"]).output)
                #expect(try bench.tokencert(["delete", label, "--cert", "--yes"]).status == 0)
            }
            let file = try bench.token.folder.write(pems.joined(), "two.pem")
            let before = bench.token.contents
            let refused = try bench.tokencert(["import", "--cert", file])
            expect(refused, 66, "the certificates are for 2 keys on the token")
            #expect(refused.errors.contains("one of them: --key b"), "\(refused)")
            #expect(bench.token.contents == before)
            let imported = try bench.tokencert([
                "import", "--cert", file, "--key", "b", "--json",
            ])
            #expect(imported.status == 0, "\(imported)")
            #expect(try bench.tokencert(["show", "b", "--pem"]).output == pems[1])
            #expect(try bench.tokencert(["show", "a", "--pem"]).status == 66)
        }

        @Test("An import selects the key by the public key, not by the label")
        func importByKeyNotLabel() throws {
            let bench = try Bench()
            let file = try orphan(bench)
            let right = try bench.tokencert(["list", "--json"]).json()
            let id = try #require((right["keys"] as? [[String: Any]])?.first?["id"] as? String)
            #expect(
                try bench.tokencert(["request", "--id", "0a", "--label", "Anna Müller"]).status == 0
            )
            let imported = try bench.tokencert(
                ["import", "--cert", file, "--label", "Anna Müller", "--json"])
            #expect(try imported.json()["id"] as? String == id, "\(imported.errors)")
        }

        @Test("An import with --chain writes each intermediate certificate once, under its own ID")
        func importWithChain() throws {
            let bench = try Bench(["--signer", "class3", "--answer-form", "messy"])
            let file = try orphan(bench)
            let class3 = try bench.ca.folder.read("class3.pem")
            let both = try bench.token.folder.write(
                String(contentsOfFile: file, encoding: .utf8) + class3, "both.pem")
            let first = try bench.tokencert(["import", "--cert", both, "--chain"])
            #expect(first.status == 0, "\(first.errors)")
            #expect(first.output.contains("chain        "), "\(first.output)")
            let second = try bench.tokencert(["import", "--cert", both, "--chain"])
            #expect(second.status == 0, "\(second.errors)")
            #expect(!second.output.contains("chain        "))
            let list = try bench.tokencert(["list", "--json"]).json()
            let all = try #require(list["certificates"] as? [[String: Any]])
            #expect(all.count == 2)
            let keys = try #require(list["keys"] as? [[String: Any]])
            #expect(all.last?["id"] as? String != keys.first?["id"] as? String)
        }

        // Otherwise a timer never renews the certificate.
        @Test("A certificate whose issuer came with the answer of the CA is healthy and renewed")
        func issuerOfAnswer() throws {
            let bench = try Bench(["--signer", "class3", "--answer-form", "messy"])
            #expect(
                try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"]).status
                    == 0)
            let health = try bench.tokencert(["health"])
            #expect(health.status == 0, "\(health)")
            let renewed = try bench.tokencert(["renew", "--all"])
            #expect(renewed.status == 0 && renewed.output.contains("serial"), "\(renewed)")
            #expect(try bench.listedCertificates().count == 2)
        }

        @Test("health does not suggest the renewal of a certificate that a new key has replaced")
        func replacedByNewKey() throws {
            let bench = try Bench()
            #expect(
                try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"]).status
                    == 0)
            let before = try bench.tokencert(["health", "--days", "3650"])
            #expect(before.output.contains("to renew it"), "\(before)")
            #expect(try bench.tokencert(["renew", "mail", "--new-key"]).status == 0)
            let serial = try #require(
                try bench.tokencert(["history", "1", "--json"]).output.firstMatch(
                    of: /"serialNumber":"([0-9a-f]+)"/)?.1)
            let after = try bench.tokencert(["health", String(serial), "--days", "3650"])
            #expect(after.status == 0, "\(after)")
            #expect(after.output.contains("a newer certificate has replaced it"), "\(after)")
            let list = try bench.tokencert(["list"]).output
            #expect(list.components(separatedBy: "replaced").count == 2, "\(list)")
        }

        @Test(
            "--chain does not write an issuer again that is on the token in another version"
        )
        func chainInAnotherForm() throws {
            let bench = try Bench(["--signer", "class3", "--answer-form", "messy"])
            let file = try orphan(bench)
            // The stand-in's class 3 certificate, signed again with a longer validity.
            let again = bench.token.folder.file("again.pem")
            let name = "/O=Stand-in CA/CN=Stand-in CA Class 3 Root"
            let request = bench.token.folder.file("again.csr")
            try run(
                "openssl",
                [
                    "req", "-new", "-key", bench.ca.folder.file("class3.key"), "-subj", name,
                    "-out", request,
                ])
            let signed = try run(
                "openssl",
                [
                    "x509", "-req", "-in", request, "-CA", bench.ca.folder.file("root.pem"),
                    "-CAkey", bench.ca.folder.file("root.key"), "-set_serial", "77", "-days",
                    "4000", "-out", again,
                ])
            guard signed.status == 0 else {
                Issue.record("\(signed.errors)")
                return
            }
            let der = bench.token.folder.file("again.der")
            try run("openssl", ["x509", "-in", again, "-outform", "DER", "-out", der])
            let written = try bench.token.pkcs11Tool([
                "--write-object", der, "--type", "cert", "--id", "77", "--label", "class 3",
            ])
            #expect(written.status == 0, "\(written.errors)")
            let both = try bench.token.folder.write(
                String(contentsOfFile: file, encoding: .utf8)
                    + bench.ca.folder.read("class3.pem"), "both.pem")
            let outcome = try bench.tokencert(["import", "--cert", both, "--chain"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let list = try bench.tokencert(["list", "--json"]).json()
            #expect((list["certificates"] as? [Any])?.count == 2)
        }

        @Test("The chain is also written to a module that refuses one of the attributes")
        func chainWithFewerAttributes() throws {
            let bench = try Bench(["--signer", "class3", "--answer-form", "messy"])
            let file = try orphan(bench)
            let both = try bench.token.folder.write(
                String(contentsOfFile: file, encoding: .utf8)
                    + bench.ca.folder.read("class3.pem"), "both.pem")
            let outcome = try bench.tokencert(
                ["import", "--cert", both, "--chain"],
                bench.faulty(["FAULTY_REJECT_ATTRIBUTES": "0x81"]))
            #expect(outcome.status == 0, "\(outcome.errors)")
            let list = try bench.tokencert(["list", "--json"]).json()
            #expect((list["certificates"] as? [Any])?.count == 2)
            #expect(try certificates(bench).count == 1)
        }
    }
}
