import Testing
import TokencertTestSupport

@testable import TokencertLedger

/// Which orders exclude each other, and which are superseded.
@Suite struct ReservationTests {
    private static let work = "pkcs11:model=m;serial=1;token=work"
    private static let other = "pkcs11:model=m;serial=2;token=work"

    private let folder: TemporaryFolder
    private let ledger: Ledger

    init() throws {
        folder = try TemporaryFolder()
        ledger = try Ledger(path: folder.file("ledger.sqlite")) { 1_800_000_000 }
    }

    private static func sending(_ hash: String) -> OrderEvent {
        .sending(
            .init(keyURI: "pkcs11:", publicKeyHash: hash, request: "PEM", isRepeated: false))
    }

    private func existing(
        _ hash: String, on token: String = ReservationTests.work, id: String = "01",
        replacing pem: String? = nil
    ) -> OrderEvent.Beginning {
        let issue = OrderEvent.Issue.example(.existing(publicKeyHash: hash))
        let job = pem.map { OrderEvent.Job.renew(issue, replacing: $0, isRetired: false) }
        return .example(job ?? .issue(issue), on: token, id: id)
    }

    /// Begins an order, records events and releases the order.
    @discardableResult
    private func begin(
        _ beginning: OrderEvent.Beginning, _ events: [OrderEvent] = []
    ) throws -> Int64 {
        let order = try ledger.begin(beginning)
        for event in events { try order.record(event) }
        return order.number
    }

    /// The first order for a key besides a known one, or nil.
    private func other(forKey hash: String, besides number: Int64) throws -> Int64? {
        try ledger.orders(forKeys: [hash]).first { $0.number != number }?.number
    }

    /// The order that prevents another one, or nil.
    private func obstacle(_ reservation: Reservation) throws -> Int64? {
        do throws(LedgerError) {
            try ledger.requireMayBegin(reservation)
            return nil
        } catch {
            #expect(error.code == .unfinished)
            let order = error.order
            #expect(order != nil)
            return order
        }
    }

    // Otherwise two certificates are ordered for one key, or two keys get one id.
    @Test(
        "An order that may have been sent excludes others for its key, its id and its certificate")
    func exclusion() throws {
        let number = try begin(
            existing("aa", replacing: "OLD"), [Self.sending("aa"), .unclear(reason: "late")])
        let excluded: [(Reservation, Bool)] = [
            // The same id on the same token, with any label.
            (Reservation(token: Self.work, keyID: "01"), true),
            (Reservation(token: "pkcs11:model=m;serial=1;token=new", keyID: "01"), true),
            (Reservation(token: Self.other, keyID: "01"), false),
            (Reservation(token: Self.work, keyID: "02"), false),
            (Reservation(token: Self.work, keyID: "0101"), false),
            (Reservation(token: Self.work, keyID: ""), false),
            // The same key and the same certificate, on any token.
            (Reservation(token: Self.other, keyID: "02", publicKeyHash: "aa"), true),
            (Reservation(token: Self.other, keyID: "02", publicKeyHash: "bb"), false),
            (Reservation(token: Self.other, keyID: "", publicKeyHash: "aa"), true),
            (Reservation(token: Self.other, keyID: "02", replacing: "OLD"), true),
            (Reservation(token: Self.other, keyID: "02", replacing: "old"), false),
        ]
        for (reservation, isExcluded) in excluded {
            let found = try obstacle(reservation)
            #expect(found == (isExcluded ? number : nil), "\(reservation)")
        }
    }

    @Test("Keys without an id exclude each other only by their public keys")
    func withoutID() throws {
        let number = try begin(existing("aa", id: ""), [Self.sending("aa")])
        #expect(try obstacle(existing("bb", id: "").reservation) == nil)
        #expect(try obstacle(existing("aa", id: "").reservation) == number)
        // Unknown values of two orders are not equal.
        let request = try begin(.example(.request(newKeyKind: "rsa:3072"), on: Self.work, id: "03"))
        #expect(try obstacle(Reservation(token: Self.work, keyID: "")) == nil)
        #expect(try obstacle(Reservation(token: Self.work, keyID: "03")) == request)
    }

    @Test("An order excludes others until it is finished")
    func states() throws {
        let finished: [[OrderEvent]] = [
            [.closed(reason: "r")], [Self.sending("aa"), .refused(reason: "r")],
            [Self.sending("aa"), .closed(reason: "r")],
            [
                Self.sending("aa"),
                .proved(.init(uri: "u", sha256Fingerprint: "f", challenge: [], signature: [])),
            ],
        ]
        for events in finished {
            try begin(existing("aa"), events)
            #expect(try obstacle(existing("aa").reservation) == nil, "\(events.map(\.kind))")
        }
        let number = try begin(existing("aa"), [Self.sending("aa")])
        #expect(try obstacle(existing("aa").reservation) == number)
    }

    @Test("An order for a new key excludes others for its id even before it is sent")
    func newKey() throws {
        let number = try begin(.example(on: Self.work))
        #expect(try obstacle(Reservation(token: Self.work, keyID: "01")) == number)
        #expect(throws: LedgerError.self) { try begin(.example(on: Self.work)) }
        #expect(try ledger.order(number).state == .begun)
    }

    // MARK: Superseded orders

    @Test("Checking whether an order may begin closes no other order")
    func onlyAsking() throws {
        let number = try begin(existing("aa"))
        #expect(try obstacle(existing("aa").reservation) == nil)
        #expect(try ledger.order(number).isFinished == false)
    }

    @Test("A new order closes every order that was never sent, with a reason")
    func givingWay() throws {
        let first = try begin(existing("aa", id: "01"))
        let second = try begin(
            existing("bb", id: "02"), [.signed(.init(publicKeyHash: "bb", request: "PEM"))])
        let third = try begin(
            existing("cc", id: "03"), [Self.sending("cc"), .notSent(reason: "no route")])
        let apart = try begin(existing("dd", id: "04"))
        // The first has the id, the second the key.
        let new = try begin(existing("bb", id: "01"))
        for number in [first, second] {
            let order = try ledger.order(number)
            #expect(order.state == .closed)
            #expect(order.reason == "another order for the key was started")
        }
        #expect(try ledger.order(third).state == .notSent)
        try begin(existing("cc", id: "03"))
        #expect(try ledger.order(third).state == .closed)
        #expect(try ledger.orders(unfinishedOnly: true).map(\.number) == [apart, new, new + 1])
        #expect(try ledger.verify().isEmpty)
    }

    // Otherwise an order is closed although the new one does not begin.
    @Test("If one order prevents the new one, no order is closed")
    func allOrNothing() throws {
        let unsent = try begin(existing("aa", id: "01"))
        let both = existing("bb", id: "01")
        // While a process works on the order, there is nothing that the user could finish.
        func work() throws -> Int64 {
            let worked = try ledger.begin(existing("bb", id: "02"))
            let inUse = #expect(throws: LedgerError.self) { _ = try ledger.begin(both) }
            #expect(inUse?.code == .inUse && inUse?.order == worked.number)
            #expect(try ledger.order(unsent).isFinished == false)
            try worked.record(Self.sending("bb"))
            let isSent = #expect(throws: LedgerError.self) { _ = try ledger.begin(both) }
            #expect(isSent?.code == .inUse && isSent?.order == worked.number)
            return worked.number
        }
        let number = try work()
        let sent = #expect(throws: LedgerError.self) { _ = try ledger.begin(both) }
        #expect(sent?.code == .unfinished && sent?.order == number)
        #expect(try ledger.order(unsent).isFinished == false)
        #expect(try ledger.orders().count == 2)
    }

    // MARK: Replacing again

    @Test("A certificate counts as replaced only if the token has proved the new one")
    func replaced() throws {
        let renewal = existing("aa", replacing: "OLD")
        func check() -> LedgerError? {
            do throws(LedgerError) {
                try ledger.requireMayBegin(renewal.reservation, replacingAgain: false)
                return nil
            } catch {
                return error
            }
        }
        try begin(renewal, [Self.sending("aa"), .refused(reason: "r")])
        #expect(check() == nil)
        let number = try begin(
            renewal,
            [
                Self.sending("aa"),
                .proved(.init(uri: "u", sha256Fingerprint: "f", challenge: [], signature: [])),
            ])
        let error = check()
        #expect(error?.code == .alreadyReplaced && error?.order == number)
        #expect(throws: Never.self) { try ledger.requireMayBegin(renewal.reservation) }
        // An order that replaces nothing is not affected.
        #expect(throws: Never.self) {
            try ledger.requireMayBegin(existing("aa").reservation, replacingAgain: false)
        }
    }

    // MARK: Orders of a key

    @Test("The other order for a key is the first one, in any state")
    func ofKey() throws {
        let first = try begin(existing("aa"), [.closed(reason: "r")])
        let second = try begin(existing("aa"), [.closed(reason: "r")])
        #expect(try other(forKey: "aa", besides: second) == first)
        #expect(try other(forKey: "aa", besides: first) == second)
        #expect(try other(forKey: "aa", besides: 99) == first)
        #expect(try other(forKey: "bb", besides: first) == nil)
        // A new key is known after it was created.
        let new = try ledger.begin(.example(on: Self.work, id: "07"))
        #expect(try other(forKey: "ee", besides: first) == nil)
        try new.record(.made(publicKeyHash: "ee"))
        #expect(try other(forKey: "ee", besides: first) == new.number)
        #expect(try other(forKey: "ee", besides: new.number) == nil)
    }
}
