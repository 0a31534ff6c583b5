import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// What a user is told after success, at a terminal.
    @Suite struct NextStepAtTerminalTests {
        @Test(
            "At a terminal the next step follows success; scripts, --quiet and JSON do not get it")
        func issued() throws {
            let bench = try Bench()
            let terminal = AtTerminal(bench: bench)
            let plain = ["issue", "--key-type", "rsa:2048"]
            let issued = try terminal.run(plain + ["--label", "mail"])
            #expect(issued.status == 0, "\(issued)")
            #expect(issued.output.contains("Next: tokencert "), "\(issued)")
            for option in ["--quiet", "--json"] {
                let silent = try terminal.run(plain + ["--label", "mail\(option)", option])
                #expect(silent.status == 0 && !silent.output.contains("Next:"), "\(silent)")
            }
            let script = try bench.tokencert(["account"])
            #expect(script.status == 0 && !script.output.contains("Next:"), "\(script)")
            let account = try terminal.run(["account"])
            #expect(account.output.contains("Next: tokencert issue"), "\(account)")
            let request = try terminal.run(["request", "--label", "other"])
            #expect(request.output.contains("tokencert import --cert FILE"), "\(request)")
        }

        // A program that does not answer would delay every issue.
        @Test("After issue, installed consumers are named without running their programs")
        func consumers() throws {
            let bench = try Bench()
            let folder = bench.token.folder
            try FileManager.default.createDirectory(
                atPath: folder.file("programs"), withIntermediateDirectories: true)
            let program = try folder.write(
                "#!/bin/sh\n: >\(folder.file("was-run"))\n", "programs/ssh")
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: program)
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            let issued = try AtTerminal(bench: bench).run(
                ["issue", "--key-type", "rsa:2048", "--label", "mail"], "",
                ["PATH": folder.file("programs") + ":" + path])
            #expect(issued.status == 0, "\(issued)")
            #expect(issued.output.contains("Next: tokencert use"), "\(issued)")
            #expect(!FileManager.default.fileExists(atPath: folder.file("was-run")))
        }

        // Users would think that the old certificate was replaced.
        @Test("After renew, the command that is shown deletes the old certificate and nothing else")
        func renewed() throws {
            let bench = try Bench()
            let old = try bench.tokencert(["issue", "--label", "mail", "--json"]).json()
            let serial = try #require(old.certificate("serialNumber"))
            let renewed = try AtTerminal(bench: bench).run(["renew", "mail"])
            #expect(
                renewed.output.contains("  tokencert delete \(serial) --cert"),
                "\(renewed)")
            let deleted = try bench.tokencert(["delete", serial, "--cert", "--yes"])
            #expect(deleted.status == 0, "\(deleted)")
            let keys = try bench.listedKeys()
            let left = keys.flatMap { $0["certificates"] as? [[String: Any]] ?? [] }
            #expect(keys.count == 1 && left.count == 1, "\(keys)")
            #expect(left.first?["serialNumber"] as? String != serial)
        }

        // Users would repeat --ca-url with every command, or order from the wrong CA without it.
        @Test("trust fetch adds the CA to the configuration file if the user consents")
        func rememberedCA() throws {
            let bench = try Bench()
            let folder = try TemporaryFolder()
            let file = folder.file("tokencert/config.json")
            let url = try #require(bench.environment["TOKENCERT_CA_URL"])
            let settings = [
                "TOKENCERT_CA_URL": "", "XDG_CONFIG_HOME": folder.path,
                "XDG_DATA_HOME": folder.file("data"),
            ]
            let root = try run(
                "openssl", ["x509", "-in", bench.ca.rootFile, "-noout", "-fingerprint", "-sha256"])
            let fingerprint = try #require(root.output.split(separator: "=").last)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            let fetch = ["trust", "fetch", "--ca-url", url, "--fingerprint", fingerprint]
            let script = try bench.tokencert(fetch, settings)
            #expect(script.status == 0, "\(script)")
            #expect(!FileManager.default.fileExists(atPath: file))
            for (answer, isAdded) in [("n", false), ("y", true)] {
                let outcome = try AtTerminal(bench: bench).run(
                    fetch, #"expect -ex {[y/n] }; send "\#(answer)\r""#, settings)
                #expect(outcome.status == 0, "\(outcome)")
                #expect(outcome.output.contains("Next: tokencert token init"), "\(outcome)")
                #expect(FileManager.default.fileExists(atPath: file) == isAdded, "\(outcome)")
            }
            #expect(try folder.read("tokencert/config.json") == "{\n  \"ca-url\": \"\(url)\"\n}\n")
            // It is set now, so there is nothing to ask.
            let again = try AtTerminal(bench: bench).run(fetch, "", settings)
            #expect(again.status == 0 && !again.output.contains("[y/n]"), "\(again)")
        }
    }
}
