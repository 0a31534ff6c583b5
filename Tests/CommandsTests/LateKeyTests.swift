import Foundation
import TestSupport
import Testing

extension RealParts {
    /// Modules that show a new key as it is only later.
    @Suite struct LateKeyTests {
        // Otherwise the key is lost, and one more is made at each try.
        @Test(
            "A new key that makes no sense is read in a new session, then by a module started anew",
            arguments: ["session", "module"], ["", "-absent"])
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

        @Test("The same holds for keys on curves, whose private half tells nothing")
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

        // The order and its key would be lost, though the token has a good key.
        @Test(
            "A key that only a new process sees as it is stays resumable",
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

        @Test("A PIN that is entered at the reader's keys is not asked for once more")
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
