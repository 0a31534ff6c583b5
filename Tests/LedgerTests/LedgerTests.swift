import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertLedger

extension RealParts {
    @Suite struct LedgerTests {
        private let folder: TemporaryFolder
        private var path: String { folder.file("state/ledger.sqlite") }

        init() throws {
            folder = try TemporaryFolder()
        }

        private func open() throws -> Ledger { try Ledger(path: path) { 1_800_000_000 } }

        private func beginning(
            id: String = "01", job: OrderEvent.Job = .issue(.example())
        ) -> OrderEvent.Beginning {
            .example(job, id: id)
        }

        private let sending = OrderEvent.sending(
            .init(keyURI: "pkcs11:id=%01", publicKeyHash: "aa", request: "PEM", isRepeated: false))

        @Test("Every recorded event is read when the ledger is opened again")
        func everyEventIsKept() throws {
            let events: [OrderEvent] = [
                .made(publicKeyHash: "aa"), sending, .notSent(reason: "no route"), sending,
                .answered(.init(status: 200, body: [0, 255, 10], interruption: "reset")),
                .unclear(reason: "late"), .refused(reason: "no"),
                .certified(
                    .init(certificate: "PEM", others: "", changes: ["name asked “a”, got “b”"])),
                .requested(request: "PEM"), .chainWritten(certificate: "PEM"),
                .written(uri: "pkcs11:id=%01"),
                .proved(
                    .init(
                        uri: "pkcs11:", sha256Fingerprint: "bb", challenge: [1], signature: [2])),
                .retiring(certificate: "old"), .stopped(.init(step: "retire", reason: "removed")),
                .retired(certificate: "old"), .closed(reason: "over"),
                .revoked(
                    .init(sha256Fingerprint: "bb", serialNumber: "0a", ca: "https://ca.example")),
            ]
            var number: Int64 = 0
            do {
                let page = try open().begin(beginning())
                number = page.number
                for event in events { try page.record(event) }
            }
            let order = try open().order(number)
            #expect(order.events.compactMap(\.event) == [.begun(beginning())] + events)
            #expect(order.events.allSatisfy { $0.time == 1_800_000_000 })
            #expect(try open().verify().isEmpty)
        }

        /// Otherwise other users of the machine can read the orders.
        @Test("The ledger and its folder are accessible only to their owner")
        func privacy() throws {
            _ = try open().begin(beginning())
            let files = FileManager.default
            for (name, mode) in [("state", 0o700), ("state/ledger.sqlite", 0o600)] {
                let attributes = try files.attributesOfItem(atPath: folder.file(name))
                #expect(attributes[.posixPermissions] as? Int == mode)
            }
        }

        /// Otherwise an order that was sent is forgotten and placed again.
        @Test("A commit survives power loss")
        func durability() throws {
            let page = try open().begin(beginning())
            try page.record(sending)
            // Only in this mode is the write-ahead log synchronised with every commit.
            let mode = try run("sqlite3", [path, "PRAGMA journal_mode"])
            #expect(mode.output == "wal\n", "\(mode)")
            let copy = folder.file("other.sqlite")
            try run("sqlite3", [path, "VACUUM INTO '\(copy)'"])
            let trace = try run(
                "strace",
                [
                    "-f", "-e", "trace=fsync,fdatasync", product("tokencert"), "resume", "1",
                    "--abandon", "--ledger", copy,
                ])
            #expect(trace.status == 0, "\(trace.errors)")
            #expect(trace.errors.contains("sync("), "\(trace.errors)")
        }

        /// Otherwise a step can happen without a record of it.
        @Test("An intent is on the disk before its step is done")
        func durableBeforeTheStep() throws {
            let token = try ThrowawayToken()
            let ca = try StandIn()
            let log = token.folder.file("trace")
            let outcome = try run(
                "strace",
                [
                    "-f", "-y", "-o", log, "-e", "trace=pwrite64,fdatasync,fsync,sendto,write",
                    product("tokencert"), "issue", "--key-type", "rsa:2048",
                ],
                environment: token.tokencertEnvironment.merging(ca.tokencertEnvironment) { $1 })
            #expect(outcome.status == 0, "\(outcome.errors)")
            var isUnsynced = false
            var commits = 0
            var steps = 0
            for line in try token.folder.read("trace").split(separator: "\n") {
                if line.contains("ledger.sqlite-wal") {
                    let isSync = line.contains("sync(")
                    if isSync, isUnsynced { commits += 1 }
                    isUnsynced = !isSync
                } else if line.contains("sendto("),
                    line.contains("TCP") || line.contains("socket")
                        || line.contains(".object")
                {
                    steps += 1
                    #expect(!isUnsynced, "\(line)")
                } else if line.contains("write("), line.contains(".object") {
                    steps += 1
                    #expect(!isUnsynced, "\(line)")
                }
            }
            #expect(commits >= 5 && steps >= 5, "\(commits) commits, \(steps) steps")
        }

        /// Otherwise a manipulated ledger is trusted as evidence.
        @Test("A change to an event or an order is refused or found")
        func tampering() throws {
            do {
                let page = try open().begin(beginning())
                try page.record(sending)
                try page.record(.refused(reason: "no"))
            }
            for statement in [
                "UPDATE events SET content = '{\"reason\":\"yes\"}' WHERE sequence = 3",
                "DELETE FROM events WHERE sequence = 3", "DELETE FROM orders",
                "INSERT OR REPLACE INTO events SELECT sequence, orderNumber, 1, kind, content, hash "
                    + "FROM events WHERE sequence = 3",
                "INSERT OR REPLACE INTO orders SELECT number, job, token, '02', publicKeyHash, "
                    + "replacedHash, isFinished, state, events FROM orders",
            ] {
                let refused = try run("sqlite3", [path, statement])
                #expect(refused.errors.contains("are never"), "\(refused)")
            }
            #expect(try open().verify().isEmpty)
            let drop = "DROP TRIGGER eventsAreNotChanged; DROP TRIGGER eventsAreNotDeleted;"
            for (statement, finding) in [
                ("UPDATE orders SET keyID = '02'", "order 1 was changed"),
                ("UPDATE orders SET isFinished = 1", "order 1 was changed"),
                ("UPDATE events SET time = 1 WHERE sequence = 2", "event 2 was changed"),
                ("DELETE FROM events WHERE sequence = 3", "order 1 has 2 events instead of 3"),
                ("DELETE FROM events WHERE sequence = 2", "event 2 is missing"),
                ("SELECT 1", "the trigger eventsAreNotChanged is missing"),
                (
                    "INSERT INTO orders VALUES (2, 'issue', '', '', NULL, NULL, 0, 'begun', 0)",
                    "order 2 cannot be read: there is no order 2"
                ),
                (
                    "DELETE FROM events; DROP TRIGGER ordersAreNotDeleted; DELETE FROM orders",
                    "the last order, 1, is missing"
                ),
            ] {
                let copy = folder.file("copy.sqlite")
                try? FileManager.default.removeItem(atPath: copy)
                try FileManager.default.copyItem(atPath: path, toPath: copy)
                try run("sqlite3", [copy, drop + statement])
                let findings = try Ledger(path: copy) { 0 }.verify()
                #expect(findings.contains(finding), "\(statement): \(findings)")
            }
        }

        /// Otherwise the user gets, and may have to revoke, a second certificate.
        @Test("An order is sent a second time only if the user requests it")
        func orderedOnce() throws {
            let ledger = try open()
            let page = try ledger.begin(beginning())
            try page.record(sending)
            #expect(throws: LedgerError.self) { try page.record(sending) }
            try page.record(.unclear(reason: "late"))
            #expect(throws: LedgerError.self) { try page.record(sending) }
            try page.record(
                .sending(
                    .init(keyURI: "u", publicKeyHash: "aa", request: "PEM", isRepeated: true)))
        }

        /// Otherwise a certificate from the first order is forgotten.
        @Test("The result of a second order does not decide about the first one")
        func secondOrder() throws {
            let page = try open().begin(beginning())
            try page.record(sending)
            try page.record(.unclear(reason: "late"))
            try page.record(
                .sending(
                    .init(keyURI: "u", publicKeyHash: "aa", request: "PEM", isRepeated: true)))
            try page.record(.notSent(reason: "no route"))
            #expect(try page.order().state == .unclear)
            #expect(throws: LedgerError.self) { try page.record(sending) }
        }

        /// Otherwise an order that was never sent blocks its key for ever.
        @Test("A new order closes an order that was never sent, and no other one")
        func superseded() throws {
            let ledger = try open()
            let existing = beginning(job: .issue(.example(.existing(publicKeyHash: "aa"))))
            do { _ = try ledger.begin(existing) }
            do {
                let page = try ledger.begin(existing)
                #expect(try ledger.order(1).state == .closed)
                try page.record(sending)
            }
            // This one may have been sent.
            #expect(throws: LedgerError.self) { try ledger.begin(existing) }
        }

        /// Otherwise two renewals at the same time order two certificates.
        @Test("A certificate is replaced a second time only on request")
        func replacedOnce() throws {
            let ledger = try open()
            let job = OrderEvent.Job.renew(.example(), replacing: "PEM", isRetired: false)
            let page = try ledger.begin(beginning(job: job), replacingAgain: false)
            try page.record(
                .proved(.init(uri: "u", sha256Fingerprint: "f", challenge: [], signature: [])))
            let renewal = beginning(id: "02", job: job)
            #expect(throws: LedgerError.self) { try ledger.begin(renewal, replacingAgain: false) }
            _ = try ledger.begin(renewal)
        }

        /// Otherwise two processes order a certificate for the same key.
        @Test("A key has one open order, and an order is open in one process")
        func oneAtATime() throws {
            let ledger = try open()
            let page = try ledger.begin(beginning())
            #expect(throws: LedgerError.self) { try ledger.begin(beginning()) }
            #expect(throws: LedgerError.self) { try ledger.open(page.number) }
            #expect(throws: LedgerError.self) { try open().open(page.number) }
            // Another key is not affected.
            let other = try ledger.begin(beginning(id: "02"))
            try other.record(.closed(reason: "over"))
            try page.record(.closed(reason: "over"))
            _ = try ledger.begin(beginning())
        }

        /// Otherwise an order can never be resumed after a crash.
        @Test("An order can be opened again after its process has ended")
        func releasedOrders() throws {
            let ledger = try open()
            do { _ = try ledger.begin(beginning()) }
            let page = try ledger.open(1)
            #expect(try page.order().state == .begun)
        }

        @Test("The check for writing leaves no order behind")
        func rehearsal() throws {
            let ledger = try open()
            try ledger.requireWriting()
            #expect(try ledger.orders().isEmpty)
            #expect(try ledger.verify().isEmpty)
        }

        @Test("A ledger of an earlier version is migrated and verified")
        func earlierVersion() throws {
            do {
                let page = try open().begin(beginning())
                try page.record(sending)
            }
            try makeFirstVersion(path)
            let ledger = try open()
            #expect(try ledger.verify().isEmpty)
            #expect(try ledger.order(1).state == .sending)
            try ledger.open(1).record(.refused(reason: "no"))
            #expect(try ledger.verify().isEmpty)
        }

        /// Otherwise an older program damages a ledger that it does not understand.
        @Test("A ledger of a later version is refused")
        func laterVersion() throws {
            _ = try open()
            try run("sqlite3", [path, "PRAGMA user_version = \(Schema.version + 1)"])
            #expect(throws: LedgerError.self) { try open() }
        }
    }
}
