import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertIssuance
@testable import TokencertLedger

/// Recording intents and facts in the ledger.
@Suite final class JournalTests {
    private let folder = NSTemporaryDirectory() + "tokencert-\(UUID().uuidString)"
    private var path: String { folder + "/ledger.sqlite" }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func begin() throws -> Journal {
        let ledger = try Ledger(path: path) { 1_800_000_000 }
        return try Journal(.example(), in: ledger)
    }

    private let sending = OrderEvent.sending(
        .init(keyURI: "pkcs11:id=%01", publicKeyHash: "aa", request: "PEM", isRepeated: false))

    /// Runs a body while the ledger accepts no events.
    private func withFailingLedger(_ body: () throws -> Void) throws {
        try change(
            "CREATE TRIGGER failing BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no'); END")
        try body()
        try change("DROP TRIGGER failing")
    }

    private func change(_ statement: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", "-c",
            "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute(sys.argv[2])", path,
            statement,
        ]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    // Otherwise a power loss would leave a key or an order that the ledger does not know.
    @Test("A step whose intent cannot be recorded is refused")
    func intent() throws {
        let journal = try begin()
        try withFailingLedger {
            let error = try #require(throws: IssuanceError.self) {
                try journal.recordIntent(self.sending, at: .order)
            }
            #expect(error.code == .ledgerFailed && error.step == .order)
        }
        #expect(try journal.openOrder.order().state == .begun)
        try journal.recordIntent(sending, at: .order)
        #expect(try journal.openOrder.order().state == .sending)
    }

    // Otherwise a certificate that was issued would be lost.
    @Test("Facts that the ledger could not record are recorded in order before the next step")
    func facts() throws {
        let journal = try begin()
        try journal.recordIntent(sending, at: .order)
        let answer = OrderEvent.answered(.init(status: 200, body: [1, 2], interruption: nil))
        try withFailingLedger {
            journal.recordFact(answer)
            journal.recordFact(.written(uri: "pkcs11:"))
            #expect(journal.failure != nil)
            #expect(journal.unwrittenAnswer == [1, 2])
            #expect(throws: IssuanceError.self) {
                try journal.recordIntent(.retiring(certificate: "old"), at: .retire)
            }
        }
        #expect(try journal.openOrder.order().state == .sending)
        try journal.recordIntent(.retiring(certificate: "old"), at: .retire)
        let order = try journal.openOrder.order()
        #expect(
            order.events.dropFirst().compactMap(\.event) == [
                sending, answer, .written(uri: "pkcs11:"), .retiring(certificate: "old"),
            ])
        #expect(journal.unwrittenAnswer == nil)
    }

    @Test("An order is sent once, unless the user requests a second one")
    func once() throws {
        let journal = try begin()
        try journal.recordIntent(sending, at: .order)
        let error = try #require(throws: IssuanceError.self) {
            try journal.recordIntent(self.sending, at: .order)
        }
        #expect(error.code == .orderPending)
        journal.recordFact(.notSent(reason: "no route"))
        try journal.recordIntent(sending, at: .order)
    }

    @Test("An order in use by another process is not continued")
    func inUse() throws {
        let journal = try begin()
        let ledger = try Ledger(path: path) { 1_800_000_000 }
        let error = try #require(throws: LedgerError.self) {
            _ = try ledger.open(journal.openOrder.number)
        }
        #expect(error.code == .inUse)
    }
}
