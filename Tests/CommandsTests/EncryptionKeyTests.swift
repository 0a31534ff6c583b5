import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Keys that the token does not sign with.
    @Suite struct EncryptionKeyTests {
        private let forEncryption = "extendedKeyUsage=emailProtection\nkeyUsage=keyEncipherment\n"

        private func bench(forbidding forbidden: [Int]) throws -> (Bench, file: String) {
            let bench = try Bench()
            try bench.token.makePair(
                .rsa, id: [7], label: Array("crypt".utf8), forbidding: forbidden)
            return (bench, try bench.certificate(for: ["--id", "07"], forEncryption))
        }

        // Otherwise an order would be started that can never be completed.
        @Test("Possession of a key that may only decrypt is proved by a decryption")
        func decryption() throws {
            let (bench, file) = try bench(forbidding: [0x108])
            let imported = try bench.tokencert(["import", "--cert", file, "--json"])
            #expect(imported.status == 0, "\(imported.errors)")
            #expect(try imported.json()["proof"] as? String == "decryption")
            let remarks = try #require(imported.json()["remarks"] as? [String])
            #expect(remarks.contains { $0.contains("proved by decryption") })
            #expect(remarks.contains { $0.contains("for encryption, not for signatures") })
            let history = try bench.tokencert(["history", "1"]).output
            #expect(history.contains("verified by a decryption"), "\(history)")
            #expect(try bench.certificateObjects().count == 1)
        }

        @Test("An interrupted import of an encryption certificate can be resumed")
        func resume() throws {
            let (bench, file) = try bench(forbidding: [0x108])
            let killed = try bench.tokencert(
                ["import", "--cert", file],
                bench.faulty(["FAULTY_RULES": "C_CreateObject:after:kill"]))
            #expect(killed.status == 137, "\(killed)")
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(try bench.certificateObjects().count == 1)
        }

        @Test("A failed decryption leaves nothing on the token and no order")
        func failure() throws {
            let (bench, file) = try bench(forbidding: [0x108])
            let before = bench.token.contents
            let refused = try bench.tokencert(
                ["import", "--cert", file],
                bench.faulty(["FAULTY_RULES": "C_Decrypt:after:return=0x40"]))
            expect(refused, 74, "the token did not decrypt")
            #expect(bench.token.contents == before)
            #expect(try bench.orderCount() == 0)
        }

        @Test("A certificate whose key cannot be proved is written only with --accept-changes")
        func unprovable() throws {
            let (bench, file) = try bench(forbidding: [0x108, 0x105])
            let before = bench.token.contents
            let refused = try bench.tokencert(["import", "--cert", file])
            expect(refused, 73, "may neither sign nor decrypt")
            #expect(refused.errors.contains("--accept-changes"))
            #expect(bench.token.contents == before)
            #expect(try bench.orderCount() == 0)
            let accepted = try bench.tokencert(["import", "--cert", file, "--accept-changes"])
            #expect(accepted.status == 0, "\(accepted.errors)")
            #expect(accepted.output.contains("possession of the key was not proved"))
            #expect(!accepted.output.contains("the token has proved"))
            #expect(try bench.certificateObjects().count == 1)
            #expect(try bench.unfinished() == "No order is unfinished.\n")
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0 && resumed.output.contains("is finished"), "\(resumed)")
        }

        @Test(
            "A request for a key that may not sign is refused before an order is started",
            arguments: [
                ["issue", "--key", "pkcs11:id=%07"], ["request", "--key", "pkcs11:id=%07"],
            ])
        func refused(arguments: [String]) throws {
            let (bench, _) = try bench(forbidding: [0x108])
            let before = bench.token.contents
            let refused = try bench.tokencert(
                arguments + (arguments[0] == "request" ? ["--name", "x"] : []))
            expect(refused, 73, "the key may not sign")
            #expect(bench.ca.orders.isEmpty)
            #expect(bench.token.contents == before)
            #expect(try bench.orderCount() == 0)
        }

        @Test("Renewing a key that may not sign is refused, and --all renews the other keys")
        func renewal() throws {
            let (bench, file) = try bench(forbidding: [0x108])
            #expect(try bench.tokencert(["import", "--cert", file]).status == 0)
            for option in [[], ["--dry-run"]] {
                let named = try bench.tokencert(["renew", "pkcs11:id=%07"] + option)
                expect(named, 73, "its key may not sign (CKA_SIGN is false)")
                #expect(named.errors.contains("--new-key"), "\(named.errors)")
            }
            #expect(bench.ca.orders.isEmpty)
            #expect(try bench.tokencert(["issue", "--key-type", "rsa:2048"]).status == 0)
            let all = try bench.tokencert(["renew", "--all"])
            #expect(all.status != 0 && all.errors.contains("key may not sign"), "\(all)")
            #expect(bench.ca.orders.count == 2)
        }

        @Test("--new-key renews the certificate of a key that may not sign")
        func renewalWithNewKey() throws {
            let (bench, file) = try bench(forbidding: [0x108])
            #expect(try bench.tokencert(["import", "--cert", file]).status == 0)
            let renew = ["renew", "pkcs11:id=%07", "--new-key"]
            let planned = try bench.tokencert(renew + ["--dry-run"])
            #expect(planned.status == 0, "\(planned.errors)")
            #expect(planned.output.contains("would renew"), "\(planned.output)")
            let renewed = try bench.tokencert(renew)
            #expect(renewed.status == 0, "\(renewed.errors)")
            #expect(bench.ca.orders.count == 1)
            #expect(try bench.certificateObjects().count == 2)
            #expect(try bench.token.objects().count == 6)
        }
    }
}
