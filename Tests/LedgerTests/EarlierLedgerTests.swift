import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertLedger

extension RealParts {
    /// Ledgers of released versions with an order in every state, the tokens that they refer to,
    /// and the roots of their CA. The PIN is 31415926, and the label of each key names its state.
    @Suite struct EarlierLedgerTests {
        private let folder: TemporaryFolder
        private var ledger: String { folder.file("ledger.sqlite") }

        init() throws {
            folder = try TemporaryFolder()
            let archive = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "Ledgers/0.1.0.tar.gz").path()
            let outcome = try run("tar", ["-xzf", archive, "-C", folder.path])
            try #require(outcome.status == 0, "\(outcome.errors)")
            try folder.write("31415926\n", "pin")
            try folder.write(
                """
                directories.tokendir = \(folder.file("tokens"))
                objectstore.backend = file
                log.level = ERROR

                """, "softhsm2.conf")
        }

        /// Runs the program with the date of the ledger, because its certificates expire.
        ///
        /// - Parameter prefix: The program that starts it, with its arguments.
        private func tokencert(
            _ arguments: [String], _ prefix: [String] = []
        ) throws -> Outcome {
            let command = prefix + ["faketime", "2026-11-28 12:00:00", product("tokencert")]
            return try run(
                command[0], command.dropFirst() + arguments,
                environment: [
                    "SOFTHSM2_CONF": folder.file("softhsm2.conf"), "TZ": "UTC",
                    "TOKENCERT_MODULE": softHSMModule, "TOKENCERT_LEDGER": ledger,
                    "TOKENCERT_PIN_SOURCE": "file:\(folder.file("pin"))",
                    "TOKENCERT_CA_FILE": folder.file("root.pem"),
                    "XDG_STATE_HOME": folder.file("state"), "XDG_DATA_HOME": folder.file("data"),
                    "XDG_CONFIG_HOME": folder.file("config"),
                ])
        }

        private func orders() throws -> [String: Order] {
            let orders = try Ledger(reading: ledger).orders()
            // If several orders have a label, the last one is in the named state.
            return Dictionary(
                orders.map { (String(decoding: $0.beginning.keyLabelBytes, as: UTF8.self), $0) }
            ) { $1 }
        }

        // Otherwise an order that was sent counts as unsent and is placed a second time.
        @Test("An order in a ledger of an earlier version keeps its state")
        func states() throws {
            let before = try Data(contentsOf: URL(filePath: ledger))
            let expected = [
                "done": "proved", "begun": "closed", "made": "begun", "certified": "certified",
                "written": "written", "retired": "done", "retiring": "retiring",
                "request": "done", "unfinished": "begun", "refused": "refused",
                "unclear": "unclear", "sending": "sending", "answered": "answered",
            ]
            let orders = try orders()
            #expect(orders.mapValues(\.state.name) == expected)
            #expect(orders.values.allSatisfy { $0.unknownEvent == nil })
            for state in ["made", "begun", "unfinished", "refused"] {
                #expect(orders[state]?.mayHaveOrdered == false, "\(state)")
            }
            for state in ["sending", "unclear", "answered", "certified", "written", "retiring"] {
                #expect(orders[state]?.mayHaveOrdered == true, "\(state)")
            }
            let verified = try tokencert(["history", "verify"])
            #expect(verified.status == 0, "\(verified.errors)")
            #expect(try Data(contentsOf: URL(filePath: ledger)) == before)
        }

        private func schema(_ file: String) throws -> Set<Substring> {
            let objects = "SELECT name, replace(sql, char(10), ' ') FROM sqlite_schema"
            let outcome = try run("sqlite3", [file, objects])
            #expect(outcome.status == 0 && outcome.output.contains("CREATE TABLE events"))
            return Set(outcome.output.split(separator: "\n"))
        }

        // Otherwise ledgers of different versions cannot be compared as evidence.
        @Test("Events have the same form as in an earlier version, and tables after a migration")
        func sameText() throws {
            let orders = try Ledger(reading: ledger).orders()
            #expect(Set(orders.map(\.beginning.job.name)) == ["issue", "renew", "request"])
            for event in orders.flatMap(\.events) {
                #expect(try event.event?.encoded() == event.text, "event \(event.sequence)")
            }
            let new = folder.file("new.sqlite")
            do { _ = try Ledger(path: new) { 0 } }
            let earlier = try schema(ledger)
            #expect(try schema(new).isStrictSuperset(of: earlier))
            do { _ = try Ledger(path: ledger) { 0 } }
            #expect(try schema(ledger) == schema(new))
        }

        // Otherwise a loss of power at the first use of a later version costs the ledger.
        @Test(
            "A ledger of an earlier version survives a kill at any write of its migration",
            arguments: ["pwrite64", "fdatasync"])
        func killed(call: String) throws {
            let before = try Data(contentsOf: URL(filePath: ledger))
            let number = try #require(try orders()["done"]?.number)
            let events = try Ledger(reading: ledger).end()
            /// Migrates a copy of the ledger, and counts the calls or kills the program at one of them.
            func migrate(_ injection: [String] = []) throws -> (calls: Int, isKilled: Bool) {
                try before.write(to: URL(filePath: ledger))
                let trace = folder.file("trace")
                let outcome = try tokencert(
                    ["resume", "\(number)"],
                    ["strace", "-f", "-o", trace, "-e", "trace=\(call)"] + injection)
                let lines = try String(contentsOfFile: trace, encoding: .utf8)
                let isKilled = lines.contains("+++ killed by SIGKILL")
                #expect(isKilled == (outcome.status != 0), "\(outcome)")
                return (lines.components(separatedBy: " \(call)(").count - 1, isKilled)
            }
            let whole = try migrate()
            #expect(!whole.isKilled && whole.calls > 1)
            let version = try run("sqlite3", [ledger, "PRAGMA user_version"])
            #expect(version.output == "\(Schema.version)\n")
            for position in 1...whole.calls {
                let killed = try migrate([
                    "-e", "inject=\(call):signal=SIGKILL:when=\(position)",
                ])
                #expect(killed.isKilled, "\(call) \(position)")
                let verified = try tokencert(["history", "verify"])
                #expect(verified.status == 0, "\(call) \(position): \(verified)")
                #expect(try Ledger(reading: ledger).end() == events, "\(call) \(position)")
                let resumed = try tokencert(["resume", "\(number)"])
                #expect(resumed.status == 0, "\(call) \(position): \(resumed)")
            }
        }

        @Test(
            "An order in a ledger of an earlier version is finished without the CA if it has answered",
            arguments: ["answered", "certified", "written", "retiring"])
        func resumed(state: String) throws {
            let number = try #require(try orders()[state]?.number)
            let outcome = try tokencert(["resume", "\(number)"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            let order = try #require(try orders()[state])
            #expect(order.isFinished && order.isProved)
            let again = try tokencert(["resume", "\(number)"])
            #expect(again.status == 0 && again.output.contains("is finished"), "\(again)")
        }

        @Test(
            "An order in a ledger of an earlier version whose outcome is unknown is not placed again",
            arguments: ["sending", "unclear"])
        func undecided(state: String) throws {
            let number = try #require(try orders()[state]?.number)
            let outcome = try tokencert(["resume", "\(number)"])
            #expect(outcome.status == 75, "\(outcome)")
            #expect(try orders()[state]?.state == (state == "sending" ? .sending : .unclear))
        }
    }
}
