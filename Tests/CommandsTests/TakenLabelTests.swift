import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// New keys with a label that a key on the token already has.
    @Suite struct TakenLabelTests {
        // Otherwise two keys would have the same label, which would select neither of them.
        @Test(
            "A label in use is refused before anything is changed, also in dry runs",
            arguments: [
                ["issue", "--label", "mail"], ["issue", "--label", "mail", "--dry-run"],
                ["request", "--label", "mail"], ["request", "--label", "mail", "--dry-run"],
            ])
        func refused(arguments: [String]) throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [1], label: Array("mail".utf8))
            let before = bench.token.contents
            let refused = try bench.tokencert(arguments)
            expect(refused, 73, "a key on the token already has the label \"mail\"")
            for hint in ["tokencert renew mail\n", "--key mail instead of", "--label"] {
                #expect(refused.errors.contains(hint), "\(refused.errors)")
            }
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
            #expect(try bench.orderCount() == 0)
        }

        @Test("A label is also in use if only a private key has it")
        func privateHalf() throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [1], label: Array("mail".utf8))
            try bench.token.pkcs11Tool(["--delete-object", "--type", "pubkey", "--id", "01"])
            for command in ["issue", "request"] {
                expect(
                    try bench.tokencert([command, "--label", "mail"]), 73,
                    "a key on the token already has the label \"mail\"")
            }
            #expect(bench.ca.orders.isEmpty)
            #expect(try bench.orderCount() == 0)
            #expect(try bench.token.objects().count == 1)
        }

        // Otherwise two keys would have the same default label, which would select neither of them.
        @Test(
            "A default label in use gets a number, also in dry runs",
            arguments: [("issue", "anna@example.org"), ("request", "tokencert")])
        func numbered(command: String, name: String) throws {
            let bench = try Bench()
            let arguments = [command, "--key-type", "rsa:2048", "--json"]
            let labels = [name, "\(name) 2", "\(name) 3"]
            for label in labels {
                let planned = try bench.tokencert(arguments + ["--dry-run"])
                #expect(planned.status == 0, "\(planned.errors)")
                #expect(try planned.json()["label"] as? String == label)
                let made = try bench.tokencert(arguments)
                #expect(made.status == 0, "\(made.errors)")
                for outcome in [planned, made] {
                    // JSON escapes the quotes.
                    let text = (outcome.output + outcome.errors).replacing("\\\"", with: "\"")
                    let isTold = text.contains(
                        "another key on the token has the label \"\(name)\"")
                    #expect(isTold == (label != name), "\(outcome)")
                }
            }
            let privateKeys = try bench.token.objects().filter { $0.objectClass == 3 }
            #expect(Set(privateKeys.map(\.label)) == Set(labels.map { Array($0.utf8) }))
            #expect(privateKeys.count == labels.count)
            for label in labels {
                let object = label.replacingOccurrences(of: "@", with: "%40")
                    .replacingOccurrences(of: " ", with: "%20")
                let used = try bench.tokencert([
                    "request", "--key", "pkcs11:object=\(object)", "--name", "x",
                ])
                #expect(used.status == 0, "\(label): \(used.errors)")
            }
        }

        @Test(
            "If only a private key has the default label, the number is added after the login")
        func numberedAfterLogin() throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [1], label: Array("tokencert".utf8))
            try bench.token.pkcs11Tool(["--delete-object", "--type", "pubkey", "--id", "01"])
            let planned = try bench.tokencert(["request", "--dry-run"])
            #expect(planned.output.contains("label \"tokencert\""), "\(planned)")
            #expect(
                planned.output.contains("whether a private object already has the id or the label"))
            let made = try bench.tokencert(["request", "--key-type", "rsa:2048"])
            #expect(made.status == 0, "\(made.errors)")
            #expect(made.errors.contains("key: tokencert 2, id "), "\(made.errors)")
            let hidden = bench.faulty(["FAULTY_RULES": "C_FindObjectsInit#1:before:return=0x101"])
            let blind = try bench.tokencert(["request", "--key-type", "rsa:2048"], hidden)
            #expect(blind.status == 0, "\(blind.errors)")
            #expect(blind.errors.contains("key: tokencert 3, id "), "\(blind.errors)")
        }

        @Test(
            "The number avoids the labels of half key pairs, and a certificate's label is free",
            arguments: [("pubkey", "privkey"), ("privkey", "pubkey")])
        func halves(first: String, second: String) throws {
            let bench = try Bench()
            let halves = [("tokencert", first), ("tokencert 2", second), ("apart", second)]
            for (index, (label, lost)) in halves.enumerated() {
                try bench.token.makePair(.rsa, id: [UInt8(index + 1)], label: Array(label.utf8))
                try bench.token.pkcs11Tool([
                    "--delete-object", "--type", lost, "--id", "0\(index + 1)",
                ])
            }
            let made = try bench.tokencert(["request", "--key-type", "rsa:2048"])
            #expect(made.errors.contains("key: tokencert 3, id "), "\(made)")
            #expect(try bench.tokencert(["issue"]).status == 0)
            for type in ["privkey", "pubkey"] {
                try bench.token.pkcs11Tool([
                    "--delete-object", "--type", type, "--label", "anna@example.org",
                ])
            }
            let issued = try bench.tokencert(["issue"])
            #expect(issued.status == 0 && !issued.errors.contains("has the label"), "\(issued)")
        }

        @Test("A new key for a renewed certificate gets the label of the old key")
        func renewed() throws {
            let bench = try Bench()
            for arguments in [["issue"], ["renew", "--all", "--new-key"]] {
                let outcome = try bench.tokencert(arguments)
                #expect(outcome.status == 0, "\(outcome.errors)")
            }
            let privateKeys = try bench.token.objects().filter { $0.objectClass == 3 }
            #expect(
                privateKeys.map(\.label)
                    == Array(repeating: Array("anna@example.org".utf8), count: 2))
        }

        @Test("The commands in the hints work, and another label works, too")
        func instead() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--label", "mail"]).status == 0)
            let refused = try bench.tokencert(["issue", "--label", "mail"])
            let lines = refused.errors.split(separator: "\n").map(String.init)
            let line = try #require(lines.first { $0.contains("tokencert renew ") })
            let name = try #require(line.split(separator: " ").last.map(String.init))
            for arguments in [
                ["renew", name], ["issue", "--key", name], ["renew", name, "--new-key"],
                ["issue", "--label", "Mail"], ["request", "--label", "mail "],
            ] {
                // A certificate replaces another one that expires earlier, in seconds.
                Thread.sleep(forTimeInterval: 1.1)
                let outcome = try bench.tokencert(arguments)
                #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
            }
        }
    }
}
