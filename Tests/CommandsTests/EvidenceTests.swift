import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Evidence for a third party.
    @Suite struct EvidenceTests {
        /// Runs the commands in the README of the bundle, as its recipient would.
        private func check(_ folder: String) throws -> [Outcome] {
            let readme = try String(contentsOfFile: folder + "/README.txt", encoding: .utf8)
            let commands = readme.split(separator: "\n").filter { $0.hasPrefix("  $ ") }
            return try commands.map {
                try run("bash", ["-c", "set -o pipefail; cd '\(folder)'; \($0.dropFirst(4))"])
            }
        }

        @Test(
            "Evidence verifies, and a modified statement does not",
            arguments: ["rsa:3072", "ec:p384", "ed25519"])
        func bundle(kind: String) throws {
            let bench = try Bench(["--accept-elliptic-curves"])
            // The stand-in CA does not issue for Ed25519, so such a key has only a request.
            let hasCertificate = kind != "ed25519"
            let made = try bench.tokencert(
                hasCertificate
                    ? ["issue", "--key-type", kind, "--ca-accepts", "rsa,ec", "--label", "mail"]
                    : ["request", "--key-type", kind, "--label", "mail"])
            #expect(made.status == 0, "\(made.errors)")
            let before = bench.token.contents
            let folder = bench.token.folder.file("evidence")
            let outcome = try bench.tokencert(
                ["evidence", "pkcs11:object=mail", "--out", folder, "--nonce", "of today"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(bench.token.contents == before)
            let outcomes = try check(folder)
            #expect(outcomes.count == (hasCertificate ? 6 : 4))
            for outcome in outcomes { #expect(outcome.status == 0, "\(outcome)") }
            func text(_ name: String) throws -> String {
                try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
            }
            #expect(try text("statement.txt").contains("nonce: of today\n"))
            #expect(try text("key.json").contains("\"CKA_NEVER_EXTRACTABLE\" : \"CK_TRUE\""))
            #expect(
                try text("ledger.json").contains(hasCertificate ? "anna@example.org" : "requested"))
            #expect(try !text("README.txt").contains("CKA"))
            // Every check that covers the statement fails after the statement is modified.
            try Data((try text("statement.txt") + "more\n").utf8).write(
                to: URL(filePath: folder + "/statement.txt"))
            let changed = try check(folder)
            #expect(changed[0].status != 0 && changed[1].status != 0, "\(changed)")
            expect(
                try bench.tokencert(["evidence", "pkcs11:object=mail", "--out", folder]), 73,
                "already exists")
            expect(
                try bench.tokencert(
                    ["evidence", "pkcs11:object=nothing", "--out", folder + "2"]), 66,
                "no private key")
            #expect(!FileManager.default.fileExists(atPath: folder + "2"))
            // Escaped, it would give the same line as a nonce with a backslash.
            for nonce in ["a\u{1}", "a\nb", "a\u{200B}"] {
                expect(
                    try bench.tokencert(
                        ["evidence", "pkcs11:object=mail", "--out", folder + "2", "--nonce", nonce]
                    ),
                    64, "--nonce has control characters")
            }
            #expect(!FileManager.default.fileExists(atPath: folder + "2"))
        }

        @Test("A context-specific PIN that was refused is not sent again for the next evidence")
        func wrongContextPIN() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["request", "--label", "mail"]).status == 0)
            let settings = bench.faulty([
                "FAULTY_CONTEXT_LOGIN": "1", "FAULTY_RULES": "C_Login#2:before:return=0xa0",
            ])
            let folder = bench.token.folder.file("evidence")
            for _ in 0..<2 {
                let outcome = try bench.tokencert(
                    ["evidence", "pkcs11:object=mail", "--out", folder], settings)
                #expect(outcome.status == 77, "\(outcome.errors)")
                #expect(!FileManager.default.fileExists(atPath: folder))
            }
            #expect(bench.logins == ["user", "context"])
        }
    }
}
