import Testing
import TokencertTestSupport

@testable import TokencertLedger

/// The state of an order follows from its events.
@Suite struct OrderStateTests {
    private static func sending(_ isRepeated: Bool) -> OrderEvent {
        .sending(
            .init(
                keyURI: "pkcs11:id=%01", publicKeyHash: "aa", request: "PEM",
                isRepeated: isRepeated))
    }

    /// One event of each kind; `sending` appears twice, for a first and a second order.
    private static let events: [OrderEvent] = [
        .made(publicKeyHash: "aa"), sending(false), sending(true), .notSent(reason: "r"),
        .answered(.init(status: 200, body: [0, 255], interruption: "reset")),
        .refused(reason: "r"), .unclear(reason: "r"),
        .certified(.init(certificate: "PEM", others: "", changes: ["name"])),
        .chainWritten(certificate: "PEM"), .requested(request: "PEM"),
        .written(uri: "pkcs11:"),
        .proved(.init(uri: "pkcs11:", sha256Fingerprint: "f", challenge: [1], signature: [2])),
        .retiring(certificate: "old"), .retired(certificate: "old"),
        .stopped(.init(step: "write", reason: "r")), .closed(reason: "r"),
        .found(publicKeyHash: "aa"), .signed(.init(publicKeyHash: "aa", request: "PEM")), revoked,
    ]

    private static let revoked = OrderEvent.revoked(
        .init(sha256Fingerprint: "f", serialNumber: "0a", ca: "https://ca.example"))

    private func order(
        _ events: [OrderEvent], retiring: Bool = false, newKey: Bool = true
    ) throws -> Order {
        let issue = OrderEvent.Issue.example(
            newKey ? .new(kind: "rsa:3072") : .existing(publicKeyHash: "aa"))
        let beginning = OrderEvent.Beginning.example(
            retiring ? .renew(issue, replacing: "PEM", isRetired: true) : .issue(issue))
        return try #require(
            Order(
                number: 1,
                events: try ([.begun(beginning)] + events).enumerated().map {
                    RecordedEvent(
                        sequence: Int64($0 + 1), time: Int64($0), kind: $1.kind,
                        text: try $1.encoded())
                }))
    }

    @Test("Every event survives encoding and decoding")
    func roundTrip() throws {
        for event in Self.events {
            #expect(OrderEvent(kind: event.kind, encoded: try event.encoded()) == event)
        }
        #expect(OrderEvent(kind: "made", encoded: "{}") == nil)
        #expect(OrderEvent(kind: "posted", encoded: "{}") == nil)
    }

    // Otherwise a second certificate is ordered for a key that has one.
    @Test("After an order was sent, only an answer or the user leads back to an unsent state")
    func noWayBack() throws {
        for first in Self.events {
            for second in Self.events {
                let history = [Self.sending(false), first]
                let before = try order(history)
                let after = try order(history + [second])
                guard before.mayHaveOrdered, !after.mayHaveOrdered else { continue }
                switch second {
                case .notSent, .refused, .closed: break
                default: Issue.record("\(first.kind), then \(second.kind)")
                }
            }
        }
    }

    @Test("A second order that is refused or not sent leaves the outcome of the first unknown")
    func secondOrder() throws {
        for end in [OrderEvent.refused(reason: "r"), .notSent(reason: "r")] {
            let first = try order([Self.sending(false), end])
            #expect(!first.mayHaveOrdered)
            let second = try order(
                [Self.sending(false), .unclear(reason: "late"), Self.sending(true), end])
            #expect(second.state == .unclear && second.mayHaveOrdered && second.mayBringCertificate)
        }
    }

    @Test("A stop and a chain certificate do not change the state of an order")
    func notes() throws {
        for event in Self.events {
            let before = try order([event])
            for note in [Self.events[8], Self.events[14]] {
                #expect(try order([event, note]).state == before.state, "\(event.kind)")
            }
        }
    }

    // Otherwise a revocation would reopen a finished order, or end one that has work left.
    @Test("A revocation changes neither the state of an order nor whether it is finished")
    func revocation() throws {
        for (retiring, newKey) in [(false, true), (false, false), (true, true)] {
            for first in Self.events {
                for second in Self.events {
                    let events = [first, second]
                    let before = try order(events, retiring: retiring, newKey: newKey)
                    let after = try order(
                        events + [Self.revoked], retiring: retiring, newKey: newKey)
                    let place = "\(events.map(\.kind))"
                    #expect(after.state == before.state, "\(place)")
                    #expect(after.isFinished == before.isFinished, "\(place)")
                    #expect(after.mayHaveOrdered == before.mayHaveOrdered, "\(place)")
                    #expect(after.mayBringCertificate == before.mayBringCertificate, "\(place)")
                    #expect(after.wasSent == before.wasSent, "\(place)")
                }
            }
        }
    }

    // Otherwise a certificate could be taken for the revoked one of the same order.
    @Test("The time of a revocation is that of the first event for the same certificate")
    func timeOfRevocation() throws {
        let order = try order([Self.events[7], Self.revoked, Self.events[14], Self.revoked])
        #expect(order.timeOfRevocation(of: "f") == 2)
        #expect(order.timeOfRevocation(of: "0a") == nil)
        #expect(try self.order([Self.events[7]]).timeOfRevocation(of: "f") == nil)
    }

    // Otherwise the program offers to remove a key of another program.
    @Test("An order has created its key only if the ledger says so, not if the key was found")
    func hasMadeKey() throws {
        let made = OrderEvent.made(publicKeyHash: "aa")
        #expect(try !order([]).hasMadeKey)
        #expect(try order([made]).hasMadeKey)
        #expect(try order([made, Self.sending(false)]).hasMadeKey)
        #expect(try !order([.found(publicKeyHash: "aa")]).hasMadeKey)
        #expect(try !order([made, .found(publicKeyHash: "bb")]).hasMadeKey)
        #expect(try !order([Self.sending(false)]).hasMadeKey)
    }

    // Otherwise an order that was sent counts as never sent.
    @Test("An order with an event of a later version may have been sent")
    func unknownEvents() throws {
        let known = try order([.made(publicKeyHash: "aa")])
        let later = RecordedEvent(sequence: 3, time: 3, kind: "posted", text: "{}")
        let order = try #require(Order(number: 1, events: known.events + [later]))
        #expect(order.unknownEvent == "posted")
        #expect(order.mayHaveOrdered && order.wasSent && order.mayBringCertificate)
        #expect(order.arrivedState == nil)
    }

    @Test("An order is finished when nothing is left to do")
    func finished() throws {
        let proved = Self.events[11]
        #expect(try order([proved]).isFinished)
        #expect(try !order([proved], retiring: true).isFinished)
        #expect(try order([proved, .retired(certificate: "old")], retiring: true).isFinished)
        #expect(try order([.refused(reason: "r")], newKey: false).isFinished)
        #expect(try !order([.refused(reason: "r")]).isFinished)
        #expect(try order([.closed(reason: "r")]).isFinished)
        for state in [Self.sending(false), .unclear(reason: "r"), Self.events[4], Self.events[7]] {
            #expect(try !order([state]).isFinished, "\(state.kind)")
        }
    }

    @Test("A request that was sent may lead to a certificate until it is refused or proved")
    func mayBring() throws {
        let proved = Self.events[11]
        let bring: [([OrderEvent], Bool)] = [
            ([], false), ([.made(publicKeyHash: "aa")], false), ([Self.sending(false)], true),
            ([.requested(request: "PEM")], true),
            ([Self.sending(false), .closed(reason: "given up")], true),
            ([Self.sending(false), .refused(reason: "r")], false),
            ([Self.sending(false), .notSent(reason: "r"), .closed(reason: "r")], false),
            ([Self.sending(false), proved], false),
        ]
        for (events, expected) in bring {
            #expect(try order(events).mayBringCertificate == expected, "\(events.map(\.kind))")
        }
        let unsent = try order([Self.sending(false), .notSent(reason: "r")])
        #expect(!unsent.wasSent)
        #expect(try order([Self.sending(false), .refused(reason: "r")]).wasSent)
    }

    // Otherwise the certificate is expected for a key other than the one in the request.
    @Test("The key of an order is the one sent, else the one created, else the one chosen")
    func key() throws {
        #expect(try order([]).publicKeyHash == nil)
        #expect(try order([.made(publicKeyHash: "bb")]).publicKeyHash == "bb")
        let sent = try order([.made(publicKeyHash: "bb"), Self.sending(false)])
        #expect(sent.publicKeyHash == "aa" && sent.timeOfSending == 2)
    }

    private func order(on token: String) throws -> Order {
        let begun = OrderEvent.begun(.example(on: token))
        return try #require(
            Order(
                number: 1,
                events: [
                    RecordedEvent(
                        sequence: 1, time: 0, kind: begun.kind, text: try begun.encoded())
                ]))
    }

    // Otherwise the PIN of one token is sent to another one.
    @Test("A blank serial number does not identify a token, however it is written")
    func blankSerialNumber() throws {
        for blank in [
            "serial=", "serial=%20", "serial=%20%20", "serial=%00", "serial=0000000000000000",
        ] {
            let order = try order(on: "pkcs11:model=a;\(blank);token=work")
            #expect(tokenBySerialNumber(order.beginning.token) == nil, "\(blank)")
            #expect(order.isFor("pkcs11:model=a;token=work"), "\(blank)")
            #expect(order.isFor("pkcs11:model=a;serial=%20;token=work"), "\(blank)")
            #expect(!order.isFor("pkcs11:model=a;serial=%20;token=other"), "\(blank)")
            #expect(!order.isFor("pkcs11:model=a;serial=1;token=work"), "\(blank)")
        }
        let order = try order(on: "pkcs11:model=a;serial=1;token=work")
        #expect(tokenBySerialNumber(order.beginning.token) == "pkcs11:serial=1")
        #expect(order.isFor("pkcs11:model=a;serial=1;token=renamed"))
        #expect(!order.isFor("pkcs11:model=a;serial=%20;token=work"))
        let old = try self.order(on: "pkcs11:model=a;serial=;token=")
        #expect(old.beginning.tokenURI == "pkcs11:model=a;serial=%20;token=%20")
    }

    // Otherwise an order is resumed on another token, which gets the PIN.
    @Test("Tokens with the same serial number and the same model or manufacturer are one token")
    func sameSerialNumber() throws {
        for (mine, other, isSame) in [
            ("model=a;manufacturer=m", "model=a;manufacturer=m", true),
            ("model=a;manufacturer=m", "model=b;manufacturer=m", true),
            ("model=a;manufacturer=m", "model=a;manufacturer=n", true),
            ("model=a;manufacturer=m", "model=b;manufacturer=n", false),
            ("model=a", "model=a", true), ("model=a", "model=b", false),
            ("model=a", "model=a;manufacturer=m", true),
            ("model=a", "model=b;manufacturer=m", false),
            ("model=a;manufacturer=%20", "model=b;manufacturer=%20", false),
            ("manufacturer=m", "manufacturer=m", true),
            ("manufacturer=m", "manufacturer=n", false),
            ("model=%20;manufacturer=m", "model=%20;manufacturer=n", false),
            ("token=work", "token=other", true), ("token=work", "model=a", false),
        ] {
            let order = try order(on: "pkcs11:\(mine);serial=1")
            #expect(order.isFor("pkcs11:\(other);serial=1") == isSame, "\(mine), \(other)")
            #expect(!order.isFor("pkcs11:\(other);serial=2"), "\(mine), \(other)")
            #expect(!order.mayBeFor("pkcs11:\(other);serial=2"), "\(mine), \(other)")
            if isSame { #expect(order.mayBeFor("pkcs11:\(other);serial=1")) }
        }
    }

    // Otherwise a second key gets the id of the first, or the first is removed.
    @Test("An order protects its key even if a module describes the token differently")
    func otherDescription() throws {
        let order = try order(on: "pkcs11:model=a;serial=1;token=work")
        #expect(!order.isFor("pkcs11:model=b;serial=1;token=work"))
        #expect(order.mayBeFor("pkcs11:model=b;serial=1;token=work"))
        #expect(!order.mayBeFor("pkcs11:model=b;manufacturer=m;serial=1;token=work"))
        #expect(!order.mayBeFor("pkcs11:model=a;serial=2;token=work"))
    }
}
