import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertLedger

extension RealParts {
    /// Reading a ledger changes nothing.
    @Suite struct LedgerReadingTests {
        private let folder: TemporaryFolder
        private var path: String { folder.file("ledger.sqlite") }

        init() throws {
            folder = try TemporaryFolder()
        }

        private func open() throws -> Ledger { try Ledger(path: path) { 1_800_000_000 } }

        private func beginning(isNew: Bool = true, id: String = "01") -> OrderEvent.Beginning {
            let key = OrderEvent.Key.existing(publicKeyHash: "aa")
            return .example(.issue(isNew ? .example() : .example(key)), id: id)
        }

        private func sending(again isRepeated: Bool = false) -> OrderEvent {
            .sending(
                .init(
                    keyURI: "pkcs11:id=%01", publicKeyHash: "aa", request: "PEM",
                    isRepeated: isRepeated))
        }

        /// Names, sizes, times and modes of everything in the folder.
        private func state() throws -> [String: [String]] {
            let files = FileManager.default
            var state: [String: [String]] = [:]
            for name in try files.contentsOfDirectory(atPath: folder.path) {
                let attributes = try files.attributesOfItem(atPath: folder.file(name))
                state[name] = [FileAttributeKey.size, .modificationDate, .posixPermissions].map {
                    "\(attributes[$0] ?? "")"
                }
            }
            return state
        }

        private func code(_ body: () throws -> Void) -> String {
            do {
                try body()
                return "none"
            } catch {
                return (error as? LedgerError)?.code.description ?? "\(error)"
            }
        }

        // Otherwise a mistyped name yields an empty ledger.
        @Test("A missing ledger is an error for a reader, and is not created")
        func absent() throws {
            let other = folder.file("none/ledger.sqlite")
            #expect(code { _ = try Ledger(reading: other) } == "absent")
            #expect(code { _ = try Ledger(reading: path) } == "absent")
            #expect(try state().isEmpty)
            try folder.write("", "ledger.sqlite")
            #expect(code { _ = try Ledger(reading: path) } == "absent")
            try folder.write("no database at all, but long enough to be one", "ledger.sqlite")
            #expect(code { _ = try Ledger(reading: path) } == "damaged")
        }

        // Otherwise examining evidence changes it.
        @Test("Reading changes no byte, mode or time, and creates no file next to the ledger")
        func unchanged() throws {
            do {
                let order = try open().begin(beginning())
                try order.record(sending())
            }
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o644], ofItemAtPath: path)
            try? FileManager.default.removeItem(atPath: path + ".lock")
            let before = try state()
            #expect(before.keys.sorted() == ["ledger.sqlite"])
            let ledger = try Ledger(reading: path)
            #expect(try ledger.orders().map(\.state) == [.sending])
            #expect(try ledger.orders(unfinishedOnly: true).count == 1)
            #expect(try ledger.verify().isEmpty)
            #expect(try ledger.end().events == 2)
            #expect(try ledger.wasSent(forKey: "aa", id: "01"))
            #expect(code { try ledger.requireMayBegin(beginning().reservation) } == "unfinished")
            #expect(try state() == before)
            // A reader also cannot write.
            #expect(code { _ = try ledger.begin(beginning()) } == "unusable")
            #expect(code { try ledger.requireWriting() } == "unusable")
        }

        // Otherwise an order that another process has just sent is missed.
        @Test("A reader sees what another process has just written")
        func whileWriting() throws {
            let writer = try open()
            let order = try writer.begin(beginning())
            let reader = try Ledger(reading: path)
            #expect(try reader.order(1).state == .begun)
            try order.record(sending())
            #expect(try reader.order(1).state == .sending)
            try order.record(.refused(reason: "no"))
            #expect(try reader.order(1).state == .refused)
            #expect(try reader.verify().isEmpty)
        }

        @Test("The newest orders are read oldest first, with the number of older ones")
        func newest() throws {
            let ledger = try open()
            for number in 1...4 {
                _ = try ledger.begin(beginning(id: "0\(number)"))
                // An order that is rolled back leaves no gap in the numbers.
                try ledger.requireWriting()
            }
            for (most, numbers, older) in [(1, [4], 3), (3, [2, 3, 4], 1), (9, [1, 2, 3, 4], 0)]
                as [(Int, [Int64], Int)]
            {
                let newest = try Ledger(reading: path).newestOrders(most)
                #expect(newest.orders.map(\.number) == numbers && newest.older == older)
            }
        }

        @Test("A ledger of version 1 is read and verified unchanged, and migrated only by a writer")
        func earlierVersion() throws {
            do { try open().begin(beginning()).record(sending()) }
            try makeFirstVersion(path)
            let before = try state()
            let ledger = try Ledger(reading: path)
            #expect(try ledger.verify().isEmpty)
            #expect(try ledger.order(1).state == .sending)
            #expect(try state() == before)
            #expect(try run("sqlite3", [path, "PRAGMA user_version"]).output == "1\n")
            // The guarantees of version 1 are still enforced.
            try run("sqlite3", [path, "DROP TRIGGER eventsAreNotChanged"])
            #expect(
                try Ledger(reading: path).verify() == ["the trigger eventsAreNotChanged is missing"]
            )
            _ = try open()
            let version = try run("sqlite3", [path, "PRAGMA user_version"]).output
            #expect(version == "\(Schema.version)\n")
        }

        @Test("A file name may contain characters that are special in a URI")
        func oddNames() throws {
            let odd = folder.file("50%25 a?b#c ü;mode=rw.sqlite")
            do { _ = try Ledger(path: odd) { 0 }.begin(beginning()) }
            let before = try state()
            #expect(try Ledger(reading: odd).orders().count == 1)
            #expect(try state() == before)
        }

        // Otherwise an unfinished order is forgotten because its row is lost.
        @Test(
            "Orders are not listed if the last ones or the events are lost",
            arguments: ["DELETE FROM orders WHERE number = 2", "DELETE FROM events"])
        func incomplete(change: String) throws {
            do {
                let ledger = try open()
                for id in ["01", "02"] {
                    let order = try ledger.begin(beginning(id: id))
                    try order.record(.closed(reason: "given up"))
                }
            }
            #expect(try Ledger(reading: path).orders(unfinishedOnly: true).isEmpty)
            try run(
                "sqlite3",
                [
                    path,
                    "DROP TRIGGER eventsAreNotDeleted; DROP TRIGGER ordersAreNotDeleted; \(change)",
                ])
            let ledger = try Ledger(reading: path)
            for isUnfinished in [true, false] {
                #expect(
                    code { _ = try ledger.orders(unfinishedOnly: isUnfinished) } == "damaged")
                #expect(
                    code { _ = try ledger.orderNumbers(unfinishedOnly: isUnfinished) } == "damaged")
            }
        }

        // Otherwise two processes work on one order, and both send it.
        @Test("An order is locked under every name of its ledger")
        func twoNames() throws {
            let link = folder.file("link.sqlite")
            let ledger = try open()
            let order = try ledger.begin(beginning())
            try FileManager.default.createSymbolicLink(
                atPath: link, withDestinationPath: path)
            #expect(code { _ = try Ledger(path: link) { 0 }.open(order.number) } == "inUse")
        }

        // Otherwise the order could return to its state before it was sent.
        @Test("An event of a later version blocks only its own order")
        func unknownEvent() throws {
            do { _ = try open().begin(beginning(isNew: false)) }
            let insert = """
                INSERT INTO events VALUES (2, 1, 0, 'posted', '{}', 'x');
                UPDATE orders SET events = 2
                """
            try run("sqlite3", [path, insert])
            let ledger = try open()
            let order = try ledger.order(1)
            #expect(order.unknownEvent == "posted")
            #expect(order.mayHaveOrdered && order.wasSent)
            #expect(code { _ = try ledger.open(1) } == "newer")
            // A new order does not close it.
            #expect(code { _ = try ledger.begin(beginning(isNew: false)) } == "unfinished")
            let next = try ledger.begin(beginning(id: "02"))
            try next.record(sending())
            try run(
                "sqlite3",
                [path, "INSERT INTO events VALUES (9, 2, 0, 'posted', '{}', 'y')"])
            #expect(code { try next.record(.refused(reason: "no")) } == "newer")
            // The next step of the order depends on this.
            #expect(code { _ = try next.order() } == "newer")
        }

        // Otherwise an order is continued with the wrong key or CA.
        @Test("An invalid beginning is damage, and the error names the order")
        func impossibleBeginning() throws {
            do {
                let ledger = try open()
                _ = try ledger.begin(beginning())
                _ = try ledger.begin(beginning(id: "02"))
            }
            let change = """
                DROP TRIGGER eventsAreNotChanged;
                UPDATE events SET content = replace(content, '"issue"', '"request"')
                WHERE orderNumber = 2
                """
            try run("sqlite3", [path, change])
            let ledger = try Ledger(reading: path)
            for read in [{ _ = try ledger.order(2) }, { _ = try ledger.orders() }]
                as [() throws -> Void]
            {
                let error = #expect(throws: LedgerError.self) { try read() }
                #expect(error?.code == .newer && error?.order == 2)
                #expect(error?.reason.contains("order 2") == true, "\(error?.reason ?? "")")
            }
            #expect(try ledger.order(1).beginning == beginning())
            let findings = try ledger.verify()
            #expect(
                findings.contains(
                    "order 2 cannot be read: the first event of order 2 is not readable by this version of tokencert"
                ))
        }

        // Otherwise two orders share one key.
        @Test("An order blocks its key id on a token even if the token's label changes")
        func renamedToken() throws {
            func beginning(_ token: String) -> OrderEvent.Beginning { .example(on: token) }
            let ledger = try open()
            do { _ = try ledger.begin(beginning("pkcs11:model=m;serial=1;token=work")) }
            let renamed = beginning("pkcs11:model=m;serial=1;token=new")
            #expect(code { _ = try ledger.begin(renamed) } == "unfinished")
            #expect(code { try ledger.requireMayBegin(renamed.reservation) } == "unfinished")
            let other = beginning("pkcs11:model=m;serial=2;token=work")
            #expect(code { _ = try ledger.begin(other) } == "none")
        }

        @Test("Every order for a key counts for whether a request was sent")
        func sent() throws {
            let ledger = try open()
            func expectSent(_ isSent: Bool, _ events: [OrderEvent]) throws {
                let order = try ledger.begin(beginning())
                for event in events { try order.record(event) }
                #expect(try order.order().wasSent == isSent, "\(events)")
                try order.record(.closed(reason: "over"))
                #expect(try order.order().wasSent == isSent, "\(events)")
            }
            try expectSent(false, [.made(publicKeyHash: "aa")])
            try expectSent(false, [sending(), .notSent(reason: "no route")])
            #expect(try !ledger.wasSent(forKey: "aa", id: "01"))
            try expectSent(true, [sending()])
            try expectSent(true, [sending(), .refused(reason: "no")])
            try expectSent(
                true,
                [
                    sending(), .unclear(reason: "late"), sending(again: true),
                    .notSent(reason: "no route"),
                ])
            try expectSent(true, [.requested(request: "PEM")])
            #expect(try ledger.wasSent(forKey: "aa", id: "03"))
            #expect(try ledger.wasSent(forKey: nil, id: "01"))
            #expect(try !ledger.wasSent(forKey: "bb", id: "03"))
        }

        @Test("Checking whether a ledger can be written creates nothing")
        func rehearsal() throws {
            try Ledger.requireWritable(folder.file("a/b/ledger.sqlite"))
            #expect(try state().isEmpty)
            try folder.write("", "file")
            #expect(
                code { try Ledger.requireWritable(folder.file("file/ledger.sqlite")) }
                    == "unusable")
            do { _ = try open() }
            let before = try state()
            try Ledger.requireWritable(path)
            #expect(try state() == before)
            try run("sqlite3", [path, "PRAGMA user_version = 9"])
            #expect(code { try Ledger.requireWritable(path) } == "newer")
        }
    }
}
