import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Objects that the token does not allow tokencert to remove.
    @Suite struct KeptObjectTests {
        private func bench() throws -> Bench {
            let bench = try Bench()
            try bench.issue {
                .certificate($0, label: Array("mail".utf8), id: [1], isDestroyable: false)
            }
            return bench
        }

        // Otherwise a certificate would be ordered, and its order could never be finished.
        @Test(
            "A renewal that cannot remove the old certificate is refused before the order",
            arguments: [[], ["--new-key"]], [["pkcs11:object=mail"], ["--all"]])
        func renewal(options: [String], what: [String]) throws {
            let bench = try bench()
            let before = bench.token.contents
            let renew = ["renew", "--retire"] + what + options
            expect(try bench.tokencert(renew + ["--dry-run"]), 73, "CKA_DESTROYABLE is false")
            let refused = try bench.tokencert(renew)
            expect(refused, 73, "refusing to order")
            #expect(refused.errors.contains("omit --retire"), "\(refused.errors)")
            #expect(bench.ca.orders.count == 1)
            #expect(bench.token.contents == before)
            #expect(try bench.unfinished() == "No order is unfinished.\n")
            #expect(try bench.orderCount() == 1)
        }

        @Test("Without --retire, a certificate that cannot be removed is renewed")
        func renewalWithoutRemoval() throws {
            let bench = try bench()
            let renewed = try bench.tokencert(["renew", "pkcs11:object=mail"])
            #expect(renewed.status == 0, "\(renewed.errors)")
            #expect(try bench.certificateObjects().count == 2)
        }

        // Otherwise the order would stay open, and each attempt to finish it would fail.
        @Test(
            "If the token keeps the old certificate, the order is finished and this is reported"
        )
        func refusedRemoval() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--key-type", "rsa:2048"]).status == 0)
            let renewed = try bench.tokencert(
                ["renew", "--all", "--retire"],
                bench.faulty(["FAULTY_RULES": "C_DestroyObject:before:return=0x1b"]))
            expect(renewed, 73, "does not allow the old one to be removed")
            #expect(renewed.errorLine.hasSuffix("[CKR_ACTION_PROHIBITED]"), "\(renewed.errors)")
            #expect(renewed.errors.contains("the certificate was written"), "\(renewed.errors)")
            #expect(try bench.certificateObjects().count == 2)
            #expect(try bench.unfinished() == "No order is unfinished.\n")
            let resumed = try bench.tokencert(["resume", "2"])
            #expect(resumed.status == 0 && resumed.output.contains("is finished"), "\(resumed)")
            let history = try bench.tokencert(["history", "2"]).output
            #expect(history.contains("does not allow the old one to be removed"), "\(history)")
            #expect(bench.ca.orders.count == 2)
        }

        @Test("Nothing is removed if one of the selected objects cannot be removed")
        func certificate() throws {
            let bench = try bench()
            let before = bench.token.contents
            for delete in [
                ["delete", "--yes", "pkcs11:object=mail;type=cert"],
                ["delete", "--dry-run", "pkcs11:object=mail;type=cert"],
                ["delete", "--yes-delete-private-key", "--yes", "pkcs11:object=mail"],
            ] {
                let refused = try bench.tokencert(delete, bench.faulty([:]))
                expect(refused, 73, "nothing was removed")
            }
            #expect(bench.calls("C_DestroyObject") == 0)
            #expect(bench.token.contents == before)
        }

        @Test(
            "A removal that the token refuses has the same status as a removal refused in advance"
        )
        func refusedDeletion() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--key-type", "rsa:2048"]).status == 0)
            let before = bench.token.contents
            let refused = try bench.tokencert(
                ["delete", "--yes", "pkcs11:object=anna%40example.org;type=cert"],
                bench.faulty(["FAULTY_RULES": "C_DestroyObject:before:return=0x1b"]))
            expect(refused, 73, "the token did not remove the object")
            #expect(refused.errorLine.hasSuffix("[CKR_ACTION_PROHIBITED]"), "\(refused.errors)")
            #expect(bench.token.contents == before)
        }

        // Otherwise the user looks for an object that is gone.
        @Test("A call that fails after it has removed the object counts as done")
        func failedAfterRemoval() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--key-type", "rsa:2048"]).status == 0)
            let removed = try bench.tokencert(
                ["delete", "--yes", "pkcs11:object=anna%40example.org;type=cert"],
                bench.faulty(["FAULTY_RULES": "C_DestroyObject:after:return=0x30"]))
            #expect(removed.status == 0, "\(removed.errors)")
            #expect(try bench.certificateObjects().isEmpty)
            try bench.token.makePair(.ec, id: [7], label: Array("mail".utf8))
            let kept = try bench.tokencert(
                ["delete", "--yes", "--yes-delete-private-key", "pkcs11:object=mail"],
                bench.faulty(["FAULTY_RULES": "C_DestroyObject:before:return=0x30"]))
            expect(kept, 74, "the token did not remove the object [CKR_DEVICE_ERROR]")
        }

        @Test("The public key is kept if its private key cannot be removed")
        func key() throws {
            let bench = try Bench()
            try bench.token.makePair(
                .ec, id: [7], label: Array("mail".utf8), forbidding: [0x172])
            let before = bench.token.contents
            for option in ["--yes", "--dry-run"] {
                let refused = try bench.tokencert(
                    ["delete", option, "pkcs11:object=mail;type=private"], bench.faulty([:]))
                expect(refused, 73, "CKA_DESTROYABLE is false")
            }
            #expect(bench.calls("C_DestroyObject") == 0)
            #expect(bench.token.contents == before)
        }
    }
}
