import CTokencertSQLite
import Testing
import TokencertTestSupport

@testable import TokencertLedger
@testable import TokencertSQLite

/// When an order may be sent, which events are accepted, and how errors of the database map.
@Suite struct SendingRuleTests {
    private static func sending(_ isRepeated: Bool = false) -> OrderEvent {
        .sending(
            .init(
                keyURI: "pkcs11:", publicKeyHash: "aa", request: "PEM", isRepeated: isRepeated))
    }

    private static let answered = OrderEvent.answered(
        .init(status: 200, body: [], interruption: nil))
    private static let proved = OrderEvent.proved(
        .init(uri: "pkcs11:", sha256Fingerprint: "f", challenge: [1], signature: [2]))

    private func order(_ events: [OrderEvent]) throws -> Order {
        try #require(
            Order(
                number: 7,
                events: ([.begun(.example())] + events).enumerated().map { index, event in
                    RecordedEvent(sequence: Int64(index) + 1, time: 0, event: event)
                }))
    }

    private func refusal(_ events: [OrderEvent], isRepeated: Bool) throws -> LedgerError.Code? {
        let order = try order(events)
        do throws(LedgerError) {
            try order.requireMaySend(isRepeated: isRepeated)
            return nil
        } catch {
            #expect(error.order == 7)
            return error.code
        }
    }

    // Otherwise a second certificate is ordered without the user's consent.
    @Test("An order is sent again only if it failed or the user requests it")
    func sending() throws {
        let never: [[OrderEvent]] = [
            [.closed(reason: "r")], [Self.sending(), .closed(reason: "r")],
            [.requested(request: "PEM")], [Self.sending(), .retired(certificate: "old")],
        ]
        let freely: [[OrderEvent]] = [
            [], [.made(publicKeyHash: "aa")], [.stopped(.init(step: "order", reason: "r"))],
            [Self.sending(), .notSent(reason: "r")], [Self.sending(), .refused(reason: "r")],
            [
                Self.sending(), .notSent(reason: "r"),
                .stopped(.init(step: "order", reason: "r")),
            ],
        ]
        let byUser: [[OrderEvent]] = [
            [Self.sending()], [Self.sending(), .unclear(reason: "r")],
            [Self.sending(), Self.answered],
            [Self.sending(), .stopped(.init(step: "order", reason: "r"))],
            [Self.sending(), .notSent(reason: "r"), Self.sending()],
            // The result of the second order says nothing about the first.
            [Self.sending(), .unclear(reason: "r"), Self.sending(true), .notSent(reason: "r")],
            [Self.sending(), .unclear(reason: "r"), Self.sending(true), .refused(reason: "r")],
        ]
        for isRepeated in [false, true] {
            for events in never {
                let code = try refusal(events, isRepeated: isRepeated)
                #expect(code == .finished, "\(events.map(\.kind))")
            }
            for events in freely {
                let code = try refusal(events, isRepeated: isRepeated)
                #expect(code == nil, "\(events.map(\.kind))")
            }
            for events in byUser {
                let code = try refusal(events, isRepeated: isRepeated)
                #expect(code == (isRepeated ? nil : .alreadySent), "\(events.map(\.kind))")
            }
        }
    }

    @Test("An order that another process closed is not sent, and the ledger is unchanged")
    func closedMeanwhile() throws {
        let folder = try TemporaryFolder()
        let ledger = try Ledger(path: folder.file("ledger.sqlite")) { 0 }
        let open = try ledger.begin(.example())
        try open.record(.closed(reason: "given up"))
        for isRepeated in [false, true] {
            let error = #expect(throws: LedgerError.self) {
                try open.record(Self.sending(isRepeated))
            }
            #expect(error?.code == .finished && error?.order == open.number)
        }
        #expect(try open.order().events.map(\.kind) == ["begun", "closed"])
        // Later events are still recorded: a certificate may have been written.
        try open.record(.written(uri: "pkcs11:"))
        #expect(try ledger.verify().isEmpty)
    }

    // MARK: Reading events

    // Otherwise an incomplete event is taken for a valid one.
    @Test("An event with missing contents is refused, and one with additional contents accepted")
    func content() {
        let kinds = [
            "begun", "made", "found", "signed", "sending", "not sent", "answered", "refused",
            "unclear", "certified", "chain written", "requested", "written", "proved", "retiring",
            "retired", "stopped", "closed", "revoked",
        ]
        for kind in kinds {
            for text in ["{}", "", "[]", "null", "\"r\"", #"{"Reason":"r"}"#, #"{"reason":1}"#] {
                #expect(OrderEvent(kind: kind, encoded: text) == nil, "\(kind): \(text)")
            }
        }
        let more = #"{"later":"x","reason":"r"}"#
        #expect(OrderEvent(kind: "closed", encoded: more) == .closed(reason: "r"))
        #expect(OrderEvent(kind: "Closed", encoded: #"{"reason":"r"}"#) == nil)
        #expect(OrderEvent(kind: "", encoded: #"{"reason":"r"}"#) == nil)
    }

    @Test("The bytes of an answer are kept, and invalid base64 is refused")
    func bytes() throws {
        let all = OrderEvent.answered(
            .init(status: 200, body: (0...255).map { UInt8($0) }, interruption: nil))
        let text = try all.encoded()
        #expect(OrderEvent(kind: "answered", encoded: text) == all)
        for body in ["***", "AAA", "A", "é"] {
            let broken = #"{"body":"\#(body)","status":200}"#
            #expect(OrderEvent(kind: "answered", encoded: broken) == nil, "\(body)")
        }
        let empty = OrderEvent(kind: "answered", encoded: #"{"body":"","status":0}"#)
        #expect(empty == .answered(.init(status: 0, body: [], interruption: nil)))
    }

    // MARK: Labels

    // Otherwise the key is searched by a label that it does not have.
    @Test("A label with any bytes is decoded unchanged")
    func labels() throws {
        let labels: [[UInt8]] = [
            [], [0], [0xFF], [0xC3], [0x6D, 0, 0x6D], Array("M\u{FC}ller".utf8),
            Array("Mu\u{308}ller".utf8), Array("\u{FFFD}".utf8), [0xEF, 0xBF, 0xBD, 0xFF],
            [0xC0, 0x80], [0xED, 0xA0, 0x80], Array("\"\\\n\u{2028}".utf8),
            (0...255).map { UInt8($0) },
        ]
        for label in labels {
            var issue = OrderEvent.Issue.example()
            issue.certificateLabel = label
            let beginning = OrderEvent.Beginning(
                .issue(issue), token: "pkcs11:token=work", module: .init(path: "/m.so"),
                keyID: "01", keyLabel: label)
            let text = try OrderEvent.begun(beginning).encoded()
            #expect(OrderEvent(kind: "begun", encoded: text) == .begun(beginning), "\(label)")
            let isText = String(validating: label, as: UTF8.self) != nil
            #expect(text.contains("rawKeyLabel") == !isText, "\(label)")
            #expect(text.contains("rawCertificateLabel") == !isText, "\(label)")
        }
    }

    // Otherwise the user sees a label other than the one that is used.
    @Test("A label with contradictory text and bytes is refused")
    func contradictingLabels() throws {
        let beginning = OrderEvent.Beginning(
            .issue(.example()), token: "pkcs11:token=work", module: .init(path: "/m.so"),
            keyID: "01", keyLabel: [0x6D, 0xFF])
        let text = try OrderEvent.begun(beginning).encoded()
        #expect(text.contains(#""rawKeyLabel":"bf8=""#), "\(text)")
        for (raw, reason) in [
            ("bWE=", "bytes that are UTF-8"), ("/20=", "other bytes"), ("***", "not base64"),
            ("", "no bytes"),
        ] {
            let changed = text.replacing("bf8=", with: raw)
            #expect(OrderEvent(kind: "begun", encoded: changed) == nil, "\(reason)")
        }
    }

    // MARK: Errors of the database

    @Test("Each SQLite error has the code that determines the user's hint")
    func errors() {
        let codes: [(Int32, LedgerError.Code)] = [
            (SQLITE_BUSY, .locked), (SQLITE_LOCKED, .locked), (SQLITE_FULL, .full),
            (SQLITE_BUSY | (2 << 8), .locked), (SQLITE_CORRUPT, .damaged),
            (SQLITE_NOTADB, .damaged), (SQLITE_CANTOPEN, .unusable),
            (SQLITE_IOERR, .unusable), (SQLITE_READONLY, .unusable),
            (SQLITE_CONSTRAINT, .unusable), (SQLITE_PERM, .unusable),
            (SQLITE_MISMATCH, .damaged),
        ]
        for (result, code) in codes {
            let error = LedgerError(
                "/none/ledger.sqlite", SQLiteError(.init(rawValue: result), "why"))
            #expect(error.code == code, "\(result)")
            #expect(error.reason.contains("/none/ledger.sqlite"), "\(error.reason)")
            #expect(error.order == nil)
        }
        let own = LedgerError(.inUse, "r", order: 7)
        #expect(LedgerError("/none", own) == own)
        struct Other: Error {}
        #expect(LedgerError("/none", Other()).code == .damaged)
    }
}
