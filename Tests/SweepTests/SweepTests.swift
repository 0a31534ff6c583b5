import Foundation
import TestSupport
import Testing

/// Whether every case is run, or only as many as are quick.
private let isFull = ProcessInfo.processInfo.environment["TOKENCERT_SWEEP"] == "full"

/// Insists on nothing lost, and shows the table.
private func report(_ name: String, _ rows: [Row], _ location: SourceLocation = #_sourceLocation) {
    let text = "\n\(name)\n\(table(rows))\n"
    print(text)
    if let file = ProcessInfo.processInfo.environment["TOKENCERT_SWEEP_TABLE"] {
        let old = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        try? (old + text).write(toFile: file, atomically: true, encoding: .utf8)
    }
    for row in rows {
        #expect(row.cases > 0, sourceLocation: location)
        // A fault that never comes to pass shows nothing. One write that fails can be made again, and
        // a connection that breaks after the answer does no harm.
        #expect(
            row.cases < 4 || row.fired > 0 || row.fault.hasSuffix("once")
                || row.fault.contains("late-reset"),
            "\(row.fault)", sourceLocation: location)
        #expect(
            row.findings.isEmpty,
            "\(row.findings.count): \(row.findings.prefix(10).joined(separator: "\n"))",
            sourceLocation: location)
    }
}

/// Takes every so many-th of the cases where not all are run.
private func bounded<Case>(_ cases: [Case], to limit: Int) -> [Case] {
    guard !isFull, cases.count > limit else { return cases }
    // An odd step, since cases come in pairs.
    let step = (cases.count + limit - 1) / limit | 1
    return cases.enumerated().filter { $0.offset % step == 0 }.map(\.element)
}

extension RealParts {
    /// Everything that can go wrong, at every place where it can.
    @Suite(.serialized) struct SweepTests {
        private static let codes = [
            ("CKR_DEVICE_ERROR", 0x30), ("CKR_DEVICE_REMOVED", 0x32), ("CKR_DEVICE_MEMORY", 0x31),
            ("CKR_SESSION_HANDLE_INVALID", 0xB3), ("CKR_USER_NOT_LOGGED_IN", 0x101),
            ("CKR_GENERAL_ERROR", 0x05), ("CKR_FUNCTION_NOT_SUPPORTED", 0x54),
        ]

        /// How many calls an operation makes, and how many system calls of a kind.
        private func count(
            _ operation: Operation, _ prefix: [String] = [], _ count: (Copy) -> Int
        ) throws -> Int {
            let ca = try StandIn(["--accept-elliptic-curves"])
            let copy = try Copy(Template(operation, ca), ca)
            let outcome = try copy.run(
                with: Fault(
                    name: "none", detail: "",
                    prefix: prefix.map {
                        $0.replacingOccurrences(of: "FOLDER", with: copy.folder.path)
                    }))
            #expect(outcome.status == 0, "\(outcome.errors)")
            return count(copy)
        }

        @Test("A token that fails at the wrong moment costs a key, a certificate or a PIN try")
        func everyCallFails() throws {
            var cases: [(Operation, Fault)] = []
            for operation in Operation.allCases {
                let calls = try count(operation) { $0.calls.count }
                for call in 1...calls {
                    for (index, code) in Self.codes.enumerated()
                    where isFull || index == call % Self.codes.count {
                        for when in ["before", "after"] {
                            cases.append(
                                (
                                    operation,
                                    Fault(
                                        name: when == "before"
                                            ? "call fails" : "call done, said to have failed",
                                        detail: "call \(call), \(code.0)",
                                        environment: [
                                            "FAULTY_RULES": "*#\(call):\(when):return=\(code.1)"
                                        ])
                                ))
                        }
                    }
                }
            }
            report("Every Cryptoki call fails", try sweep(bounded(cases, to: 120)))
        }

        @Test("A process that is killed at a call of the token costs a key or a certificate")
        func killedAtEveryCall() throws {
            var cases: [(Operation, Fault)] = []
            for operation in Operation.allCases {
                let calls = try count(operation) { $0.calls.count }
                for call in 1...calls {
                    for when in ["before", "after"] {
                        cases.append(
                            (
                                operation,
                                Fault(
                                    name: "killed \(when) a call", detail: "call \(call)",
                                    environment: ["FAULTY_RULES": "*#\(call):\(when):kill"],
                                    allowed: [137])
                            ))
                    }
                }
            }
            report("Killed at every Cryptoki call", try sweep(bounded(cases, to: 60)))
        }

        @Test("A process that is killed while it writes its ledger or talks to the CA loses both")
        func killedAtEverySystemCall() throws {
            var cases: [(Operation, Fault)] = []
            let kinds = [
                ("pwrite64", "ledger"), ("fdatasync", "ledger"), ("sendto", "network"),
                ("recvfrom", "network"), ("connect", "network"), ("ftruncate", "token"),
                ("write", "token"),
            ]
            for operation in Operation.allCases {
                for (call, place) in kinds where operation.orders || place != "network" {
                    let calls = try count(
                        operation, ["strace", "-f", "-o", "FOLDER/trace", "-e", "trace=\(call)"]
                    ) { Self.traced(call, $0) }
                    for number in 1...max(calls, 1) {
                        var fault = Fault(
                            name: "killed at a system call, \(place)",
                            detail: "\(call) \(number)")
                        fault.prefix = [
                            "strace", "-f", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                            "inject=\(call):signal=SIGKILL:when=\(number)",
                        ]
                        // Counts are by thread, and not every run has as many.
                        fault.allowed = [137, 0]
                        fault.mayLoseAnswer = true
                        fault.pause = 0.1
                        cases.append((operation, fault))
                    }
                }
            }
            report(
                "Killed at every system call of ledger, network and token",
                try sweep(bounded(cases, to: 40)))
        }

        @Test("A process that is killed at any moment loses what it was about")
        func killedAtRandomMoments() throws {
            var generator = SystemRandomNumberGenerator()
            let cases = (0..<(isFull ? 300 : 20)).map { _ in
                let seconds = Double.random(in: 0.02...0.2, using: &generator)
                var fault = Fault(name: "killed at a random moment", detail: "\(seconds) s")
                fault.killedAfter = seconds
                fault.allowed = [137, 0]
                fault.mayLoseAnswer = true
                fault.pause = 0.1
                return (Operation.issue, fault)
            }
            report("Killed at random moments", try sweep(cases))
        }

        @Test("A CA that does anything but issue takes a key or a certificate with it")
        func everyFaultOfTheCA() throws {
            var rows: [Row] = []
            let good = try StandIn(["--accept-elliptic-curves"])
            for (arguments, allowed, mayLose, isUnusable) in Self.faultsOfTheCA {
                var fault = Fault(
                    name: "CA: " + arguments.joined(separator: " "), detail: "",
                    arguments: ["--timeout", "3"], allowed: [allowed], mayLoseAnswer: mayLose)
                fault.isUnusable = isUnusable
                fault.pause = arguments.contains("--signing-time") ? 1.5 : 0.2
                let ca = try StandIn(["--accept-elliptic-curves"] + arguments)
                for operation in isFull ? [Operation.issue, .renew] : [.issue] {
                    var row = Row(operation: operation, fault: fault.name)
                    let worker = Worker(ca, [operation: try Template(operation, good)])
                    worker.check(operation, fault, into: &row)
                    rows.append(row)
                }
            }
            report("Every fault of the CA", rows)
        }

        @Test("A disk or a ledger that fails takes a key or a certificate with it")
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
                        // From one call on, for good; and one call only.
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
            rows += try sweep(Operation.allCases.flatMap(Self.ledgerFaults))
            report("Every fault of disk and ledger", rows)
        }

        private static func traced(_ call: String, _ copy: Copy) -> Int {
            let trace = (try? copy.folder.read("trace")) ?? ""
            return trace.components(separatedBy: " \(call)(").count - 1
        }

        /// A ledger that others hold or have spoiled.
        private static func ledgerFaults(_ operation: Operation) -> [(Operation, Fault)] {
            let folder = "state/tokencert"
            var faults: [Fault] = []
            var locked = Fault(name: "ledger locked", detail: "before", allowed: [78])
            // A writer that gives the ledger back when the case has seen enough.
            locked.prefix = ["python3", "-c", Self.holdingLedger]
            locked.prepare = { copy in
                // The ledger has to be there to be held.
                _ = try copy.tokencert(["history"])
            }
            faults.append(locked)
            for (name, spoil) in [
                ("ledger is no database", "no database at all, and long enough to be looked at"),
                ("ledger is a folder", nil),
            ] as [(String, String?)] {
                var spoiled = Fault(name: name, detail: "", allowed: [78])
                spoiled.prepare = { copy in
                    let files = FileManager.default
                    try? files.createDirectory(
                        atPath: copy.folder.file(folder), withIntermediateDirectories: true)
                    try? files.moveItem(atPath: copy.ledger, toPath: copy.ledger + ".right")
                    if let spoil {
                        try copy.folder.write(spoil, "state/tokencert/ledger.sqlite")
                    } else {
                        try files.createDirectory(
                            atPath: copy.ledger, withIntermediateDirectories: false)
                    }
                }
                spoiled.repair = { copy in
                    let files = FileManager.default
                    try files.removeItem(atPath: copy.ledger)
                    try? files.moveItem(atPath: copy.ledger + ".right", toPath: copy.ledger)
                }
                faults.append(spoiled)
            }
            return faults.map { (operation, $0) }
        }

        /// Holds the ledger while the command that follows runs.
        private static let holdingLedger = """
            import os, sqlite3, subprocess, sys
            held = sqlite3.connect(os.environ['XDG_STATE_HOME'] + '/tokencert/ledger.sqlite')
            held.execute('BEGIN IMMEDIATE')
            sys.exit(subprocess.run(sys.argv[1:]).returncode)
            """

        /// The stand-in's arguments, the exit status, whether the answer may not arrive, and
        /// whether what arrives cannot be used by anybody.
        private static let faultsOfTheCA: [([String], Int32, Bool, Bool)] = [
            (["--fault", "wrong-key"], 76, false, true),
            (["--fault", "wrong-ca"], 76, false, true),
            (["--fault", "expired"], 76, false, true),
            (["--fault", "not-yet-valid"], 76, false, true),
            (["--fault", "ca-true"], 76, false, true),
            (["--fault", "other-name"], 76, false, true),
            (["--fault", "fewer-addresses"], 76, false, true),
            (["--fault", "cut"], 75, true, false), (["--fault", "huge"], 75, true, false),
            (["--fault", "no-certificate"], 75, true, false),
            (["--fault", "html"], 75, true, false), (["--fault", "empty"], 75, true, false),
            (["--fault", "garbage"], 75, true, false), (["--fault", "500"], 75, true, false),
            (["--fault", "redirect"], 75, true, false), (["--fault", "reset"], 75, true, false),
            (["--fault", "reset-before"], 75, true, false),
            (["--fault", "late-reset"], 0, true, false), (["--fault", "hang"], 75, true, false),
            (["--signing-time", "1"], 75, true, false),
        ]
    }
}
