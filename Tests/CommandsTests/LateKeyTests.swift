import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Modules that show a new key correctly only later.
    @Suite struct LateKeyTests {
        // Otherwise the key is lost, and each attempt makes another one.
        @Test(
            "A wrongly shown key is read again in a new session, then by a restarted module",
            arguments: ["session", "module"], ["", "-absent", "-other"])
        func readAgain(until: String, how: String) throws {
            let bench = try Bench()
            let settings = bench.faulty(["FAULTY_LATE_KEYS": until + how])
            let issued = try bench.tokencert(["issue", "--key-type", "rsa:2048"], settings)
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(bench.calls("C_Initialize") == (until == "module" ? 2 : 1))
            #expect(bench.calls("C_Finalize") == (until == "module" ? 2 : 1))
            #expect(bench.calls("C_GenerateKeyPair") == 1)
            #expect(bench.logins == (until == "module" ? ["user", "user"] : ["user"]))
            #expect(try bench.token.objects().count == 3)
        }

        // Otherwise the order is recorded for a key that is not on the token.
        @Test(
            "A key whose signature fits only the second reading is recorded as it was read then",
            arguments: ["issue", "request"])
        func recorded(command: String) throws {
            let bench = try Bench()
            let made = try bench.tokencert(
                [command, "--key-type", "rsa:2048", "--label", "mail", "--json"]
                    + (command == "request" ? ["--name", "x"] : []),
                bench.faulty(["FAULTY_LATE_KEYS": "module-other"]))
            #expect(made.status == 0, "\(made.errors)")
            #expect(bench.calls("C_GenerateKeyPair") == 1)
            #expect(bench.calls("C_Initialize") == 2)
            let history = try bench.tokencert(["history", "1"]).output
            let hashes = history.matches(of: /public half ([0-9a-f]{64})/).map {
                String($0.output.1)
            }
            #expect(hashes.count == 2 && hashes.first != hashes.last, "\(history)")
            let file = bench.token.folder.file("half.pub")
            try bench.token.pkcs11Tool([
                "--read-object", "--type", "pubkey", "--label", "mail", "-o", file,
            ])
            let sum = try run("sha256sum", [file]).output
            let last = try #require(hashes.last)
            #expect(sum.hasPrefix(last), "\(sum)")
        }

        @Test("The same applies to EC keys, whose private half has no public values")
        func curves() throws {
            let bench = try Bench(["--accept-elliptic-curves"])
            let issued = try bench.tokencert(
                ["issue", "--key-type", "ec:p256"],
                bench.faulty([
                    "FAULTY_LATE_KEYS": "module", "TOKENCERT_CA_ACCEPTS": "ec",
                ]))
            #expect(issued.status == 0, "\(issued.errors)")
            #expect(bench.calls("C_Initialize") == 2)
        }

        // Otherwise the order and its key are lost, although the token has a good key.
        @Test(
            "The order of a key that only a new process sees correctly can be resumed",
            arguments: ["process", "process-absent", "process-other"])
        func resume(until: String) throws {
            let bench = try Bench()
            let refused = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty(["FAULTY_LATE_KEYS": until]))
            #expect(refused.status == 74, "\(refused.errors)")
            #expect(refused.errors.contains("tokencert resume 1"), "\(refused.errors)")
            #expect(bench.ca.orders.isEmpty)
            #expect(try bench.token.objects().count == 2)
            let resumed = try bench.tokencert(["resume", "1"])
            #expect(resumed.status == 0, "\(resumed.errors)")
            #expect(bench.ca.orders.count == 1)
            #expect(try bench.token.objects().count == 3)
        }

        @Test("A PIN that is entered on the reader's keypad is not asked for again")
        func readerKeys() throws {
            let bench = try Bench()
            let refused = try bench.tokencert(
                ["issue", "--key-type", "rsa:2048"],
                bench.faulty([
                    "FAULTY_LATE_KEYS": "module", "FAULTY_KEYPAD_PIN": bench.token.pin,
                    "FAULTY_SET_FLAGS": "PROTECTED_AUTHENTICATION_PATH",
                ]))
            expect(refused, 74, "some modules show a new key only to a new process")
            #expect(bench.logins == ["user"])
            #expect(try bench.tokencert(["resume", "1"]).status == 0)
        }
    }
}
