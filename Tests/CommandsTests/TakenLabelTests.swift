import Foundation
import TestSupport
import Testing

extension RealParts {
    /// New keys with a label that a key on the token already has.
    @Suite struct TakenLabelTests {
        // Otherwise two keys share a label, and it selects neither of them.
        @Test(
            "A label in use is refused before anything happens, also in dry runs",
            arguments: [
                ["issue", "--label", "mail"], ["issue", "--label", "mail", "--dry-run"],
                ["request", "--label", "mail"], ["request", "--label", "mail", "--dry-run"],
            ])
        func refused(arguments: [String]) throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [1], label: Array("mail".utf8))
            let before = bench.token.contents
            let refused = try bench.tokencert(arguments)
            expect(refused, 73, "a key on the token has the label “mail” already")
            for hint in ["tokencert renew 'pkcs11:", "--key 'pkcs11:", "--label"] {
                #expect(refused.errors.contains(hint), "\(refused.errors)")
            }
            #expect(bench.token.contents == before)
            #expect(bench.ca.orders.isEmpty)
            #expect(try bench.orderCount() == 0)
        }

        @Test("The label of a key with only a private half is in use, too")
        func privateHalf() throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, id: [1], label: Array("mail".utf8))
            try bench.token.pkcs11Tool(["--delete-object", "--type", "pubkey", "--id", "01"])
            for command in ["issue", "request"] {
                expect(
                    try bench.tokencert([command, "--label", "mail"]), 73,
                    "a key on the token has the label “mail” already")
            }
            #expect(bench.ca.orders.isEmpty)
            #expect(try bench.orderCount() == 0)
            #expect(try bench.token.objects().count == 1)
        }

        @Test("The commands in the hints work, and so does another label")
        func instead() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--label", "mail"]).status == 0)
            let refused = try bench.tokencert(["issue", "--label", "mail"])
            let lines = refused.errors.split(separator: "\n").map(String.init)
            let line = try #require(lines.first { $0.contains("tokencert renew '") })
            let uri = try #require(
                line.split(separator: "'").first { $0.hasPrefix("pkcs11:") }.map(String.init))
            for arguments in [
                ["renew", uri], ["renew", uri, "--new-key"], ["issue", "--key", uri],
                ["issue", "--label", "Mail"], ["request", "--label", "mail "],
            ] {
                let outcome = try bench.tokencert(arguments)
                #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
            }
        }
    }
}
