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
