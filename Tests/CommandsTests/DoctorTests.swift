import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// What `doctor` reports if something on the machine does not work.
    @Suite struct DoctorTests {
        private func checks(
            _ outcome: Outcome, _ area: String
        ) throws -> [(status: String, message: String)] {
            let all = try #require(try outcome.json()["checks"] as? [[String: Any]])
            return all.filter { $0["area"] as? String == area }.map {
                ($0["status"] as? String ?? "", $0["message"] as? String ?? "")
            }
        }

        @Test("Every check is ok on a machine where everything works")
        func fine() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue"]).status == 0)
            let before = bench.token.contents
            let outcome = try bench.tokencert(["doctor", "--json"], bench.faulty([:]))
            #expect(outcome.status == 0, "\(outcome)")
            let report = try outcome.json()
            #expect(report["isFine"] as? Bool == true)
            let all = try #require(report["checks"] as? [[String: Any]])
            let areas = Set(all.compactMap { $0["area"] as? String })
            #expect(
                areas.isSuperset(of: [
                    "configuration", "modules", "tokens", "trust anchors", "CA", "clock", "ledger",
                ]))
            #expect(all.allSatisfy { $0["status"] as? String == "ok" }, "\(outcome.output)")
            #expect(bench.logins.isEmpty && bench.token.contents == before)
            #expect(
                try bench.tokencert(["doctor"]).output.contains("ok    CA             https://"))
        }

        @Test("A module that cannot be used is reported with the reason")
        func modules() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            var elf = [UInt8]("\u{7F}ELF".utf8) + [2, 1, 1] + [UInt8](repeating: 0, count: 60)
            elf[18] = 0xF3
            try Data(elf).write(to: URL(filePath: folder.file("riscv.so")))
            for (path, message) in [
                (folder.file("riscv.so"), "for another architecture (RISC-V"),
                ("/nonexistent/module.so", "does not exist"),
                (folder.file("pin"), "is not a shared library"),
            ] {
                let outcome = try bench.tokencert(
                    ["doctor", "--json", "--offline", "--module", path])
                #expect(outcome.status == 79)
                let found = try checks(outcome, "modules")
                #expect(found.first?.status == "fail", "\(found)")
                #expect(found.first?.message.contains(message) == true, "\(found)")
            }
            for (configuration, message) in [
                ("/nonexistent", "cannot read the configuration"),
                (
                    try folder.write("directories.tokendir = /nonexistent/tokens\n", "bad.conf"),
                    "/nonexistent/tokens, set in"
                ),
            ] {
                let outcome = try bench.tokencert(
                    ["doctor", "--json", "--offline"], ["SOFTHSM2_CONF": configuration])
                let found = try checks(outcome, "SoftHSM2")
                #expect(outcome.status == 79 && found.first?.status == "fail", "\(outcome)")
                #expect(found.first?.message.contains(message) == true, "\(found)")
            }
        }

        @Test("Modules and settings that log PINs are reported")
        func configured() throws {
            let bench = try Bench()
            // This is the machine's own p11-kit configuration, so the test relies only on names.
            let outcome = try bench.tokencert(
                ["doctor", "--json", "--offline"],
                ["TOKENCERT_MODULE": "", "P11_KIT_DEBUG": "all"])
            let found = try checks(outcome, "modules")
            #expect(found.contains { $0.message.contains("softhsm2: ") }, "\(found)")
            #expect(found.contains { $0.status == "warn" && $0.message.contains("P11_KIT_DEBUG") })
            let spy = "/usr/lib/x86_64-linux-gnu/pkcs11/pkcs11-spy.so"
            if FileManager.default.fileExists(atPath: spy) {
                let spied = try bench.tokencert(
                    ["doctor", "--json", "--offline", "--module", spy],
                    ["PKCS11SPY": softHSMModule, "PKCS11SPY_OUTPUT": "/dev/null"])
                #expect(
                    try checks(spied, "modules").contains { $0.message.contains("in plain text") },
                    "\(spied)")
            }
        }

        @Test("A locked PIN and a modified ledger are reported")
        func states() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue"]).status == 0)
            let locked = try bench.tokencert(
                ["doctor", "--json"], bench.faulty(["FAULTY_SET_FLAGS": "USER_PIN_LOCKED"]))
            #expect(locked.status == 79)
            let tokens = try checks(locked, "tokens")
            #expect(tokens.contains { $0.status == "fail" && $0.message.contains("PIN locked") })
            let ledger = bench.token.folder.file("state/tokencert/ledger.sqlite")
            try run(
                "sqlite3",
                [
                    ledger,
                    "DROP TRIGGER IF EXISTS eventsAreNeverChanged; "
                        + "SELECT name FROM sqlite_master WHERE type = 'trigger';",
                ])
            let triggers = try run(
                "sqlite3", [ledger, "SELECT name FROM sqlite_master WHERE type = 'trigger'"]
            ).output.split(separator: "\n")
            for trigger in triggers { try run("sqlite3", [ledger, "DROP TRIGGER \(trigger)"]) }
            try run(
                "sqlite3", [ledger, "UPDATE events SET time = time + 1 WHERE sequence = 1"])
            let changed = try bench.tokencert(["doctor", "--json"])
            #expect(changed.status == 79)
            #expect(
                try checks(changed, "ledger").contains {
                    $0.message.contains("is not intact")
                },
                "\(changed)")
        }

        @Test("A token profile that is broken is reported")
        func tokenProfile() throws {
            let bench = try Bench()
            let profiles = bench.token.folder.file("config/tokencert/token-profiles")
            try FileManager.default.createDirectory(
                atPath: profiles, withIntermediateDirectories: true)
            try bench.token.folder.write("{", "config/tokencert/token-profiles/bad.json")
            let broken = try bench.tokencert(["doctor", "--json", "--offline"])
            #expect(broken.status == 79)
            #expect(
                try checks(broken, "tokens").contains {
                    $0.status == "fail" && $0.message.contains("bad.json")
                }, "\(broken)")
        }

        @Test("Missing anchors, the wrong server and an unreadable configuration are reported")
        func network() throws {
            let bench = try Bench()
            let none = try bench.tokencert(["doctor", "--json"], ["TOKENCERT_CA_FILE": ""])
            #expect(none.status == 79)
            #expect(try checks(none, "trust anchors").first?.status == "fail")
            #expect(try checks(none, "CA").allSatisfy { $0.status == "warn" })
            let stranger = bench.token.folder.file("stranger.pem")
            try run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null", "-out",
                    stranger, "-subj", "/CN=Stranger",
                ])
            let wrong = try bench.tokencert(["doctor", "--json"], ["TOKENCERT_CA_FILE": stranger])
            #expect(
                try checks(wrong, "CA").contains {
                    $0.message.contains("cannot be trusted")
                },
                "\(wrong)")
            let gone = try bench.tokencert(
                ["doctor", "--json"], ["TOKENCERT_CA_URL": "https://localhost:1"])
            #expect(
                try checks(gone, "CA").contains { $0.message.contains("cannot be reached") },
                "\(gone)")
            let broken = try bench.tokencert(
                ["doctor", "--json", "--config", "/nonexistent"])
            #expect(try checks(broken, "configuration").first?.status == "fail")
            #expect(broken.status == 79)
        }
    }
}
