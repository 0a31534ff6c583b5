import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Key pairs without `CKA_ID`, which other programs make if no ID is given.
    @Suite struct KeysWithoutIDTests {
        private func bench(_ kind: PairKind) throws -> Bench {
            let bench = try Bench(["--accept-elliptic-curves"])
            try bench.token.makePair(kind, label: Array("other".utf8))
            try bench.token.makePair(kind, label: Array("key1".utf8))
            try bench.token.makePair(kind, label: Array("third".utf8))
            return bench
        }

        private let accepted = ["TOKENCERT_CA_ACCEPTS": "rsa,ec"]

        private func publicKey(_ bench: Bench, _ label: String) throws -> String {
            let file = bench.token.folder.file("\(UUID().uuidString).pub")
            try bench.token.pkcs11Tool(
                ["--read-object", "--type", "pubkey", "--label", label, "-o", file])
            return try run("openssl", ["pkey", "-pubin", "-inform", "DER", "-in", file]).output
        }

        @Test(
            "A request for a key without an ID is for the pair with its label",
            arguments: PairKind.allCases)
        func request(kind: PairKind) throws {
            let bench = try bench(kind)
            let made = try bench.tokencert(
                ["request", "--key", "pkcs11:object=key1", "--name", "x"])
            #expect(made.status == 0, "\(made.errors)")
            let checked = try run(
                "openssl", ["req", "-verify", "-noout", "-pubkey"], input: made.output)
            #expect(checked.errors.contains("verify OK"), "\(checked)")
            #expect(try checked.output == publicKey(bench, "key1"))
        }

        @Test(
            "The certificate of a key without an ID gets the label of the key and no ID",
            arguments: PairKind.allCases)
        func issue(kind: PairKind) throws {
            let bench = try bench(kind)
            let issued = try bench.tokencert(
                ["issue", "--key", "pkcs11:object=key1", "--json"], accepted)
            #expect(issued.status == 0, "\(issued.errors)")
            let remarks = try #require(issued.json()["remarks"] as? [String])
            #expect(remarks.contains { $0.contains("no CKA_ID") })
            let found = try bench.certificateObjects()
            #expect(found.map(\.label) == [Array("key1".utf8)])
            #expect(found.map(\.id) == [[]])
            let uri = try #require(issued.json().certificate("uri"))
            #expect(
                try bench.tokencert(["show", "--pem", uri]).output
                    == issued.json().certificate("pem"))
        }

        @Test(
            "A certificate from a file is written once for its key without an ID",
            arguments: PairKind.allCases)
        func importing(kind: PairKind) throws {
            let bench = try bench(kind)
            let file = try bench.certificate(for: ["--label", "key1"])
            let killed = try bench.tokencert(
                ["import", "--cert", file],
                bench.faulty(["FAULTY_RULES": "C_CreateObject:after:kill"]))
            #expect(killed.status == 137, "\(killed)")
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            let again = try bench.tokencert(["import", "--cert", file])
            #expect(again.status == 0, "\(again.errors)")
            #expect(again.output.contains("was already on the token"), "\(again.output)")
            #expect(try bench.certificateObjects().map(\.label) == [Array("key1".utf8)])
        }

        // Otherwise a certificate could be written for the wrong one of two keys with the same
        // label, or the right one could be refused.
        @Test("If two pairs have the same label, the proof of possession selects the right key")
        func twins() throws {
            let bench = try Bench()
            try bench.token.makePair(.ec, label: Array("twin".utf8))
            let first = try bench.certificate(for: ["--label", "twin"])
            try bench.token.makePair(.ec, label: Array("twin".utf8))
            let imported = try bench.tokencert(["import", "--cert", first])
            #expect(imported.status == 0, "\(imported.errors)")
            expect(
                try bench.tokencert(["request", "--key", "pkcs11:object=twin", "--name", "x"]), 66,
                "2 private keys on the token match")
            // There is one private key and two public keys.
            let removed = try bench.token.pkcs11Tool([
                "--delete-object", "--type", "privkey", "--label", "twin",
            ])
            #expect(removed.status == 0, "\(removed.errors)")
            let refused = try bench.tokencert(
                ["request", "--key", "pkcs11:object=twin", "--name", "x"])
            expect(refused, 66, "contain different public keys")
        }

        // Otherwise the dry run would accept what the real run refuses.
        @Test(
            "A dry run also refuses a key that no URI distinguishes from another key",
            arguments: PairKind.allCases)
        func indistinguishable(kind: PairKind) throws {
            let bench = try Bench(["--accept-elliptic-curves"])
            for _ in 0..<2 { try bench.token.makePair(kind, label: Array("twin".utf8)) }
            for arguments in [["issue"], ["request", "--name", "x"]] {
                let named = arguments + ["--key", "pkcs11:object=twin"]
                let planned = try bench.tokencert(named + ["--dry-run"], accepted)
                expect(planned, 66, "2 keys on the token match")
                let refused = try bench.tokencert(named, accepted)
                expect(refused, 66, "2 private keys on the token match")
                #expect(refused.errors.contains("--set-id"), "\(refused.errors)")
            }
            #expect(bench.ca.orders.isEmpty)
        }

        @Test("A dry run refuses a missing key if the token requires no login")
        func absentWithoutLogin() throws {
            let bench = try Bench()
            let open = bench.faulty(["FAULTY_CLEAR_FLAGS": "LOGIN_REQUIRED"])
            for arguments in [["issue"], ["request", "--name", "x"]] {
                let named = arguments + ["--key", "pkcs11:object=absent"]
                expect(try bench.tokencert(named + ["--dry-run"], open), 66, "absent")
                expect(try bench.tokencert(named, open), 66, "absent")
            }
            #expect(bench.ca.orders.isEmpty)
        }

        @Test("A renewal uses the key of its certificate if another key has the same URI")
        func renewal() throws {
            let bench = try Bench()
            try bench.token.makePair(.rsa, label: Array("twin".utf8))
            let file = try bench.certificate(for: ["--label", "twin"])
            try bench.token.makePair(.rsa, label: Array("twin".utf8))
            let imported = try bench.tokencert(["import", "--cert", file])
            #expect(imported.status == 0, "\(imported.errors)")
            for option in [["--dry-run"], []] {
                let renewed = try bench.tokencert(["renew", "pkcs11:object=twin"] + option)
                #expect(renewed.status == 0, "\(renewed.errors)")
            }
            #expect(bench.ca.orders.count == 1)
            let keys = try bench.listedKeys().map { ($0["certificates"] as? [Any])?.count ?? 0 }
            #expect(keys.sorted() == [0, 2])
        }

        @Test("A key without a public key object is found by the label of its certificate")
        func certificateOnly() throws {
            let bench = try Bench(["--accept-elliptic-curves"])
            try bench.token.makePair(.ec, label: Array("card".utf8))
            let file = try bench.certificate(for: ["--label", "card"])
            try bench.token.write(certificate: bench.der(file), label: Array("card".utf8))
            try bench.token.pkcs11Tool([
                "--delete-object", "--type", "pubkey", "--label", "card",
            ])
            let made = try bench.tokencert(
                ["request", "--key", "pkcs11:object=card", "--name", "x"])
            #expect(made.status == 0, "\(made.errors)")
            // A certificate that only has the same label is detected.
            let bench2 = try Bench()
            try bench2.token.makePair(.ec, label: Array("card".utf8))
            try bench2.token.pkcs11Tool([
                "--delete-object", "--type", "pubkey", "--label", "card",
            ])
            try bench2.token.write(certificate: bench.der(file), label: Array("card".utf8))
            expect(
                try bench2.tokencert(["request", "--key", "pkcs11:object=card", "--name", "x"]),
                74, "does not match the key")
            expect(
                try bench2.tokencert(["import", "--cert", file, "--ca-file", bench.ca.rootFile]),
                74, "does not match the key")
            #expect(try bench2.certificateObjects().count == 1)
        }
    }
}
