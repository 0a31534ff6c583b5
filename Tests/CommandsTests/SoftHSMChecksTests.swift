import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// What `doctor` reports if SoftHSM2 cannot be initialized.
    @Suite struct SoftHSMChecksTests {
        private func checks(
            _ bench: Bench, _ configuration: String
        ) throws -> [(area: String, status: String, message: String, advice: [String])] {
            let folder = bench.token.folder
            let file = try folder.write(
                "directories.tokendir = \(folder.file("tokens"))\n" + configuration + "\n",
                "tried.conf")
            let outcome = try bench.tokencert(
                ["doctor", "--json", "--offline"], ["SOFTHSM2_CONF": file])
            let all = try #require(try outcome.json()["checks"] as? [[String: Any]])
            return all.map {
                (
                    $0["area"] as? String ?? "", $0["status"] as? String ?? "",
                    $0["message"] as? String ?? "", $0["advice"] as? [String] ?? []
                )
            }
        }

        /// Otherwise a hint would refer to lines that do not exist.
        @Test(
            "A configuration line that prevents the initialization of SoftHSM2 is reported",
            arguments: [
                ("objectstore.backend = sqlite", "objectstore.backend = sqlite"),
                ("objectstore.backend = File", "objectstore.backend = File"),
                ("objectstore.backend = file\nobjectstore.backend = db2", "line 3"),
                ("log.level = TRACE", "log.level = TRACE"),
                ("log.level = debug # all", "log.level = debug"),
                ("directories.tokendir = ~/tokens", "~/tokens, set in"),
            ])
        func failing(line: String, message: String) throws {
            let bench = try Bench()
            let found = try checks(bench, line)
            let module = found.filter { $0.area == "modules" }
            #expect(module.contains { $0.status == "fail" }, "\(module)")
            #expect(
                module.contains { $0.advice.contains("see the lines about SoftHSM2 below") })
            let own = found.filter { $0.area == "SoftHSM2" }
            #expect(
                own.contains { $0.status == "fail" && $0.message.contains(message) }, "\(own)")
            #expect(!own.contains { $0.status == "ok" })
        }

        @Test(
            "A line that SoftHSM2 ignores is a warning, and a valid line is not",
            arguments: [
                ("slots.removable = yes", "slots.removable"),
                ("library.reset_on_fork = 1", "library.reset_on_fork"),
                ("objectstore.backnd = file", "did you mean objectstore.backend?"),
                ("log.level = INFO\nslots.removable = TRUE\nslots.mechanisms = ALL", ""),
                ("# objectstore.backend = sqlite", ""), ("log.level", "write it as NAME = VALUE"),
                ("directories.tokendir /tmp # x", "line 2: directories.tokendir /tmp has no value"),
            ])
        func passedOver(line: String, message: String) throws {
            let found = try checks(try Bench(), line)
            #expect(found.contains { $0.area == "modules" && $0.status == "ok" }, "\(found)")
            let own = found.filter { $0.area == "SoftHSM2" }
            if message.isEmpty {
                #expect(own.map { $0.status } == ["ok"], "\(own)")
            } else {
                #expect(own.map { $0.status } == ["warn"], "\(own)")
                #expect(own.contains { ($0.message + $0.advice.joined()).contains(message) })
            }
        }

        /// Otherwise the tokens could be in another folder the next day.
        @Test("A token folder that is relative or not set is a warning")
        func tokenFolder() throws {
            let bench = try Bench()
            let up = String(repeating: "../", count: 30)
            let tokens = up + bench.token.folder.file("tokens").dropFirst()
            let relative = try checks(bench, "directories.tokendir = " + tokens)
                .filter { $0.area == "SoftHSM2" }
            #expect(relative.map { $0.status } == ["warn"], "\(relative)")
            #expect(relative.contains { $0.message.contains("is a relative path") })
            let file = try bench.token.folder.write(
                "directories.tokendir \(bench.token.folder.file("tokens"))\n", "none.conf")
            let outcome = try bench.tokencert(["doctor", "--offline"], ["SOFTHSM2_CONF": file])
            #expect(outcome.output.contains("sets no directories.tokendir"), "\(outcome)")
            #expect(outcome.output.contains("has no value, so it is ignored"), "\(outcome)")
        }

        @Test("The hint about SoftHSM2 appears only if its lines follow")
        func nothingBelow() throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                ["doctor", "--offline"],
                bench.faulty(["FAULTY_RULES": "C_Initialize:before:return=0x5"]).merging([
                    "TOKENCERT_MODULE": try softhsm2Link(bench)
                ]) { $1 })
            #expect(outcome.status == 79, "\(outcome)")
            #expect(outcome.output.contains("does not start"), "\(outcome)")
            #expect(!outcome.output.contains("lines about SoftHSM2 below"), "\(outcome)")
        }

        /// A copy of the faulty module with the name of SoftHSM2's module.
        private func softhsm2Link(_ bench: Bench) throws -> String {
            let path = bench.token.folder.file("libsofthsm2.so")
            try FileManager.default.copyItem(
                atPath: faultyModule, toPath: path)
            return path
        }
    }
}
