import Foundation
import Testing
import TokencertTestSupport

extension RealParts {
    /// Closed standard descriptors, and limits on file sizes.
    @Suite struct DescriptorTests {
        private func started(
            _ bench: Bench, _ arguments: [String], _ redirections: String,
            _ variables: [String: String] = [:]
        ) throws -> Outcome {
            try run(
                "bash",
                ["-c", "exec \"$@\" \(redirections)", "bash", product("tokencert")] + arguments,
                environment: bench.environment.merging(variables) { $1 }, seconds: 30)
        }

        // Otherwise JSON would be invalid, and a certificate unreadable.
        @Test("What a module writes to standard output does not get into the program's output")
        func outputOfModule() throws {
            let bench = try Bench()
            #expect(try bench.tokencert(["issue", "--label", "mail"]).status == 0)
            let faulty = bench.faulty(["FAULTY_OUTPUT": "1"])
            let list = try bench.tokencert(["list", "--json"], faulty)
            #expect(list.status == 0 && list.errors.contains("faulty module: output"), "\(list)")
            #expect(try list.json()["keys"] != nil)
            for arguments in [
                ["show", "mail", "--pem"], ["request", "--key", "mail", "--out", "/dev/stdout"],
            ] {
                let outcome = try bench.tokencert(arguments, faulty)
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.output.hasPrefix("-----BEGIN CERTIFICATE"), "\(outcome.output)")
            }
        }

        // Otherwise a timer would report success for ever.
        @Test(
            "A module that ends the program is a failure",
            arguments: [["renew", "--all"], ["list"], ["doctor", "--offline"]])
        func endByModule(arguments: [String]) throws {
            let bench = try Bench()
            let outcome = try bench.tokencert(
                arguments, bench.faulty(["FAULTY_RULES": "C_GetSlotList:before:exit"]))
            expect(outcome, 74, "a module, or a library that it uses, ended the program")
        }

        /// All ways to close some of the descriptors 0 to 2.
        private static let closings = [
            "", "<&-", ">&-", "<&- >&-", "2>&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-",
        ]

        // Otherwise the program could use its own pipe as standard output, and what it reads from
        // there would kill it.
        @Test("Closed standard descriptors change only the exit status", arguments: Self.closings)
        func closed(redirections: String) throws {
            let bench = try Bench()
            let hasOutput = !redirections.contains(" >&-") && !redirections.hasPrefix(">&-")
            let hasErrors = !redirections.contains("2>&-")
            for arguments in [
                ["--version"], ["tokens"], ["list", "--json"],
                ["request", "--key-type", "rsa:2048"],
            ] {
                let outcome = try started(bench, arguments, redirections)
                #expect(outcome.status == (hasOutput ? 0 : 78), "\(arguments): \(outcome)")
                #expect(outcome.output.isEmpty != hasOutput, "\(arguments): \(outcome)")
                guard !hasOutput, hasErrors else { continue }
                #expect(outcome.errors.contains("standard output cannot be written"))
                #expect(
                    arguments[0] != "request"
                        || outcome.errors.contains("-----BEGIN CERTIFICATE REQUEST-----"))
            }
            // The order is placed and completed.
            let issued = try started(bench, ["issue", "--key-type", "rsa:2048"], redirections)
            #expect(issued.status == (hasOutput ? 0 : 78), "\(issued)")
            #expect(bench.ca.issued.count == 1)
            #expect(try bench.tokencert(["resume"]).output == "No order is unfinished.\n")
        }

        @Test(
            "A closed descriptor as PIN source is an error and never waits for input",
            arguments: closings)
        func absent(redirections: String) throws {
            let bench = try Bench()
            let closed = redirections.contains("<&-")
            let faulty = bench.faulty([:])
            let other = try started(bench, ["list", "--pin-source", "fd:7"], redirections, faulty)
            #expect(other.status == 77, "\(other)")
            if !redirections.contains("2>&-") {
                #expect(other.errors.contains("was started without this descriptor"), "\(other)")
            }
            // These include descriptors that the program opens itself.
            for number in 3...9 {
                let own = try started(
                    bench, ["list", "--pin-source", "fd:\(number)"], redirections, faulty)
                #expect(own.status == 77, "\(number): \(own)")
            }
            guard closed else { return }
            let outcome = try started(
                bench, ["list", "--pin-source", "fd:0"], redirections, faulty)
            #expect(outcome.status == 77, "\(outcome)")
            #expect(bench.logins.isEmpty)
        }

        // Otherwise SIGXFSZ from "ulimit -f" or LimitFSIZE= would end the program silently, and the
        // issued certificate would be lost.
        @Test(
            "A limit on file sizes is treated like a full disk",
            arguments: [16, 32, 48, 64, 80, 88, 96, 104, 112, 128, 160])
        func sizeOfFiles(kibibytes: Int) throws {
            let bench = try Bench()
            let outcome = try run(
                "bash",
                [
                    "-c", "ulimit -f \(kibibytes); exec \"$@\"", "bash", product("tokencert"),
                    "issue", "--key-type", "rsa:2048",
                ], environment: bench.environment)
            #expect(outcome.status < 128, "\(outcome)")
            if outcome.status != 0 { #expect(outcome.errors.contains("error: "), "\(outcome)") }
            #expect(bench.ca.orders.count == bench.ca.issued.count)
            guard let certificate = bench.ca.issued.first else { return }
            // The certificate is on the token, in the ledger, or in the output.
            let resumed = try bench.tokencert(["resume", "1"])
            let onToken = try bench.token.pkcs11Tool(["--list-objects", "--type", "cert"])
            let isPrinted = certificate.split(separator: "\n").allSatisfy {
                outcome.errors.contains($0)
            }
            let isWritten = onToken.output.contains("Certificate Object")
            #expect(
                isWritten && resumed.status == 0 || isPrinted, "\(outcome)\n\(resumed)\n\(onToken)")
            #expect(bench.ca.orders.count == 1)
        }

        @Test(
            "No command ends silently if it cannot write to any file",
            arguments: [
                ["history"], ["list"], ["resume"], ["token", "change-pin"],
            ])
        func nothingWritten(arguments: [String]) throws {
            let bench = try Bench()
            let outcome = try run(
                "bash",
                ["-c", "ulimit -f 0; exec \"$@\"", "bash", product("tokencert")] + arguments,
                environment: bench.environment.merging([
                    "TOKENCERT_NEW_PIN_SOURCE": "file:/nonexistent"
                ]) { $1 })
            #expect(outcome.status < 128, "\(outcome)")
            #expect(!outcome.output.isEmpty || outcome.errors.contains("error: "), "\(outcome)")
        }
    }
}
