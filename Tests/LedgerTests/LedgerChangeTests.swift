import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertLedger
@testable import TokencertSQLite

/// Which changes to a ledger its verification finds: every change to an event, and every change to
/// the table of orders.
@Suite struct LedgerChangeTests {
    private let folder: TemporaryFolder
    private var path: String { folder.file("ledger.sqlite") }

    private static let sending = OrderEvent.sending(
        .init(keyURI: "pkcs11:id=%01", publicKeyHash: "aa", request: "PEM", isRepeated: false))

    init() throws {
        folder = try TemporaryFolder()
        let ledger = try Ledger(path: folder.file("ledger.sqlite")) { 1_800_000_000 }
        let order = try ledger.begin(.example())
        try order.record(.made(publicKeyHash: "aa"))
        try order.record(Self.sending)
        try order.record(.unclear(reason: "late"))
    }

    private func onDatabase<Result>(_ path: String, _ body: (Database) throws -> Result) throws
        -> Result
    {
        let database = try Database(writing: path)
        try database.execute("PRAGMA foreign_keys = OFF")
        return try body(database)
    }

    private static let withoutTriggers = Schema.triggers(ofVersion: Schema.version)
        .map { "DROP TRIGGER \($0); " }.joined()

    /// The findings in a copy of the ledger after a change, except missing triggers.
    private func findings(_ statements: String) throws -> [String] {
        let copy = folder.file("\(UUID().uuidString).sqlite")
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        try onDatabase(copy) { try $0.execute(Self.withoutTriggers + statements) }
        return try Ledger(reading: copy).verify().filter { !$0.hasPrefix("the trigger ") }
    }

    private func eventFindings(_ statements: String) throws -> [String] {
        try findings(statements).filter { $0.hasPrefix("event ") }
    }

    // Otherwise a trigger could drop what is recorded, and a crash would lead to a second order.
    @Test(
        "An object that no migration has made and a changed one are found",
        arguments: [
            (
                "CREATE TRIGGER t BEFORE INSERT ON events BEGIN SELECT RAISE(IGNORE); END",
                "the trigger t was added"
            ),
            ("CREATE VIEW v AS SELECT 1", "the view v was added"),
            ("DROP INDEX ordersOfKey", "the index ordersOfKey is missing"),
            (
                "DROP TRIGGER eventsAreNotChanged; CREATE TRIGGER eventsAreNotChanged BEFORE UPDATE "
                    + "ON events WHEN 0 BEGIN SELECT RAISE(ABORT, 'events are never changed'); END",
                "the trigger eventsAreNotChanged was changed"
            ),
        ])
    func schema(statements: String, finding: String) throws {
        let copy = folder.file("\(UUID().uuidString).sqlite")
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        try onDatabase(copy) { try $0.execute(statements) }
        #expect(try Ledger(reading: copy).verify() == [finding])
        #expect(try Ledger(reading: copy).verify(newest: 2).findings == [finding])
    }

    // Otherwise such a file would end the program.
    @Test(
        "An event with an impossible number is found",
        arguments: [Int64.max, Int64.min, 0, -5])
    func number(sequence: Int64) throws {
        let copy = folder.file("\(UUID().uuidString).sqlite")
        try FileManager.default.copyItem(atPath: path, toPath: copy)
        try onDatabase(copy) {
            try $0.execute(
                "INSERT INTO events VALUES (\(sequence), 1, 0, 'closed', '{}', 'x')")
        }
        let ledger = try Ledger(reading: copy)
        #expect(try ledger.verify().contains("event \(sequence) was added"))
        if sequence > 0 {
            #expect(throws: LedgerError.self) { try ledger.verify(newest: 2) }
            let writing = try Ledger(path: copy, clock: { 0 })
            #expect(throws: LedgerError.self) { try writing.begin(.example()) }
        }
    }

    @Test("An unchanged ledger has no findings")
    func unchanged() throws {
        #expect(try Ledger(reading: path).verify().isEmpty)
        #expect(try findings("SELECT 1").isEmpty)
    }

    @Test(
        "A change to any column of any event is found",
        arguments: [
            "time = time + 1", "kind = 'refused'", "content = content || ' '",
            "content = '{}'", "orderNumber = 9",
        ])
    func column(change: String) throws {
        for sequence in 1...4 {
            let found = try eventFindings(
                "UPDATE events SET \(change) WHERE sequence = \(sequence)")
            #expect(found == ["event \(sequence) was changed"], "\(change)")
        }
    }

    // Otherwise a change with a new hash for the changed event alone would not be found.
    @Test("A replaced hash is found and breaks the chain at the next event")
    func replacedHash() throws {
        #expect(
            try eventFindings("UPDATE events SET hash = 'x' WHERE sequence = 2")
                == ["event 2 was changed", "event 3 was changed"])
        let previous = try onDatabase(path) {
            try $0.values("SELECT hash FROM events WHERE sequence = 1", as: String.self).first
        }
        let forged = HashChain.hash(
            after: try #require(previous), sequence: 2, order: 1, time: 1_800_000_000,
            kind: "made", text: #"{"publicKeyHash":"bb"}"#)
        let found = try eventFindings(
            """
            UPDATE events SET content = '{"publicKeyHash":"bb"}', hash = '\(forged)'
            WHERE sequence = 2
            """)
        #expect(found == ["event 3 was changed"])
    }

    @Test("Removed, moved, exchanged and added events are found")
    func rows() throws {
        #expect(
            try eventFindings("DELETE FROM events WHERE sequence = 2")
                == ["event 2 is missing", "event 3 was changed"])
        #expect(
            try eventFindings("DELETE FROM events WHERE sequence = 1").first
                == "event 1 is missing")
        #expect(
            try eventFindings("UPDATE events SET sequence = 9 WHERE sequence = 4")
                == ["event 4 is missing", "event 9 was changed"])
        let exchanged = try eventFindings(
            """
            UPDATE events SET sequence = 10 WHERE sequence = 2;
            UPDATE events SET sequence = 2 WHERE sequence = 3;
            UPDATE events SET sequence = 3 WHERE sequence = 10
            """)
        #expect(exchanged.prefix(2) == ["event 2 was changed", "event 3 was changed"])
        let added = try findings(
            "INSERT INTO events VALUES (5, 1, 1800000000, 'closed', '{\"reason\":\"r\"}', 'x')")
        #expect(added == ["event 5 was changed", "order 1 has 5 events instead of 4"])
    }

    @Test(
        "A change to any column of the orders that follows from the events is found",
        arguments: [
            "job = 'renew'", "token = 'pkcs11:token=other'", "keyID = '02'",
            "publicKeyHash = 'bb'", "publicKeyHash = NULL", "replacedHash = 'cc'",
            "isFinished = 1", "state = 'refused'",
        ])
    func orderColumn(change: String) throws {
        #expect(
            try findings("UPDATE orders SET \(change)") == ["order 1 was changed"], "\(change)")
    }

    @Test("Removed, renumbered and miscounted orders are found")
    func orders() throws {
        #expect(
            try findings("UPDATE orders SET events = 3")
                == ["order 1 has 4 events instead of 3"])
        #expect(
            try findings("DELETE FROM orders")
                == ["order 1 is missing", "the last order, 1, is missing"])
        #expect(
            try findings("UPDATE orders SET number = 2")
                == ["order 1 is missing", "order 2 has 0 events instead of 4"])
    }

    @Test("Each missing trigger is named")
    func triggers() throws {
        for name in Schema.triggers(ofVersion: Schema.version) {
            let copy = folder.file("\(name).sqlite")
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            try onDatabase(copy) { try $0.execute("DROP TRIGGER \(name)") }
            #expect(try Ledger(reading: copy).verify() == ["the trigger \(name) is missing"])
        }
    }

    // The chain itself cannot show that its end was cut off, so the user keeps the end elsewhere.
    @Test("An end of the chain kept elsewhere reveals that an old copy was restored")
    func end() throws {
        let old = folder.file("old.sqlite")
        try FileManager.default.copyItem(atPath: path, toPath: old)
        let before = try Ledger(reading: path).end()
        #expect(before.events == 4)
        do { try Ledger(path: path) { 0 }.open(1).record(.refused(reason: "no")) }
        let now = try Ledger(reading: path)
        let after = try now.end()
        #expect(after.events == 5 && after.hash != before.hash)
        let (first, last) = (try #require(before.hash), try #require(after.hash))
        #expect(try now.hasEvent(withHash: first))
        #expect(try now.hasEvent(withHash: last))
        let returned = try Ledger(reading: old)
        #expect(try returned.verify().isEmpty)
        #expect(try !returned.hasEvent(withHash: last))
        #expect(try returned.hasEvent(withHash: first))
        #expect(try !returned.hasEvent(withHash: ""))
    }

    // Otherwise one version reports the ledger of another version as changed.
    @Test("The effects of an event of a later version are not reported as a change")
    func laterEvent() throws {
        let end = try #require(try Ledger(reading: path).end().hash)
        let hash = HashChain.hash(
            after: end, sequence: 5, order: 1, time: 0, kind: "posted", text: "{}")
        let add = """
            INSERT INTO events VALUES (5, 1, 0, 'posted', '{}', '\(hash)');
            UPDATE orders SET events = 5
            """
        #expect(try findings(add).isEmpty)
        let later = "; UPDATE orders SET state = 'posted', isFinished = 1, publicKeyHash = 'dd'"
        #expect(try findings(add + later).isEmpty)
        // The effects of the beginning are known.
        #expect(
            try findings(add + "; UPDATE orders SET keyID = '02'") == ["order 1 was changed"])
    }

    // MARK: Unreadable orders

    @Test("An order without a valid beginning is damage, unless a later version started it")
    func beginnings() throws {
        for (change, code) in [
            ("kind = 'made'", .damaged), ("content = '{}'", .damaged), ("content = ''", .damaged),
            ("content = '[]'", .damaged), (#"content = '{"job":1}'"#, .damaged),
            (#"content = '{"job":"revoke"}'"#, .newer), ("kind = 'started'", .damaged),
        ] as [(String, LedgerError.Code)] {
            let copy = folder.file("\(UUID().uuidString).sqlite")
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            try onDatabase(copy) {
                try $0.execute(
                    Self.withoutTriggers + "UPDATE events SET \(change) WHERE sequence = 1")
            }
            let ledger = try Ledger(reading: copy)
            let error = #expect(throws: LedgerError.self) { _ = try ledger.order(1) }
            #expect(error?.code == code && error?.order == 1, "\(change)")
            let all = #expect(throws: LedgerError.self) { _ = try ledger.orders() }
            #expect(all?.code == code && all?.order == 1, "\(change)")
        }
    }

    @Test("The error names an order that is not in the ledger")
    func noSuchOrder() throws {
        let ledger = try Ledger(path: path) { 0 }
        for number: Int64 in [0, 2, -1, .max] {
            let error = #expect(throws: LedgerError.self) { _ = try ledger.order(number) }
            #expect(error?.code == .noSuchOrder && error?.order == number)
            let opened = #expect(throws: LedgerError.self) { _ = try ledger.open(number) }
            #expect(opened?.code == .noSuchOrder)
        }
    }

    /// Writes a ledger with three orders for each of three courses.
    private func writeSeveralOrders(_ file: String) throws {
        let ledger = try Ledger(path: file) { 1_800_000_000 }
        func begin(_ job: OrderEvent.Job, _ number: Int, _ events: [OrderEvent]) throws {
            let order = try ledger.begin(
                .example(job, on: "pkcs11:token=work-\(number)", id: "0\(number)"))
            for event in events { try order.record(event) }
        }
        for number in 1...3 {
            try begin(
                .issue(.example()), number,
                [
                    .made(publicKeyHash: "0a"), .found(publicKeyHash: "a\(number)"),
                    .sending(
                        .init(
                            keyURI: "pkcs11:", publicKeyHash: "b\(number)", request: "PEM",
                            isRepeated: number == 3)),
                    .refused(reason: "no"),
                ])
            try begin(
                .renew(
                    .example(.existing(publicKeyHash: "c\(number)")), replacing: "PEM \(number)",
                    isRetired: false), number + 3, [.closed(reason: "over")])
            try begin(
                .issue(.example(.existing(publicKeyHash: "d\(number)"))), number + 6, [])
        }
    }

    // Otherwise an order that no command can read would count as intact.
    @Test("An order that cannot be read is found beside one with an equal course")
    func unreadableBesideOther() throws {
        let file = folder.file("several.sqlite")
        try writeSeveralOrders(file)
        for content in [
            "json_remove(content, '$.modulePath')", "json_set(content, '$.emailAddresses', 1)",
            "'{}'", "'x'",
        ] {
            let copy = folder.file("\(UUID().uuidString).sqlite")
            try FileManager.default.copyItem(atPath: file, toPath: copy)
            try onDatabase(copy) {
                try $0.execute(
                    Self.withoutTriggers
                        + "UPDATE events SET content = \(content) WHERE kind = 'begun' "
                        + "AND orderNumber = 4")
            }
            #expect(
                try Ledger(reading: copy).verify().contains {
                    $0.hasPrefix("order 4 cannot be read")
                }, "\(content)")
        }
    }

    // Otherwise only the first order of each kind would be compared with its row.
    @Test("A change to any of several orders with equal courses is found")
    func severalOrders() throws {
        let file = folder.file("several.sqlite")
        try writeSeveralOrders(file)
        #expect(try Ledger(reading: file).verify().isEmpty)
        let states = try Ledger(reading: file).orders().map(\.state.name)
        // After a repeated sending, a refusal is unclear.
        #expect(states.filter { $0 == "unclear" }.count == 1)
        for number in 1...9 {
            for change in [
                "state = 'done'", "isFinished = NOT isFinished", "isFinished = 2",
                "publicKeyHash = 'ff'",
                "publicKeyHash = NULL", "token = 'pkcs11:'", "keyID = 'ff'", "job = 'copy'",
                "replacedHash = 'ff'",
            ] {
                let copy = folder.file("copy.sqlite")
                try? FileManager.default.removeItem(atPath: copy)
                try FileManager.default.copyItem(atPath: file, toPath: copy)
                try onDatabase(copy) {
                    try $0.execute("UPDATE orders SET \(change) WHERE number = \(number)")
                }
                #expect(
                    try Ledger(reading: copy).verify() == ["order \(number) was changed"],
                    "order \(number), \(change)")
            }
        }
    }
}
