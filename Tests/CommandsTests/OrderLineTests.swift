import Foundation
import Testing
import TokencertTestSupport

@testable import TokencertCommands
@testable import TokencertIssuance
@testable import TokencertLedger

/// Orders in lists and histories. A user who reads that nothing was ordered orders again.
@Suite struct OrderLineTests {
    private static let sending = OrderEvent.sending(
        .init(keyURI: "pkcs11:id=%01", publicKeyHash: "aa", request: "PEM", isRepeated: false))
    private static let again = OrderEvent.sending(
        .init(keyURI: "pkcs11:id=%01", publicKeyHash: "aa", request: "PEM", isRepeated: true))
    private static let answered = OrderEvent.answered(
        .init(status: 200, body: [1], interruption: nil))
    private static let certified = OrderEvent.certified(
        .init(certificate: "PEM", others: "", changes: []))
    private static let proved = OrderEvent.proved(
        .init(uri: "pkcs11:", sha256Fingerprint: "f", challenge: [], signature: []))

    private func order(
        _ events: [OrderEvent], _ job: OrderEvent.Job = .issue(.example()),
        token: String = "pkcs11:token=work", label: [UInt8] = Array("mail".utf8),
        later: RecordedEvent? = nil
    ) throws -> Order {
        let beginning = OrderEvent.Beginning(
            job, token: token, module: .init(path: "/m.so"), keyID: "01", keyLabel: label)
        let recorded = try ([OrderEvent.begun(beginning)] + events).enumerated().map {
            RecordedEvent(
                sequence: Int64($0 + 1), time: 1_700_000_000, kind: $1.kind,
                text: try $1.encoded())
        }
        return try #require(Order(number: 7, events: recorded + (later.map { [$0] } ?? [])))
    }

    private func renewal(isRetired: Bool) -> OrderEvent.Job {
        .renew(.example(.existing(publicKeyHash: "aa")), replacing: "PEM", isRetired: isRetired)
    }

    // MARK: States

    // Otherwise the user could order a second certificate, or wait for one that never comes.
    @Test("The state in a list agrees with whether a certificate may still come")
    func states() throws {
        let late = [Self.sending, .unclear(reason: "late")]
        let came = [Self.sending, Self.answered, Self.certified]
        let twiceNotSent = late + [Self.again, .notSent(reason: "r")]
        let twiceRefused = late + [Self.again, Self.answered, .refused(reason: "r")]
        let written = came + [.written(uri: "pkcs11:")]
        let over = came + [.closed(reason: "given up")]
        let resume = "tokencert resume 7"
        let decision = "tokencert resume 7 --fetch"
        let cases: [([OrderEvent], String, String?)] = [
            ([], "nothing ordered yet", resume),
            ([.made(publicKeyHash: "aa")], "nothing ordered yet", resume),
            (
                [.signed(.init(publicKeyHash: "aa", request: "PEM"))], "nothing ordered yet",
                resume
            ),
            ([Self.sending], "outcome unknown", decision),
            (
                [Self.sending, .notSent(reason: "r")], "nothing ordered, CA not reached", resume
            ),
            (late, "outcome unknown", decision),
            (twiceNotSent, "outcome unknown", decision),
            (twiceRefused, "outcome unknown", decision),
            ([Self.sending, Self.answered], "answer not used", resume),
            ([Self.sending, Self.answered, .refused(reason: "r")], "refused by the CA", resume),
            (came, "certificate not written", resume),
            (written, "written, not proved", resume),
            ([Self.sending, Self.answered, Self.certified, Self.proved], "done", nil),
            (over, "over", nil),
        ]
        for (events, text, next) in cases {
            let order = try order(events)
            let line = OrderLine(order)
            #expect(line.stateText == text, "\(events)")
            #expect(line.next == next, "\(events)")
            #expect(line.isFinished == (next == nil), "\(events)")
            if text.hasPrefix("nothing ordered") || text == "refused by the CA" {
                #expect(!order.mayHaveOrdered, "\(events)")
            }
        }
    }

    @Test("A renewal with --retire is done only after the old certificate is removed")
    func renewals() throws {
        let came = [Self.sending, Self.answered, Self.certified, Self.proved]
        let kept = OrderLine(try order(came, renewal(isRetired: false)))
        #expect(kept.stateText == "done" && kept.next == nil && kept.job == "renew")
        let retired = renewal(isRetired: true)
        for events in [came, came + [.retiring(certificate: "old")]] {
            let line = OrderLine(try order(events, retired))
            #expect(line.stateText == "old certificate not removed", "\(events)")
            #expect(line.next == "tokencert resume 7" && !line.isFinished)
        }
        let removed = came + [.retiring(certificate: "old"), .retired(certificate: "old")]
        #expect(try OrderLine(order(removed, retired)).stateText == "done")
    }

    // This version cannot know whether the order was sent.
    @Test("No command is suggested for an order with events of a later version")
    func laterVersion() throws {
        let later = RecordedEvent(sequence: 9, time: 1_700_000_000, kind: "moved", text: "{}")
        for events in [[], [Self.sending], [Self.sending, Self.answered]] {
            let line = OrderLine(try order(events, later: later))
            #expect(line.stateText == "not readable by this version")
            #expect(line.next == nil)
        }
    }

    // MARK: JSON

    /// Programs that read the JSON rely on these names.
    @Test("The JSON of an order contains exactly the fields that apply to its job")
    func json() throws {
        let common: Set<String> = [
            "order", "began", "job", "state", "isFinished", "token", "keyID", "keyLabel",
        ]
        let issue = try jsonObject(OrderLine(try order([])))
        #expect(Set(issue.keys) == common.union(["ca", "account", "name", "next"]))
        #expect(issue["began"] as? String == "2023-11-14T22:13:20Z")
        #expect(issue["state"] as? String == "begun" && issue["order"] as? Int == 7)
        let request = try jsonObject(
            OrderLine(
                try order([.requested(request: "PEM")], .request(newKeyKind: "rsa:3072"))))
        #expect(Set(request.keys) == common)
        #expect(request["isFinished"] as? Bool == true)
        let imported = try jsonObject(
            OrderLine(
                try order([Self.certified], .import(.init(publicKeyHash: "aa")))))
        #expect(Set(imported.keys) == common.union(["next"]))
        let later = RecordedEvent(sequence: 9, time: 0, kind: "moved", text: "{}")
        let unknown = try jsonObject(OrderLine(try order([], later: later)))
        #expect(Set(unknown.keys) == common.union(["ca", "account", "name"]))
    }

    @Test("A history in JSON is valid and contains the events as recorded in the ledger")
    func history() throws {
        let quote = #"the CA said "no\n" {[, and more"#
        let later = RecordedEvent(
            sequence: 9, time: 1_700_000_000, kind: "mo\"ved\n", text: #"{"a": [1, {}]}"#)
        let orders = [
            try order([Self.sending, .unclear(reason: quote)]), try order([], later: later),
        ]
        let text = try historyJSON(orders)
        #expect(text.hasSuffix("}\n"))
        let parsed = try JSONSerialization.jsonObject(with: Data(text.utf8))
        let object = try #require(parsed as? [String: Any])
        let shown = try #require(object["orders"] as? [[String: Any]])
        #expect(shown.count == 2)
        let events = try #require(shown[0]["events"] as? [[String: Any]])
        #expect(events.map { $0["kind"] as? String } == ["begun", "sending", "unclear"])
        #expect(events.map { $0["sequence"] as? Int } == [1, 2, 3])
        #expect(events[2]["content"] as? [String: String] == ["reason": quote])
        #expect(events[0]["time"] as? String == "2023-11-14T22:13:20Z")
        let others = try #require(shown[1]["events"] as? [[String: Any]])
        #expect(others.last?["kind"] as? String == "mo\"ved\n")
        #expect((shown[1]["summary"] as? [String: Any])?["next"] == nil)
        let none = try JSONSerialization.jsonObject(with: Data(try historyJSON([]).utf8))
        let empty = try #require(none as? [String: Any])
        #expect((empty["orders"] as? [Any])?.isEmpty == true)
        #expect(empty["schemaVersion"] as? Int == 1 && object["schemaVersion"] as? Int == 1)
    }

    // MARK: Tables

    @Test("A label that is not UTF-8, or that moves the cursor, is escaped in a table")
    func hostileLabels() throws {
        let plain = Style(.standardOutput, choice: .never, symbols: .unicode)
        for (label, shown) in [
            (Array("a\u{1B}[2J".utf8), #"a\u{1B}[2J"#), ([0x6D, 0xE4], #"m\xE4"#),
            (Array("a\u{202E}b\nc".utf8), #"a\u{202E}b\u{A}c"#),
        ] as [([UInt8], String)] {
            let table = orderTable([OrderLine(try order([Self.sending], label: label))])
            let lines = table.lines(plain, width: nil)
            #expect(lines.count == 3 && lines[1].contains("  \(shown)  01  "), "\(lines)")
            // The command is never cut.
            #expect(lines[2] == "  to continue: tokencert resume 7 --fetch")
            #expect(table.lines(plain, width: 20)[2] == lines[2])
        }
        let over = orderTable([OrderLine(try order([.closed(reason: "over")]))])
        #expect(over.lines(plain, width: nil).count == 2)
    }
}

/// Text in JSON and on a terminal.
@Suite struct JSONTextTests {
    // A name in a certificate may contain control characters of terminals.
    @Test("JSON output contains no control characters, and parsing restores them")
    func controls() throws {
        let all = (0...0xA0).compactMap { Unicode.Scalar($0 as UInt32) }
        let text = String(String.UnicodeScalarView(all))
        for json in try [jsonLine([text]), jsonText([text])] {
            let escaped = json.unicodeScalars.filter {
                $0.properties.generalCategory == .control && $0 != "\n"
            }
            #expect(escaped.isEmpty, "\(escaped.map(\.value))")
            let parsed = try JSONSerialization.jsonObject(with: Data(json.utf8))
            let read = try #require((parsed as? [String])?.first)
            #expect(Array(read.unicodeScalars) == all)
        }
        #expect(try jsonLine(["\u{9B}2J\u{7F}"]) == #"["\u009b2J\u007f"]"#)
    }

    @Test("A line of JSON has no line feed, and its keys are sorted")
    func line() throws {
        #expect(
            try jsonLine(["b": "x\ny", "a": "https://a/b"])
                == #"{"a":"https://a/b","b":"x\ny"}"#)
        #expect(try jsonText(["b": 1, "a": 2]).split(separator: "\n").count == 4)
        let output = try JSONSerialization.jsonObject(
            with: Data(try jsonOutput(["b": 1]).utf8))
        #expect(output as? [String: Int] == ["b": 1, "schemaVersion": 1])
    }

    // RFC 5280 uses 99991231235959Z for a certificate that never expires.
    @Test("Times are printed in UTC, from the first to the last that a certificate can have")
    func timestamps() {
        let moments: [(Int64, String)] = [
            (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"), (2_147_483_648, "2038-01-19T03:14:08Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ]
        for (seconds, text) in moments { #expect(timestamp(seconds) == text) }
    }

    @Test("Text is padded by display width, with at least one blank")
    func padding() {
        for (text, width, shown) in [
            ("abc", 5, "abc  "), ("abc", 3, "abc "), ("abcd", 3, "abcd "), ("漢字", 6, "漢字  "),
            ("e\u{301}", 3, "e\u{301}  "), ("", 2, "  "),
        ] {
            #expect(padded(text, width) == shown, "\(text)")
        }
    }
}
