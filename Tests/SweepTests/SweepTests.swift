import Foundation
import Testing
import TokencertTestSupport

/// Whether to run every case or only a sample.
private let isFull = ProcessInfo.processInfo.environment["TOKENCERT_SWEEP"] == "full"

/// Prints the table and checks that nothing was lost.
private func report(_ name: String, _ rows: [Row], _ location: SourceLocation = #_sourceLocation) {
    let text = "\n\(name)\n\(table(rows))\n"
    print(text)
    if let file = ProcessInfo.processInfo.environment["TOKENCERT_SWEEP_TABLE"] {
        let old = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        try? (old + text).write(toFile: file, atomically: true, encoding: .utf8)
    }
    for row in rows {
        #expect(row.cases > 0, sourceLocation: location)
        // A fault that never occurs tests nothing. Two kinds need not make a run fail: a single
        // failed write can be retried, and a connection may break after the response.
        #expect(
            row.cases < 4 || row.fired > 0 || row.fault.hasSuffix("once")
                || row.fault.contains("late-reset"),
            "\(row.fault)", sourceLocation: location)
        #expect(
            row.findings.isEmpty,
            "\(row.findings.count): \(row.findings.prefix(50).joined(separator: "\n"))",
            sourceLocation: location)
    }
}

/// Selects evenly spaced cases up to a limit, unless all cases are run.
private func bounded<Case>(_ cases: [Case], to limit: Int) -> [Case] {
    guard !isFull, cases.count > limit else { return cases }
    // An odd step, since cases come in pairs.
    let step = (cases.count + limit - 1) / limit | 1
    return cases.enumerated().filter { $0.offset % step == 0 }.map(\.element)
}

extension RealParts {
    /// Every operation with a fault at every step.
    @Suite(.serialized) struct SweepTests {
        private static let codes = [
            ("CKR_DEVICE_ERROR", 0x30), ("CKR_DEVICE_REMOVED", 0x32), ("CKR_DEVICE_MEMORY", 0x31),
            ("CKR_SESSION_HANDLE_INVALID", 0xB3), ("CKR_USER_NOT_LOGGED_IN", 0x101),
            ("CKR_GENERAL_ERROR", 0x05), ("CKR_FUNCTION_NOT_SUPPORTED", 0x54),
        ]

        /// The permitted exit statuses if a function fails with a code.
        private static func statuses(of code: String, from function: String) -> Set<Int32> {
            switch function {
            // A module that does not start may be a mistake in the configuration.
            case "C_Initialize", "C_GetInfo", "C_GetSlotList": [0, 74, 78]
            // A full token cannot be written to, which has its own status.
            case "C_GenerateKeyPair", "C_CreateObject":
                code == "CKR_DEVICE_MEMORY" ? [0, 73] : [0, 74]
            default: code == "CKR_DEVICE_MEMORY" ? [0, 73, 74] : [0, 74]
            }
        }

        /// Runs an operation without a fault and counts something in it.
        private func count<Counted>(
            _ operation: Operation, _ prefix: [String] = [], _ count: (Copy) -> Counted
        ) throws -> Counted {
            let ca = try StandIn(["--accept-elliptic-curves"])
            let copy = try Copy(Template(operation, ca), ca)
            let outcome = try copy.run(with: Fault(name: "none", detail: "", prefix: prefix))
            #expect(outcome.status == 0, "\(outcome.errors)")
            return count(copy)
        }

        /// The duration of an operation without a fault.
        private func seconds(_ operation: Operation) throws -> Double {
            let ca = try StandIn(["--accept-elliptic-curves"])
            let copy = try Copy(Template(operation, ca), ca)
            let start = ContinuousClock.now
            let outcome = try copy.run(with: Fault(name: "none", detail: ""))
            #expect(outcome.status == 0, "\(outcome.errors)")
            return (ContinuousClock.now - start) / .seconds(1)
        }

        @Test("Keys and certificates survive a failure of any token call")
        func everyCallFails() throws {
            var cases: [(Operation, Fault)] = []
            for operation in Operation.allCases {
                let calls = try count(operation) { $0.calls }
                #expect(!calls.isEmpty)
                for (offset, line) in calls.enumerated() {
                    let call = offset + 1
                    let function = line.split(separator: " ").dropFirst().first.map(String.init)
                    for (index, code) in Self.codes.enumerated()
                    where isFull || index == call % Self.codes.count {
                        for when in ["before", "after"] {
                            var fault = Fault(
                                name: when == "before"
                                    ? "call fails" : "call done, said to have failed",
                                detail: "call \(call), \(function ?? ""), \(code.0)",
                                environment: [
                                    "FAULTY_RULES": "*#\(call):\(when):return=\(code.1)"
                                ], allowed: Self.statuses(of: code.0, from: function ?? ""))
                            (fault.decisions, fault.firstCall) = (0...0, call)
                            cases.append((operation, fault))
                        }
                    }
                }
            }
            report("Every Cryptoki call fails", try sweep(bounded(cases, to: 120)))
        }

        @Test("Keys and certificates survive a kill at any token call")
        func killedAtEveryCall() throws {
            var cases: [(Operation, Fault)] = []
            for operation in Operation.allCases {
                let calls = try count(operation) { $0.calls.count }
                for call in 1...calls {
                    for when in ["before", "after"] {
                        var fault = Fault(
                            name: "killed \(when) a call", detail: "call \(call)",
                            environment: ["FAULTY_RULES": "*#\(call):\(when):kill"],
                            allowed: [137])
                        fault.decisions = 0...0
                        cases.append((operation, fault))
                    }
                }
            }
            report("Killed at every Cryptoki call", try sweep(bounded(cases, to: 60)))
        }

        @Test("Keys and certificates survive a kill during any write to ledger, network or token")
        func killedAtEverySystemCall() throws {
            var cases: [(Operation, Fault)] = []
            let kinds = [
                ("pwrite64", "ledger"), ("fdatasync", "ledger"), ("sendto", "network"),
                ("recvfrom", "network"), ("connect", "network"), ("ftruncate", "token"),
                ("write", "token"),
            ]
            for operation in Operation.allCases {
                var found: [String: Int] = [:]
                for (call, place) in kinds where operation.orders || place != "network" {
                    let calls = try count(
                        operation, ["strace", "-f", "-o", "FOLDER/trace", "-e", "trace=\(call)"]
                    ) { Self.traced(call, $0) }
                    found[place, default: 0] += calls
                    for number in 0..<calls {
                        var fault = Fault(
                            name: "killed at a system call, \(place)",
                            detail: "\(call) \(number + 1)")
                        fault.prefix = [
                            "strace", "-f", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                            "inject=\(call):signal=SIGKILL:when=\(number + 1)",
                        ]
                        // strace counts per thread, and the counts differ between runs.
                        fault.allowed = [137, 0]
                        fault.mayLoseAnswer = true
                        fault.pause = 0.1
                        cases.append((operation, fault))
                    }
                }
                #expect(found.values.allSatisfy { $0 > 0 }, "\(operation): \(found)")
            }
            report(
                "Killed at every system call of ledger, network and token",
                try sweep(bounded(cases, to: 40)))
        }

        @Test("Keys and certificates survive a kill at a random moment")
        func killedAtRandomMoments() throws {
            var generator = SystemRandomNumberGenerator()
            let whole = try seconds(.issue)
            let cases = (0..<(isFull ? 300 : 20)).map { _ in
                let seconds = Double.random(in: 0.01...whole, using: &generator)
                var fault = Fault(name: "killed at a random moment", detail: "\(seconds) s")
                fault.killedAfter = seconds
                fault.allowed = [137, 0]
                fault.mayLoseAnswer = true
                fault.pause = 0.1
                return (Operation.issue, fault)
            }
            report("Killed at random moments", try sweep(cases))
        }

        // Otherwise the user would have to look for the certificate at the CA's web site.
        @Test("A kill at a random moment never needs a decision about an order that the CA has")
        func killedWhileTheCAIsLate() throws {
            var generator = SystemRandomNumberGenerator()
            // The CA signs a second after its answer, and the second search finds the certificate.
            let whole = try seconds(.issue) + 2.5
            let cases = (0..<(isFull ? 300 : 10)).map { _ in
                let seconds = Double.random(in: 0.01...whole, using: &generator)
                var fault = Fault(name: "killed, CA late, --fetch", detail: "\(seconds) s")
                fault.killedAfter = seconds
                fault.allowed = [137, 0]
                fault.mayLoseAnswer = true
                fault.fetches = true
                return (Operation.issue, fault)
            }
            report("Killed at random moments, with --fetch", try sweep(cases, ["--fault", "late"]))
        }

        @Test("Keys and certificates survive every fault of the CA")
        func everyFaultOfTheCA() throws {
            var rows: [Row] = []
            let good = ["--accept-elliptic-curves"]
            let goodCA = try StandIn(good)
            for (arguments, allowed, mayLose, decision) in Self.faultsOfTheCA {
                for operation in isFull ? [Operation.issue, .renew] : [.issue] {
                    let ca = try StandIn(good + arguments)
                    var fault = Fault(
                        name: "CA: " + arguments.joined(separator: " "), detail: "",
                        arguments: ["--timeout", "3"], allowed: [allowed], mayLoseAnswer: mayLose)
                    fault.decision = decision
                    let asks = allowed == 75 || allowed == 76
                    fault.decisions = asks ? 1...1 : 0...0
                    fault.pause = arguments.contains("late") ? 1.5 : 0.2
                    fault.repair = { _ in try ca.restart(good) }
                    var row = Row(operation: operation, fault: fault.name)
                    let worker = Worker(ca, [operation: try Template(operation, goodCA)])
                    worker.check(operation, fault, into: &row)
                    rows.append(row)
                }
            }
            report("Every fault of the CA", rows)
        }

        // Otherwise the user would have to look for the certificate at the CA's web site.
        @Test("With --fetch, no late or lost answer of the CA needs a decision")
        func everyLateAnswerOfTheCA() throws {
            var rows: [Row] = []
            let good = ["--accept-elliptic-curves"]
            let goodCA = try StandIn(good)
            for (arguments, allowed, _, _) in Self.faultsOfTheCA where allowed == 75 {
                for operation in isFull ? [Operation.issue, .renew] : [.issue] {
                    let ca = try StandIn(good + arguments)
                    var fault = Fault(
                        name: "CA: " + arguments.joined(separator: " ") + ", --fetch", detail: "",
                        arguments: ["--timeout", "3"], allowed: [0])
                    fault.decisions = 0...0
                    fault.fetches = true
                    var row = Row(operation: operation, fault: fault.name)
                    let worker = Worker(ca, [operation: try Template(operation, goodCA)])
                    worker.check(operation, fault, into: &row)
                    rows.append(row)
                }
            }
            report("Every late answer of the CA, with --fetch", rows)
        }

        @Test("Keys and certificates survive every fault of the disk or the ledger")
        func everyFaultOfTheLedger() throws {
            var cases: [(Operation, Fault)] = []
            for operation in Operation.allCases {
                for (name, error, kinds) in [
                    ("disk full", "ENOSPC", ["pwrite64"]),
                    ("disk read-only", "EROFS", ["pwrite64"]),
                    ("disk broken", "EIO", ["pwrite64", "fdatasync"]),
                ] {
                    for call in kinds {
                        let trace = ["strace", "-f", "-o", "FOLDER/trace", "-e", "trace=\(call)"]
                        let calls = try count(operation, trace) { Self.traced(call, $0) }
                        // From one call on, and at one call only.
                        for number in 1...max(calls, 1) {
                            for (last, kind) in [("+", "from then on"), ("", "once")] {
                                var fault = Fault(
                                    name: "\(name), \(kind)", detail: "\(call) \(number)")
                                fault.prefix = [
                                    "strace", "-f", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                                    "inject=\(call):error=\(error):when=\(number)\(last)",
                                ]
                                cases.append((operation, fault))
                            }
                        }
                    }
                }
            }
            var rows = try sweep(bounded(cases, to: 40))
            rows += try sweep(Operation.allCases.flatMap(LedgerFault.held))
            rows += try sweep(
                bounded(
                    try Operation.allCases.flatMap { operation in
                        let ca = try StandIn(["--accept-elliptic-curves"])
                        let copy = try Copy(Template(operation, ca), ca)
                        return try LedgerFault.damaged(copy).map { (operation, $0) }
                    }, to: 20))
            report("Every fault of disk and ledger", rows)
        }

        private static func traced(_ call: String, _ copy: Copy) -> Int {
            let trace = (try? copy.folder.read("trace")) ?? ""
            return trace.components(separatedBy: " \(call)(").count - 1
        }

        /// The stand-in's arguments, the exit status, whether the response may be lost, and the
        /// user's decision.
        private static let faultsOfTheCA: [([String], Int32, Bool, Decision)] = [
            (["--fault", "refuse"], 65, false, .takeOrOrderAgain),
            (["--fault", "dead-database"], 77, false, .takeOrOrderAgain),
            (["--fault", "late"], 75, true, .takeOrOrderAgain),
            (["--fault", "reworded"], 75, true, .takeOrOrderAgain),
            (["--fault", "warning"], 0, false, .takeOrOrderAgain),
            (["--fault", "wrong-key"], 76, false, .giveUp),
            (["--fault", "wrong-ca"], 76, false, .giveUp),
            (["--fault", "expired"], 76, false, .giveUp),
            (["--fault", "not-yet-valid"], 76, false, .giveUp),
            (["--fault", "ca-true"], 76, false, .giveUp),
            (["--fault", "other-name"], 76, false, .acceptChanges),
            (["--fault", "fewer-addresses"], 76, false, .acceptChanges),
            (["--fault", "no-code-signing"], 76, false, .acceptChanges),
            (["--fault", "cut"], 75, true, .takeOrOrderAgain),
            (["--fault", "huge"], 75, true, .takeOrOrderAgain),
            (["--fault", "no-certificate"], 75, true, .takeOrOrderAgain),
            (["--fault", "html"], 75, true, .takeOrOrderAgain),
            (["--fault", "empty"], 75, true, .takeOrOrderAgain),
            (["--fault", "garbage"], 75, true, .takeOrOrderAgain),
            (["--fault", "500"], 75, true, .takeOrOrderAgain),
            (["--fault", "redirect"], 75, true, .takeOrOrderAgain),
            (["--fault", "reset"], 75, true, .takeOrOrderAgain),
            (["--fault", "reset-before"], 75, true, .takeOrOrderAgain),
            (["--fault", "late-reset"], 0, true, .takeOrOrderAgain),
            (["--fault", "hang"], 75, true, .takeOrOrderAgain),
        ]
    }
}
