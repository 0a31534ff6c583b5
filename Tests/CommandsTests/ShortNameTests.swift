import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Commands that take short names. The wrong object would be shown, renewed or deleted.
    @Suite struct ShortNameTests {
        // Users cannot type URIs of 145 characters.
        @Test("Commands take a label, an id, its beginning and a serial number")
        func everyCommand() throws {
            let bench = try Bench()
            let issued = try bench.tokencert(["issue", "--label", "mail", "--key-type", "rsa:2048"])
            #expect(issued.status == 0, "\(issued.errors)")
            let listed = try bench.tokencert(["list", "--json"]).json()
            let key = try #require((listed["keys"] as? [[String: Any]])?.first)
            let id = try #require(key["id"] as? String)
            let certificate = try #require((key["certificates"] as? [[String: Any]])?.first)
            let serial = try #require(certificate["serialNumber"] as? String)
            let before = bench.token.contents
            for name in ["mail", id, id.uppercased(), String(id.prefix(6)), serial] {
                for command in [
                    ["show", name], ["show", name, "--pem"], ["list", name], ["health", name],
                    ["delete", name, "--cert", "--dry-run"],
                ] {
                    let result = try bench.tokencert(command)
                    #expect(result.status == 0, "\(command): \(result.errors)")
                }
            }
            for name in ["mail", id, serial] {
                let result = try bench.tokencert(["renew", name, "--dry-run"])
                #expect(result.status == 0, "\(name): \(result.errors)")
            }
            for name in ["mail", id] {
                let result = try bench.tokencert(["issue", "--key", name, "--dry-run"])
                #expect(result.status == 0, "\(name): \(result.errors)")
            }
            expect(
                try bench.tokencert(["issue", "--key", String(id.prefix(6)), "--dry-run"]), 64,
                "refusing an abbreviated name")
            expect(
                try bench.tokencert(["renew", String(id.prefix(6)), "--dry-run"]), 64,
                "refusing an abbreviated name")
            #expect(bench.token.contents == before)
        }

        // Modules of smart cards show only certificates before a login.
        @Test("A key that is seen only after the login is named by its id, too")
        func hiddenKey() throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [0xAB, 0xCD, 1], label: Array("one".utf8))
            try bench.token.pkcs11Tool(["--delete-object", "--type", "pubkey", "--id", "abcd01"])
            let folder = bench.token.folder.file("evidence")
            for command in [
                ["request", "--name", "x", "--key", "AB:CD:01"],
                ["evidence", "abcd01", "--out", folder],
                ["issue", "--key", "abcd01"],
            ] {
                let result = try bench.tokencert(command)
                #expect(result.status == 0, "\(command): \(result.errors)")
            }
            // A URI names a label as a label.
            expect(
                try bench.tokencert(["request", "--name", "x", "--key", "pkcs11:object=abcd01"]),
                66,
                "no private key")
            try bench.token.makePair(.rsa, id: [2], label: Array("abcd01".utf8))
            try bench.token.pkcs11Tool(["--delete-object", "--type", "pubkey", "--id", "02"])
            expect(
                try bench.tokencert(["evidence", "abcd01", "--out", folder + "2"]), 66,
                "2 private keys")
        }

        // URIs of 145 characters wrap in every terminal, and hide what a user looks for.
        @Test("What issue, renew, history and delete print has no URI, and fits into 80 columns")
        func reports() throws {
            let bench = try Bench()
            let terminal = AtTerminal(bench: bench, columns: 80)
            func shown(_ arguments: [String], _ dialogue: String = "") throws -> String {
                let outcome = try terminal.run(arguments, dialogue, ["TERM": "dumb"])
                #expect(outcome.status == 0, "\(arguments): \(outcome)")
                for line in outcome.output.replacing("\r\n", with: "\n").split(separator: "\n") {
                    #expect(line.count <= 80, "\(arguments): \(line)")
                }
                return outcome.output
            }
            let issue = ["issue", "--label", "mail", "--key-type", "rsa:2048"]
            for arguments in [
                issue, ["issue", "--key", "mail", "--dry-run"],
                ["issue", "--label", "b", "--dry-run"],
                ["renew", "mail"], ["renew", "mail", "--dry-run"], ["history", "1"], ["tokens"],
                ["request", "--label", "other", "--key-type", "rsa:2048"],
                ["delete", "mail", "--dry-run", "--yes-delete-private-key"],
            ] {
                let output = try shown(arguments)
                #expect(!output.contains("pkcs11:"), "\(output)")
            }
            let refused = try bench.tokencert(["delete", "mail"])
            expect(refused, 73, "2 valid certificates belong to this key")
            #expect(!refused.errors.contains("pkcs11:"), "\(refused)")
            #expect(refused.errors.contains(" --cert\n"), "\(refused)")
            let deleted = try shown(
                ["delete", "mail", "--yes-delete-private-key"],
                "expect {Type mail}; send mail\\r")
            #expect(deleted.contains("certificate of Anna Müller, serial "), "\(deleted)")
            #expect(!deleted.contains("pkcs11:"), "\(deleted)")
        }

        // Users copy URIs into the configuration of other programs.
        @Test("show prints URIs, and issue and history do so with --verbose")
        func uris() throws {
            let bench = try Bench()
            let issue = ["issue", "--label", "mail", "--key-type", "rsa:2048", "-v"]
            for arguments in [
                issue, ["show", "mail"], ["show", "mail", "--uris"], ["history", "1", "-v"],
            ] {
                let outcome = try bench.tokencert(arguments)
                #expect(outcome.output.contains(" 'pkcs11:model="), "\(outcome)")
            }
            // If they do not fit, show says how to see them.
            let narrow = AtTerminal(bench: bench, columns: 80)
            let without = try narrow.run(["show", "mail"])
            #expect(!without.output.contains("pkcs11:"), "\(without)")
            #expect(without.output.contains("To see the URIs, "), "\(without)")
            let with = try narrow.run(["show", "mail", "--uris"])
            #expect(with.output.contains(" 'pkcs11:model="), "\(with)")
        }

        // Another key or certificate would be deleted.
        @Test("A name that fits several objects changes nothing, and the objects are listed")
        func ambiguous() throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [0xAB, 0xCD, 1], label: Array("one".utf8))
            try bench.token.makePair(.rsa, id: [0xAB, 0xCD, 2], label: Array("two".utf8))
            try bench.token.makePair(.rsa, id: [7], label: Array("abcd01".utf8))
            let before = bench.token.contents
            for (name, candidates) in [
                ("abcd", ["one (no certificate)", "two (no certificate)"]),
                ("abcd01", ["one (no certificate)", "07 (no certificate)"]),
            ] {
                for command in [["show", name], ["delete", name, "--key", "--yes"]] {
                    let refused = try bench.tokencert(command)
                    expect(refused, 66, "\"\(name)\" matches several objects on the token")
                    for candidate in candidates {
                        #expect(refused.errors.contains("one of them: \(candidate)"), "\(refused)")
                    }
                }
            }
            #expect(bench.token.contents == before)
        }

        // A mistyped name would delete what begins like it.
        @Test("Without a question, an abbreviated name deletes nothing")
        func abbreviated() throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [0xAB, 0xCD, 1], label: Array("one".utf8))
            let before = bench.token.contents
            let command = ["delete", "abcd", "--key", "--yes"]
            expect(
                try bench.tokencert(command), 64, "refusing an abbreviated name")
            #expect(bench.token.contents == before)
            let whole = try bench.tokencert(["delete", "abcd01", "--key", "--yes"])
            #expect(whole.status == 0, "\(whole.errors)")
            #expect(try bench.token.objects().isEmpty)
        }

        // Two tokens may have one label.
        @Test("A token is named by its serial number, too")
        func serialNumberOfToken() throws {
            let bench = try Bench()
            let token = try #require(
                try bench.tokencert(["list", "--json"]).json()["token"] as? [String: Any])
            let serial = try #require(token["serialNumber"] as? String)
            let listed = try bench.tokencert(["list", "--token", serial])
            #expect(listed.status == 0, "\(listed.errors)")
            expect(
                try bench.tokencert(["list", "--token", String(serial.dropLast())]), 66,
                "no token has the label or serial number")
        }
    }
}
