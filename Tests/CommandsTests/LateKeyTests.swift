import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Modules that do not return a new key correctly at first.
    @Suite struct LateKeyTests {
        // Otherwise the key would be lost, and each attempt would make another one.
        @Test(
            "A wrong key is read again in a new session, then after reinitializing the module",
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

        // Otherwise the order would be recorded for a key that is not on the token.
        @Test(
            "If a signature matches only the second reading of a key, that reading is recorded",
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
            let hashes = history.matches(of: /public key ([0-9a-f]{64})/).map {
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

        @Test("EC keys, whose private key object has no public values, are read again, too")
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

        // Otherwise the order and its key would be lost, although the token has a good key.
        @Test(
            "An order can be resumed if only a new process sees its key correctly",
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

        @Test("A PIN entered on the reader's keypad is not requested again")
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
