import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Confirmations before a private key is removed permanently.
    @Suite struct DeleteGuardTests {
        private let key = "pkcs11:object=mail;type=private"

        // A shell cuts an unquoted URI at its first semicolon, so a user who means the certificate
        // would also remove the private key.
        @Test("--yes does not remove a private key if the URI has no type")
        func noType() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["request", "--label", "mail"]).status == 0)
            let before = bench.token.contents
            let unquoted = try run(
                "bash",
                [
                    "-c", "\"$0\" delete --yes pkcs11:object=mail;type=cert; exit $?",
                    product("tokencert"),
                ],
                environment: bench.environment)
            #expect(unquoted.errors.contains("refusing to delete a private key"), "\(unquoted)")
            let refused = try bench.tokencert(
                ["delete", "--yes", "pkcs11:object=mail"], bench.faulty([:]))
            expect(refused, 64, "refusing to delete a private key with --yes")
            for hint in ["--cert", "--key", "quotes"] {
                #expect(refused.errors.contains(hint), "\(refused.errors)")
            }
            #expect(bench.logins.isEmpty, "a PIN was sent")
            #expect(bench.token.contents == before)
            // At a terminal, the question says that the private key is removed.
            let asked = try AtTerminal(bench: bench).run(
                ["delete", "pkcs11:object=mail"], "expect {Type mail}; send no\\r")
            #expect(asked.status == 64, "\(asked)")
            #expect(
                asked.output.contains("The private key is deleted as well"), "\(asked)")
            #expect(bench.token.contents == before)
            #expect(
                try bench.tokencert(["delete", "--yes", "--yes-delete-private-key", key]).status
                    == 0)
            #expect(bench.token.contents.isEmpty)
        }

        // Otherwise a certificate that can be written again from a file is worthless.
        @Test("Before a key is deleted, its valid certificate in the ledger is named")
        func certifiedInLedger() throws {
            let bench = try Bench()
            #expect(
                try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"]).status
                    == 0)
            #expect(try bench.tokencert(["delete", "mail", "--cert", "--yes"]).status == 0)
            let shown = try bench.tokencert(["delete", "mail", "--key", "--dry-run"])
            #expect(
                shown.output.contains("the ledger has a valid certificate for it (order 1)"),
                "\(shown)")
        }

        // Otherwise the certificate of another key would be removed.
        @Test("A certificate with the label and the id of another key is not deleted by that name")
        func crossed() throws {
            let bench = try Bench()
            let ids = ["a": "aa01", "b": "bb01"]
            var serials: [String: String] = [:]
            for (label, id) in ids {
                let issued = try bench.tokencert([
                    "issue", "--label", label, "--id", id, "--key-type", "rsa:2048", "--json",
                ])
                serials[label] = try issued.json().certificate("serialNumber")
                let der = try bench.tokencert(["show", label, "--pem"]).output
                try bench.token.folder.write(der, label + ".pem")
                try run(
                    "openssl",
                    [
                        "x509", "-in", bench.token.folder.file(label + ".pem"), "-outform", "DER",
                        "-out", bench.token.folder.file(label + ".der"),
                    ])
                #expect(try bench.tokencert(["delete", label, "--cert", "--yes"]).status == 0)
            }
            func write(_ file: String, as label: String) throws {
                try bench.token.pkcs11Tool([
                    "--write-object", bench.token.folder.file(file + ".der"), "--type", "cert",
                    "--id", try #require(ids[label]), "--label", label,
                ])
            }
            // A key without a certificate of its own is still another key.
            try write("b", as: "a")
            for isComplete in [false, true] {
                if isComplete { try write("a", as: "b") }
                let before = bench.token.contents
                for name in isComplete ? ["a", "b", "aa01", "pkcs11:object=b"] : ["a", "aa01"] {
                    for options in [["--cert", "--yes"], ["--yes", "--yes-delete-private-key"]] {
                        let refused = try bench.tokencert(["delete", name] + options)
                        expect(refused, 66, "names a key, and also a certificate for another key")
                        #expect(refused.errors.contains(serials["b"] ?? "-"), "\(refused)")
                    }
                }
                #expect(bench.token.contents == before)
                let found = try bench.healthFindings().filter { $0 == "mismatch" }
                #expect(found.count == (isComplete ? 2 : 1))
                #expect(
                    try bench.tokencert(["list"]).output.contains(
                        "! its CKA_ID belongs to a different key"))
            }
            let serial = try #require(serials["b"])
            #expect(try bench.tokencert(["delete", serial, "--yes"]).status == 0)
            #expect(try !bench.tokencert(["list", "--json"]).output.contains(serial))
        }

        // A shell can leave only the type of an unquoted URI, which would match the only key on the
        // token.
        @Test("--yes does not remove anything if the URI has only a type")
        func onlyType() throws {
            let bench = try Bench()
            let issued = try bench.tokencert([
                "issue", "--label", "mail", "--key-type", "rsa:2048", "--json",
            ])
            #expect(issued.status == 0, "\(issued.errors)")
            let before = bench.token.contents
            for type in ["private", "public", "cert"] {
                for option in ["--yes-delete-private-key", "--dry-run"] {
                    let refused = try bench.tokencert(
                        ["delete", "--yes", option, "pkcs11:type=\(type)"], bench.faulty([:]))
                    expect(refused, 64, "refusing --yes with a URI that has only a type")
                    #expect(refused.errors.contains("single quotes"), "\(refused.errors)")
                }
            }
            #expect(bench.logins.isEmpty, "a PIN was sent")
            #expect(bench.token.contents == before)
            // A serial number identifies a certificate.
            let serial = try #require(try issued.json().certificate("serialNumber"))
            let removed = try bench.tokencert(
                ["delete", "--yes", "pkcs11:type=cert", "--serial", serial])
            #expect(removed.status == 0, "\(removed.errors)")
            #expect(bench.token.contents.count == before.count - 1)
        }

        // Otherwise a hint for a mistyped certificate could name a private key, ready to paste
        // after --yes.
        @Test("No private key is suggested in place of a certificate or a public key")
        func suggestions() throws {
            let bench = try Bench()
            let issued = try bench.tokencert([
                "issue", "--label", "mail", "--key-type", "rsa:2048", "--json",
            ])
            #expect(issued.status == 0, "\(issued.errors)")
            let serial = try #require(try issued.json().certificate("serialNumber"))
            for (arguments, offered) in [
                (["pkcs11:object=mial;type=cert"], "did you mean \(serial) ("),
                (["pkcs11:object=mail", "--serial", "0abc"], "did you mean \(serial) ("),
                (["pkcs11:object=mial", "--serial", serial], "did you mean \(serial) ("),
            ] {
                for command in [["show"], ["delete", "--yes"]] {
                    let outcome = try bench.tokencert(command + arguments)
                    expect(outcome, 66, "no key or certificate")
                    #expect(outcome.errors.contains(offered), "\(outcome.errors)")
                    #expect(!outcome.errors.contains("did you mean mail"), "\(outcome.errors)")
                    #expect(!outcome.errors.contains("type=public"), "\(outcome.errors)")
                }
            }
            let untyped = try bench.tokencert(["delete", "--yes", "pkcs11:object=mial"])
            expect(untyped, 66, "no key or certificate")
            #expect(untyped.errors.contains("did you mean \(serial) ("), "\(untyped.errors)")
            #expect(!untyped.errors.contains("did you mean mail"), "\(untyped.errors)")
            let typed = try bench.tokencert(["delete", "--yes", "pkcs11:object=mial;type=private"])
            expect(typed, 66, "no key or certificate")
            #expect(typed.errors.contains("did you mean mail --key ("), "\(typed.errors)")
        }

        @Test("A key without an ID is not removed while it has a valid certificate")
        func withoutID() throws {
            let bench = try Bench(["--accept-elliptic-curves"])
            #expect(
                try bench.token.pkcs11Tool([
                    "--keypairgen", "--key-type", "EC:secp256r1", "--label", "mail",
                ]).status == 0)
            let folder = bench.token.folder
            let publicHalf = try folder.write(
                try bench.tokencert(["show", "pkcs11:object=mail", "--public-key"]).output, "p.pem")
            let made = try run(
                "bash",
                [
                    "-ec",
                    """
                    cd "$0"
                    openssl req -new -newkey rsa:2048 -nodes -keyout k -subj /CN=Anna -out csr
                    openssl x509 -req -in csr -CA "$2/root.pem" -CAkey "$2/root.key" -days 30 \
                        -CAcreateserial -CAserial serial -force_pubkey "$1" -outform DER -out cert
                    """, folder.path, publicHalf, bench.ca.folder.path,
                ])
            #expect(made.status == 0, "\(made.errors)")
            // The label differs: only the public key shows that the certificate belongs to the key.
            try bench.token.pkcs11Tool([
                "--write-object", folder.file("cert"), "--type", "cert", "--label", "other",
            ])
            let before = bench.token.contents
            expect(
                try bench.tokencert(["delete", key, "--yes"]), 73, "a valid certificate")
            // Without its public key object, that cannot be determined.
            try bench.token.pkcs11Tool(["--delete-object", "--type", "pubkey", "--label", "mail"])
            #expect(bench.token.contents.count == before.count - 1)
            expect(
                try bench.tokencert(["delete", key, "--yes"]), 73,
                "a valid certificate may belong to this key")
            #expect(bench.token.contents.count == before.count - 1)
        }

        // Otherwise mail encrypted for the expired certificate could no longer be read.
        @Test("Only the option or the typed label removes the key of an expired certificate")
        func expired() throws {
            let bench = try Bench()
            #expect(
                try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"]).status
                    == 0)
            let later = ["-f", "+800d", product("tokencert"), "delete", key]
            let before = bench.token.contents
            let refused = try run("faketime", later + ["--yes"], environment: bench.environment)
            expect(refused, 73, "an expired certificate belongs to this key")
            #expect(bench.token.contents == before)
            let asked = try AtTerminal(bench: bench).run(
                later, "expect {Type mail}; send mail\\r", program: "/usr/bin/faketime")
            #expect(asked.status == 0, "\(asked)")
            #expect(asked.output.contains("stays without its key"))
            #expect(bench.token.contents.count == before.count - 2)
        }

        @Test("The key of an unfinished order is not removed")
        func unfinishedOrder() throws {
            let bench = try Bench(["--signing-time", "1"])
            let late = try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"])
            #expect(late.status != 0)
            let before = bench.token.contents
            expect(try bench.tokencert(["delete", key, "--yes"]), 73, "order 1 is unfinished")
            expect(
                try bench.tokencert(["delete", key, "--yes", "--dry-run"]), 73,
                "order 1 is unfinished")
            let asked = try AtTerminal(bench: bench).run(["delete", key])
            #expect(asked.status == 73, "\(asked)")
            #expect(bench.token.contents == before)
            #expect(
                try bench.tokencert(["delete", key, "--yes", "--yes-delete-private-key"]).status
                    == 0)
        }

        // Otherwise it would be impossible to request another certificate for the key.
        @Test("Only the option or the typed label removes a public key that its private key needs")
        func publicHalf() throws {
            let bench = try Bench()
            let half = "pkcs11:object=mail;type=public"
            #expect(
                try bench.tokencert(["request", "--label", "mail", "--key-type", "ec:p256"]).status
                    == 0)
            let before = bench.token.contents
            for options in [[], ["--dry-run"]] as [[String]] {
                let refused = try bench.tokencert(["delete", "--yes", half] + options)
                expect(refused, 73, "no other object on the token has its public key")
                #expect(refused.errors.contains("show --public-key mail"), "\(refused.errors)")
            }
            let asked = try AtTerminal(bench: bench).run(
                ["delete", half], "expect {Type mail}; send no\\r")
            #expect(asked.status == 64, "\(asked)")
            #expect(asked.output.contains("no other object on the token"), "\(asked)")
            #expect(bench.token.contents == before)
            let removed = try bench.tokencert(["delete", "--yes", "--yes-delete-private-key", half])
            #expect(removed.status == 0, "\(removed.errors)")
            #expect(bench.token.contents.count == before.count - 1)
            // An RSA private key contains its public key.
            #expect(
                try bench.tokencert(["request", "--label", "rsa", "--key-type", "rsa:2048"]).status
                    == 0)
            let other = try bench.tokencert(["delete", "--yes", "pkcs11:object=rsa;type=public"])
            #expect(other.status == 0, "\(other.errors)")
        }

        @Test("The public key of an unfinished order is not removed")
        func publicHalfOfOrder() throws {
            let bench = try Bench(["--signing-time", "1"])
            let late = try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"])
            #expect(late.status != 0)
            let before = bench.token.contents
            expect(
                try bench.tokencert(["delete", "pkcs11:object=mail;type=public", "--yes"]), 73,
                "order 1 is unfinished")
            #expect(bench.token.contents == before)
        }

        // Otherwise a certificate could arrive after its key was removed.
        @Test("The key of a request, or of an order abandoned after it was sent, is not removed")
        func mayStillCome() throws {
            let requested = try Bench()
            let request = ["request", "--label", "mail", "--key-type", "rsa:2048"]
            #expect(try requested.tokencert(request).status == 0)
            let sent = try Bench(["--signing-time", "1"])
            #expect(
                try sent.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"]).status
                    == 75)
            #expect(try sent.tokencert(["resume", "1", "--abandon"]).status == 0)
            for bench in [requested, sent] {
                let before = bench.token.contents
                for dry in [[], ["--dry-run"]] {
                    expect(
                        try bench.tokencert(["delete", key, "--yes"] + dry), 73,
                        "the CA may still issue a certificate for this key (order 1)")
                }
                // At a terminal, this is printed before the question.
                let asked = try AtTerminal(bench: bench).run(
                    ["delete", key], "expect {Type mail}; send no\\r")
                #expect(asked.status == 64, "\(asked)")
                #expect(
                    asked.output.contains("may still issue a certificate for it (order 1)"),
                    "\(asked)")
                #expect(bench.token.contents == before)
            }
            #expect(
                try sent.tokencert(["delete", key, "--yes", "--yes-delete-private-key"]).status
                    == 0)
        }

        @Test("A dry run refuses what the real run refuses")
        func dryRun() throws {
            let bench = try Bench()
            #expect(
                try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"]).status
                    == 0)
            let before = bench.token.contents
            for arguments in [[key, "--yes"], [key]] {
                expect(
                    try bench.tokencert(["delete", "--dry-run"] + arguments), 73,
                    "a valid certificate")
            }
            expect(
                try bench.tokencert(["delete", "--dry-run", "--yes", "pkcs11:object=mail"]), 64,
                "without --key")
            #expect(bench.token.contents == before)
        }

        @Test("An ambiguous URI is refused before a PIN is sent")
        func ambiguity() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder.file("k"),
                    "-outform", "DER", "-out", folder.file("c"), "-subj", "/CN=Anna",
                ])
            for id in ["01", "02"] {
                let named = ["--id", id, "--label", "mail"]
                for arguments in [
                    ["--keypairgen", "--key-type", "rsa:2048"],
                    ["--write-object", folder.file("c"), "--type", "cert"],
                ] {
                    let made = try bench.token.pkcs11Tool(arguments + named)
                    #expect(made.status == 0, "\(made.errors)")
                }
            }
            for uri in ["pkcs11:object=mail;type=cert", "pkcs11:object=mail;type=public"] {
                let refused = try bench.tokencert(["delete", "--yes", uri], bench.faulty([:]))
                expect(refused, 66, "2 ")
                #expect(refused.errors.contains("one of them: 'pkcs11:"), "\(refused.errors)")
            }
            #expect(bench.logins.isEmpty)
        }

        @Test("Every URI that is printed for copying is in quotes")
        func quotes() throws {
            let bench = try Bench()
            var total = 0
            for arguments in [
                ["issue", "--label", "mail", "--key-type", "rsa:2048", "-v"],
                ["list", "--uris"], ["show", "pkcs11:object=mail"], ["health", "--days", "1000"],
                ["tokens", "-v"], ["history", "1", "-v"],
                ["issue", "--key", "pkcs11:object=mail", "--dry-run", "-v"],
                ["renew", "pkcs11:object=mail", "--dry-run"],
                ["request", "--key", "pkcs11:object=mail", "--name", "x"],
            ] {
                let outcome = try bench.tokencert(arguments)
                #expect([0, 79].contains(outcome.status), "\(outcome.errors)")
                let output = outcome.output
                let all = output.components(separatedBy: "pkcs11:").count - 1
                total += all
                #expect(output.components(separatedBy: "'pkcs11:").count - 1 == all, "\(output)")
            }
            #expect(total > 10, "\(total)")
        }
    }
}
