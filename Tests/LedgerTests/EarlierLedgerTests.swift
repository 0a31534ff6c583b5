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
        private func tokencert(_ arguments: [String]) throws -> Outcome {
            try run(
                "faketime", ["2026-11-28 12:00:00", product("tokencert")] + arguments,
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

        // Otherwise ledgers of different versions cannot be compared as evidence.
        @Test("Events and tables have the same form as in an earlier version")
        func sameText() throws {
            let orders = try Ledger(reading: ledger).orders()
            #expect(Set(orders.map(\.beginning.job.name)) == ["issue", "renew", "request"])
            for event in orders.flatMap(\.events) {
                #expect(try event.event?.encoded() == event.text, "event \(event.sequence)")
            }
            let new = folder.file("new.sqlite")
            do { _ = try Ledger(path: new) { 0 } }
            let tables = "SELECT name, sql FROM sqlite_schema ORDER BY name"
            let earlier = try run("sqlite3", [ledger, tables])
            #expect(earlier.status == 0 && earlier.output.contains("CREATE TABLE events"))
            #expect(try run("sqlite3", [new, tables]).output == earlier.output)
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
